"""Erasing a person on request: who may be, what follows, and doing it.

The texts in which somebody is named are many (the log of requests alone), so they are
looked through in batches before the one transaction that makes the user neutral.  Doing
it again after a failure in between is safe.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson

from scim_connector import accounts
from scim_connector.accounts import representation
from scim_connector.administration import users as doors
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import (
    audit,
    connections,
    erasure,
    links,
    users,
)
from scim_connector.directory.erasure import SHORTEST, Traces
from scim_connector.rules import folding
from scim_connector.scim.folding import text_key

if TYPE_CHECKING:
    from scim_connector.accounts import Act
    from scim_connector.directory.database import Database, Reader, Transaction
    from scim_connector.directory.users import User

_RENAMED = frozenset({"user:username:changed", "user:email:changed", "user:name:kept"})


def erasable(reader: Reader, username: str) -> User:
    """The user, if they may be erased; raises NotPossible with what to do first."""
    user = doors.find(reader, username)
    if user.erased_at is not None:
        raise NotPossible(f"{user.username} was erased already.")
    if user.active:
        message = f"{user.username} is active; deactivate them first."
        raise NotPossible(message, f"user deactivate {user.username}")
    link = links.of_user(reader, user.id)
    if link is not None:
        connection = connections.required(reader, link.connection_id)
        message = (
            f"{user.username} is managed by connection {connection.name}: remove the"
            " person there, or unlink them here first."
        )
        raise NotPossible(message, f"user unlink {user.username}")
    return user


def consequences(reader: Reader, user: User) -> list[str]:
    """What erasing a user does, in sentences, before it is done."""
    to = accounts.neutral(reader, user)
    told = [
        f"{user.username} becomes {to['username']}, without a name, for ever inactive.",
        f"The username {user.username}, the initials {user.initials} and the address"
        f" {user.email} are given to nobody any more.",
        "What audit tells of the person, the requests of the log about them, their"
        " mails, links, roles and sign-in are emptied or dropped.",
        "The id, the dates, the proof of each cut-off and the chain of audit stay.",
        "Copies are not reached: backups, exports, and what applications keep.",
    ]
    unreachable = audit.count_plain(reader, user.id)
    if unreachable:
        told.append(
            f"{unreachable} events were written before audit kept persons beside the"
            " chain: what those tell of the person stays."
        )
    return told


def erase(database: Database, username: str, act: Act) -> User:
    """Erase a person; raises NotPossible.  Nothing of it can be undone."""
    reader = database.reader()
    user = erasable(reader, username)
    traces = _traces(reader, user)
    seen, last_event = erasure.last_request(reader), erasure.last_personal(reader)
    for batch in erasure.requests(reader, traces, 0):
        database.write(partial(erasure.rewrite, batch=batch))
    others = erasure.events_of_others(reader, traces, 0)

    def work(tx: Transaction) -> User:
        present = erasable(tx, username)
        for batch in erasure.requests(tx, traces, seen):
            erasure.rewrite(tx, batch)
        late = erasure.events_of_others(tx, traces, last_event)
        return _erase(tx, present, traces, {*others, *late}, act)

    return database.write(work)


def _erase(
    tx: Transaction, user: User, traces: Traces, others: set[int], act: Act
) -> User:
    own = {event.id for event in audit.of_user(tx, user.id)}
    elsewhere = sorted(others - own)
    values = erasure.erase_personal(tx, user.id, elsewhere)
    account = accounts.erase(tx, user, accounts.neutral(tx, user), act)
    account.note("user:erased", values=values, elsewhere=elsewhere)
    erasure.forget(tx, traces, now=act.now)
    account.save()
    return account.user


# ------------------------------------------------------------------------------ traces


def _traces(reader: Reader, user: User) -> Traces:
    """Everything somebody was called, as far as it is nobody else's now."""
    ever = links.ever_of_user(reader, user.id)
    stated = [representation.stated(link) for link in ever]
    called = {user.username, user.email, *_former(reader, user.id)}
    called |= {document["userName"] for document in stated}
    called |= {value for document in stated for value in _addresses(document)}
    words = {word for word in called if len(word) >= SHORTEST}
    mine = [word for word in sorted(words) if _is_theirs(reader, user, word)]
    return Traces(
        user_id=user.id,
        link_ids=tuple(link.id for link in ever),
        identities=tuple(text_key(word) for word in mine),
        words=tuple(mine),
        names=tuple(sorted(_whole_names(user, stated))),
        neutral=accounts.neutral(reader, user)["username"],
    )


def _former(reader: Reader, user_id: int) -> Iterator[str]:
    """Usernames and addresses somebody had before, as audit tells."""
    for event in audit.of_user(reader, user_id):
        facts = orjson.loads(event.facts)
        if event.name in _RENAMED:
            yield from filter(None, (facts.get("before"), facts.get("value")))
        for name in ("username", "email"):
            if facts.get(name):
                yield facts[name]


def _addresses(document: dict[str, Any]) -> Iterator[str]:
    for email in document.get("emails", ()):
        if email.get("value"):
            yield email["value"]


def _is_theirs(reader: Reader, user: User, word: str) -> bool:
    """Whether nobody else is called so now: a name may have gone to another."""
    holders = (
        users.by_username_key(reader, folding.username_key(word)),
        users.by_email_key(reader, folding.email_key(word)) if "@" in word else None,
    )
    held = {holder.id for holder in holders if holder is not None}
    return held <= {user.id} and not links.is_live_name(reader, text_key(word))


def _whole_names(user: User, stated: Iterable[dict[str, Any]]) -> set[str]:
    """First and last name together, as they are written; one word alone is no name."""
    pairs = {(user.first_name, user.last_name)}
    found = set()
    for document in stated:
        name = document.get("name") or {}
        pairs.add((name.get("givenName") or "", name.get("familyName") or ""))
        found |= {document.get("displayName") or "", name.get("formatted") or ""}
    for first, last in pairs:
        if first and last:
            found |= {f"{first} {last}", f"{last}, {first}", f"{last} {first}"}
    return {name for name in found if " " in name.strip()}
