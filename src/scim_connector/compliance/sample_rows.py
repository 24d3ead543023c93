"""The list of persons an auditor names: a CSV with a person in each row."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from scim_connector.administration.errors import NotPossible

#: The columns a sample may have; who a row is about stands in any of the first four.
WHO: Final = ("id", "username", "email", "name")
LEFT: Final = "left_on"
TEMPLATE: Final = "email,left_on\nkim.doe@example.com,2026-11-30\n"
MOST: Final = 1_000


@dataclass(frozen=True, slots=True)
class Named:
    """A row of a sample: who is meant, and the day HR says they left."""

    line: int
    who: str
    column: str
    left_on: str = ""


def read(text: str) -> list[Named]:
    """The rows of a sample; raises NotPossible with what to write instead."""
    source = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    header = [name.strip().lower() for name in source.fieldnames or ()]
    columns = [name for name in WHO if name in header]
    if not columns:
        message = (
            "The first line must name one of the columns id, username, email, name"
        )
        raise NotPossible(f"{message}; left_on may stand beside it.")
    source.fieldnames = header
    rows = [_row(source.line_num, cells, columns) for cells in source]
    if not rows:
        raise NotPossible("The file has a header and no rows; name a person on each.")
    _refuse_many(len(rows))
    return rows


def listed(people: Sequence[Mapping[str, Any]]) -> list[Named]:
    """The same of people who are no file; raises NotPossible."""
    if not people:
        raise NotPossible("Nobody is named; a sample begins with one person.")
    _refuse_many(len(people))
    texts = [{name: str(value) for name, value in one.items()} for one in people]
    return [_row(line, cells, WHO) for line, cells in enumerate(texts, start=1)]


def _refuse_many(people: int) -> None:
    if people > MOST:
        raise NotPossible(f"A sample has {MOST} people at most; this has {people}.")


def _row(line: int, cells: Mapping[str, Any], columns: Sequence[str]) -> Named:
    left = (cells.get(LEFT) or "").strip()
    if left:
        _day(line, left)
    for column in columns:
        who = (cells.get(column) or "").strip()
        if who:
            return Named(line, who, column, left)
    raise NotPossible(f"Line {line} names nobody.")


def _day(line: int, text: str) -> None:
    try:
        date.fromisoformat(text)
    except ValueError:
        message = f'Line {line}: left_on "{text}" is no day; write it as 2026-12-31.'
        raise NotPossible(message) from None
