"""The spans of the database: each statement, and each transaction from its lock on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

from opentelemetry.trace import SpanKind, get_current_span

from scim_connector.directory.database import Database, Transaction
from scim_connector.directory.tables import metadata
from scim_connector.wiring.tracing.spans import failed, within

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

    from scim_connector.directory.statements import Statement

T = TypeVar("T")

#: What is kept of a statement's text.
LONGEST: Final = 2_000
_OPERATION: Final = re.compile(r"\w+")
_TABLE: Final = re.compile(r"\b(?:FROM|INTO|UPDATE)\s+\"?(\w+)")
#: A constant in a text may be a value that somebody has sent.
_CONSTANT: Final = re.compile(r"'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b")


@lru_cache(maxsize=1_024)
def described(sql: str, dialect: str) -> tuple[str, Mapping[str, str]]:
    """The name of a statement, and what is told of it: no value, no constant."""
    found = _OPERATION.search(sql)
    operation = found[0].upper() if found else "statement"
    told = {"db.system.name": dialect, "db.operation.name": operation}
    text = _CONSTANT.sub("?", sql)
    if "'" not in text:
        told["db.query.text"] = text[:LONGEST]
    table = next((t for t in _TABLE.findall(sql) if t in metadata.tables), None)
    if table is None:
        return operation, told
    return f"{operation} {table}", {**told, "db.collection.name": table}


class TracedTransaction(Transaction):
    """Runs each statement inside a span of its own, until its rows are fetched."""

    database: TracedDatabase

    def rows(self, statement: Statement, **values: Any) -> list[tuple[Any, ...]]:
        """Every row, as tuples."""
        with self._span(statement):
            return super().rows(statement, **values)

    def row(self, statement: Statement, **values: Any) -> tuple[Any, ...] | None:
        """The first row, or None."""
        with self._span(statement):
            return super().row(statement, **values)

    def batches(self, statement: Statement, size: int) -> Iterator[list[Any]]:
        """Every row, some at a time; in the span is what is done with them, too.

        It is not the current one meanwhile: whoever asks may leave at any time.
        """
        if not get_current_span().is_recording():
            yield from super().batches(statement, size)
            return
        name, told = described(statement.sql(self.dialect), self.dialect)
        span = self.database.tracer.start_span(
            name, kind=SpanKind.CLIENT, attributes=told
        )
        try:
            yield from super().batches(statement, size)
        except Exception as error:
            failed(span, error)
            raise
        finally:
            span.end()

    def run(self, statement: Statement, **values: Any) -> int:
        """Run a change; returns how many rows it met."""
        with self._span(statement):
            return super().run(statement, **values)

    def run_each(
        self, statement: Statement, batch: Sequence[Mapping[str, Any]]
    ) -> None:
        """Run a change once for each mapping of *batch*."""
        with self._span(statement):
            super().run_each(statement, batch)

    def _span(self, statement: Statement) -> AbstractContextManager[Span]:
        name, told = described(statement.sql(self.dialect), self.dialect)
        return within(self.database.tracer, name, told, kind=SpanKind.CLIENT)


class TracedDatabase(Database):
    """A database that tells its statements, and how long transactions took in all."""

    transactions: ClassVar[type[Transaction]] = TracedTransaction

    def __init__(self, tracer: Tracer, url: str, **times: float) -> None:
        """As :class:`Database`, with spans of *tracer*."""
        super().__init__(url, **times)
        self.tracer = tracer

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Run *work*, with the wait before it and the commit behind it in one span."""
        with within(self.tracer, "transaction", {"db.system.name": self.dialect}):
            return super().write(work)
