"""Lists as files: the rows of the present filter as CSV or JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import orjson
from flask import Response

from scim_connector.compliance import sheets as csv
from scim_connector.scim.rendering import timestamp

FORMS: Final = ("csv", "json")
#: More rows than anybody opens in a spreadsheet.
MOST: Final = 100_000


def answer(
    name: str, fields: Sequence[str], rows: Iterable[Mapping[str, Any]], form: str
) -> Response:
    """A file of *rows*, written while it is sent; *form* is one of :data:`FORMS`."""
    if form == "csv":
        cells = ([row.get(field) for field in fields] for row in rows)
        body: Iterator[Any] = csv.pieces(fields, cells)
    else:
        body = _json(fields, rows)
    kind = "text/csv; charset=utf-8" if form == "csv" else "application/json"
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    return Response(body, mimetype=None, content_type=kind, headers=headers)


def _json(fields: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    between = b"[\n"
    for row in rows:
        yield between + orjson.dumps({field: row.get(field) for field in fields})
        between = b",\n"
    yield b"[]\n" if between == b"[\n" else b"\n]\n"


def instant(microseconds: int | None) -> str | None:
    """An instant as files have it: ISO 8601 in UTC."""
    return None if microseconds is None else timestamp(microseconds)
