"""Erasing a person: what told of them is gone, the id and what happened stay.

The user becomes neutral and stays inactive; what they were called is given to nobody any
more.  Who may be erased is the caller's to check.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from scim_connector.accounts import representation
from scim_connector.accounts.account import Account
from scim_connector.directory import (
    access,
    connections,
    links,
    names,
    second_factors,
    users,
)
from scim_connector.rules import folding

if TYPE_CHECKING:
    from collections.abc import Callable

    from scim_connector.accounts.acts import Act
    from scim_connector.directory.database import Reader, Transaction
    from scim_connector.directory.users import User

#: No address of this domain reaches anybody (RFC 6761 section 6.2).
_DOMAIN: Final = "erased.test"
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


def neutral(reader: Reader, user: User) -> dict[str, str]:
    """Username, address and initials for somebody who is erased: valid and free."""
    username = _free(reader, lambda n: f"erased-{user.id}{_behind(n)}")
    return {
        "username": username,
        "email": f"{username}@{_DOMAIN}",
        "initials": _free_initials(reader, user.id),
        "first_name": "",
        "last_name": "",
    }


def _behind(number: int) -> str:
    return f"-{number}" if number else ""


def _free(reader: Reader, name: Callable[[int], str]) -> str:
    number = 0
    while True:
        username = name(number)
        held = users.by_username_key(reader, folding.username_key(username))
        address = folding.email_key(f"{username}@{_DOMAIN}")
        if held is None and users.by_email_key(reader, address) is None:
            return username
        number += 1


def _free_initials(reader: Reader, number: int) -> str:
    """A tilde and a number in 36 digits: of 5 characters there are millions."""
    while True:
        initials = f"~{_in_36(number)[-4:]}"
        if names.free_values(reader, "initials", [folding.initials_key(initials)]):
            return initials
        number += 1


def _in_36(number: int) -> str:
    head, digit = divmod(number, len(_DIGITS))
    return (_in_36(head) if head else "") + _DIGITS[digit]


def erase(tx: Transaction, user: User, to: dict[str, str], act: Act) -> Account:
    """Make an inactive user neutral (*to*), save but for :meth:`Account.save`.

    Roles and profile go by events of their own, so that the past keeps them.
    """
    account = Account.open(tx, user.id, act)
    keys = {
        "username": user.username_key,
        "initials": user.initials_key,
        "email": user.email_key,
    }
    names.erase(tx, user.id, keys)
    names.forget_numbers(tx, user.username_key)
    access.end_everything(tx, user.id)
    access.release_sso(tx, user.id)
    account.drop_roles()
    account.edit({"profile_id": None})
    second_factors.drop(tx, user.id)
    account.user = _nameless(account.user, to, act.now)
    for link in links.ever_of_user(tx, user.id):
        connection = connections.required(tx, link.connection_id)
        representation.erase(tx, connection, link, account.user)
    return account


def _nameless(user: User, to: dict[str, str], now: int) -> User:
    return replace(
        user,
        first_name=to["first_name"],
        last_name=to["last_name"],
        initials=to["initials"],
        initials_key=folding.initials_key(to["initials"]),
        email=to["email"],
        email_key=folding.email_key(to["email"]),
        username=to["username"],
        username_key=folding.username_key(to["username"]),
        email_trusted=False,
        overrides="[]",
        password_hash=None,
        password_expired=False,
        password_changed_at=None,
        erased_at=now,
    )
