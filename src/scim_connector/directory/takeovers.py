"""People who move from one connection to the one that takes it over (decision 13)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, and_, bindparam, func, select, true

from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import links

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scim_connector.directory.database import Reader

BATCH = 1000

_before = links.alias("before")
_OF_FORMER = _before.c.connection_id == bindparam("of_former")
_OF_SUCCESSOR = and_(
    links.c.connection_id == bindparam("of_successor"),
    links.c.hidden_at.is_(None),
    links.c.user_id.is_not(None),
)
_TAKEN = Statement(
    select(func.count())
    .select_from(_before)
    # By sequence, because that index has the instant: who is still there is not read.
    .where(
        _OF_FORMER,
        _before.c.seq > 0,
        _before.c.hidden_at.is_not(None),
        _before.c.hidden_why == "taken_over",
    )
)
_STRANGERS = Statement(
    select(func.count())
    .select_from(links)
    # By sequence, because rows are read in their order then, and not all over.
    .where(
        _OF_SUCCESSOR,
        links.c.seq > 0,
        ~select(_before.c.seq)
        .where(_OF_FORMER, _before.c.user_id == links.c.user_id)
        .exists(),
    )
)
_STILL = Statement(
    select(links.c.seq, links.c.user_id, links.c.user_name, links.c.user_name_key)
    .where(
        links.c.connection_id == bindparam("of_former"),
        links.c.hidden_at.is_(None),
        links.c.user_id.is_not(None),
        links.c.active == true(),
        links.c.seq > bindparam("after", type_=BigInteger),
    )
    .order_by(links.c.seq)
    .limit(bindparam("at_most", type_=BigInteger))
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """An active person whom the former connection still manages."""

    user_id: int
    user_name: str
    user_name_key: str


def count_taken(reader: Reader, former_id: int) -> int:
    """How many people of a connection another one has taken over."""
    return int(reader.value(_TAKEN, of_former=former_id))


def count_strangers(reader: Reader, successor_id: int, former_id: int) -> int:
    """How many people of a connection the former one has never managed."""
    found = reader.value(_STRANGERS, of_successor=successor_id, of_former=former_id)
    return int(found)


def still(reader: Reader, former_id: int) -> Iterator[Waiting]:
    """The active people a connection still manages, the oldest first."""
    after = 0
    while True:
        rows = reader.rows(_STILL, of_former=former_id, after=after, at_most=BATCH)
        for _, user_id, name, key in rows:
            yield Waiting(int(user_id), name, key)
        if len(rows) < BATCH:
            return
        after = rows[-1][0]
