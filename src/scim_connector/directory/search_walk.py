"""Lists that are walked from one row on, however many come and go meanwhile.

A walk remembers the last row it met: what it is sorted by and its ``seq``. What comes
behind that place is found by an index, never by counting, so whoever is left alone
during the walk is met exactly once (RFC 9865 section 4). Absent values are last and, in
descending order, first: they are a part of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import BigInteger, and_, bindparam, null, or_, select
from sqlalchemy import literal_column as sql

from scim_connector.directory.database import StatementTimeout
from scim_connector.directory.search_selection import (
    Selection,
    Sort,
    select_by,
    took_too_long,
)
from scim_connector.directory.search_sequence import MOST, Found, shown
from scim_connector.directory.search_targets import CONNECTION, Target
from scim_connector.directory.statements import Statement
from scim_connector.scim import filters

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader
    from scim_connector.directory.search_json import Clause
    from scim_connector.scim.schemas import ResourceType

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Place:
    """The row that was met last, and what it was sorted by then (None: absent)."""

    seq: int
    value: Value = None


@dataclass(frozen=True, slots=True)
class Walked:
    """What was met, and the place of the last one if more follow."""

    rows: list[Found]
    last: Place | None


@dataclass(frozen=True, slots=True)
class _Part:
    """The rows that have a value, or those that have none; from a place or all."""

    whole: Statement
    behind: Statement


@dataclass(frozen=True, slots=True)
class _Walk:
    """A walk compiled for one shape, order and database: its parts in their order."""

    selection: Selection
    parts: tuple[_Part, ...]
    has_values: tuple[bool, ...]
    value: Statement


def walk(
    reader: Reader,
    target: Target,
    *,
    connection_id: int,
    resource_type: ResourceType,
    filter_text: str | None = None,
    sort_by: str | None = None,
    descending: bool = False,
    after: Place | None = None,
    count: int,
) -> Walked:
    """Return the first *count* resources (1 or more), or those behind *after*.

    In the order of ``search.page``, and raises what it raises.
    """
    prepared = filters.prepare(filter_text, resource_type) if filter_text else None
    sort = Sort(sort_by, descending) if sort_by else None
    shape, strings = (prepared.shape, prepared.strings) if prepared else (None, ())
    try:
        found = _compiled(target, shape, resource_type, reader.dialect, sort)
        values = found.selection.values(connection_id, strings)
        rows = _met(reader, found, values, after, count + 1)
    except StatementTimeout:
        is_search = bool(prepared or sort)
        raise took_too_long(target, is_search=is_search) from None
    last = _place(rows[count - 1]) if len(rows) > count else None
    return Walked(shown(rows[:count]), last)


def value_at(
    reader: Reader,
    target: Target,
    *,
    connection_id: int,
    resource_type: ResourceType,
    sort_by: str,
    seq: int,
) -> Value:
    """Return what a row is sorted by now; None also when it is gone."""
    found = _compiled(target, None, resource_type, reader.dialect, Sort(sort_by))
    values = {CONNECTION: connection_id, "after": seq}
    return _plain(reader.value(found.value, **values))


def _met(
    reader: Reader,
    found: _Walk,
    values: dict[str, Any],
    after: Place | None,
    most: int,
) -> list[tuple[Any, ...]]:
    """Read one part after the other until there is enough."""
    rows: list[tuple[Any, ...]] = []
    for part, has_values in zip(found.parts, found.has_values, strict=True):
        is_here = after is not None and (after.value is not None) is has_values
        if after is not None and not is_here:
            continue  # this part was walked through
        statement, more = part.whole, values
        if after is not None:
            statement, more = part.behind, values | {"after": after.seq}
            if has_values:
                more["at"] = after.value
            after = None
        rows += reader.rows(statement, **more, most=most - len(rows))
        if len(rows) >= most:
            break
    return rows


def _place(row: tuple[Any, ...]) -> Place:
    return Place(row[0], _plain(row[-1]))


def _plain(value: Any) -> Value:
    """Return a value as JSON holds it; a decimal of PostgreSQL as text, to the digit."""
    return str(value) if isinstance(value, Decimal) else value


# ------------------------------------------------------------------------- compiling

_AFTER: Final = bindparam("after", type_=BigInteger)


@lru_cache(maxsize=512)
def _compiled(
    target: Target,
    shape: str | None,
    resource_type: ResourceType,
    dialect: str,
    sort: Sort | None,
) -> _Walk:
    selection = select_by(target, shape, resource_type, dialect, sort)
    value = selection.order.value(target.table)
    parts = {False: _absent(selection, value)}
    if value is not None:
        parts[True] = _present(selection, value)
    if value is not None and not selection.order.is_nullable:
        del parts[False]
    order = sorted(parts, reverse=not selection.order.descending)
    here = [*target.visible(target.table), target.table.c.seq == _AFTER]
    return _Walk(
        selection=selection,
        parts=tuple(parts[has_values] for has_values in order),
        has_values=tuple(order),
        value=Statement(select(null() if value is None else value).where(*here)),
    )


def _absent(selection: Selection, value: Clause | None) -> _Part:
    """Rows without a value (all, when nothing is sorted by), in order of creation."""
    order, table = selection.order, selection.target.table
    is_absent = [] if value is None else [value.is_(None)]
    where = [*selection.where, *is_absent]
    seq = order.seq(table)
    if order.descending:
        behind, by = seq < _AFTER, [seq.desc()]
    else:
        behind, by = seq > _AFTER, [seq]
    first = [] if selection.is_selective or value is not None else [seq >= sql("0")]
    return _Part(
        Statement(_rows(selection, [*where, *first], None, by)),
        Statement(_rows(selection, [*where, behind], None, by)),
    )


def _present(selection: Selection, value: Clause) -> _Part:
    """Rows with a value, by that and by creation.

    The first bound is for the index: no planner finds it inside the "or".
    """
    order, table = selection.order, selection.target.table
    seq = order.seq(table)
    at: Clause = bindparam("at")
    if order.descending:
        behind = and_(value <= at, or_(value < at, seq < _AFTER))
        by = [value.desc(), seq.desc()]
    else:
        behind = and_(value >= at, or_(value > at, seq > _AFTER))
        by = [value, seq]
    where = [*selection.where, value.is_not(None)]
    return _Part(
        Statement(_rows(selection, where, value, by)),
        Statement(_rows(selection, [*where, behind], value, by)),
    )


def _rows(
    selection: Selection,
    where: list[Clause],
    value: Clause | None,
    by: list[Clause],
) -> Any:
    """Find the rows as ``seq`` with what they are sorted by, then read them whole."""
    target, descending = selection.target, selection.order.descending
    sorted_by = (null() if value is None else value).label("sorted_by")
    narrow = select(target.table.c.seq, sorted_by).where(*where).order_by(*by)
    found = narrow.limit(MOST).subquery("found")
    whole = target.table.alias("shown")
    columns = [found.c.seq] if value is None else [found.c.sorted_by, found.c.seq]
    outer = [column.desc() if descending else column for column in columns]
    rows = select(*target.shown(whole), found.c.sorted_by)
    return rows.join(found, found.c.seq == whole.c.seq).order_by(*outer)
