"""The CSV file of users: what ``import`` reads, and what an export writes for it.

The username says who a row is about.  A cell that a spreadsheet would calculate is
written with an apostrophe before it, which reading takes away again: what is written
and read back is the same.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from scim_connector.directory import assignments, profiles
from scim_connector.rules.users import UserType

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from scim_connector.directory.database import Reader
    from scim_connector.directory.users import User

COLUMNS = (
    "username",
    "email",
    "first_name",
    "last_name",
    "initials",
    "type",
    "active",
    "roles",
    "profile",
    "api_user",
)
#: What a row says in words that are kept as they are.
TEXTS: Final = ("email", "first_name", "last_name", "initials")
REQUIRED = ("username", "email", "initials")
TEMPLATE = (
    ",".join(COLUMNS) + "\n"
    "anna.virtanen,anna.virtanen@example.com,Anna,Virtanen,AV,administrative,yes,"
    '"registrar; finance",Standard office,no\n'
    "bo.teacher,bo@example.com,Bo,Teacher,BT,teacher,no,,,no\n"
)
YES = {"yes", "true", "1", "y", "active"}
NO = {"no", "false", "0", "n", "inactive", ""}
#: An apostrophe that only keeps a spreadsheet from calculating what is behind it.
_GUARD: Final = re.compile(r"\A'(?='*[=+\-@])")
_BEGINS: Final = re.compile(r"'*[=+\-@]")


class Unreadable(Exception):
    """The file is no such list at all; the text says what to change."""


@dataclass(slots=True)
class Row:
    """One line of the file, what is wrong with it, and what would change."""

    line: int
    cells: dict[str, str]
    problems: list[str] = field(default_factory=list)
    #: Commands that help at a terminal, for whoever sits at one.
    commands: set[str] = field(default_factory=set)
    known: User | None = None
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    @property
    def username(self) -> str:
        """Who the row is about."""
        return self.cells.get("username", "")

    @property
    def action(self) -> str:
        """What importing the row would do: refuse, create, change or nothing."""
        if self.problems:
            return "refuse"
        if self.known is None:
            return "create"
        return "change" if self.changes else "nothing"


def read(text: str) -> list[Row]:
    """Read a CSV file with a header line; raises Unreadable.

    Columns may come in any order; an unknown one is refused with the nearest name.
    """
    if "\0" in text:
        raise Unreadable("The file holds a NUL character; save it as CSV in UTF-8.")
    try:
        rows = _rows(text.lstrip("\ufeff"))
    except csv.Error as error:
        raise Unreadable(f"The file is no CSV: {error}.") from None
    if not rows:
        raise Unreadable(
            "The file has a header and no rows; write a row for each user."
        )
    return rows


def listed(users: Sequence[Mapping[str, Any]]) -> list[Row]:
    """The same of users who are no file: with flags, and with roles as a list."""
    return [
        Row(line, {name: _word(value) for name, value in user.items()})
        for line, user in enumerate(users, start=1)
    ]


def _word(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return "; ".join(value)
    return str(value).strip()


def between(text: str) -> str:
    """What stands between the cells of a CSV file, by its first line.

    Where the comma is in numbers, spreadsheets write semicolons.
    """
    first = text.partition("\n")[0]
    return ";" if first.count(";") > first.count(",") else ","


def _rows(text: str) -> list[Row]:
    source = csv.DictReader(io.StringIO(text, newline=""), delimiter=between(text))
    header = [(name or "").strip().lower() for name in source.fieldnames or ()]
    _check_header(header)
    source.fieldnames = header
    return [
        Row(source.line_num, {k: _cell(v) for k, v in cells.items() if k})
        for cells in source
    ]


def _cell(text: str | None) -> str:
    """What a cell says, without the apostrophe of an export."""
    return _GUARD.sub("", (text or "").strip(), count=1)


def _check_header(header: Sequence[str]) -> None:
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        message = f"The first line must name the columns; missing: {', '.join(missing)}"
        raise Unreadable(f"{message}. Begin with the template.")
    for name in header:
        if name not in COLUMNS:
            near = get_close_matches(name, COLUMNS, 1)
            hint = f'; did you mean "{near[0]}"?' if near else ""
            raise Unreadable(f'Unknown column "{name}"{hint}')


def role_names(row: Row) -> tuple[str, ...]:
    """The roles of a row, written with semicolons between them."""
    cell = row.cells.get("roles", "")
    return tuple(name.strip() for name in cell.split(";") if name.strip())


def type_of(row: Row) -> UserType | None:
    """The type of a row, administrative without a word; None for an unknown one."""
    word = row.cells.get("type", "").lower().replace(" ", "_") or "administrative"
    return UserType(word) if word in set(UserType) else None


def flag(row: Row, name: str, *, default: bool) -> bool:
    """What a row says to a question of yes and no."""
    word = row.cells.get(name, "").lower()
    return default if word == "" else word in YES


# ----------------------------------------------------------------------- writing


def lines(reader: Reader, found: Sequence[User]) -> Iterator[dict[str, Any]]:
    """Users as rows of the file; read back they change nobody."""
    named = {each.id: each.name for each in profiles.every(reader)}
    held = assignments.names_of(reader, [user.id for user in found])
    for user in found:
        row = {
            **{n: getattr(user, n) for n in ("username", "email", "initials")},
            **{n: getattr(user, n) for n in ("first_name", "last_name")},
            "type": user.user_type,
            "active": "yes" if user.active else "no",
            "roles": "; ".join(held.get(user.id, [])),
            "profile": named.get(user.profile_id or 0, ""),
            "api_user": "yes" if user.is_api_user else "no",
        }
        yield {name: _guarded(row[name]) for name in COLUMNS}


def _guarded(text: str) -> str:
    return f"'{text}" if _BEGINS.match(text) else text
