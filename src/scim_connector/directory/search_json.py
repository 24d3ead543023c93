"""Looking into a stored search document, in the SQL of each database.

A document is text with JSON functions on SQLite and ``jsonb`` on PostgreSQL. Nothing
here raises an error in the database, also when a document was stored under another
schema: a value of another type counts as absent then. Text is compared letter by
letter and ordered by code point on both; LIKE would do neither.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from sqlalchemy import Boolean, Numeric, Text, bindparam, case, cast, func
from sqlalchemy import literal_column as sql
from sqlalchemy.dialects.postgresql import JSONB

if TYPE_CHECKING:
    from scim_connector.scim.filters import Value

Clause = Any
"""An SQL expression: SQLAlchemy's types cannot follow JSON operators."""

_NUMBERS: Final = frozenset({"integer", "decimal", "dateTime"})


class Documents(Protocol):
    """What one database says about JSON and about text."""

    def value(self, document: Clause, keys: Sequence[str], kind: str) -> Clause:
        """Return the value there, of the attribute type *kind*; NULL when absent."""

    def present(self, document: Clause, keys: Sequence[str]) -> Clause:
        """Say whether anything is there; never NULL."""

    def each(self, document: Clause, keys: Sequence[str]) -> tuple[Clause, Clause]:
        """Return the list there: what to select from, and the element as a document."""

    def contains(self, text: Clause, part: str) -> Clause:
        """Say whether the text contains the parameter called *part*."""

    def starts_with(self, text: Clause, part: str) -> Clause:
        """Say whether the text starts with the parameter called *part*."""

    def ends_with(self, text: Clause, part: str) -> Clause:
        """Say whether the text ends with the parameter called *part*."""

    def ordered(self, text: Clause) -> Clause:
        """Return text from anywhere so that it is ordered by code point."""

    def position(self, elements: Clause) -> Clause:
        """Return the place of an element in its list."""

    def sent(self, value: Value) -> Value:
        """Return a value in the form the driver is to get it."""


class SqliteDocuments:
    """JSON in text, read with ``json_extract`` and ``json_each``."""

    def value(self, document: Clause, keys: Sequence[str], kind: str) -> Clause:
        """Return the value there; JSON truth is 1 and 0, as a column's is."""
        return func.json_extract(document, _path(keys))

    def present(self, document: Clause, keys: Sequence[str]) -> Clause:
        """Say whether anything is there."""
        return func.json_type(document, _path(keys)).is_not(None)

    def each(self, document: Clause, keys: Sequence[str]) -> tuple[Clause, Clause]:
        """Return ``json_each`` and its value where that is JSON again."""
        table = func.json_each(document, _path(keys)).table_valued(
            "key", "value", "type", name="element"
        )
        return table, case((table.c.type == sql("'object'"), table.c.value))

    def position(self, elements: Clause) -> Clause:
        """Return the index within the list."""
        return elements.c.key

    def contains(self, text: Clause, part: str) -> Clause:
        """Use ``instr``, which knows no wildcards and no case."""
        return func.instr(text, bindparam(part)) > sql("0")

    def starts_with(self, text: Clause, part: str) -> Clause:
        """Compare the beginning."""
        given: Clause = bindparam(part)
        return func.substr(text, sql("1"), func.length(given)) == given

    def ends_with(self, text: Clause, part: str) -> Clause:
        """Compare the end; from before the beginning nothing is equal."""
        given: Clause = bindparam(part)
        start = func.length(text) - func.length(given) + sql("1")
        return func.substr(text, start) == given

    def ordered(self, text: Clause) -> Clause:
        """Return it as it is: BINARY is the order of SQLite."""
        return text

    def sent(self, value: Value) -> Value:
        """Return it as it is."""
        return value


class PostgresDocuments:
    """``jsonb``, read with its operators."""

    def value(self, document: Clause, keys: Sequence[str], kind: str) -> Clause:
        """Return the value there if it has the right type; only then it is cast."""
        if kind in _NUMBERS:
            found = _inside(document, keys)
            is_number = func.jsonb_typeof(found) == sql("'number'")
            return case((is_number, cast(found, Numeric)))
        if kind == "boolean":
            found = _inside(document, keys)
            is_truth = func.jsonb_typeof(found) == sql("'boolean'")
            return case((is_truth, cast(found, Boolean)))
        return _inside(document, keys[:-1]).op("->>", return_type=Text())(
            _quoted(keys[-1])
        )

    def present(self, document: Clause, keys: Sequence[str]) -> Clause:
        """Say whether anything is there."""
        return _inside(document, keys).is_not(None)

    def each(self, document: Clause, keys: Sequence[str]) -> tuple[Clause, Clause]:
        """Return the elements by a lax path: what is no list is its only element."""
        elements = func.jsonb_path_query(document, _path(keys, "[*]")).table_valued(
            "value", with_ordinality="position"
        )
        elements = elements.render_derived(name="element")
        return elements, elements.c.value

    def position(self, elements: Clause) -> Clause:
        """Return the ordinality."""
        return elements.c.position

    def contains(self, text: Clause, part: str) -> Clause:
        """Use ``strpos``, which knows no wildcards and no case."""
        return func.strpos(text, bindparam(part)) > sql("0")

    def starts_with(self, text: Clause, part: str) -> Clause:
        """Use the function of that name."""
        return func.starts_with(text, bindparam(part))

    def ends_with(self, text: Clause, part: str) -> Clause:
        """Compare the end."""
        given = cast(bindparam(part), Text)
        return func.right(text, func.length(given)) == given

    def ordered(self, text: Clause) -> Clause:
        """Order by code point."""
        return text.collate("C")

    def sent(self, value: Value) -> Value:
        """Send decimals as text: a double would be compared as one, and rounded."""
        return repr(value) if isinstance(value, float) else value


DOCUMENTS: Final[dict[str, Documents]] = {
    "sqlite": SqliteDocuments(),
    "postgresql": PostgresDocuments(),
}


def _inside(document: Clause, keys: Sequence[str]) -> Clause:
    for key in keys:
        document = document.op("->", return_type=JSONB())(_quoted(key))
    return document


def _path(keys: Sequence[str], end: str = "") -> Clause:
    """Return a JSON path; both databases read names in double quotes."""
    steps = "".join(f".{json.dumps(key, ensure_ascii=False)}" for key in keys)
    return _quoted(f"${steps}{end}")


def _quoted(text: str) -> Clause:
    """Return *text* as an SQL string: names of the schema are part of the statement."""
    return sql("'" + text.replace("'", "''") + "'")
