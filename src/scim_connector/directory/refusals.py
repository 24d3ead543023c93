"""Callers refused before authentication: counted in batches, never one by one.

They must not take the writer lock, or anybody could stop the house by knocking
(decision 33).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, insert, select, update

from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import refused_callers

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction

DAY = 86_400_000_000

_MORE = Statement(
    update(refused_callers)
    .where(
        refused_callers.c.day == bindparam("of_day"),
        refused_callers.c.reason == bindparam("of_reason"),
        refused_callers.c.source == bindparam("of_source"),
    )
    .values(
        count=refused_callers.c.count + bindparam("more"),
        last_seen_at=bindparam("at"),
        sample=bindparam("new_sample"),
    )
)
_ADD = Statement(
    insert(refused_callers),
    ("day", "reason", "source", "count", "last_seen_at", "sample"),
)
_ALL = Statement(
    select(
        refused_callers.c.day,
        refused_callers.c.reason,
        refused_callers.c.source,
        refused_callers.c.count,
        refused_callers.c.last_seen_at,
        refused_callers.c.sample,
    ).order_by(refused_callers.c.last_seen_at.desc())
)

_BY_REASON = Statement(
    select(refused_callers.c.reason, func.sum(refused_callers.c.count))
    .group_by(refused_callers.c.reason)
    .order_by(refused_callers.c.reason)
)


def count(
    tx: Transaction, seen: Mapping[tuple[str, str], tuple[int, str]], *, now: int
) -> None:
    """Add refusals by (reason, source): how many, and one sample path."""
    day = now // DAY
    for (reason, source), (more, sample) in sorted(seen.items()):
        met = tx.run(
            _MORE,
            of_day=day,
            of_reason=reason,
            of_source=source,
            more=more,
            at=now,
            new_sample=sample,
        )
        if not met:
            tx.run(
                _ADD,
                day=day,
                reason=reason,
                source=source,
                count=more,
                last_seen_at=now,
                sample=sample,
            )


def every(reader: Reader) -> list[tuple[int, str, str, int, int, str]]:
    """Day, reason, source, count, last sight and a sample, the latest first."""
    return [(a, b, c, int(d), int(e), f) for a, b, c, d, e, f in reader.rows(_ALL)]


def by_reason(reader: Reader) -> list[tuple[str, int]]:
    """How many callers were refused for each reason, since the first day."""
    return [(str(reason), int(count)) for reason, count in reader.rows(_BY_REASON)]
