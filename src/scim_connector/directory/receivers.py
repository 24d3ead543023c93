"""Who is sent security events, how far each has come, and what each took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    BigInteger,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import (
    audit_seals,
    event_deliveries,
    event_receivers,
)
from scim_connector.directory.told import Told, as_kept
from scim_connector.rules.folding import name_key

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction

#: What was taken is remembered so long; microseconds.
KEPT = 30 * 24 * 3600 * 1_000_000


@dataclass(frozen=True, slots=True)
class Receiver:
    """One receiver; *position* is the last event of audit it has been sent.

    *bearer* is what opens it, encrypted; instants in microseconds UTC.  One that *polls*
    has no address: it shows us a token of ours, of which a hash is kept, and *test_jti*
    is the test event that waits for it.
    """

    id: int
    name: str
    url: str
    audience: str
    bearer: str | None
    kinds: tuple[str, ...]
    paused: bool
    position: int
    created_at: int
    due_at: int
    attempts: int
    last_delivered_at: int | None
    last_error: str | None
    polls: bool
    token_id: str | None
    token_hash: str | None
    polled_at: int | None
    settled_from: int
    test_jti: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One token a receiver took, or *refused* for good; a test has no event."""

    id: int
    receiver_id: int
    event_id: int
    kind: str
    jti: str
    at: int
    refused: str | None


_NAMES = tuple(Receiver.__dataclass_fields__)
_COLUMNS = tuple(event_receivers.c[name] for name in _NAMES)
#: How the rows are read and found.
ROWS: Final = Told(event_receivers, Receiver, _NAMES, "paused", "polls")
#: All of them, one by its id or its name, and columns of one set.
every, by_id, by_name, change = ROWS.every, ROWS.by_id, ROWS.by_name, ROWS.change
_DELIVERY = tuple(Delivery.__dataclass_fields__)
_THIS = event_receivers.c.id == bindparam("of_id")
_ADD = Statement(
    insert(event_receivers).returning(event_receivers.c.id),
    (
        *("name", "name_key", "url", "audience", "bearer", "kinds", "paused"),
        *("position", "created_at", "due_at", "attempts"),
        *("polls", "token_id", "token_hash"),
    ),
)
_BEHIND = (
    select(audit_seals.c.id)
    .where(audit_seals.c.last_event > event_receivers.c.position)
    .exists()
)
_DUE = (
    event_receivers.c.paused.is_(False),
    event_receivers.c.polls.is_(False),
    event_receivers.c.due_at <= bindparam("at", type_=BigInteger),
    or_(
        event_receivers.c.leased_until.is_(None),
        event_receivers.c.leased_until <= bindparam("at", type_=BigInteger),
    ),
    _BEHIND,
)
_HAS_DUE = Statement(select(event_receivers.c.id).where(*_DUE).limit(1))
_NEXT = Statement(
    select(*_COLUMNS)
    .where(*_DUE)
    .order_by(event_receivers.c.due_at)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_LEASE = Statement(
    update(event_receivers).where(_THIS).values(leased_until=bindparam("until"))
)
_HELD = Statement(select(*_COLUMNS).where(_THIS).with_for_update())
_BY_TOKEN = Statement(
    select(*_COLUMNS).where(event_receivers.c.token_id == bindparam("of_token"))
)
_SETTLED = Statement(
    select(event_deliveries.c.jti).where(
        event_deliveries.c.receiver_id == bindparam("of_receiver"),
        event_deliveries.c.event_id > bindparam("after", type_=BigInteger),
        event_deliveries.c.id > bindparam("since", type_=BigInteger),
    )
)
_NEWEST_DELIVERY = Statement(
    select(func.coalesce(func.max(event_deliveries.c.id), 0)).where(
        event_deliveries.c.receiver_id == bindparam("of_receiver")
    )
)
_DELIVERED = Statement(
    update(event_receivers)
    .where(_THIS)
    .values(
        attempts=0,
        last_error=None,
        last_delivered_at=bindparam("at", type_=BigInteger),
    )
)
_PASSED = Statement(
    update(event_receivers)
    .where(_THIS)
    .values(
        position=case(
            (
                event_receivers.c.position == bindparam("was", type_=BigInteger),
                bindparam("new_position", type_=BigInteger),
            ),
            else_=event_receivers.c.position,
        ),
        leased_until=None,
        due_at=bindparam("at", type_=BigInteger),  # the others have their turn first
    )
)
_FAILED = Statement(
    update(event_receivers)
    .where(_THIS)
    .values(
        attempts=event_receivers.c.attempts + 1,
        last_error=bindparam("why"),
        due_at=bindparam("again_at", type_=BigInteger),
        leased_until=None,
    )
)
_TOOK = Statement(insert(event_deliveries), tuple(n for n in _DELIVERY if n != "id"))
_DELIVERIES = Statement(
    select(*(event_deliveries.c[name] for name in _DELIVERY))
    .where(
        event_deliveries.c.receiver_id == bindparam("of_receiver"),
        event_deliveries.c.id < bindparam("before", type_=BigInteger),
    )
    .order_by(event_deliveries.c.id.desc())
    .limit(bindparam("at_most"))
)
_REMOVE_DELIVERIES = Statement(
    delete(event_deliveries).where(event_deliveries.c.receiver_id == bindparam("of_id"))
)
_REMOVE = Statement(delete(event_receivers).where(_THIS))
_TAKEN = Statement(
    select(event_deliveries.c.event_id).where(
        event_deliveries.c.receiver_id == bindparam("of_receiver"),
        event_deliveries.c.event_id > bindparam("after", type_=BigInteger),
        event_deliveries.c.event_id <= bindparam("upto", type_=BigInteger),
    )
)
_REFUSED = Statement(
    select(event_deliveries.c.receiver_id, func.count())
    .where(
        event_deliveries.c.refused.is_not(None),
        event_deliveries.c.at > bindparam("since", type_=BigInteger),
    )
    .group_by(event_deliveries.c.receiver_id)
)
#: The newest stays: SQLite would give its number once more, and what a receiver that
#: polls takes is told from what it took before a replay by it.
_ENDED = and_(
    event_deliveries.c.at < bindparam("until", type_=BigInteger),
    event_deliveries.c.id < select(func.max(event_deliveries.c.id)).scalar_subquery(),
)
_HAS_ENDED = Statement(select(event_deliveries.c.id).where(_ENDED).limit(1))
_FORGET = Statement(delete(event_deliveries).where(_ENDED))


def add(tx: Transaction, made: Mapping[str, Any], *, position: int, now: int) -> int:
    """Insert a receiver that is sent what comes behind *position*."""
    return tx.insert(
        _ADD,
        **{**made, "kinds": as_kept(made["kinds"])},
        name_key=name_key(made["name"]),
        paused=False,
        position=position,
        created_at=now,
        due_at=now,
        attempts=0,
    )


def remove(tx: Transaction, receiver_id: int) -> None:
    """Delete a receiver and what is remembered of it."""
    tx.run(_REMOVE_DELIVERIES, of_id=receiver_id)
    tx.run(_REMOVE, of_id=receiver_id)


# --------------------------------------------------------------------------- polling


def by_token(reader: Reader, token_id: str) -> Receiver | None:
    """The receiver that polls with the token of this id."""
    row = reader.row(_BY_TOKEN, of_token=token_id)
    return None if row is None else ROWS.of_row(row)


def held(tx: Transaction, receiver_id: int) -> Receiver | None:
    """The receiver of this id, which nobody else changes until the transaction ends."""
    row = tx.row(_HELD, of_id=receiver_id)
    return None if row is None else ROWS.of_row(row)


def settled(reader: Reader, receiver: Receiver) -> frozenset[str]:
    """The ids of the tokens behind its position that it has taken or refused."""
    rows = reader.rows(
        _SETTLED,
        of_receiver=receiver.id,
        after=receiver.position,
        since=receiver.settled_from,
    )
    return frozenset(jti for (jti,) in rows)


def newest_delivery(reader: Reader, receiver_id: int) -> int:
    """The id of what a receiver took last, 0 before the first."""
    return int(reader.value(_NEWEST_DELIVERY, of_receiver=receiver_id))


# --------------------------------------------------------------------------- sending


def has_due(reader: Reader, *, now: int) -> bool:
    """Whether a receiver has something to be sent."""
    return reader.row(_HAS_DUE, at=now) is not None


def lease(tx: Transaction, *, now: int, until: int) -> Receiver | None:
    """Take one receiver that is due, for this worker alone."""
    row = tx.row(_NEXT, at=now)
    if row is None:
        return None
    found = ROWS.of_row(row)
    tx.run(_LEASE, of_id=found.id, until=until)
    return found


def took(tx: Transaction, delivery: Mapping[str, Any]) -> None:
    """Remember a token that was taken, or refused for good."""
    tx.run(_TOOK, **delivery)


def delivered(tx: Transaction, receiver_id: int, *, now: int) -> None:
    """A receiver answers, whatever it did before."""
    tx.run(_DELIVERED, of_id=receiver_id, at=now)


def passed(tx: Transaction, receiver: Receiver, position: int, *, now: int) -> None:
    """Go on behind an event the next time; the receiver is free for any worker.

    Where somebody has let it begin earlier meanwhile, from there.
    """
    where = {"was": receiver.position, "new_position": position}
    tx.run(_PASSED, of_id=receiver.id, at=now, **where)


def failed(tx: Transaction, receiver_id: int, why: str, *, again_at: int) -> None:
    """A receiver did not take an event; everything waits for it."""
    tx.run(_FAILED, of_id=receiver_id, why=why, again_at=again_at)


def taken(reader: Reader, receiver_id: int, *, after: int, upto: int) -> set[int]:
    """The events of audit of which a receiver has taken or refused something."""
    rows = reader.rows(_TAKEN, of_receiver=receiver_id, after=after, upto=upto)
    return {int(event_id) for (event_id,) in rows}


def refused(reader: Reader, *, since: int) -> dict[int, int]:
    """How many tokens each receiver refused for good later than *since*, by its id."""
    return {int(id_): int(n) for id_, n in reader.rows(_REFUSED, since=since)}


def deliveries(
    reader: Reader, receiver_id: int, *, at_most: int, before: int | None = None
) -> list[Delivery]:
    """What a receiver took, the newest first; go on with the id of the last one."""
    below = 2**63 - 1 if before is None else before
    rows = reader.rows(
        _DELIVERIES, of_receiver=receiver_id, before=below, at_most=at_most
    )
    return [Delivery(*row) for row in rows]


def has_ended(reader: Reader, *, now: int) -> bool:
    """Whether something was remembered long enough."""
    return reader.row(_HAS_ENDED, until=now - KEPT) is not None


def forget_ended(tx: Transaction, *, now: int) -> None:
    """Forget what was taken long ago."""
    tx.run(_FORGET, until=now - KEPT)
