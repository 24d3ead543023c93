"""Old rows are emptied or deleted, a few at a time, so that nobody waits for it.

Audit is pruned by whole seals.  First, in one transaction, a boundary moves and an event
tells of it; the trigger of the table lets go of what is below it then.  The rows follow in
batches.  The seals themselves stay, so that the chain is whole from its first link on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import BigInteger, bindparam, delete, func, or_, select, update

from scim_connector.directory import audit, installation
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import (
    audit_events,
    audit_personal,
    audit_seals,
    request_log,
)
from scim_connector.rules.actors import Actor
from scim_connector.rules.events import Event

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction

#: So many rows are emptied or deleted in one transaction.
BATCH: Final = 500
#: The boundary moves by a day at least, or events that tell of it would be most of all.
STEP: Final = 24 * 3600 * 1_000_000
_number = BigInteger()
_MOST = bindparam("at_most", type_=_number)

# ------------------------------------------------------------------------ request log

_UPTO = Statement(
    select(request_log.c.id)
    .where(request_log.c.at < bindparam("before", type_=_number))
    .order_by(request_log.c.at.desc(), request_log.c.id.desc())
    .limit(1)
)
_EMPTY = Statement(
    update(request_log)
    .where(
        request_log.c.id > bindparam("after", type_=_number),
        request_log.c.id <= bindparam("upto", type_=_number),
        or_(
            request_log.c.request_body.is_not(None),
            request_log.c.response_body.is_not(None),
        ),
    )
    .values(request_body=None, response_body=None)
)
_OLDEST = Statement(select(func.min(request_log.c.id)))
#: The newest row stays: SQLite would give its number once more.
_OLD_REQUESTS = (
    select(request_log.c.id)
    .where(
        request_log.c.id <= bindparam("upto", type_=_number),
        request_log.c.id < select(func.max(request_log.c.id)).scalar_subquery(),
    )
    .order_by(request_log.c.id)
    .limit(_MOST)
)
_HAS_OLD_REQUESTS = Statement(_OLD_REQUESTS.limit(1))
_DROP_REQUESTS = Statement(
    delete(request_log).where(request_log.c.id.in_(_OLD_REQUESTS))
)


def requests_before(reader: Reader, before: int) -> int:
    """The newest request of the log that came before an instant, 0 for none."""
    return int(reader.value(_UPTO, before=before) or 0)


def has_bodies(reader: Reader, upto: int) -> bool:
    """Whether there are bodies to empty up to a request of the log."""
    return installation.number(reader, installation.EMPTIED) < upto


def empty_bodies(tx: Transaction, upto: int) -> None:
    """Forget what was sent and answered in the next requests up to one."""
    done = installation.number(tx, installation.EMPTIED)
    last = min(done + BATCH, upto)
    if last > done:
        tx.run(_EMPTY, after=done, upto=last)
        installation.write(tx, installation.EMPTIED, str(last))


def has_requests(reader: Reader, upto: int) -> bool:
    """Whether there are requests to drop up to one."""
    return reader.row(_HAS_OLD_REQUESTS, upto=upto) is not None


def drop_requests(tx: Transaction, upto: int) -> None:
    """Drop the oldest requests up to one from the log."""
    tx.run(_DROP_REQUESTS, upto=upto, at_most=BATCH)


# ------------------------------------------------------------------------------ audit

_BEHIND = audit_seals.c.id > bindparam("after", type_=_number)
_FIRST = Statement(
    select(audit_seals.c.sealed_at).where(_BEHIND).order_by(audit_seals.c.id).limit(1)
)
_SEAL = Statement(
    select(audit_seals.c.id, audit_seals.c.last_event, audit_seals.c.hash)
    .where(_BEHIND, audit_seals.c.sealed_at < bindparam("before", type_=_number))
    .order_by(audit_seals.c.id.desc())
    .limit(1)
)
_COUNT = Statement(
    select(func.coalesce(func.sum(audit_seals.c.count), 0)).where(
        _BEHIND, audit_seals.c.id <= bindparam("upto", type_=_number)
    )
)
_PRUNED = audit_events.c.id <= bindparam("upto", type_=_number)
_OLD_EVENTS = (
    select(audit_events.c.id).where(_PRUNED).order_by(audit_events.c.id).limit(_MOST)
)
_OLD_PERSONAL = (
    select(audit_personal.c.event_id)
    .where(audit_personal.c.event_id <= bindparam("upto", type_=_number))
    .order_by(audit_personal.c.event_id)
    .limit(_MOST)
)
_HAS_OLD_EVENTS = Statement(_OLD_EVENTS.limit(1))
_DROP_EVENTS = Statement(delete(audit_events).where(audit_events.c.id.in_(_OLD_EVENTS)))
_DROP_PERSONAL = Statement(
    delete(audit_personal).where(audit_personal.c.event_id.in_(_OLD_PERSONAL))
)


@dataclass(frozen=True, slots=True)
class Boundary:
    """Where audit begins after pruning: the seal that ends before it, and its hash."""

    seal: int
    upto: int
    events: int
    hash: str


def due(reader: Reader, before: int) -> Boundary | None:
    """How far events sealed before an instant may go; None until that is a day."""
    done = installation.number(reader, installation.PRUNED_SEAL)
    first = reader.value(_FIRST, after=done)
    if first is None or int(first) >= before - STEP:
        return None
    row = reader.row(_SEAL, after=done, before=before)
    if row is None:
        return None
    seal, upto, hashed = row
    events = int(reader.value(_COUNT, after=done, upto=seal))
    return Boundary(int(seal), int(upto), events, hashed)


def move_boundary(tx: Transaction, *, before: int, now: int) -> None:
    """Let go of the events sealed before an instant, and tell so in audit."""
    found = due(tx, before)
    if found is None:
        return
    installation.write(tx, installation.PRUNED, str(found.upto))
    installation.write(tx, installation.PRUNED_SEAL, str(found.seal))
    facts = {"upto": found.upto, "events": found.events, "hash": found.hash}
    actor = Actor.house("retention")
    audit.record(tx, [Event("audit:pruned", facts)], at=now, actor=actor)


def has_pruned(reader: Reader) -> bool:
    """Whether rows below the boundary are there still."""
    upto = installation.number(reader, installation.PRUNED)
    return bool(upto) and reader.row(_HAS_OLD_EVENTS, upto=upto) is not None


def drop_events(tx: Transaction) -> None:
    """Delete the oldest events below the boundary, and what they tell of persons.

    What they tell goes first: an event that is there without it would be a finding.
    """
    upto = installation.number(tx, installation.PRUNED)
    tx.run(_DROP_PERSONAL, upto=upto, at_most=BATCH)
    tx.run(_DROP_EVENTS, upto=upto, at_most=BATCH)
