"""Whole populations, a slice of users at a time: what reports are counted from.

No statement here reads more than a slice, so that a report on a million people ends
within the deadline of a statement and holds nobody up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, bindparam, func, or_, select

from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import (
    api_app,
    api_keys,
    api_tokens,
    assignments,
    audit_events,
    connections,
    credentials,
    links,
    password_resets,
    roles,
    sessions,
    sso_identities,
    users,
)
from scim_connector.directory.users import COLUMNS as USER
from scim_connector.directory.users import User, of_rows

if TYPE_CHECKING:
    from sqlalchemy import Table

    from scim_connector.directory.database import Reader

SLICE = 1_000


@dataclass(frozen=True, slots=True)
class Held:
    """One role row: who, which role, and through what."""

    user_id: int
    role: str
    source: str
    connection_id: int


@dataclass(frozen=True, slots=True)
class Tie:
    """From when to when an identity of a connection stood for a user."""

    user_id: int
    connection_id: int
    created_at: int
    hidden_at: int | None


_FROM, _UPTO = bindparam("first", type_=BigInteger), bindparam("last", type_=BigInteger)
_PEOPLE = Statement(
    select(*USER)
    .where(users.c.id > bindparam("after", type_=BigInteger))
    .order_by(users.c.id)
    .limit(SLICE)
)
_HELD = Statement(
    select(
        assignments.c.user_id,
        roles.c.name,
        assignments.c.source,
        assignments.c.connection_id,
    )
    .join(roles, roles.c.id == assignments.c.role_id)
    .where(assignments.c.user_id.between(_FROM, _UPTO))
    .order_by(assignments.c.user_id, roles.c.name, assignments.c.source)
)
_TIES = Statement(
    select(
        links.c.user_id, links.c.connection_id, links.c.created_at, links.c.hidden_at
    )
    .where(links.c.user_id.between(_FROM, _UPTO))
    .order_by(links.c.seq)
)
_LAST_SIGN_IN = Statement(
    select(audit_events.c.user_id, func.max(audit_events.c.at))
    .where(
        audit_events.c.user_id.between(_FROM, _UPTO),
        audit_events.c.name.in_(("session:opened", "api_token:issued")),
        audit_events.c.at <= bindparam("at", type_=BigInteger),
    )
    .group_by(audit_events.c.user_id)
)
_LAST_KEY_USE = Statement(
    select(api_keys.c.user_id, func.max(api_keys.c.last_used_at))
    .where(api_keys.c.user_id.between(_FROM, _UPTO))
    .group_by(api_keys.c.user_id)
)


@dataclass(frozen=True, slots=True)
class Slice:
    """Some users in the order they came, with what belongs to them."""

    users: list[User]
    held: dict[int, list[Held]]
    ties: dict[int, list[Tie]]
    signed_in: dict[int, int]
    key_used: dict[int, int]


def slices(reader: Reader, *, at: int) -> Iterator[Slice]:
    """Every user, a slice at a time; last sign-ins are those up to *at*."""
    after = 0
    while found := of_rows(reader.rows(_PEOPLE, after=after)):
        span = {"first": found[0].id, "last": found[-1].id}
        yield Slice(
            users=found,
            held=_by_user([Held(*row) for row in reader.rows(_HELD, **span)]),
            ties=_by_user([Tie(*row) for row in reader.rows(_TIES, **span)]),
            signed_in=_dict(reader.rows(_LAST_SIGN_IN, **span, at=at)),
            key_used=_dict(reader.rows(_LAST_KEY_USE, **span)),
        )
        after = found[-1].id


def _by_user(rows: list[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row.user_id, []).append(row)
    return found


def _dict(rows: list[tuple[Any, ...]]) -> dict[int, int]:
    return {user_id: at for user_id, at in rows if at is not None}


# ------------------------------------------------------------- what must not be there


def _twice(column: str) -> Statement:
    """How many folded values of a column two users share."""
    shared = (
        select(users.c[column])
        .group_by(users.c[column])
        .having(func.count() > 1)
        .subquery()
    )
    return Statement(select(func.count()).select_from(shared))


def _of_whom(table: Table, *wrong: Any) -> Statement:
    """How many rows of a table belong to a user they must not belong to."""
    return Statement(
        select(func.count())
        .select_from(table)
        .join(users, users.c.id == table.c.user_id)
        .where(or_(*wrong))
    )


_INACTIVE, _PROGRAM = users.c.active.is_(False), users.c.is_api_user
_PERSON = users.c.is_api_user.is_(False)
#: What is counted, and that it must be 0; the rule or decision behind it in brackets.
FORBIDDEN = {
    "initials that two users share (R2)": _twice("initials_key"),
    "usernames that two users share (R7)": _twice("username_key"),
    "email addresses that two users share (R5)": _twice("email_key"),
    "sessions of inactive users (R18)": _of_whom(sessions, _INACTIVE),
    "sessions of API users (R27)": _of_whom(sessions, _PROGRAM),
    "sign-in identities of API users (R25)": _of_whom(sso_identities, _PROGRAM),
    "password links of inactive users (R18)": _of_whom(password_resets, _INACTIVE),
    "password links of API users (R15)": _of_whom(password_resets, _PROGRAM),
    "API keys of inactive users (R18)": _of_whom(api_keys, _INACTIVE),
    "API keys of people (R14)": _of_whom(api_keys, _PERSON),
    "API tokens of inactive users (R18)": _of_whom(api_tokens, _INACTIVE),
    "an inactive user, or a person, that the API App acts as (R14)": _of_whom(
        api_app, _INACTIVE, _PERSON
    ),
    "live credentials of retired connections (decision 13)": Statement(
        select(func.count())
        .select_from(credentials)
        .join(connections, connections.c.id == credentials.c.connection_id)
        .where(credentials.c.revoked_at.is_(None), connections.c.state == "retired")
    ),
}
