"""Lists on pages: their filter from the address, their next page, their files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar
from urllib.parse import urlencode

from flask import request

from scim_connector.administration.errors import NotPossible
from scim_connector.web.console import sheets

PAGE: Final = 50
_DAY: Final = 86_400_000_000
_LONGEST: Final = 320
#: The end of a later one could not be shown.
_LAST_YEAR: Final = 9998
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class More:
    """What stands below a list: how to go on, and its files."""

    said: str
    first: str
    next: str
    earlier: bool
    csv: str
    json: str


def asked(name: str) -> str:
    """One field of the filter, trimmed and not too long; empty without it."""
    return request.args.get(name, "").strip()[:_LONGEST]


def one_of(name: str, allowed: Mapping[str, T]) -> T | None:
    """The value a field chooses; raises NotPossible for one that is not offered."""
    text = asked(name)
    if not text:
        return None
    if text not in allowed:
        known = ", ".join(allowed) or "none"
        raise NotPossible(f'{name} cannot be "{text}"; there are: {known}.')
    return allowed[text]


def day(name: str, *, end: bool = False) -> int | None:
    """A day of the filter as microseconds UTC: its begin, or the end of it."""
    return day_of(name, asked(name), end=end)


def day_of(name: str, text: str, *, end: bool = False) -> int | None:
    """The day in a *text* that came under *name*; raises NotPossible for no day."""
    if not text:
        return None
    try:
        when = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        when = None
    if when is None or when.year > _LAST_YEAR:
        message = f'{name} "{text[:40]}" is no day; write it as 2026-12-31.'
        raise NotPossible(message)
    return int(when.timestamp()) * 1_000_000 + (_DAY if end else 0)


def number(name: str) -> int | None:
    """A whole number of the filter; raises NotPossible for anything else."""
    text = asked(name)
    found = whole(text)
    if text and found is None:
        raise NotPossible(f'{name} "{text}" is no number.')
    return found


def whole(text: str, *, digits: int = 9) -> int | None:
    """The number that a text is, of so many digits; None for everything else.

    ``str.isdigit`` takes more for digits than ``int`` does, and a database holds less.
    """
    is_number = text.isascii() and text.isdigit() and len(text) <= digits
    return int(text) if is_number else None


def form() -> str:
    """The file that is asked for instead of a page: csv, json or none."""
    text = asked("format")
    return text if text in sheets.FORMS else ""


def cut(rows: Sequence[T], most: int = PAGE) -> tuple[list[T], bool]:
    """A page of *rows*, of which one more was read to know whether it goes on."""
    return list(rows[:most]), len(rows) > most


def more(said: str, last: str | None, *, path: str = "") -> More:
    """What stands below a list that goes on behind *last*, or ends with None.

    The list is at *path*, or at the address that was asked for.
    """
    path = path or request.path
    kept = {
        name: value
        for name, value in request.args.items()
        if value and name not in {"after", "format"}
    }
    return More(
        said=said,
        first=_address(path, kept),
        next="" if last is None else _address(path, {**kept, "after": last}),
        earlier=bool(asked("after")),
        csv=_address(path, {**kept, "format": "csv"}),
        json=_address(path, {**kept, "format": "json"}),
    )


def address_without(*names: str) -> str:
    """The address of the page as it is asked for, but for some of its fields."""
    kept = {n: v for n, v in request.args.items() if v and n not in names}
    return _address(request.path, kept)


def address(path: str, fields: Sequence[tuple[str, str]]) -> str:
    """An address whose fields may come more than once."""
    return f"{path}?{urlencode(fields)}" if fields else path


def _address(path: str, fields: Mapping[str, str]) -> str:
    return address(path, list(fields.items()))
