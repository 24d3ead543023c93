"""What a list is sorted by (RFC 7644 section 3.4.2.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import literal_column as sql
from sqlalchemy import select

from scim_connector.directory.search_targets import steps_of
from scim_connector.scim.errors import InvalidValue
from scim_connector.scim.filters import AttributePath

if TYPE_CHECKING:
    from sqlalchemy import FromClause

    from scim_connector.directory.search_json import Clause, Documents
    from scim_connector.directory.search_targets import Target
    from scim_connector.scim.paths import Path


def attribute_path(path: Path) -> AttributePath:
    """Return where a path without a filter looks in a search document."""
    extension = (path.extension.lower(),) if path.extension else ()
    keys = (*extension, path.attribute.name.lower())
    return AttributePath(keys, path.attribute, path.sub)


@dataclass(frozen=True, slots=True)
class Order:
    """An order of a target: by creation, or by an attribute and then by creation.

    Text is ordered by code point, after folding where case does not count. Absent
    values are last; *descending* turns everything round. Of several values the primary
    one counts, else the first.
    """

    target: Target
    documents: Documents
    path: AttributePath | None = None
    descending: bool = False
    by_index: bool = True

    def of(self, table: FromClause) -> list[Clause]:
        """Return the ORDER BY of the target or of an alias of it."""
        seq, value = self.seq(table), self.value(table)
        if value is None:
            return [seq]
        if self.descending:
            last = value.desc().nulls_first() if self.is_nullable else value.desc()
            return [last, seq.desc()]
        return [value.asc().nulls_last() if self.is_nullable else value.asc(), seq]

    def seq(self, table: FromClause) -> Clause:
        """Return the place by creation.

        "+ 0" keeps a planner from walking all rows in this order, in the hope to meet
        the few that match soon.
        """
        return table.c.seq if self.by_index else table.c.seq + sql("0")

    @property
    def is_nullable(self) -> bool:
        """Say whether what is sorted by may be absent."""
        column = self.target.column(self.path) if self.path else None
        return column is None or self.target.is_nullable(column)

    def value(self, table: FromClause) -> Clause | None:
        """Return what is sorted by, None for creation alone.

        Raises InvalidFilter or InvalidValue when nothing can be sorted by it.
        """
        path = self.path
        if path is None:
            return None
        self.target.refuse_made(steps_of(path))
        rows = self.target.rows_of(path)
        if rows is not None and not rows.is_copy:
            message = f"{path.attribute.name} are many, and none is the first of them."
            raise InvalidValue(f"{message} Sort by an attribute with one value.")
        value: Clause
        column = self.target.column(path)
        if column is not None:
            value = table.c[column.name]
        elif path.multi_valued:
            value = self._of_elements(table, path)
        else:
            kind = path.target.type
            value = self.documents.value(table.c.search, steps_of(path), kind)
        if path.target.type in {"string", "reference", "binary"}:
            value = self.documents.ordered(value)
        return value

    def _of_elements(self, table: FromClause, path: AttributePath) -> Clause:
        """Return the value of the primary element, else of the first."""
        elements, element = self.documents.each(table.c.search, path.keys)
        key = path.sub_key or "value"
        value = self.documents.value(element, (key,), path.target.type)
        primary = self.documents.value(element, ("primary",), "boolean")
        place = self.documents.position(elements)
        first = select(value).select_from(elements).correlate(table)
        first = first.order_by(primary.desc().nulls_last(), place).limit(sql("1"))
        return first.scalar_subquery()
