"""Which events nothing can be added in front of any more (decision 36).

An event has its number before it is committed, and transactions do not end in the order
in which their numbers were given: 91 can be there while 90 is still being written.  On
SQLite there is one writer, and nothing is open.  On PostgreSQL numbers without a gap
leave no room, whoever is running.  A gap is left for good by work that was rolled back
(every dry run); it is known for such once all have ended who ran when an event behind it
was seen, for each of them had its transaction before its number (``audit``).  What was
seen is kept for that in ``installation``, so that any process may find it settled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select, text

from scim_connector.directory import installation
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import audit_events

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction

#: The event seen behind a gap, and the transaction that was to come next then.
SEEN: Final = "audit_seen"

_LAST_EVENT = Statement(select(func.coalesce(func.max(audit_events.c.id), 0)))
#: The transaction behind all that ran, and the oldest that runs in this database: a long
#: one of another database says nothing of our numbers.  A snapshot ends behind the last
#: that is over, so the running ones are asked for; they show the lower 32 bits alone.
_RUNNING = Statement(
    text(
        "SELECT over + greatest(max(ahead) + 1, 0), over + coalesce(min(ahead), 0)"
        " FROM (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint)"
        "  AS now (over)"
        " LEFT JOIN pg_stat_activity ON datname = current_database()"
        "  AND backend_xid IS NOT NULL"
        " CROSS JOIN LATERAL (SELECT"
        "  ((backend_xid::text::bigint - over + 2147483648) & 4294967295) - 2147483648"
        " ) AS distance (ahead)"
        " GROUP BY over"
    )
)


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen: every number up to *event* was given to whoever came before *next*.

    *oldest* is the oldest transaction that ran then, or *next* when none did.
    """

    event: int
    next: int = 0
    oldest: int = 0


def look(reader: Reader) -> Look:
    """Look at the events and at who is writing; not within a transaction.

    Whoever ends between the two is seen by every transaction that begins after it.
    """
    event = int(reader.value(_LAST_EVENT))
    if reader.dialect == "sqlite":
        return Look(event)
    following, oldest = reader.row(_RUNNING) or (0, 0)
    return Look(event, int(following), int(oldest))


def settled(
    tx: Transaction, rows: Sequence[tuple[Any, ...]], seen: Look, *, after: int
) -> Sequence[tuple[Any, ...]]:
    """Those of *rows* that no running transaction can slip in between.

    *rows* are the first events behind *after*, their number first; *tx* began after
    *seen*.
    """
    whole = _gapless(rows, after)
    if len(whole) == len(rows):
        return rows
    return _gapless(rows, _no_room_upto(tx, seen, after))


def _gapless(rows: Sequence[tuple[Any, ...]], upto: int) -> Sequence[tuple[Any, ...]]:
    """The first of *rows*: those up to *upto*, and those that follow it one by one."""
    for place, (number, *_) in enumerate(rows):
        if number > upto + 1:
            return rows[:place]
        upto = max(upto, number)
    return rows


def _no_room_upto(tx: Transaction, now: Look, after: int) -> int:
    """The event up to which every gap is left for good."""
    if now.next <= now.oldest:
        return now.event
    before = _read(tx)
    ended = before.next <= now.oldest
    # a number that is still to come is from another server, as after a restore
    if ended or before.event <= after or now.next < before.next:
        installation.write(tx, SEEN, f"{now.event} {now.next}")
    return max(after, before.event) if ended else after


def _read(tx: Transaction) -> Look:
    event, following = (installation.read(tx, SEEN) or "0 0").split()
    return Look(int(event), int(following))
