"""Rows in one form for both databases: read in order, summed up, loaded.

A row is a list of numbers, text, truth and, for a search document, the document itself.
As a line of JSON it is the same bytes wherever it is stored, so equal sums prove that
two tables hold the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import orjson
from sqlalchemy import Text, cast, collate, column, func, select, table

from scim_connector.directory.failures import is_of_driver
from scim_connector.directory.statements import Statement

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction
    from scim_connector.directory.shapes import Shape

Row = list[Any]
Told = Callable[[int], None]
"""Is told of so many more rows; for whoever shows progress."""

BATCH: Final = 2_000


class NotLoaded(Exception):
    """The database refused a row; the text says of which table, and why."""


#: Numbers that the databases may write differently: with an exponent, or minus zero.
_UNUSUAL = re.compile(r"\de[+-]?\d|-0", re.IGNORECASE)
#: From here on a whole number that was written as a fraction gets an exponent.
_WRITTEN_OUT: Final = 1e16
_INTEGERS: Final = range(-(2**63), 2**64)


@dataclass(frozen=True, slots=True)
class Sum:
    """How many rows a table has, and the SHA-256 of their lines."""

    rows: int
    sha256: str


class Summing:
    """Adds up lines, one after the other."""

    def __init__(self) -> None:
        """Begin with none."""
        self._rows = 0
        self._digest = sha256()

    def add(self, lines: bytes, rows: int) -> None:
        """Add whole lines."""
        self._rows += rows
        self._digest.update(lines)

    def sum(self) -> Sum:
        """What was added so far."""
        return Sum(self._rows, self._digest.hexdigest())


# --------------------------------------------------------------------------- reading


def count(reader: Reader, shape: Shape) -> int:
    """How many rows a table has."""
    return int(
        reader.value(Statement(select(func.count()).select_from(table(shape.table))))
    )


def read(reader: Reader, shape: Shape) -> Iterator[list[Row]]:
    """Every row in the order of its key, some at a time."""
    kinds = list(shape.columns.values())
    truths = [at for at, kind in enumerate(kinds) if kind == "boolean"]
    documents = [at for at, kind in enumerate(kinds) if kind == "json"]
    for batch in reader.batches(_every(shape, reader.dialect), BATCH):
        rows = [list(found) for found in batch]
        for row in rows:
            for at in truths:
                row[at] = None if row[at] is None else bool(row[at])
            for at in documents:
                row[at] = None if row[at] is None else _document(row[at])
        yield rows


def _every(shape: Shape, dialect: str) -> Statement:
    columns: list[Any] = [column(name) for name in shape.columns]
    order: list[Any] = [column(name) for name in shape.key]
    if dialect == "postgresql":
        kinds = shape.columns
        columns = [cast(c, Text) if kinds[c.name] == "json" else c for c in columns]
        order = [collate(c, "C") if kinds[c.name] == "text" else c for c in order]
    every: list[Any] = [column(name) for name in shape.columns]
    return Statement(
        select(*columns).select_from(table(shape.table, *every)).order_by(*order)
    )


def _document(written: str) -> Any:
    document = orjson.loads(written)
    return _usual(document) if _UNUSUAL.search(written) else document


def _usual(value: Any) -> Any:
    """The same value with its numbers as both databases give them back."""
    match value:
        case dict():
            return {name: _usual(member) for name, member in value.items()}
        case list():
            return [_usual(member) for member in value]
        case float() if value == 0:
            return 0.0
        case float() if abs(value) >= _WRITTEN_OUT:
            whole = int(Decimal(repr(value)))  # as it is written, not as it is stored
            return whole if whole in _INTEGERS else value
    return value


# ------------------------------------------------------------------------------ sums


def lines(rows: Iterable[Row]) -> bytes:
    """Rows as lines of JSON: one text for one content."""
    option = orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    return b"".join(orjson.dumps(row, option=option) for row in rows)


def summed(reader: Reader, shape: Shape, told: Told) -> Sum:
    """Read a whole table and add it up."""
    summing = Summing()
    for rows in read(reader, shape):
        summing.add(lines(rows), len(rows))
        told(len(rows))
    return summing.sum()


# --------------------------------------------------------------------------- loading


def load(tx: Transaction, shape: Shape, batches: Iterable[list[Row]]) -> None:
    """Fill an empty table; on PostgreSQL its numbers go on behind the highest.

    Raises NotLoaded, and whatever *batches* raises.
    """
    documents = [at for at, kind in enumerate(shape.columns.values()) if kind == "json"]

    def stored() -> Iterator[list[Row]]:
        for rows in batches:
            for row in rows if documents else ():
                for at in documents:
                    row[at] = _text(row[at])
            yield rows

    fill = _insert if tx.dialect == "sqlite" else _copy
    try:
        fill(tx, shape, stored())
    except Exception as error:
        if not is_of_driver(error):
            raise
        reason = str(error).partition("\n")[0]
        raise NotLoaded(f"the table {shape.table} refuses a row: {reason}") from error


def _text(document: Any) -> str | None:
    if document is None:
        return None
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()


def _names(shape: Shape) -> str:
    return ", ".join(f'"{name}"' for name in shape.columns)


def _insert(tx: Transaction, shape: Shape, batches: Iterator[list[Row]]) -> None:
    marks = ", ".join("?" for _ in shape.columns)
    sql = f'INSERT INTO "{shape.table}" ({_names(shape)}) VALUES ({marks})'  # noqa: S608
    for rows in batches:
        tx.raw.executemany(sql, rows)


def _copy(tx: Transaction, shape: Shape, batches: Iterator[list[Row]]) -> None:
    """One statement a table, so that its rows may point at each other in any order."""
    sql = f'COPY "{shape.table}" ({_names(shape)}) FROM STDIN'
    with tx.raw.cursor() as cursor, cursor.copy(sql) as into:
        for rows in batches:
            for row in rows:
                into.write_row(row)
    if len(shape.key) == 1 and shape.columns[shape.key[0]] == "integer":
        _count_on(tx, shape.table, shape.key[0])


def _count_on(tx: Transaction, name: str, key: str) -> None:
    """Let the sequence of a key go on behind its highest number; without one, nothing."""
    tx.raw.execute(
        f"SELECT setval(pg_get_serial_sequence('{name}', '{key}'),"  # noqa: S608
        f' (SELECT max("{key}") FROM "{name}")::bigint)'
        f" WHERE pg_get_serial_sequence('{name}', '{key}') IS NOT NULL"
        f' AND EXISTS (SELECT 1 FROM "{name}")'
    )
