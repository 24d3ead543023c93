"""How often each dialect quirk and each unknown attribute was seen (decision 24)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, insert, select, update

from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import quirk_counts

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction

_MORE = Statement(
    update(quirk_counts)
    .where(
        quirk_counts.c.connection_id == bindparam("of_connection"),
        quirk_counts.c.quirk == bindparam("of_quirk"),
    )
    .values(
        count=quirk_counts.c.count + bindparam("more"), last_seen_at=bindparam("at")
    )
)
_ADD = Statement(
    insert(quirk_counts), ("connection_id", "quirk", "count", "last_seen_at")
)
_ALL = Statement(
    select(
        quirk_counts.c.connection_id,
        quirk_counts.c.quirk,
        quirk_counts.c.count,
        quirk_counts.c.last_seen_at,
    ).order_by(quirk_counts.c.connection_id, quirk_counts.c.quirk)
)


def count(tx: Transaction, seen: Mapping[tuple[int, str], int], *, now: int) -> None:
    """Add to the counts of (connection, quirk)."""
    for (connection_id, quirk), more in sorted(seen.items()):
        met = tx.run(
            _MORE, of_connection=connection_id, of_quirk=quirk, more=more, at=now
        )
        if not met:
            tx.run(
                _ADD,
                connection_id=connection_id,
                quirk=quirk,
                count=more,
                last_seen_at=now,
            )


def every(reader: Reader) -> list[tuple[int, str, int, int]]:
    """Connection, quirk, count and last sight (microseconds UTC) of everything seen."""
    return [(a, b, int(c), int(d)) for a, b, c, d in reader.rows(_ALL)]
