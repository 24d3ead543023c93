"""What roles and profiles have in common: rows with a unique name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Table, bindparam, insert, select

from scim_connector.directory.statements import Statement
from scim_connector.rules.folding import name_key

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction


@dataclass(frozen=True, slots=True)
class Named:
    """A role or a profile."""

    id: int
    name: str


class Names:
    """The rows of one table with ``name`` and its folded, unique ``name_key``."""

    def __init__(self, table: Table) -> None:
        """Prepare the statements for *table*."""
        columns = (table.c.id, table.c.name)
        self._all = Statement(select(*columns).order_by(table.c.name_key))
        self._by_key = Statement(
            select(*columns).where(table.c.name_key == bindparam("key"))
        )
        self._by_id = Statement(
            select(table.c.name).where(table.c.id == bindparam("of_id"))
        )
        self._add = Statement(insert(table).returning(table.c.id), ("name", "name_key"))

    def every(self, reader: Reader) -> list[Named]:
        """All rows by name."""
        return [Named(*row) for row in reader.rows(self._all)]

    def by_name(self, reader: Reader, name: str) -> Named | None:
        """The row of this name, in any case."""
        row = reader.row(self._by_key, key=name_key(name))
        return None if row is None else Named(*row)

    def by_names(self, reader: Reader, names: Iterable[str]) -> dict[str, int]:
        """The ids of the names that exist, by the name as asked for."""
        found = {name: self.by_name(reader, name) for name in names}
        return {name: row.id for name, row in found.items() if row is not None}

    def name(self, reader: Reader, row_id: int) -> str:
        """The name of the row of this id."""
        return str(reader.value(self._by_id, of_id=row_id))

    def add(self, tx: Transaction, name: str) -> int:
        """Insert a row; raises ConstraintBroken when the name is taken."""
        return tx.insert(self._add, name=name.strip(), name_key=name_key(name))
