"""The rows of ``async_requests``: what was taken to be carried out later.

The requests of a connection are carried out in the order of their ids, one at a time:
only the first of those that wait, its head, is ever taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    BigInteger,
    bindparam,
    delete,
    exists,
    func,
    insert,
    null,
    or_,
    select,
    update,
)

from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import async_requests

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction

KEPT: Final = 24 * 3600 * 1_000_000
"""How long a result can be fetched, in microseconds."""

#: From here on a status is a refusal.
_REFUSED: Final = 400


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was taken; instants in microseconds UTC.

    *txn* is its request id.  *sealed* is what was sent, until it is carried out, and
    *result* what came of it, from then on; both are encrypted.
    """

    id: int
    txn: str
    connection_id: int
    credential_id: str
    method: str
    path: str
    source: str
    sealed: str | None
    size: int
    key_hash: str | None
    fingerprint: str | None
    taken_at: int
    attempts: int
    done_at: int | None
    status: int | None
    result: str | None


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits of one connection: how many, of how many bytes, since when."""

    count: int
    size: int
    since: int


_NAMES: Final = tuple(Asked.__dataclass_fields__)
_COLUMNS: Final = tuple(async_requests.c[name] for name in _NAMES)
_number = BigInteger()


def _without(*names: str) -> tuple[Any, ...]:
    """The columns but these: what was sent may be megabytes, and few look at it."""
    return tuple(null().label(n) if n in names else async_requests.c[n] for n in _NAMES)


_WAITS: Final = async_requests.c.done_at.is_(None)
_THIS: Final = async_requests.c.id == bindparam("of_id")
_OF_CONNECTION: Final = async_requests.c.connection_id == bindparam("of_connection")
_ADD = Statement(
    insert(async_requests),
    (
        *("txn", "connection_id", "credential_id", "method", "path", "source"),
        *("sealed", "size", "key_hash", "fingerprint", "taken_at"),
    ),
)
_OF_TXN = Statement(
    select(*_without("sealed")).where(
        _OF_CONNECTION, async_requests.c.txn == bindparam("of_txn")
    )
)
_OF_KEY = Statement(
    select(*_without("sealed", "result"))
    .where(
        async_requests.c.credential_id == bindparam("of_credential"),
        async_requests.c.key_hash == bindparam("of_key"),
        or_(_WAITS, async_requests.c.status < _REFUSED),
    )
    .order_by(async_requests.c.id.desc())
    .limit(1)
)
_QUEUES = Statement(
    select(
        async_requests.c.connection_id,
        func.count(),
        func.sum(async_requests.c.size),
        func.min(async_requests.c.taken_at),
    )
    .where(_WAITS)
    .group_by(async_requests.c.connection_id)
)
_QUEUE = Statement(
    select(
        func.count(),
        func.coalesce(func.sum(async_requests.c.size), 0),
        func.coalesce(func.min(async_requests.c.taken_at), 0),
    ).where(_OF_CONNECTION, _WAITS)
)
_WAITING = Statement(select(async_requests.c.connection_id).where(_WAITS).distinct())
_former = async_requests.alias("former")
_HEAD = Statement(
    select(*_COLUMNS)
    .where(
        _OF_CONNECTION,
        _WAITS,
        or_(
            async_requests.c.leased_until.is_(None),
            async_requests.c.leased_until <= bindparam("at", type_=_number),
        ),
        ~exists().where(
            _former.c.connection_id == async_requests.c.connection_id,
            _former.c.done_at.is_(None),
            _former.c.id < async_requests.c.id,
        ),
    )
    .order_by(async_requests.c.id)
    .limit(1)
    # Whoever holds the head holds the connection; the next one is no head yet.
    .with_for_update(of=async_requests, skip_locked=True)
)
_LEASE = Statement(
    update(async_requests)
    .where(_THIS, _WAITS)
    .values(
        leased_until=bindparam("until", type_=_number),
        attempts=async_requests.c.attempts + 1,
    )
)
_RENEW = Statement(
    update(async_requests)
    .where(_THIS, _WAITS)
    .values(leased_until=bindparam("until", type_=_number))
)
_DONE = Statement(
    update(async_requests)
    .where(_THIS, _WAITS)
    .values(
        done_at=bindparam("at", type_=_number),
        status=bindparam("with_status"),
        result=bindparam("with_result"),
        sealed=None,
        leased_until=None,
    )
)
_LISTED = Statement(
    select(*_without("sealed", "result"))
    .where(_WAITS, async_requests.c.id > bindparam("after", type_=_number))
    .order_by(async_requests.c.id)
    .limit(bindparam("at_most"))
)
_ENDED = async_requests.c.done_at <= bindparam("until", type_=_number)
_HAS_ENDED = Statement(select(async_requests.c.id).where(_ENDED).limit(1))
_FORGET = Statement(delete(async_requests).where(_ENDED))


# ----------------------------------------------------------------------------- taking


def add(tx: Transaction, **values: Any) -> None:
    """Take a request; it waits from now on."""
    tx.run(_ADD, **values)


def of_key(reader: Reader, credential_id: str, key_hash: str) -> Asked | None:
    """What came with this key and waits, or was carried out; without its content."""
    row = reader.row(_OF_KEY, of_credential=credential_id, of_key=key_hash)
    return None if row is None else Asked(*row)


def of_txn(reader: Reader, connection_id: int, txn: str) -> Asked | None:
    """The request of this id, if this connection asked it; without what was sent."""
    row = reader.row(_OF_TXN, of_connection=connection_id, of_txn=txn)
    return None if row is None else Asked(*row)


def queue(reader: Reader, connection_id: int) -> Queue:
    """What waits of one connection; *since* is 0 when nothing does."""
    count, size, since = reader.rows(_QUEUE, of_connection=connection_id)[0]
    return Queue(int(count), int(size), int(since))


def queues(reader: Reader) -> dict[int, Queue]:
    """What waits, by connection; those without anything are left out."""
    return {
        int(connection): Queue(int(count), int(size), int(since))
        for connection, count, size, since in reader.rows(_QUEUES)
    }


def listed(reader: Reader, *, after: int = 0, at_most: int) -> list[Asked]:
    """What waits, without what was sent, the first one first."""
    return [Asked(*row) for row in reader.rows(_LISTED, after=after, at_most=at_most)]


# ------------------------------------------------------------------------ carrying out


def waiting(reader: Reader) -> list[int]:
    """The connections of which something waits."""
    return [int(row[0]) for row in reader.rows(_WAITING)]


def head(tx: Transaction, connection_id: int, *, now: int) -> Asked | None:
    """The request of a connection that is next; None while somebody has it."""
    row = tx.row(_HEAD, of_connection=connection_id, at=now)
    return None if row is None else Asked(*row)


def lease(tx: Transaction, asked: Asked, *, until: int) -> None:
    """Keep others from a request that takes more than one transaction."""
    tx.run(_LEASE, of_id=asked.id, until=until)


def renew(tx: Transaction, asked: Asked, *, until: int) -> None:
    """Go on keeping others from it."""
    tx.run(_RENEW, of_id=asked.id, until=until)


def done(tx: Transaction, asked: Asked, *, now: int, status: int, result: str) -> None:
    """Keep what came of a request, and forget what was sent."""
    tx.run(_DONE, of_id=asked.id, at=now, with_status=status, with_result=result)


# -------------------------------------------------------------------------- forgetting


def has_ended(reader: Reader, *, now: int) -> bool:
    """Whether a result is older than a day."""
    return reader.row(_HAS_ENDED, until=now - KEPT) is not None


def forget_ended(tx: Transaction, *, now: int) -> None:
    """Forget the requests whose result is older than a day."""
    tx.run(_FORGET, until=now - KEPT)
