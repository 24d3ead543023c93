"""How many requests were answered and how fast, for ``/metrics``: counted in batches.

The counts are of the installation, so they outlive a process, and every process that is
asked tells the same.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, insert, select, update

from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import request_counts

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction

#: Who was not known yet when a request failed here.
NOBODY: Final = 0
#: The upper bounds that times are counted by, in microseconds; then everything longer.
BOUNDS: Final = (
    *(2_500, 5_000, 10_000, 25_000, 50_000, 100_000),
    *(250_000, 500_000, 1_000_000, 2_500_000, 5_000_000),
)
LONGER: Final = 2**62

#: Connection, action by the log's word, status, and how long it took in microseconds.
Answered = tuple[int, str, int, int]
#: The same with the bound in place of the time, then how many, and their whole time.
Counted = tuple[int, str, int, int, int, int]

_KEY: Final = ("connection_id", "action", "status", "within_us")
_MORE = Statement(
    update(request_counts)
    .where(*(request_counts.c[name] == bindparam(f"of_{name}") for name in _KEY))
    .values(
        count=request_counts.c.count + bindparam("more"),
        total_us=request_counts.c.total_us + bindparam("more_us"),
    )
)
_ADD = Statement(insert(request_counts), (*_KEY, "count", "total_us"))
_ALL = Statement(
    select(*(request_counts.c[n] for n in (*_KEY, "count", "total_us"))).order_by(
        *(request_counts.c[name] for name in _KEY)
    )
)


def add(tx: Transaction, answered: Iterable[Answered]) -> None:
    """Count requests by connection, action, status and the bound of their time."""
    counts: Counter[tuple[int, str, int, int]] = Counter()
    times: Counter[tuple[int, str, int, int]] = Counter()
    for connection_id, action, status, took in answered:
        key = (connection_id, action, status, bound(took))
        counts[key] += 1
        times[key] += took
    for key in sorted(counts):  # in one order, so that two batches do not deadlock
        values = dict(zip(_KEY, key, strict=True))
        of = {f"of_{name}": value for name, value in values.items()}
        if not tx.run(_MORE, **of, more=counts[key], more_us=times[key]):
            tx.run(_ADD, **values, count=counts[key], total_us=times[key])


def bound(took: int) -> int:
    """The bound by which a time is counted: the first that is not below it."""
    place = bisect_left(BOUNDS, took)
    return BOUNDS[place] if place < len(BOUNDS) else LONGER


def every(reader: Reader) -> list[Counted]:
    """Everything that was counted, by connection, action, status and bound."""
    return [
        (int(c), str(action), int(status), int(within), int(count), int(total))
        for c, action, status, within, count, total in reader.rows(_ALL)
    ]
