"""Who is sent webhooks, and what each was sent: its messages stand in the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
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
    true,
    update,
)

from scim_connector.directory import outbox as messages
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import outbox, webhooks
from scim_connector.directory.told import Told, as_kept
from scim_connector.rules.folding import name_key
from scim_connector.rules.webhooks import kind_of
from scim_connector.scim.rendering import timestamp

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction
    from scim_connector.directory.outbox import Message

#: What was sent is remembered so long; microseconds.
KEPT: Final = 30 * 24 * 3600 * 1_000_000
TOPIC: Final = "webhook:"
#: The topic of what tells of webhooks; it is no reason to tell of one.
ABOUT_WEBHOOKS: Final = f"{TOPIC}about-webhooks"


@dataclass(frozen=True, slots=True)
class Webhook:
    """One address that is told of *kinds*; its secrets are encrypted.

    The former secret signs beside the present one until *former_until*; instants in
    microseconds UTC.
    """

    id: int
    name: str
    url: str
    secret: str
    former_secret: str | None
    former_until: int | None
    kinds: tuple[str, ...]
    paused: bool
    created_at: int


@dataclass(frozen=True, slots=True)
class Tally:
    """How the messages to a webhook stand; instants in microseconds UTC."""

    waiting: int = 0
    trying: int = 0
    lost: int = 0
    last_delivered_at: int | None = None
    last_lost_at: int | None = None


_NAMES = tuple(Webhook.__dataclass_fields__)
_COLUMNS = tuple(webhooks.c[name] for name in _NAMES)
#: How the rows are read and found.
ROWS: Final = Told(webhooks, Webhook, _NAMES, "paused")
#: All of them, one by its id or its name, and columns of one set.
every, by_id, by_name, change = ROWS.every, ROWS.by_id, ROWS.by_name, ROWS.change
_THIS = webhooks.c.id == bindparam("of_id")
#: None of them is removed while it is being told something.
_TOLD = Statement(select(*_COLUMNS).order_by(webhooks.c.id).with_for_update(read=True))
_ADD = Statement(
    insert(webhooks).returning(webhooks.c.id),
    ("name", "name_key", "url", "secret", "kinds", "paused", "created_at"),
)
_REMOVE = Statement(delete(webhooks).where(_THIS))
_MINE = outbox.c.webhook_id == bindparam("of_id")
#: But the newest row, which SQLite would give its number once more: whoever is sending
#: it now would take the next message for it.
_REMOVE_MESSAGES = Statement(
    delete(outbox).where(
        _MINE, outbox.c.id < select(func.max(outbox.c.id)).scalar_subquery()
    )
)
_EMPTY_NEWEST = Statement(
    update(outbox)
    .where(_MINE)
    .values(
        webhook_id=None,
        payload="{}",
        withdrawn=true(),
        given_up_at=func.coalesce(outbox.c.given_up_at, outbox.c.created_at),
    )
)

_HELD = outbox.c.webhook_id.is_not(None)
_IS_OPEN = and_(outbox.c.delivered_at.is_(None), outbox.c.given_up_at.is_(None))
_IS_LOST = and_(outbox.c.delivered_at.is_(None), outbox.c.given_up_at.is_not(None))
_TALLIES = Statement(
    select(
        outbox.c.webhook_id,
        func.sum(case((and_(_IS_OPEN, outbox.c.attempts == 0), 1), else_=0)),
        func.sum(case((and_(_IS_OPEN, outbox.c.attempts > 0), 1), else_=0)),
        func.sum(case((_IS_LOST, 1), else_=0)),
        func.max(outbox.c.delivered_at),
        func.max(case((_IS_LOST, outbox.c.given_up_at))),
    )
    .where(_HELD)
    .group_by(outbox.c.webhook_id)
)
_TROUBLE = Statement(
    select(outbox.c.last_error)
    .where(_MINE, _HELD, outbox.c.last_error.is_not(None))
    .order_by(outbox.c.id.desc())
    .limit(1)
)
_FAILING = Statement(
    select(webhooks.c.name, func.count())
    .join(outbox, outbox.c.webhook_id == webhooks.c.id)
    .where(
        _HELD,
        webhooks.c.paused.is_(False),
        outbox.c.topic != ABOUT_WEBHOOKS,
        outbox.c.delivered_at.is_(None),
        or_(
            and_(
                outbox.c.given_up_at.is_(None),
                outbox.c.attempts > 0,
                outbox.c.created_at < bindparam("before", type_=BigInteger),
            ),
            outbox.c.given_up_at >= bindparam("since", type_=BigInteger),
        ),
    )
    .group_by(webhooks.c.name)
)
_AGAIN = update(outbox).values(
    delivered_at=None,
    given_up_at=None,
    leased_until=None,
    last_error=None,
    attempts=0,
    due_at=bindparam("at", type_=BigInteger),
)
_AGAIN_ONE = Statement(
    _AGAIN.where(_MINE, _HELD, outbox.c.id == bindparam("of_message"))
)
_AGAIN_LOST = Statement(_AGAIN.where(_MINE, _HELD, _IS_LOST))

_PUT_OFF = Statement(
    update(outbox)
    .where(
        _MINE,
        _HELD,
        _IS_OPEN,
        outbox.c.due_at < bindparam("until", type_=BigInteger),
        or_(
            outbox.c.leased_until.is_(None),
            outbox.c.leased_until <= bindparam("at", type_=BigInteger),
        ),
    )
    .values(due_at=bindparam("until", type_=BigInteger))
)

_OLD = and_(_HELD, outbox.c.created_at < bindparam("until", type_=BigInteger))
_HAS_OLD = Statement(select(outbox.c.id).where(_OLD).limit(1))
_FORGET = Statement(delete(outbox).where(_OLD))
_OVER = webhooks.c.former_until <= bindparam("at", type_=BigInteger)
_HAS_OVER = Statement(select(webhooks.c.id).where(_OVER).limit(1))
_END = Statement(
    update(webhooks).where(_OVER).values(former_secret=None, former_until=None)
)


def add(tx: Transaction, made: Mapping[str, Any], *, now: int) -> int:
    """Insert a webhook."""
    return tx.insert(
        _ADD,
        **{**made, "kinds": as_kept(made["kinds"])},
        name_key=name_key(made["name"]),
        paused=False,
        created_at=now,
    )


def remove(tx: Transaction, webhook_id: int) -> None:
    """Delete a webhook and everything it was, or was to be, sent."""
    tx.run(_REMOVE, of_id=webhook_id)
    tx.run(_REMOVE_MESSAGES, of_id=webhook_id)
    tx.run(_EMPTY_NEWEST, of_id=webhook_id)


# --------------------------------------------------------------------------- telling


def tell(
    tx: Transaction,
    type_: str,
    data: Mapping[str, Any],
    *,
    now: int,
    about: str | None = None,
) -> int:
    """Queue a message for each webhook that hears of such; returns for how many.

    *about* is the name of a webhook that the message is about: it is not told itself,
    and the message is no reason to tell of another one.
    """
    kind = kind_of(type_)
    told = [ROWS.of_row(row) for row in tx.rows(_TOLD)]
    chosen = [each for each in told if kind in each.kinds and each.name != about]
    topic = f"{TOPIC}{type_}" if about is None else ABOUT_WEBHOOKS
    body = {"type": type_, "timestamp": timestamp(now), "data": dict(data)}
    for each in chosen:
        messages.add(tx, topic, body, user_id=None, now=now, webhook_id=each.id)
    return len(chosen)


def type_of(message: Message) -> str:
    """The type of a message, as its receiver reads it."""
    return str(orjson.loads(message.payload)["type"])


# ----------------------------------------------------------------------- how it stands


def tallies(reader: Reader) -> dict[int, Tally]:
    """How the messages of the last 30 days stand, by the id of the webhook."""
    return {
        int(row[0]): Tally(int(row[1]), int(row[2]), int(row[3]), row[4], row[5])
        for row in reader.rows(_TALLIES)
    }


def trouble(reader: Reader, webhook_id: int) -> str | None:
    """Why the newest message that was not taken was not."""
    row = reader.row(_TROUBLE, of_id=webhook_id)
    return None if row is None else str(row[0])


def failing(reader: Reader, *, before: int, since: int) -> dict[str, int]:
    """By name: how many messages a webhook does not take.

    Those tried in vain since *before* an instant, or given up *since* one.  What tells
    of other webhooks does not count, nor what waits for a paused one.
    """
    rows = reader.rows(_FAILING, before=before, since=since)
    return {name: int(count) for name, count in rows}


def put_off(tx: Transaction, webhook_id: int, *, now: int, until: int) -> None:
    """Try nothing that waits for a webhook before *until*; no try is counted."""
    tx.run(_PUT_OFF, of_id=webhook_id, at=now, until=until)


def again(tx: Transaction, webhook_id: int, message_id: int, *, now: int) -> bool:
    """Send a message of a webhook once more, under the same id."""
    return tx.run(_AGAIN_ONE, of_id=webhook_id, of_message=message_id, at=now) == 1


def again_lost(tx: Transaction, webhook_id: int, *, now: int) -> int:
    """Send once more whatever a webhook did not take; returns how many messages."""
    return tx.run(_AGAIN_LOST, of_id=webhook_id, at=now)


def has_ended(reader: Reader, *, now: int) -> bool:
    """Whether something was kept long enough."""
    return (
        reader.row(_HAS_OLD, until=now - KEPT) is not None
        or reader.row(_HAS_OVER, at=now) is not None
    )


def forget_ended(tx: Transaction, *, now: int) -> None:
    """Forget old messages, and secrets whose time is over."""
    tx.run(_FORGET, until=now - KEPT)
    tx.run(_END, at=now)
