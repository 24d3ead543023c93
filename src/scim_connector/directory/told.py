"""What receivers and webhooks have in common: rows with a unique name, told of kinds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import orjson
from sqlalchemy import bindparam, select, update

from scim_connector.directory.statements import Statement
from scim_connector.rules.folding import name_key

if TYPE_CHECKING:
    from sqlalchemy import Table

    from scim_connector.directory.database import Reader, Transaction

T = TypeVar("T")


class Told(Generic[T]):
    """The rows of one table, each made into a value; its kinds are a list in JSON."""

    def __init__(
        self, table: Table, made: Callable[..., T], names: Sequence[str], *flags: str
    ) -> None:
        """Read the columns *names*; those of *flags* are true or false."""
        columns = [table.c[name] for name in names]
        self._made = made
        self._kinds = names.index("kinds")
        self._flags = [names.index(flag) for flag in flags]
        self._this = update(table).where(table.c.id == bindparam("of_id"))
        self._every = Statement(select(*columns).order_by(table.c.name_key))
        self._by_id = Statement(
            select(*columns).where(table.c.id == bindparam("of_id"))
        )
        self._by_name = Statement(
            select(*columns).where(table.c.name_key == bindparam("key"))
        )

    def of_row(self, row: tuple[Any, ...]) -> T:
        """What a row of these columns is."""
        values = list(row)
        values[self._kinds] = tuple(orjson.loads(values[self._kinds]))
        for flag in self._flags:
            values[flag] = bool(values[flag])
        return self._made(*values)

    def every(self, reader: Reader) -> list[T]:
        """All of them, by name."""
        return [self.of_row(row) for row in reader.rows(self._every)]

    def by_id(self, reader: Reader, row_id: int) -> T | None:
        """The one of this id."""
        row = reader.row(self._by_id, of_id=row_id)
        return None if row is None else self.of_row(row)

    def by_name(self, reader: Reader, name: str) -> T | None:
        """The one of this name, in any case."""
        row = reader.row(self._by_name, key=name_key(name))
        return None if row is None else self.of_row(row)

    def change(self, tx: Transaction, row_id: int, changes: Mapping[str, Any]) -> None:
        """Set columns of one."""
        values = dict(changes)
        if "kinds" in values:
            values["kinds"] = as_kept(values["kinds"])
        named: dict[str, Any] = {name: bindparam(f"new_{name}") for name in values}
        new = {f"new_{name}": value for name, value in values.items()}
        tx.run(Statement(self._this.values(named)), of_id=row_id, **new)


def as_kept(kinds: Sequence[str]) -> str:
    """Kinds as a row has them."""
    return orjson.dumps(list(kinds)).decode()
