"""The chain over audit: committed events sealed, and the seals checked (decision 35).

One sealer chains what was committed shortly before, and stops where a running transaction
can still slip in (``settled``).  Facts about persons are bound by a digest in the event;
where they are missing, the record itself has to tell that they were erased.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import orjson
from sqlalchemy import BigInteger, bindparam, func, insert, select

from scim_connector.directory import installation
from scim_connector.directory.audit import BATCH, after, digest_of
from scim_connector.directory.settled import look, settled
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import audit_events, audit_personal, audit_seals

if TYPE_CHECKING:
    from scim_connector.directory.audit import AuditEvent
    from scim_connector.directory.database import Database, Reader, Transaction
    from scim_connector.directory.settled import Look

#: What the first seal has in place of a hash before it.
GENESIS: Final = "0" * 64
#: What is sealed of an event, in this order; the last ones only where there are any.
_ALWAYS: Final = (
    *("id", "at", "name", "actor", "connection_id", "user_id", "request_id", "facts"),
)
_SOMETIMES: Final = ("actor_id", "digest")
_NAMES: Final = (*_ALWAYS, *_SOMETIMES)
_COLUMNS = tuple(audit_events.c[name] for name in _NAMES)
_DIGEST: Final = _NAMES.index("digest")
_USER: Final = _NAMES.index("user_id")

_within = (
    audit_events.c.id > bindparam("after", type_=BigInteger),
    audit_events.c.id <= bindparam("upto", type_=BigInteger),
)
_RANGE = Statement(
    select(*_COLUMNS).where(*_within).order_by(audit_events.c.id).limit(BATCH)
)
_RANGE_WHOLE = Statement(
    select(*_COLUMNS, audit_personal.c.salt, audit_personal.c.facts)
    .select_from(
        audit_events.outerjoin(
            audit_personal, audit_personal.c.event_id == audit_events.c.id
        )
    )
    .where(*_within)
    .order_by(audit_events.c.id)
    .limit(BATCH)
)
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
_FIRST_AFTER = Statement(
    select(audit_events.c.at)
    .where(audit_events.c.id > bindparam("after", type_=BigInteger))
    .order_by(audit_events.c.id)
    .limit(1)
)
_ERASURES = Statement(
    select(audit_events.c.user_id, audit_events.c.facts).where(
        audit_events.c.name == "user:erased"
    )
)
_PRUNINGS = Statement(
    select(audit_events.c.facts)
    .where(audit_events.c.name == "audit:pruned")
    .order_by(audit_events.c.id.desc())
    .limit(1)
)
_HASH = Statement(
    select(audit_seals.c.hash).where(
        audit_seals.c.last_event == bindparam("of_event", type_=BigInteger)
    )
)
_SEALED_AT = Statement(
    select(audit_seals.c.sealed_at).where(audit_seals.c.id == bindparam("of_seal"))
)


def has_unsealed(reader: Reader) -> bool:
    """Whether there is anything to seal; costs two look-ups and no lock."""
    last, _ = reader.row(_LAST_SEAL) or (0, GENESIS)
    return bool(reader.value(_LAST_EVENT) > last)


def oldest_unsealed(reader: Reader) -> int | None:
    """When the oldest event was recorded that is not sealed yet; None without one."""
    found = reader.value(_FIRST_AFTER, after=last_event(reader))
    return None if found is None else int(found)


def sealed_after(
    reader: Reader, event_id: int, *, at_most: int = BATCH
) -> list[AuditEvent]:
    """The sealed events behind one, the oldest first.

    Below a seal no running transaction can still add any (``settled``).
    """
    upto = last_event(reader)
    return [e for e in after(reader, event_id, at_most=at_most) if e.id <= upto]


def seal(database: Database, *, now: int) -> int:
    """Chain the rows committed since the last seal; returns how many."""
    seen = look(database.reader())
    return database.write(lambda tx: _seal(tx, seen, now))


def _seal(tx: Transaction, seen: Look, now: int) -> int:
    last, previous = tx.row(_LAST_SEAL) or (0, GENESIS)
    found = tx.rows(_RANGE, after=last, upto=seen.event)
    rows = settled(tx, found, seen, after=last)
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


def _hash(
    previous: str,
    rows: Sequence[tuple[Any, ...]],
    beyond: Sequence[str] = _SOMETIMES,
) -> str:
    digest = sha256(previous.encode())
    for row in rows:
        digest.update(orjson.dumps(_sealed(row, beyond)))
        digest.update(b"\n")
    return digest.hexdigest()


def _sealed(row: tuple[Any, ...], beyond: Sequence[str]) -> dict[str, Any]:
    """What is hashed of an event: always the same, and those of *beyond* it has."""
    named = dict(zip(_NAMES, row, strict=False))
    for name in _SOMETIMES:
        if named[name] is None or name not in beyond:
            del named[name]
    return named


# ---------------------------------------------------------------------------- heads


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
_HASHES = Statement(select(audit_seals.c.last_event, audit_seals.c.hash))


def head(reader: Reader) -> Head | None:
    """The newest seal, None before the first."""
    row = reader.row(_HEAD)
    if row is None:
        return None
    last, hashed, sealed_at = row
    return Head(int(last), int(reader.value(_SEALED)), hashed, int(sealed_at))


def last_event(reader: Reader) -> int:
    """The event the newest seal ends with, 0 before the first."""
    row = reader.row(_LAST_SEAL)
    return 0 if row is None else int(row[0])


def hashes(reader: Reader) -> dict[int, str]:
    """The hash of every seal, by the event it ends with."""
    return {int(last): hashed for last, hashed in reader.rows(_HASHES)}


# ------------------------------------------------------------------------- checking


@dataclass(slots=True)
class _Missing:
    """Events whose facts about a person are gone, and whose events those are."""

    events: dict[int, int | None] = field(default_factory=dict)

    def unexplained(self, reader: Reader) -> list[int]:
        """Those of which no erasure tells, neither of their user nor by their id."""
        pruned = installation.number(reader, installation.PRUNED)
        if not self.events:
            return []
        erased: set[int] = set()
        for user_id, facts in reader.rows(_ERASURES):
            erased |= set(orjson.loads(facts).get("elsewhere", ()))
            erased |= {e for e, of_user in self.events.items() if of_user == user_id}
        return sorted(e for e in self.events.keys() - erased if e > pruned)


def findings(
    reader: Reader, *, progress: Callable[[int], None] = lambda events: None
) -> Iterator[str]:
    """Check every seal, and what is bound to the events; yields what is wrong.

    It ends with the first broken seal, because nothing behind it is proven.  Of events
    that were pruned the seals are checked, and that audit tells of it.  *progress* is
    told how many events each sound seal held.
    """
    previous, last, missing = GENESIS, 0, _Missing()
    for first, end, count, hashed, before in reader.rows(_SEALS):
        if before != previous:
            yield f"the seal of events {first} to {end} does not follow the one before"
            return
        rows = reader.rows(_RANGE_WHOLE, after=last, upto=end)
        broken = _broken((first, end, count, hashed), previous, rows)
        if broken is None:
            yield from _beside(rows, missing)
            progress(count)
        elif end > installation.number(reader, installation.PRUNED):
            yield broken
            return
        previous, last = hashed, end
    if not _is_told(reader):
        yield "the oldest events are let go of, and audit tells of no such pruning"
    for event in missing.unexplained(reader):
        yield f"what event {event} told of a person is gone, and no erasure tells of it"


def _broken(
    seal: tuple[int, int, int, str], previous: str, rows: Sequence[tuple[Any, ...]]
) -> str | None:
    """What is wrong with the events of a seal."""
    first, end, count, hashed = seal
    if len(rows) != count:
        return f"events {first} to {end}: {count} were sealed, {len(rows)} are there"
    if hashed not in _hashes_of(previous, rows):
        return f"events {first} to {end} were changed after they were sealed"
    return None


def _hashes_of(previous: str, rows: Sequence[tuple[Any, ...]]) -> Iterator[str]:
    """What a sealer makes of *rows*: one of this version, and one of an older one.

    While an upgrade goes on, a process from before migration 0008 may be the one that
    seals, also what others have written; it knows the columns of always alone.
    """
    yield _hash(previous, rows)
    yield _hash(previous, rows, beyond=())


def _is_told(reader: Reader) -> bool:
    """Whether the pruning that was done is the newest one that audit tells of."""
    upto = installation.number(reader, installation.PRUNED)
    text = reader.value(_PRUNINGS) if upto else None
    told = {} if text is None else orjson.loads(text)
    hashed = reader.value(_HASH, of_event=upto)
    return not upto or (told.get("upto"), told.get("hash")) == (upto, hashed)


def since(reader: Reader) -> int | None:
    """When the last events that were pruned had been sealed; None when none were."""
    seal = installation.number(reader, installation.PRUNED_SEAL)
    found = reader.value(_SEALED_AT, of_seal=seal) if seal else None
    return None if found is None else int(found)


def _beside(rows: Sequence[tuple[Any, ...]], missing: _Missing) -> Iterator[str]:
    """Check what is told of persons beside sealed events."""
    for row in rows:
        digest, (salt, facts) = row[_DIGEST], row[-2:]
        if digest is None:
            if facts is not None:
                yield f"what event {row[0]} tells of a person was added later"
        elif facts is None:
            missing.events[row[0]] = row[_USER]
        elif digest_of(salt, facts) != digest:
            yield f"what event {row[0]} tells of a person was changed"
