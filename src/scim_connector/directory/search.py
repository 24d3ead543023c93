"""Lists of resources: filtered, sorted, from any place, with their total.

A page without a filter is found by the counters of ``links.seq`` and costs about the
same wherever it starts (decision 42). A filter is compiled once for its shape; the few
rows it leaves are found through an index where it has one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select

from scim_connector.directory.database import StatementTimeout
from scim_connector.directory.search_conditions import EQUAL, is_selective
from scim_connector.directory.search_selection import (
    Selection,
    Sort,
    select_by,
    took_too_long,
)
from scim_connector.directory.search_sequence import (
    MOST,
    SKIPPED,
    Counted,
    Found,
    Page,
    Span,
    counted_page,
    counted_total,
    shown,
)
from scim_connector.directory.search_targets import CONNECTION, GROUPS, USERS, Target
from scim_connector.directory.search_walk import Place, Walked, value_at, walk
from scim_connector.directory.statements import Statement
from scim_connector.scim import filters
from scim_connector.scim.filters import Compare, Expression, Parameter

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader
    from scim_connector.directory.search_json import Clause
    from scim_connector.directory.search_order import Order
    from scim_connector.scim.schemas import ResourceType

__all__ = [
    "GROUPS",
    "USERS",
    "Found",
    "Page",
    "Place",
    "Target",
    "Walked",
    "page",
    "value_at",
    "walk",
]

_LARGEST: Final = 2**40


@dataclass(frozen=True, slots=True)
class _Query:
    """A search compiled for one shape, order and database.

    *active* is set when the filter is nothing but ``active eq ...``: the counters know
    that total, as they know that of no filter at all (*everything*).
    """

    rows: Statement
    count: Statement
    selection: Selection
    everything: bool
    active: Parameter | None
    is_unique: bool

    def counted(self, strings: tuple[str, ...]) -> Counted | None:
        """Return what counters have to be asked for the total, None for a query."""
        if self.everything:
            return "live"
        if self.active is None:
            return None
        return "active" if self.active.value(strings) else "inactive"


def page(
    reader: Reader,
    target: Target,
    *,
    connection_id: int,
    resource_type: ResourceType,
    filter_text: str | None = None,
    start: int = 1,
    count: int = 100,
    sort_by: str | None = None,
    descending: bool = False,
) -> Page:
    """Return the visible resources of a connection, from the 1-based *start* on.

    In the order of creation, or by the attribute *sort_by*; absent values are last
    then, and *descending* turns that order round. *count* may be 0: the total alone.
    Raises InvalidFilter, Sensitive or TooMany for the filter, InvalidPath or
    InvalidValue for *sort_by*; TooMany also when the statement deadline ends a search,
    Unavailable when it ends a plain list (decision 32).
    """
    span = Span(min(max(start, 1), _LARGEST) - 1, min(max(count, 0), _LARGEST))
    prepared = filters.prepare(filter_text, resource_type) if filter_text else None
    sort = Sort(sort_by, descending) if sort_by else None
    try:
        if prepared is None and sort is None and target.has_counters:
            return counted_page(reader, connection_id, "live", span)
        shape, strings = (prepared.shape, prepared.strings) if prepared else (None, ())
        query = _compiled(target, shape, resource_type, reader.dialect, sort)
        counted = query.counted(strings) if target.has_counters else None
        if counted and sort is None:
            return counted_page(reader, connection_id, counted, span)
        values = query.selection.values(connection_id, strings)
        return _found_page(reader, query, values, counted, span)
    except StatementTimeout:
        is_search = bool(prepared or sort)
        raise took_too_long(target, is_search=is_search) from None


def _found_page(
    reader: Reader,
    query: _Query,
    values: dict[str, Any],
    counted: Counted | None,
    span: Span,
) -> Page:
    """Run a compiled search; its total needs a second query only at a full page."""
    found: list[Any] = []
    if span.most:
        found = reader.rows(query.rows, **values, most=span.most, skipped=span.skipped)
    if counted:
        total = counted_total(reader, values[CONNECTION], counted)
    elif found and query.is_unique:
        total = 1
    elif len(found) < span.most and (found or not span.skipped):
        total = span.skipped + len(found)
    else:
        total = reader.value(query.count, **values)
    return Page(total, shown(found))


# ------------------------------------------------------------------------- compiling


@lru_cache(maxsize=512)
def _compiled(
    target: Target,
    shape: str | None,
    resource_type: ResourceType,
    dialect: str,
    sort: Sort | None,
) -> _Query:
    """Compile a search; what follows from its texts is left to the bindings."""
    chosen = select_by(target, shape, resource_type, dialect, sort)
    template, in_sequence = chosen.template, chosen.in_sequence()
    where = chosen.where if sort else in_sequence
    few = template is not None and is_selective(target, template, EQUAL)
    counted = select(func.count()).select_from(target.table).where(*in_sequence)
    return _Query(
        rows=Statement(_rows(target, where, chosen.order, few=few)),
        count=Statement(counted),
        selection=chosen,
        everything=template is None,
        active=_active(template),
        is_unique=_is_unique(target, template),
    )


def _rows(target: Target, where: list[Clause], order: Order, *, few: bool) -> Any:
    """Build the page; unless few match, they are sorted and passed over as ``seq``."""
    table = target.table
    if few:
        rows = select(*target.shown(table)).where(*where)
        return rows.order_by(*order.of(table)).limit(MOST).offset(SKIPPED)
    narrow = select(table.c.seq).where(*where).order_by(*order.of(table))
    found = narrow.limit(MOST).offset(SKIPPED).subquery("found")
    whole = table.alias("shown")
    rows = select(*target.shown(whole))
    return rows.join(found, found.c.seq == whole.c.seq).order_by(*order.of(whole))


def _active(template: Expression | None) -> Parameter | None:
    """Return the value of a filter that is nothing but ``active eq ...``."""
    match template:
        case Compare(path, "eq", Parameter() as parameter) if path.keys == ("active",):
            return parameter
    return None


def _is_unique(target: Target, template: Expression | None) -> bool:
    """Say whether one resource matches at most."""
    match template:
        case Compare(path, "eq"):
            column = target.column(path)
            return column is not None and column.unique
    return False
