"""The append-only record of every change (decision 35).

Rows are inserted unchained in the transaction of the change, so writers never wait for
each other; ``seals`` chains them.  What an event tells of a person stands beside it, in
``audit_personal``: the event keeps a digest of it alone, so that it can be erased and the
chain holds.  A person who acts stands in it by their id, and is named when it is read.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import orjson
from sqlalchemy import BigInteger, Select, bindparam, func, insert, select, text

from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import audit_events, audit_personal, users
from scim_connector.rules.events import EVENTS

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction
    from scim_connector.rules.actors import Actor
    from scim_connector.rules.events import Event

BATCH: Final = 10_000
_SALT_BYTES: Final = 16
#: Among the facts of an event whose facts about a person were erased.
ERASED: Final = "erased"


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One audited event; ``facts`` is JSON text, ``at`` microseconds UTC."""

    id: int
    at: int
    name: str
    actor: str
    connection_id: int | None
    user_id: int | None
    request_id: str | None
    facts: str


_ADDED: dict[str, Any] = {
    name: bindparam(name)
    for name in (
        *("at", "name", "actor", "actor_id", "connection_id"),
        *("user_id", "request_id", "facts", "digest"),
    )
}
#: PostgreSQL takes the transaction's number before the row's: else a row could get its
#: number, sleep, and be committed below what is sealed already (``settled``).
_NUMBER = text(
    "CASE WHEN pg_current_xact_id() IS NOT NULL THEN nextval('audit_events_id_seq') END"
)
_ADD = {
    "sqlite": Statement(
        insert(audit_events).values(_ADDED).returning(audit_events.c.id)
    ),
    "postgresql": Statement(
        insert(audit_events)
        .values({"id": _NUMBER, **_ADDED})
        .returning(audit_events.c.id)
    ),
}
_ADD_PERSONAL = Statement(insert(audit_personal), ("event_id", "salt", "facts"))


def record(
    tx: Transaction,
    events: Iterable[Event],
    *,
    at: int,
    actor: Actor,
    connection_id: int | None = None,
    user_id: int | None = None,
    request_id: str | None = None,
) -> None:
    """Add events in the transaction of the change they tell of."""
    where: dict[str, Any] = {
        "at": at,
        "actor": actor.kind if actor.user_id else str(actor),
        "actor_id": actor.user_id,
        "connection_id": connection_id,
        "user_id": user_id,
        "request_id": request_id,
    }
    for event in events:
        _add(tx, event, where)


def _add(tx: Transaction, event: Event, where: dict[str, Any]) -> None:
    personal = event.personal
    salt = secrets.token_hex(_SALT_BYTES) if personal else ""
    beside = _json(personal)
    event_id = tx.insert(
        _ADD[tx.dialect],
        name=event.name,
        facts=_json(event.lasting),
        digest=digest_of(salt, beside) if personal else None,
        **where,
    )
    if personal:
        tx.run(_ADD_PERSONAL, event_id=event_id, salt=salt, facts=beside)


def _json(facts: dict[str, Any]) -> str:
    return orjson.dumps(facts, option=orjson.OPT_SORT_KEYS).decode()


def digest_of(salt: str, facts: str) -> str:
    """What binds facts to their event and, by the salt, tells nothing of them."""
    return sha256(bytes.fromhex(salt) + facts.encode()).hexdigest()


# -------------------------------------------------------------------------- reading

_TOLD = (
    *(audit_events.c[n] for n in ("id", "at", "name", "actor", "connection_id")),
    *(audit_events.c[n] for n in ("user_id", "request_id", "facts")),
    audit_events.c.digest,
    audit_personal.c.facts,
    users.c.username,
)


def _told() -> Select[Any]:
    """Events, each with what it tells of a person and with who acted."""
    return select(*_TOLD).select_from(
        audit_events.outerjoin(
            audit_personal, audit_personal.c.event_id == audit_events.c.id
        ).outerjoin(users, users.c.id == audit_events.c.actor_id)
    )


def _event(row: tuple[Any, ...]) -> AuditEvent:
    event, (digest, personal, username) = AuditEvent(*row[:8]), row[8:]
    if digest is not None:
        beside = {ERASED: True} if personal is None else orjson.loads(personal)
        event = replace(event, facts=_json(orjson.loads(event.facts) | beside))
    if username is not None:
        event = replace(event, actor=f"{event.actor}:{username}")
    return event


_OF_USER = Statement(
    _told()
    .where(audit_events.c.user_id == bindparam("of_user"))
    .order_by(audit_events.c.id)
)
_AFTER = Statement(
    _told()
    .where(audit_events.c.id > bindparam("after", type_=BigInteger))
    .order_by(audit_events.c.id)
    .limit(bindparam("at_most", type_=BigInteger))
)
_COUNT = Statement(select(func.count()).select_from(audit_events))
_NEWEST_OF_USER = Statement(
    _told()
    .where(
        audit_events.c.user_id == bindparam("of_user"),
        audit_events.c.id < bindparam("before", type_=BigInteger),
    )
    .order_by(audit_events.c.id.desc())
    .limit(bindparam("at_most", type_=BigInteger))
)
_NEWEST = Statement(
    _told()
    .order_by(audit_events.c.id.desc())
    .limit(bindparam("at_most", type_=BigInteger))
)


def of_user(reader: Reader, user_id: int) -> list[AuditEvent]:
    """The history of a user, the oldest first."""
    return [_event(row) for row in reader.rows(_OF_USER, of_user=user_id)]


def newest_of_user(
    reader: Reader, user_id: int, *, before: int | None = None, at_most: int
) -> list[AuditEvent]:
    """The history of a user, the newest first; go on with the id of the last one."""
    below = 2**63 - 1 if before is None else before
    rows = reader.rows(_NEWEST_OF_USER, of_user=user_id, before=below, at_most=at_most)
    return [_event(row) for row in rows]


def newest(reader: Reader, *, at_most: int) -> list[AuditEvent]:
    """The newest events of all, the newest first."""
    return [_event(row) for row in reader.rows(_NEWEST, at_most=at_most)]


_NEWEST_AT = Statement(
    select(audit_events.c.at).order_by(audit_events.c.id.desc()).limit(1)
)


def newest_at(reader: Reader) -> int | None:
    """When the newest event was recorded, by the clock of whoever recorded it."""
    found = reader.value(_NEWEST_AT)
    return None if found is None else int(found)


def backwards(
    reader: Reader, names: Sequence[str], *, since: int
) -> Iterator[AuditEvent]:
    """The events of these names later than *since*, the newest first.

    Read a batch at a time, so that no statement walks through all of them.
    """
    statement = Statement(
        _told()
        .where(
            audit_events.c.name.in_(names),
            audit_events.c.at > bindparam("since", type_=BigInteger),
            audit_events.c.id < bindparam("before", type_=BigInteger),
        )
        .order_by(audit_events.c.id.desc())
        .limit(BATCH)
    )
    before = 2**63 - 1
    while rows := reader.rows(statement, since=since, before=before):
        yield from (_event(row) for row in rows)
        before = rows[-1][0]


def newest_named(
    reader: Reader, names: Sequence[str], *, at_most: int
) -> list[AuditEvent]:
    """The newest events of these names, the newest first."""
    statement = Statement(
        _told()
        .where(audit_events.c.name.in_(names))
        .order_by(audit_events.c.id.desc())
        .limit(at_most)
    )
    return [_event(row) for row in reader.rows(statement)]


def after(reader: Reader, event_id: int, *, at_most: int = BATCH) -> list[AuditEvent]:
    """The events behind one, the oldest first; from 0 it is all of them."""
    rows = reader.rows(_AFTER, after=event_id, at_most=at_most)
    return [_event(row) for row in rows]


def named_after(
    reader: Reader, event_id: int, names: Sequence[str], *, at_most: int
) -> list[AuditEvent]:
    """The events of these names behind one, the oldest first."""
    statement = Statement(
        _told()
        .where(
            audit_events.c.name.in_(names),
            audit_events.c.id > bindparam("after", type_=BigInteger),
        )
        .order_by(audit_events.c.id)
        .limit(at_most)
    )
    return [_event(row) for row in reader.rows(statement, after=event_id)]


def about_nobody(
    reader: Reader, event_id: int, names: Sequence[str]
) -> list[AuditEvent]:
    """The events of these names behind one that are about no user, the oldest first."""
    statement = Statement(
        _told()
        .where(
            audit_events.c.user_id.is_(None),
            audit_events.c.name.in_(names),
            audit_events.c.id > bindparam("after", type_=BigInteger),
        )
        .order_by(audit_events.c.id)
    )
    return [_event(row) for row in reader.rows(statement, after=event_id)]


_COUNT_PLAIN = Statement(
    select(func.count())
    .select_from(audit_events)
    .where(
        audit_events.c.user_id == bindparam("of_user"),
        audit_events.c.digest.is_(None),
        audit_events.c.name.in_(
            [name for name, told in EVENTS.items() if told.personal]
        ),
    )
)


def count_plain(reader: Reader, user_id: int) -> int:
    """Events of a user that tell of a person inside the chain, as older programs did."""
    return int(reader.value(_COUNT_PLAIN, of_user=user_id))


_ENDED_WITH = Statement(
    select(audit_events.c.id)
    .where(
        audit_events.c.user_id == bindparam("of_user"),
        audit_events.c.name == "user:deactivated",
        audit_events.c.at == bindparam("at_instant", type_=BigInteger),
        audit_events.c.id < bindparam("before", type_=BigInteger),
    )
    .limit(1)
)


def is_of_deactivation(reader: Reader, event: AuditEvent) -> bool:
    """Whether what an event tells came with the end of all access."""
    values = {"of_user": event.user_id, "at_instant": event.at, "before": event.id}
    return reader.row(_ENDED_WITH, **values) is not None


def count(reader: Reader) -> int:
    """How many events there are."""
    return int(reader.value(_COUNT))
