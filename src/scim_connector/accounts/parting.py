"""Letting go of values that others of the same transaction are to have back.

Two people who had each other's username cannot take it back one after the other: each
value is unique at every moment.  Whoever is in the way steps aside to a value that
nobody can have, and gets their own before the transaction ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scim_connector.directory import users

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scim_connector.directory.database import Transaction

#: Letters no rule admits, and no folding touches: Unicode's area for private use.
_FIRST: Final = 0xE000
_COUNT: Final = 6400
_DIGITS: Final = 4


def step_aside(tx: Transaction, user_id: int, fields: Iterable[str]) -> None:
    """Free the *fields* (username, initials, email) that a user is about to change.

    The caller saves other values before the transaction ends, or rolls it back.
    """
    place = _place(user_id)
    values = {"initials": place, "username": place * 2, "email": f"{place}@{place}"}
    changes: dict[str, str] = {}
    for name in fields:
        changes |= {name: values[name], f"{name}_key": values[name]}
    if changes:
        users.change(tx, user_id, changes)


def _place(user_id: int) -> str:
    """Four letters of private use, which differ for every user."""
    letters, rest = "", user_id
    for _ in range(_DIGITS):
        rest, digit = divmod(rest, _COUNT)
        letters += chr(_FIRST + digit)
    return letters
