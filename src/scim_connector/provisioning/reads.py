"""Reads are logged off the read path: gathered in memory, written in batches.

A crash may lose the reads of the last second (``FLUSH_SECONDS``) of this process; no
change and no refusal is ever gathered (decision 43).
"""

from __future__ import annotations

from collections import Counter, deque
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from scim_connector.directory import (
    credentials,
    quirks,
    refusals,
    request_counts,
    request_log,
)

if TYPE_CHECKING:
    from scim_connector.directory.database import Transaction
    from scim_connector.directory.request_counts import Answered
    from scim_connector.directory.request_log import Entry
    from scim_connector.directory.stores import Store

FLUSH_SECONDS = 1.0
MOST_WAITING = 20_000
MOST_SOURCES = 500

T = TypeVar("T")


class RequestGatherer:
    """The reads of this process that are not in the request log yet."""

    def __init__(self, database: Store) -> None:
        """Begin empty; *database* is where :meth:`flush` writes."""
        self._database = database
        self._waiting: deque[Entry] = deque(maxlen=MOST_WAITING)
        self._answered: deque[Answered] = deque(maxlen=MOST_WAITING)
        self._quirks: Counter[tuple[int, str]] = Counter()
        self._used: dict[str, int] = {}
        self._refused: dict[tuple[str, str], tuple[int, str]] = {}
        self._refused_at = 0
        self._lock = Lock()

    def note(self, entry: Entry) -> None:
        """Remember one read; costs no statement."""
        self._waiting.append(entry)

    def answered(
        self, connection_id: int, action: str, status: int, took_us: int
    ) -> None:
        """Count a request for ``/metrics`` that is not a read; costs no statement."""
        self._answered.append((connection_id, action, status, took_us))

    def used(self, credential_id: str, now: int) -> None:
        """Remember when a credential was last used."""
        self._used[credential_id] = now

    def saw(self, connection_id: int, names: Counter[str]) -> None:
        """Count dialect quirks and unknown attributes."""
        if names:
            with self._lock:
                for name, count in names.items():
                    self._quirks[connection_id, name] += count

    def refused(self, reason: str, source: str, path: str, now: int) -> None:
        """Count a caller refused before authentication; never takes the writer lock.

        The path is kept as a sample, so it is cut; the number of sources is bounded.
        """
        key = (reason, source)
        with self._lock:
            if key not in self._refused and len(self._refused) >= MOST_SOURCES:
                key = (reason, "others")
            count, _ = self._refused.get(key, (0, ""))
            self._refused[key] = (count + 1, path[:200])
            self._refused_at = now

    def flush(self) -> int:
        """Write what waits in one transaction; returns how many reads were written."""
        entries = _taken(self._waiting)
        answered = _taken(self._answered)
        with self._lock:
            seen, self._quirks = self._quirks, Counter()
            refused, self._refused = self._refused, {}
        used, self._used = self._used, {}
        if not (entries or answered or seen or used or refused):
            return 0
        reads = [(e.connection_id, e.action, e.status, e.duration_us) for e in entries]

        def work(tx: Transaction) -> None:
            request_log.add_batch(tx, entries)
            request_counts.add(tx, [*reads, *answered])
            quirks.count(tx, seen, now=max(used.values(), default=0))
            credentials.touch(tx, used)
            refusals.count(tx, refused, now=self._refused_at)

        try:
            self._database.write(work)
        except Exception:
            # That the database did not answer is counted when it answers again.
            self._answered.extendleft(reversed(answered))
            raise
        return len(entries)


def _taken(waiting: deque[T]) -> list[T]:
    """What waits at this moment; what comes meanwhile stays for the next time."""
    return [waiting.popleft() for _ in range(len(waiting))]
