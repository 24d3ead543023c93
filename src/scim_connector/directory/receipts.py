"""A receipt for each deactivation: what it ended, when, and whom it told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import BigInteger, bindparam, func, insert, select

from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import outbox, receipts

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction


@dataclass(frozen=True, slots=True)
class Call:
    """A back-channel logout call to one application, and how it stands."""

    application: str
    attempts: int
    delivered_at: int | None
    given_up_at: int | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """One deactivation; instants in microseconds UTC.

    *asked_at* is when the request for it arrived, *cut_at* when everything had been
    ended, just before it was committed.  *controls* says how many of each there were.
    """

    id: int
    user_id: int
    username: str
    asked_at: int
    cut_at: int
    actor: str
    connection_id: int | None
    request_id: str | None
    controls: Mapping[str, Any]
    calls: tuple[Call, ...] = field(default=())

    @property
    def took(self) -> int:
        """Microseconds from the request's arrival to the end of all access."""
        return self.cut_at - self.asked_at


_NAMES = tuple(f.name for f in fields(Receipt) if f.name != "calls")
_COLUMNS = tuple(receipts.c[name] for name in _NAMES)
_CONTROLS = _NAMES.index("controls")
_ADD = Statement(
    insert(receipts).returning(receipts.c.id), tuple(n for n in _NAMES if n != "id")
)
#: Above every id.
_ANY = 2**63 - 1
_BATCH = 1_000
_NEWEST = Statement(
    select(*_COLUMNS)
    .where(
        receipts.c.asked_at >= bindparam("since", type_=BigInteger),
        receipts.c.id < bindparam("before", type_=BigInteger),
    )
    .order_by(receipts.c.id.desc())
    .limit(bindparam("at_most", type_=BigInteger))
)
_BETWEEN = Statement(
    select(*_COLUMNS)
    .where(
        receipts.c.asked_at >= bindparam("start", type_=BigInteger),
        receipts.c.asked_at < bindparam("end", type_=BigInteger),
        receipts.c.id > bindparam("after", type_=BigInteger),
    )
    .order_by(receipts.c.id)
    .limit(_BATCH)
)
_TOOK = receipts.c.cut_at - receipts.c.asked_at
_TIMES = Statement(
    select(
        func.count(),
        func.coalesce(func.max(_TOOK), 0),
        func.coalesce(func.sum(_TOOK), 0),
    ).where(receipts.c.asked_at >= bindparam("since", type_=BigInteger))
)
_OF_USER = Statement(
    select(*_COLUMNS)
    .where(receipts.c.user_id == bindparam("of_user"))
    .order_by(receipts.c.id.desc())
)
_CALLS = Statement(
    select(
        outbox.c.payload,
        outbox.c.attempts,
        outbox.c.delivered_at,
        outbox.c.given_up_at,
        outbox.c.last_error,
    )
    .where(outbox.c.receipt_id == bindparam("of_receipt"))
    .order_by(outbox.c.id)
)


def add(tx: Transaction, made: Mapping[str, Any]) -> int:
    """Insert a receipt in the transaction of the deactivation; returns its id."""
    return tx.insert(_ADD, **{**made, "controls": _text(made["controls"])})


def _text(controls: Mapping[str, Any]) -> str:
    return orjson.dumps(dict(controls)).decode()


def newest(
    reader: Reader, *, since: int = 0, before: int | None = None, at_most: int = 1000
) -> list[Receipt]:
    """Receipts, the newest first, with the calls they caused.

    Go on with ``before`` = the id of the last one.
    """
    below = _ANY if before is None else before
    rows = reader.rows(_NEWEST, since=since, before=below, at_most=at_most)
    return [_receipt(reader, row) for row in rows]


def between(reader: Reader, start: int, end: int) -> Iterator[Receipt]:
    """The receipts asked for from *start* up to *end*, the oldest first."""
    after = 0
    while rows := reader.rows(_BETWEEN, start=start, end=end, after=after):
        yield from (_receipt(reader, row) for row in rows)
        after = rows[-1][0]


def times(reader: Reader, *, since: int) -> tuple[int, int, int]:
    """How many deactivations there were since, and how long they took in microseconds.

    The count, the longest, and all together.
    """
    count, longest, total = reader.rows(_TIMES, since=since)[0]
    return int(count), int(longest), int(total)


def of_user(reader: Reader, user_id: int) -> list[Receipt]:
    """The receipts of a user, the newest first."""
    return [_receipt(reader, row) for row in reader.rows(_OF_USER, of_user=user_id)]


def _receipt(reader: Reader, row: tuple[Any, ...]) -> Receipt:
    values = list(row)
    values[_CONTROLS] = orjson.loads(values[_CONTROLS])
    calls = reader.rows(_CALLS, of_receipt=row[0])
    told = tuple(Call(orjson.loads(c[0])["application"], *c[1:]) for c in calls)
    return replace(Receipt(*values), calls=told)
