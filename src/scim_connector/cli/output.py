"""Records as a table for people or as JSON for programs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click
import orjson

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
LONGEST_CELL = 60


def records(
    rows: Sequence[Mapping[str, Any]], *, as_json: bool, empty: str = "Nothing."
) -> None:
    """Print records; *empty* says what to do next when there are none."""
    if as_json:
        click.echo(orjson.dumps(list(rows), option=orjson.OPT_INDENT_2).decode())
    elif not rows:
        click.echo(empty)
    else:
        table(list(rows[0]), [_line(list(row.values())) for row in rows])


def record(row: Mapping[str, Any], *, as_json: bool) -> None:
    """Print one record, a line for each field."""
    if as_json:
        click.echo(orjson.dumps(dict(row), option=orjson.OPT_INDENT_2).decode())
        return
    width = max(len(name) for name in row) + 2
    for name, value in row.items():
        click.echo(f"{name:<{width}}{_whole(value)}")


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print columns as wide as their widest cell."""
    widths = [max(len(line[n]) for line in (header, *rows)) for n in range(len(header))]
    for line in (header, *rows):
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def _line(values: Sequence[Any]) -> list[str]:
    """The cells of a row; the last one is shown whole, for nothing stands behind it."""
    *cells, last = values
    return [*(_cell(value) for value in cells), one_line(last)]


def one_line(value: Any) -> str:
    """A value on one line of a terminal; "-" for none."""
    return _whole(value).replace("\n", " ")


def _cell(value: Any) -> str:
    text = one_line(value)
    return text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…"


def _whole(value: Any) -> str:
    match value:
        case None | "":
            return "-"
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return harmless(", ".join(str(part) for part in value) or "-")
    return harmless(str(value))


def harmless(text: str) -> str:
    """Text of others for a terminal: what would steer it is shown as "?".

    Providers and strangers write what is logged: an escape sequence may move the cursor
    over another line, and a mark of direction turn letters around.
    """
    return "".join(c if c.isprintable() or c in "\n\t" else "?" for c in text)


def progress(length: int, label: str) -> Any:
    """A progress bar on stderr; it hides itself where nobody looks."""
    return click.progressbar(length=length, label=label, file=sys.stderr)
