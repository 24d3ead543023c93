"""What shall leave the house: written with the change, delivered later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import orjson
from sqlalchemy import (
    BigInteger,
    and_,
    bindparam,
    func,
    insert,
    or_,
    select,
    true,
    update,
)

from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import outbox, webhooks

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from scim_connector.directory.database import Reader, Transaction


#: The topic of a back-channel logout call (OpenID Connect Back-Channel Logout 1.0).
CALL = "logout:application"
#: What a payload calls the request that caused it.
REQUEST = "request_id"


@dataclass(frozen=True, slots=True)
class Message:
    """One message that waits; instants in microseconds UTC."""

    id: int
    topic: str
    user_id: int | None
    payload: str
    message_id: str
    created_at: int
    best_before: int | None
    attempts: int = 0
    webhook_id: int | None = None

    @property
    def request_id(self) -> str | None:
        """The request that caused it, where that is known."""
        asked: str | None = orjson.loads(self.payload).get(REQUEST)
        return asked


@dataclass(frozen=True, slots=True)
class Standing:
    """A message and how it stands; instants in microseconds UTC."""

    message: Message
    due_at: int
    delivered_at: int | None
    given_up_at: int | None
    held_at: int | None
    last_error: str | None
    withdrawn: bool

    def state_at(self, now: int) -> str:
        """One word: sent, withdrawn, failed, held, late, trying or waiting.

        Withdrawn is what nobody is to be sent any more: that is no failure.
        """
        late = self.message.best_before is not None and now >= self.message.best_before
        for holds, word in (
            (self.delivered_at is not None, "sent"),
            (self.withdrawn, "withdrawn"),
            (self.given_up_at is not None, "failed"),
            (self.held_at is not None, "held"),
            (late, "late"),
            (self.message.attempts > 0, "trying"),
        ):
            if holds:
                return word
        return "waiting"


_NAMES = tuple(Message.__dataclass_fields__)
_ADD = Statement(
    insert(outbox),
    (*(n for n in _NAMES if n != "id"), "due_at", "receipt_id"),
)
_COLUMNS = tuple(outbox.c[name] for name in _NAMES)
_OPEN = (outbox.c.delivered_at.is_(None), outbox.c.given_up_at.is_(None))
_NOT_HELD = outbox.c.held_at.is_(None)
_THIS = update(outbox).where(outbox.c.id == bindparam("of_id"), *_OPEN)
_IS_DUE = (
    *_OPEN,
    _NOT_HELD,
    outbox.c.due_at <= bindparam("at"),
    or_(outbox.c.leased_until.is_(None), outbox.c.leased_until <= bindparam("at")),
    or_(outbox.c.best_before.is_(None), outbox.c.best_before > bindparam("at")),
)
_OURS = outbox.c.webhook_id.is_(None)
_OF_WEBHOOKS = outbox.c.webhook_id.in_(
    select(webhooks.c.id).where(webhooks.c.paused.is_(False))
)


def _due(lane: ColumnElement[bool]) -> Statement:
    return Statement(
        select(*_COLUMNS)
        .where(*_IS_DUE, lane)
        .order_by(outbox.c.due_at, outbox.c.id)  # what is new before what failed
        .limit(bindparam("at_most"))
        .with_for_update(skip_locked=True, of=outbox)  # another worker takes the next
    )


def _has_due(lane: ColumnElement[bool]) -> Statement:
    return Statement(select(outbox.c.id).where(*_IS_DUE, lane).limit(1))


#: Webhooks have a lane of their own: one that is slow delays neither mails nor calls.
_DUE: Final = {False: _due(_OURS), True: _due(_OF_WEBHOOKS)}
_HAS_DUE: Final = {False: _has_due(_OURS), True: _has_due(_OF_WEBHOOKS)}
_LEASE = Statement(
    _THIS.values(leased_until=bindparam("until"), attempts=outbox.c.attempts + 1)
)
_GIVE_BACK = Statement(_THIS.values(leased_until=None, attempts=outbox.c.attempts - 1))
_DELIVERED = Statement(
    _THIS.values(delivered_at=bindparam("at"), leased_until=None, last_error=None)
)
_FAILED = Statement(
    _THIS.values(
        due_at=bindparam("again_at"), leased_until=None, last_error=bindparam("why")
    )
)
_GIVEN_UP = Statement(
    _THIS.values(
        given_up_at=bindparam("at"), leased_until=None, last_error=bindparam("why")
    )
)
_WITHDRAWN = Statement(
    _THIS.values(
        given_up_at=bindparam("at"),
        withdrawn=true(),
        leased_until=None,
        last_error=bindparam("why"),
    )
)
_PUT_OFF_CALLS = Statement(
    update(outbox)
    .where(
        outbox.c.topic == CALL,
        *_OPEN,
        outbox.c.payload.contains(bindparam("of_part")),
        outbox.c.due_at < bindparam("until", type_=BigInteger),
    )
    .values(due_at=bindparam("until", type_=BigInteger))
)
_HOLD = Statement(
    update(outbox)
    .where(*_OPEN, _NOT_HELD, outbox.c.topic.startswith(bindparam("of_topic")))
    .values(held_at=bindparam("at"))
)
_HELD = (*_OPEN, outbox.c.held_at.is_not(None))
_COUNT_HELD = Statement(select(func.count()).select_from(outbox).where(*_HELD))
_RELEASE = Statement(
    update(outbox)
    .where(*_HELD)
    .values(held_at=None, due_at=bindparam("at"), best_before=bindparam("until"))
)
_DROP_HELD = Statement(
    update(outbox)
    .where(*_HELD)
    .values(given_up_at=bindparam("at"), withdrawn=true(), last_error=bindparam("why"))
)
_STANDING = (
    outbox.c.due_at,
    outbox.c.delivered_at,
    outbox.c.given_up_at,
    outbox.c.held_at,
    outbox.c.last_error,
    outbox.c.withdrawn,
)
#: Above every id.
_ANY = 2**63 - 1
_BELOW = outbox.c.id < bindparam("before", type_=BigInteger)
_LISTED = Statement(
    select(*_COLUMNS, *_STANDING)
    .where(outbox.c.topic.startswith(bindparam("of_topic")), _BELOW)
    .order_by(outbox.c.id.desc())
    .limit(bindparam("at_most"))
)
_NOT_SENT = Statement(
    select(*_COLUMNS, *_STANDING)
    .where(
        outbox.c.topic.startswith(bindparam("of_topic")),
        outbox.c.delivered_at.is_(None),
        _BELOW,
    )
    .order_by(outbox.c.id.desc())
    .limit(bindparam("at_most"))
)
_TOLD = Statement(
    select(*_COLUMNS, *_STANDING)
    .where(
        outbox.c.topic == bindparam("of_topic"),
        outbox.c.payload.contains(bindparam("of_part")),
        _BELOW,
    )
    .order_by(outbox.c.id.desc())
    .limit(bindparam("at_most"))
)
_OF_WEBHOOK = Statement(
    select(*_COLUMNS, *_STANDING)
    .where(outbox.c.webhook_id == bindparam("of_webhook"), _BELOW)
    .order_by(outbox.c.id.desc())
    .limit(bindparam("at_most"))
)
_BY_ID = Statement(
    select(*_COLUMNS, *_STANDING).where(outbox.c.id == bindparam("of_id"))
)
_WAITING = Statement(
    select(*_COLUMNS).where(*_OPEN).order_by(outbox.c.id).limit(bindparam("at_most"))
)
_COUNT = Statement(
    select(outbox.c.topic, func.count()).where(*_OPEN).group_by(outbox.c.topic)
)

_DEPTH = Statement(
    select(outbox.c.topic, func.count(), func.min(outbox.c.created_at))
    .where(*_OPEN, _NOT_HELD)
    .group_by(outbox.c.topic)
)
_GIVEN_UP_SINCE = Statement(
    select(outbox.c.topic, func.count())
    .where(
        outbox.c.delivered_at.is_(None),
        outbox.c.given_up_at >= bindparam("since", type_=BigInteger),
        outbox.c.withdrawn.is_(False),
    )
    .group_by(outbox.c.topic)
)
_UNFINISHED = Statement(
    select(outbox.c.payload, outbox.c.created_at)
    .where(
        outbox.c.topic == CALL,
        outbox.c.receipt_id.is_not(None),
        outbox.c.delivered_at.is_(None),
        or_(
            and_(
                outbox.c.given_up_at.is_(None),
                outbox.c.created_at < bindparam("before", type_=BigInteger),
            ),
            outbox.c.given_up_at >= bindparam("since", type_=BigInteger),
        ),
    )
    .order_by(outbox.c.id)
    .limit(bindparam("at_most", type_=BigInteger))
)


def add(
    tx: Transaction,
    topic: str,
    payload: Mapping[str, Any],
    *,
    user_id: int | None,
    now: int,
    best_before: int | None = None,
    receipt_id: int | None = None,
    webhook_id: int | None = None,
    request_id: str | None = None,
) -> None:
    """Queue a message; it exists if, and only if, the change is committed."""
    cause = {} if request_id is None else {REQUEST: request_id}
    tx.run(
        _ADD,
        topic=topic,
        user_id=user_id,
        payload=orjson.dumps({**payload, **cause}).decode(),
        message_id=str(uuid4()),
        created_at=now,
        best_before=best_before,
        due_at=now,
        attempts=0,
        receipt_id=receipt_id,
        webhook_id=webhook_id,
    )


def waiting(reader: Reader, *, at_most: int = 100) -> list[Message]:
    """The messages that wait, the oldest first."""
    return [Message(*row) for row in reader.rows(_WAITING, at_most=at_most)]


def waiting_by_topic(reader: Reader) -> dict[str, int]:
    """How many messages of each topic wait."""
    return {topic: int(count) for topic, count in reader.rows(_COUNT)}


def depth(reader: Reader) -> dict[str, tuple[int, int]]:
    """How many messages of each topic are to be sent, and since when the oldest is."""
    return {t: (int(count), int(since)) for t, count, since in reader.rows(_DEPTH)}


def given_up(reader: Reader, *, since: int) -> dict[str, int]:
    """How many messages of each topic were given up since an instant.

    Those that were withdrawn are none of them.
    """
    return {t: int(count) for t, count in reader.rows(_GIVEN_UP_SINCE, since=since)}


def unfinished(
    reader: Reader, *, before: int, since: int, at_most: int = 1000
) -> dict[str, tuple[int, int]]:
    """Calls of deactivations that no application has confirmed, by application.

    How many wait from *before* an instant or were given up *since* one, and when the
    oldest was asked for.
    """
    found: dict[str, tuple[int, int]] = {}
    rows = reader.rows(_UNFINISHED, before=before, since=since, at_most=at_most)
    for payload, created_at in rows:
        name = str(orjson.loads(payload)["application"])
        count, oldest = found.get(name, (0, created_at))
        found[name] = (count + 1, min(oldest, created_at))
    return found


def listed(
    reader: Reader,
    topic: str,
    *,
    at_most: int,
    not_sent: bool = False,
    before: int | None = None,
) -> list[Standing]:
    """Messages whose topic begins so, the newest first, and how they stand.

    With *not_sent* those that were not sent, however many were sent since.  Go on with
    ``before`` = the id of the last one.
    """
    chosen = _NOT_SENT if not_sent else _LISTED
    below = _ANY if before is None else before
    rows = reader.rows(chosen, of_topic=topic, at_most=at_most, before=below)
    return [_standing(row) for row in rows]


def of_application(
    reader: Reader, name: str, *, at_most: int, before: int | None = None
) -> list[Standing]:
    """The calls to one application, the newest first, and how they stand."""
    below = _ANY if before is None else before
    rows = reader.rows(
        _TOLD, of_topic=CALL, of_part=_part(name), at_most=at_most, before=below
    )
    return [_standing(row) for row in rows]


def _part(application: str) -> str:
    """What the payload of a call to an application has, and that of no other call."""
    return f'"application":{orjson.dumps(application).decode()},'


def of_webhook(
    reader: Reader, webhook_id: int, *, at_most: int, before: int | None = None
) -> list[Standing]:
    """The messages to one webhook, the newest first, and how they stand."""
    below = _ANY if before is None else before
    rows = reader.rows(
        _OF_WEBHOOK, of_webhook=webhook_id, at_most=at_most, before=below
    )
    return [_standing(row) for row in rows]


def by_id(reader: Reader, message_id: int) -> Standing | None:
    """The message of this id, and how it stands."""
    row = reader.row(_BY_ID, of_id=message_id)
    return None if row is None else _standing(row)


def _standing(row: tuple[Any, ...]) -> Standing:
    cut = len(_NAMES)
    standing = Standing(Message(*row[:cut]), *row[cut:])
    return replace(standing, withdrawn=bool(standing.withdrawn))


# -------------------------------------------------------------------------- holding


def hold(tx: Transaction, topic: str, *, now: int) -> int:
    """Hold the open messages whose topic begins so, for a person to decide."""
    return tx.run(_HOLD, of_topic=topic, at=now)


def count_held(reader: Reader) -> int:
    """How many messages are held."""
    return int(reader.value(_COUNT_HELD))


def release(tx: Transaction, *, now: int, until: int) -> int:
    """Send what is held after all, before *until*; returns how many."""
    return tx.run(_RELEASE, at=now, until=until)


def drop_held(tx: Transaction, why: str, *, now: int) -> int:
    """Withdraw what is held; returns how many."""
    return tx.run(_DROP_HELD, at=now, why=why)


# -------------------------------------------------------------------------- sending


def has_due(reader: Reader, *, now: int, of_webhooks: bool = False) -> bool:
    """Whether something could be sent now; takes no lock."""
    return reader.row(_HAS_DUE[of_webhooks], at=now) is not None


def lease(
    tx: Transaction,
    *,
    now: int,
    until: int,
    at_most: int = 100,
    of_webhooks: bool = False,
) -> list[Message]:
    """Take the due messages for oneself until *until*, the oldest first.

    Each counts as an attempt.  Nobody else is given them before; who dies with a lease
    has sent them or not, so they come again under the same ``message_id``.  What is
    past its ``best_before`` stays waiting, to be shown and not sent (decision 34).
    Those to webhooks are taken apart from all others; what is for a paused one waits.
    """
    found = tx.rows(_DUE[of_webhooks], at=now, at_most=at_most)
    due = [Message(*row) for row in found]
    tx.run_each(_LEASE, [{"of_id": message.id, "until": until} for message in due])
    return [replace(message, attempts=message.attempts + 1) for message in due]


def give_back(tx: Transaction, leased: list[Message]) -> None:
    """Leave leased messages that were not tried to whoever comes next."""
    tx.run_each(_GIVE_BACK, [{"of_id": message.id} for message in leased])


def delivered(tx: Transaction, message_id: int, *, now: int) -> bool:
    """Remember a delivery by ``Message.id``; False when it was finished already."""
    return tx.run(_DELIVERED, of_id=message_id, at=now) == 1


def failed(
    tx: Transaction, message_id: int, why: str, *, now: int, again_at: int | None
) -> bool:
    """Try again at *again_at*, or give up where that is None; keeps the reason."""
    if again_at is None:
        return tx.run(_GIVEN_UP, of_id=message_id, at=now, why=why) == 1
    return tx.run(_FAILED, of_id=message_id, again_at=again_at, why=why) == 1


def withdraw(tx: Transaction, message_id: int, why: str, *, now: int) -> bool:
    """Give up what nobody is to be sent any more; False when it was finished already."""
    return tx.run(_WITHDRAWN, of_id=message_id, at=now, why=why) == 1


def put_off_calls(tx: Transaction, application: str, *, until: int) -> None:
    """Try no call to an application before *until*; no try is counted."""
    tx.run(_PUT_OFF_CALLS, of_part=_part(application), until=until)
