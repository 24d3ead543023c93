"""Statements built once with SQLAlchemy Core and run as plain SQL on the driver.

Building a Core expression and letting the engine execute it costs more than the query
itself, so a statement is compiled once for each dialect to SQL text with named
parameters; the driver gets the text and a mapping.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from sqlalchemy.sql.base import Executable

_DIALECTS: Mapping[str, Any] = {
    "sqlite": sqlite.dialect(paramstyle="named"),
    "postgresql": postgresql.dialect(paramstyle="pyformat"),  # type: ignore[no-untyped-call]
}


class Statement:
    """One Core clause, compiled for a dialect the first time it is run there.

    *columns* names the columns of an INSERT or UPDATE whose values come at run time.
    """

    __slots__ = ("_clause", "_columns", "_compiled")

    def __init__(self, clause: Executable, columns: tuple[str, ...] = ()) -> None:
        """Keep the clause; nothing is compiled yet."""
        self._clause = clause
        self._columns = columns or None
        self._compiled: dict[str, tuple[str, dict[str, Any]]] = {}

    def sql(self, dialect: str) -> str:
        """The SQL text for "sqlite" or "postgresql"."""
        return (self._compiled.get(dialect) or self._compile(dialect))[0]

    def bound(self, dialect: str, values: Mapping[str, Any]) -> tuple[str, Any]:
        """The SQL text and its parameters, constants of the clause included."""
        text, constants = self._compiled.get(dialect) or self._compile(dialect)
        return text, ({**constants, **values} if constants else values)

    def _compile(self, dialect: str) -> tuple[str, dict[str, Any]]:
        compiled = self._clause.compile(  # type: ignore[attr-defined]
            dialect=_DIALECTS[dialect],
            column_keys=self._columns,
        )
        required = {n: None for b, n in compiled.bind_names.items() if b.required}
        # Lists of constants and literals stand in the text only after this.
        whole = compiled.construct_expanded_state(required)
        constants = {n: v for n, v in whole.parameters.items() if n not in required}
        made = (whole.statement, constants)
        self._compiled[dialect] = made
        return made
