"""What shall leave the house: written with the change, delivered later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import orjson
from sqlalchemy import bindparam, func, insert, select

from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import outbox

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction


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


_NAMES = tuple(Message.__dataclass_fields__)
_ADD = Statement(
    insert(outbox), (*(n for n in _NAMES if n != "id"), "due_at", "attempts")
)
_WAITING = Statement(
    select(*(outbox.c[name] for name in _NAMES))
    .where(outbox.c.delivered_at.is_(None), outbox.c.given_up_at.is_(None))
    .order_by(outbox.c.id)
    .limit(bindparam("at_most"))
)
_COUNT = Statement(
    select(outbox.c.topic, func.count())
    .where(outbox.c.delivered_at.is_(None), outbox.c.given_up_at.is_(None))
    .group_by(outbox.c.topic)
)


def add(
    tx: Transaction,
    topic: str,
    payload: Mapping[str, Any],
    *,
    user_id: int | None,
    now: int,
    best_before: int | None = None,
) -> None:
    """Queue a message; it exists if, and only if, the change is committed."""
    tx.run(
        _ADD,
        topic=topic,
        user_id=user_id,
        payload=orjson.dumps(dict(payload)).decode(),
        message_id=str(uuid4()),
        created_at=now,
        best_before=best_before,
        due_at=now,
        attempts=0,
    )


def waiting(reader: Reader, *, at_most: int = 100) -> list[Message]:
    """The messages that wait, the oldest first."""
    return [Message(*row) for row in reader.rows(_WAITING, at_most=at_most)]


def waiting_by_topic(reader: Reader) -> dict[str, int]:
    """How many messages of each topic wait."""
    return {topic: int(count) for topic, count in reader.rows(_COUNT)}
