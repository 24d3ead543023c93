"""What each table consists of, in words that hold for both databases.

A backup carries its shapes with it, so that it can be read where the tables have
changed since.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Boolean, Integer

from scim_connector.directory.tables import SearchDocument, metadata

if TYPE_CHECKING:
    from sqlalchemy import Column

KINDS: Final = frozenset({"integer", "text", "boolean", "json"})
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


class BadShape(ValueError):
    """The description of a table makes no sense."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A table: its columns with the kind of each, and what its rows are ordered by."""

    table: str
    columns: Mapping[str, str]
    key: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The shape as JSON."""
        return {"table": self.table, "columns": self.columns, "key": self.key}

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> Shape:
        """Read it again; raises BadShape, for names and kinds go into SQL."""
        try:
            shape = cls(str(value["table"]), dict(value["columns"]), (*value["key"],))
        except (KeyError, TypeError, ValueError):
            raise BadShape from None
        names = (shape.table, *shape.columns)
        known = all(_NAME.fullmatch(name) for name in names)
        if not (known and shape.key and set(shape.key) <= shape.columns.keys()):
            raise BadShape
        if not set(shape.columns.values()) <= KINDS:
            raise BadShape
        return shape


def _kind(column: Column[Any]) -> str:
    if column.type is SearchDocument:
        return "json"
    if isinstance(column.type, Boolean):
        return "boolean"
    return "integer" if isinstance(column.type, Integer) else "text"


#: Every table, whatever a row points at before the row.
SHAPES: Final = tuple(
    Shape(
        str(table.name),
        {str(column.name): _kind(column) for column in table.columns},
        tuple(str(column.name) for column in table.primary_key),
    )
    for table in metadata.sorted_tables
)
