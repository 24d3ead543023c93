"""The append-only record of every change, sealed into a chain of hashes (decision 35).

Rows are inserted unchained in the transaction of the change, so writers never wait for
each other; one sealer chains committed rows shortly afterwards.  On PostgreSQL it stops
below the oldest running transaction, because sequence order is not commit order there
(decision 36).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import BigInteger, bindparam, func, insert, select, text

from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import audit_events, audit_seals

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction
    from scim_connector.rules.events import Event

#: What the first seal has in place of a hash before it.
GENESIS = "0" * 64
BATCH = 10_000


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


_NAMES = tuple(AuditEvent.__dataclass_fields__)
_COLUMNS = tuple(audit_events.c[name] for name in _NAMES)
_ADDED: dict[str, Any] = {n: bindparam(n) for n in _NAMES if n != "id"}
#: PostgreSQL takes the transaction's number before the row's: else a row could get its
#: number, sleep, and be committed below what is sealed already (decision 36).
_NUMBER = text(
    "CASE WHEN pg_current_xact_id() IS NOT NULL THEN nextval('audit_events_id_seq') END"
)
_ADD = {
    "sqlite": Statement(insert(audit_events).values(_ADDED)),
    "postgresql": Statement(insert(audit_events).values({"id": _NUMBER, **_ADDED})),
}
_OF_USER = Statement(
    select(*_COLUMNS)
    .where(audit_events.c.user_id == bindparam("of_user"))
    .order_by(audit_events.c.id)
)
_RANGE = Statement(
    select(*_COLUMNS)
    .where(
        audit_events.c.id > bindparam("after"), audit_events.c.id <= bindparam("upto")
    )
    .order_by(audit_events.c.id)
    .limit(BATCH)
)
_AFTER = Statement(
    select(*_COLUMNS)
    .where(audit_events.c.id > bindparam("after", type_=BigInteger))
    .order_by(audit_events.c.id)
    .limit(bindparam("at_most", type_=BigInteger))
)
_COUNT = Statement(select(func.count()).select_from(audit_events))
_LAST_EVENT = Statement(select(func.coalesce(func.max(audit_events.c.id), 0)))
_LAST_SEAL = Statement(
    select(audit_seals.c.last_event, audit_seals.c.hash)
    .order_by(audit_seals.c.id.desc())
    .limit(1)
)
_SEALS = Statement(
    select(
        audit_seals.c.first_event,
        audit_seals.c.last_event,
        audit_seals.c.count,
        audit_seals.c.hash,
        audit_seals.c.previous,
    ).order_by(audit_seals.c.id)
)
_SEAL = Statement(
    insert(audit_seals),
    ("first_event", "last_event", "count", "hash", "previous", "sealed_at"),
)
#: The newest row that no running transaction can still slip in front of.
_SETTLED = Statement(
    select(func.coalesce(func.max(audit_events.c.id), 0)).where(
        text(
            "audit_events.xmin::text::bigint < "
            "(pg_snapshot_xmin(pg_current_snapshot())::text::bigint & 4294967295)"
        )
    )
)


def record(
    tx: Transaction,
    events: Iterable[Event],
    *,
    at: int,
    actor: str,
    connection_id: int | None = None,
    user_id: int | None = None,
    request_id: str | None = None,
) -> None:
    """Add events in the transaction of the change they tell of."""
    for event in events:
        tx.run(
            _ADD[tx.dialect],
            at=at,
            name=event.name,
            actor=actor,
            connection_id=connection_id,
            user_id=user_id,
            request_id=request_id,
            facts=orjson.dumps(dict(event.facts), option=orjson.OPT_SORT_KEYS).decode(),
        )


def of_user(reader: Reader, user_id: int) -> list[AuditEvent]:
    """The history of a user, the oldest first."""
    return [AuditEvent(*row) for row in reader.rows(_OF_USER, of_user=user_id)]


_NEWEST_OF_USER = Statement(
    select(*_COLUMNS)
    .where(
        audit_events.c.user_id == bindparam("of_user"),
        audit_events.c.id < bindparam("before", type_=BigInteger),
    )
    .order_by(audit_events.c.id.desc())
    .limit(bindparam("at_most", type_=BigInteger))
)


def newest_of_user(
    reader: Reader, user_id: int, *, before: int | None = None, at_most: int
) -> list[AuditEvent]:
    """The history of a user, the newest first; go on with the id of the last one."""
    below = 2**63 - 1 if before is None else before
    rows = reader.rows(_NEWEST_OF_USER, of_user=user_id, before=below, at_most=at_most)
    return [AuditEvent(*row) for row in rows]


_NEWEST = Statement(
    select(*_COLUMNS)
    .order_by(audit_events.c.id.desc())
    .limit(bindparam("at_most", type_=BigInteger))
)


def newest(reader: Reader, *, at_most: int) -> list[AuditEvent]:
    """The newest events of all, the newest first."""
    return [AuditEvent(*row) for row in reader.rows(_NEWEST, at_most=at_most)]


def newest_named(
    reader: Reader, names: Sequence[str], *, at_most: int
) -> list[AuditEvent]:
    """The newest events of these names, the newest first."""
    statement = Statement(
        select(*_COLUMNS)
        .where(audit_events.c.name.in_(names))
        .order_by(audit_events.c.id.desc())
        .limit(at_most)
    )
    return [AuditEvent(*row) for row in reader.rows(statement)]


# -------------------------------------------------------------------------- sealing


def has_unsealed(reader: Reader) -> bool:
    """Whether there is anything to seal; costs two look-ups and no lock."""
    last, _ = reader.row(_LAST_SEAL) or (0, GENESIS)
    return bool(reader.value(_LAST_EVENT) > last)


def seal(tx: Transaction, *, now: int) -> int:
    """Chain the rows committed since the last seal; returns how many."""
    last, previous = tx.row(_LAST_SEAL) or (0, GENESIS)
    upto = tx.value(_LAST_EVENT if tx.dialect == "sqlite" else _SETTLED)
    rows = tx.rows(_RANGE, after=last, upto=upto)
    if not rows:
        return 0
    tx.run(
        _SEAL,
        first_event=rows[0][0],
        last_event=rows[-1][0],
        count=len(rows),
        hash=_hash(previous, rows),
        previous=previous,
        sealed_at=now,
    )
    return len(rows)


def _hash(previous: str, rows: list[tuple[Any, ...]]) -> str:
    digest = sha256(previous.encode())
    for row in rows:
        digest.update(orjson.dumps(dict(zip(_NAMES, row, strict=True))))
        digest.update(b"\n")
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Head:
    """The newest seal: everything up to *last_event* hangs on its *hash*.

    *events* is how many are sealed in all, *sealed_at* in microseconds UTC.
    """

    last_event: int
    events: int
    hash: str
    sealed_at: int


_HEAD = Statement(
    select(audit_seals.c.last_event, audit_seals.c.hash, audit_seals.c.sealed_at)
    .order_by(audit_seals.c.id.desc())
    .limit(1)
)
_SEALED = Statement(select(func.coalesce(func.sum(audit_seals.c.count), 0)))
_SEAL_OF = Statement(
    select(audit_seals.c.hash).where(
        audit_seals.c.last_event == bindparam("of_event", type_=BigInteger)
    )
)


def head(reader: Reader) -> Head | None:
    """The newest seal, None before the first."""
    row = reader.row(_HEAD)
    if row is None:
        return None
    last, hashed, sealed_at = row
    return Head(int(last), int(reader.value(_SEALED)), hashed, int(sealed_at))


def seal_of(reader: Reader, last_event: int) -> str | None:
    """The hash of the seal that ends with this event, None when there is none."""
    found = reader.value(_SEAL_OF, of_event=last_event)
    return None if found is None else str(found)


def after(reader: Reader, event_id: int, *, at_most: int = BATCH) -> list[AuditEvent]:
    """The events behind one, the oldest first; from 0 it is all of them."""
    rows = reader.rows(_AFTER, after=event_id, at_most=at_most)
    return [AuditEvent(*row) for row in rows]


def count(reader: Reader) -> int:
    """How many events there are."""
    return int(reader.value(_COUNT))


def first_broken(
    reader: Reader, *, progress: Callable[[int], None] = lambda events: None
) -> str | None:
    """Check every seal; returns what is wrong with the first broken one, or None.

    *progress* is told how many events each sound seal held.
    """
    previous, last = GENESIS, 0
    for first, end, count, hashed, before in reader.rows(_SEALS):
        if before != previous:
            return f"the seal of events {first} to {end} does not follow the one before"
        rows = reader.rows(_RANGE, after=last, upto=end)
        if len(rows) != count:
            return (
                f"events {first} to {end}: {count} were sealed, {len(rows)} are there"
            )
        if _hash(previous, rows) != hashed:
            return f"events {first} to {end} were changed after they were sealed"
        previous, last = hashed, end
        progress(count)
    return None
