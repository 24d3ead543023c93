"""What judged rows come to: how many of each, what follows, and whether it is the same."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any

from scim_connector.administration import api_app
from scim_connector.administration.errors import NotPossible
from scim_connector.administration.user_files import Row, flag

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from scim_connector.directory.database import Reader


def counts(rows: Sequence[Row]) -> Counter[str]:
    """How many rows there are of each action."""
    return Counter(row.action for row in rows)


def deactivated(rows: Sequence[Row]) -> set[int]:
    """The ids of the users that the rows make inactive."""
    leaving = (True, False)
    return {
        row.known.id
        for row in _changing(rows)
        if row.known is not None and row.changes.get("active") == leaving
    }


def mailed(rows: Sequence[Row]) -> int:
    """How many new people a mail with a link could go to."""
    return sum(
        flag(row, "active", default=True) and not flag(row, "api_user", default=False)
        for row in rows
        if row.action == "create"
    )


def _changing(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.action == "change"]


def fingerprint(rows: Sequence[Row]) -> str:
    """Changes whenever something else than before would become of a judged row."""
    seen = hashlib.sha256()
    for row in rows:
        plan = (row.line, sorted(row.cells.items()), row.action, row.changes)
        seen.update(repr((*plan, row.problems)).encode())
    return seen.hexdigest()


def refuse(
    rows: Sequence[Row], seen: str, agreed: Collection[str], how: Mapping[str, str]
) -> None:
    """Raise NotPossible for judged rows that may not be written.

    *seen* is the fingerprint somebody was shown.  *agreed* may hold "good", that refused
    rows are left out, and "sure", that people lose access; *how* says where they are
    missing how to agree.
    """
    refused = counts(rows)["refuse"]
    if fingerprint(rows) != seen:
        raise NotPossible(
            "The users have changed since you looked, so something else would become of"
            " the list. Nothing was written; check it again."
        )
    if refused and "good" not in agreed:
        raise NotPossible(
            f"{_counted(refused, 'row is', 'rows are')} refused, so nothing was written."
            f" Correct them, or {how['good']}."
        )
    if deactivated(rows) and "sure" not in agreed:
        raise NotPossible(f"{how['sure']}, then import. Nothing was written.")


def consequences(reader: Reader, rows: Sequence[Row]) -> list[str]:
    """What follows for people from the rows that would be written, in sentences."""
    return list(_consequences(reader, rows))


def _consequences(reader: Reader, rows: Sequence[Row]) -> Iterator[str]:
    leaving = deactivated(rows)
    if leaving:
        yield (
            f"{_counted(len(leaving), 'user is', 'users are')} made inactive: every"
            " session, link and key ends at once, and no provider brings them back by"
            " repeating itself."
        )
    lost = api_app.consequence(reader, leaving)
    if lost:
        yield f"{lost}. Give it another API user first."
    changing = _changing(rows)
    back = sum(row.changes.get("active") == (False, True) for row in changing)
    if back:
        who = _counted(back, "user becomes", "users become")
        yield f"{who} active again; nothing that had ended comes back."
    moved = sum("email" in row.changes and _is_person(row) for row in changing)
    if moved:
        who = _counted(moved, "person gets", "people get")
        yield f"{who} another email; the former address is told."


def _is_person(row: Row) -> bool:
    return row.known is not None and not row.known.is_api_user


def _counted(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def changes(row: Row) -> list[tuple[str, str, str]]:
    """What a row changes, field by field: now and then."""
    return [
        (name.replace("_", " "), _word(before), _word(after))
        for name, (before, after) in row.changes.items()
    ]


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else str(value or "")


def why(row: Row) -> str:
    """Why a row is refused, or what it changes."""
    moved = (f"{name}: {before} -> {after}" for name, before, after in changes(row))
    return " ".join(row.problems) or "; ".join(moved)
