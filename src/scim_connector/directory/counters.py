"""How many links are visible, and in which part of the sequence (decision 42).

``links.seq`` is cut into blocks; a page that starts anywhere finds its block by adding
up a few rows.  On SQLite, where there is one writer, a block is one row changed in
place; on PostgreSQL every change is a row of its own, so that writers never wait for
each other, and :func:`fold` adds them up now and then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, case, delete, func, insert, select, update

from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import link_counts, links

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction

BLOCK: Final = 4096

_OF_BLOCK = (
    link_counts.c.connection_id == bindparam("of_connection"),
    link_counts.c.block == bindparam("of_block"),
)
_MOVE = Statement(
    update(link_counts)
    .where(*_OF_BLOCK)
    .values(
        live=link_counts.c.live + bindparam("more_live"),
        active=link_counts.c.active + bindparam("more_active"),
    )
)
_ADD = Statement(insert(link_counts), ("connection_id", "block", "live", "active"))
_TOTALS = Statement(
    select(
        func.coalesce(func.sum(link_counts.c.live), 0),
        func.coalesce(func.sum(link_counts.c.active), 0),
    ).where(link_counts.c.connection_id == bindparam("of_connection"))
)
_BLOCKS = Statement(
    select(link_counts.c.block, func.sum(link_counts.c.live))
    .where(link_counts.c.connection_id == bindparam("of_connection"))
    .group_by(link_counts.c.block)
    .order_by(link_counts.c.block)
)


def move(
    tx: Transaction, connection_id: int, seq: int, *, live: int, active: int
) -> None:
    """Add to the counts of the block of *seq*, in the transaction of the change."""
    if not live and not active:
        return
    block = seq // BLOCK
    if tx.dialect == "sqlite":
        met = tx.run(
            _MOVE,
            of_connection=connection_id,
            of_block=block,
            more_live=live,
            more_active=active,
        )
        if met:
            return
    tx.run(_ADD, connection_id=connection_id, block=block, live=live, active=active)


def totals(reader: Reader, connection_id: int) -> tuple[int, int]:
    """How many links of a connection are visible, and how many of them active."""
    live, active = reader.rows(_TOTALS, of_connection=connection_id)[0]
    return int(live), int(active)


def blocks(reader: Reader, connection_id: int) -> list[tuple[int, int]]:
    """The blocks of a connection in order, each with its visible links."""
    rows = reader.rows(_BLOCKS, of_connection=connection_id)
    return [(int(block), int(live)) for block, live in rows]


_CROWDED = Statement(
    select(
        link_counts.c.connection_id,
        link_counts.c.block,
        func.sum(link_counts.c.live),
        func.sum(link_counts.c.active),
        func.max(link_counts.c.id),
    )
    .group_by(link_counts.c.connection_id, link_counts.c.block)
    .having(func.count() > 1)
)
_DROP = Statement(
    delete(link_counts).where(*_OF_BLOCK, link_counts.c.id <= bindparam("last"))
)


_TRUTH = Statement(
    select(
        links.c.connection_id,
        func.count(),
        func.sum(case((links.c.active, 1), else_=0)),
    )
    .where(links.c.hidden_at.is_(None))
    .group_by(links.c.connection_id)
)


_COUNTED = Statement(select(link_counts.c.connection_id).distinct())


def wrong(reader: Reader) -> list[str]:
    """Where the counts differ from the rows themselves; empty when they are right."""
    found = []
    truth = {row[0]: (int(row[1]), int(row[2])) for row in reader.rows(_TRUTH)}
    known = {row[0] for row in reader.rows(_COUNTED)}
    for connection_id in sorted(known | truth.keys()):
        live, active = truth.get(connection_id, (0, 0))
        counted = totals(reader, connection_id)
        if counted != (live, active):
            found.append(
                f"connection {connection_id}: {live} links, {active} active,"
                f" but counted {counted[0]} and {counted[1]}"
            )
    return found


def is_crowded(reader: Reader) -> bool:
    """Whether some block has more than one row."""
    return reader.row(_CROWDED) is not None


def fold(tx: Transaction) -> int:
    """Add up the rows of each block into one; returns how many blocks were folded."""
    crowded = tx.rows(_CROWDED)
    for connection_id, block, live, active, last in crowded:
        tx.run(_DROP, of_connection=connection_id, of_block=block, last=last)
        tx.run(_ADD, connection_id=connection_id, block=block, live=live, active=active)
    return len(crowded)
