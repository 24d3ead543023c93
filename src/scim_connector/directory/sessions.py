"""The rows of ``sessions``: valid only while a join on the user says so (decision 37)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, delete, func, insert, or_, select, update

from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import assignments, roles, sessions, users

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction


@dataclass(frozen=True, slots=True)
class Session:
    """One session of a person at one application; instants in microseconds UTC."""

    id: str
    user_id: int
    client: str
    hash: str
    epoch: int
    method: str
    second_factor: bool
    connection_id: int | None
    network: str
    agent: str
    created_at: int
    seen_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session whose user may use it at this instant, and what applications are told.

    *roles* is the names with a line feed between them.
    """

    session: Session
    username: str
    email: str
    first_name: str
    last_name: str
    initials: str
    roles: str


_NAMES = tuple(field.name for field in fields(Session))
_COLUMNS = tuple(sessions.c[name] for name in _NAMES)
_FLAG = _NAMES.index("second_factor")
_TOLD = ("username", "email", "first_name", "last_name", "initials")
#: The promise of decision 26 is this condition, and nothing else decides.
VALID_USER = and_(
    users.c.id == sessions.c.user_id,
    users.c.epoch == sessions.c.epoch,
    users.c.active,
    users.c.is_api_user.is_(False),
)
_HELD = (
    select(roles.c.name)
    .join(assignments, assignments.c.role_id == roles.c.id)
    .where(assignments.c.user_id == users.c.id)
    .distinct()
    .order_by(roles.c.name)
    .correlate(users)
    .subquery()
)
SIGNED_IN = (
    *_COLUMNS,
    *(users.c[name] for name in _TOLD),
    select(func.coalesce(func.aggregate_strings(_HELD.c.name, "\n"), ""))
    .correlate(users)
    .scalar_subquery(),
)
_VALID = Statement(
    select(*SIGNED_IN)
    .select_from(sessions.join(users, VALID_USER))
    .where(sessions.c.id == bindparam("of_id"))
)
_BY_ID = Statement(select(*_COLUMNS).where(sessions.c.id == bindparam("of_id")))
_OF_USER = Statement(
    select(*_COLUMNS)
    .where(sessions.c.user_id == bindparam("of_user"))
    .order_by(sessions.c.created_at)
)
_LIVE = Statement(
    select(func.count())
    .select_from(sessions)
    .where(
        sessions.c.expires_at > bindparam("at"),
        sessions.c.seen_at > bindparam("idle_since"),
    )
)
_ADD = Statement(insert(sessions), (*_NAMES, "user_is_api", "user_active"))
_SEEN = Statement(
    update(sessions)
    .where(sessions.c.id == bindparam("of_id"), sessions.c.seen_at < bindparam("at"))
    .values(seen_at=bindparam("at"))
)
_RENEW = Statement(
    update(sessions)
    .where(sessions.c.id == bindparam("of_id"))
    .values(hash=bindparam("new_hash"), seen_at=bindparam("at"))
)
_END = Statement(delete(sessions).where(sessions.c.id == bindparam("of_id")))
_END_OF_CLIENT = Statement(
    delete(sessions).where(sessions.c.client == bindparam("of_client"))
)
_ENDED = or_(
    sessions.c.expires_at <= bindparam("at"),
    sessions.c.seen_at <= bindparam("idle_since"),
)
_HAS_ENDED = Statement(select(sessions.c.id).where(_ENDED).limit(1))
_FORGET = Statement(delete(sessions).where(_ENDED))


def of_row(row: tuple[Any, ...]) -> SignedIn:
    """A valid session from a row of :data:`SIGNED_IN`."""
    cut = len(_NAMES)
    username, email, first, last, initials, held = row[cut:]
    return SignedIn(
        session=_session(row[:cut]),
        username=username,
        email=email,
        first_name=first,
        last_name=last,
        initials=initials,
        roles=held,
    )


def _session(row: tuple[Any, ...]) -> Session:
    values = list(row)
    values[_FLAG] = bool(values[_FLAG])
    return Session(*values)


def valid(reader: Reader, session_id: str) -> SignedIn | None:
    """The session of this id, if its user may use it now: one statement.

    Lifetimes and the secret are the caller's to check.
    """
    row = reader.row(_VALID, of_id=session_id)
    return None if row is None else of_row(row)


def by_id(reader: Reader, session_id: str) -> Session | None:
    """The session of this id, whatever its user may do."""
    row = reader.row(_BY_ID, of_id=session_id)
    return None if row is None else _session(row)


def of_user(reader: Reader, user_id: int) -> list[Session]:
    """The sessions of a user, the oldest first; some may have ended by their age."""
    return [_session(row) for row in reader.rows(_OF_USER, of_user=user_id)]


def count_live(reader: Reader, *, now: int, idle_since: int) -> int:
    """How many sessions there are that have not ended by their age."""
    return int(reader.value(_LIVE, at=now, idle_since=idle_since))


def add(tx: Transaction, session: Session) -> None:
    """Insert a session; the keys refuse one of an API user or an inactive user."""
    values = {name: getattr(session, name) for name in _NAMES}
    tx.run(_ADD, **values, user_is_api=False, user_active=True)


def saw(tx: Transaction, seen: Iterable[tuple[str, int]]) -> None:
    """Remember when sessions were last used, in one batch and in one order."""
    tx.run_each(_SEEN, [{"of_id": id_, "at": at} for id_, at in sorted(seen)])


def renew(tx: Transaction, session_id: str, *, hashed: str, now: int) -> None:
    """Give a session another secret; the former one opens it no more."""
    tx.run(_RENEW, of_id=session_id, new_hash=hashed, at=now)


def end(tx: Transaction, session_id: str) -> bool:
    """End one session; False when it had ended."""
    return tx.run(_END, of_id=session_id) == 1


def end_of_client(tx: Transaction, client: str) -> int:
    """End every session at an application; returns how many there were."""
    return tx.run(_END_OF_CLIENT, of_client=client)


def has_ended(reader: Reader, *, now: int, idle_since: int) -> bool:
    """Whether a session has ended by its age."""
    return reader.row(_HAS_ENDED, at=now, idle_since=idle_since) is not None


def forget_ended(tx: Transaction, *, now: int, idle_since: int) -> None:
    """Delete the sessions that have ended by their age; they opened nothing any more."""
    tx.run(_FORGET, at=now, idle_since=idle_since)
