"""How each figure of an installation is read, at one instant."""

from __future__ import annotations

import math
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

from scim_connector.administration import backups
from scim_connector.administration import connections as administration
from scim_connector.administration.overview import DAY, WEEK, first_expiry
from scim_connector.administration.receivers import waiting_since
from scim_connector.directory import (
    async_requests,
    conflicts,
    connections,
    credentials,
    outbox,
    receipts,
    receivers,
    refusals,
    request_counts,
    request_log,
    seals,
    sessions,
    webhooks,
)
from scim_connector.directory.request_counts import BOUNDS, LONGER, NOBODY

if TYPE_CHECKING:
    from pathlib import Path

    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader
    from scim_connector.directory.request_counts import Counted

SECOND: Final = 1_000_000
_MINUTE: Final = 60 * SECOND
#: A call to an application that takes longer than this is worth a word.
UNFINISHED_AFTER: Final = 5 * _MINUTE


@dataclass(frozen=True, slots=True)
class Times:
    """How long things took: how many within each bound in seconds, and all together."""

    within: tuple[tuple[float, int], ...]
    total: float


Value = float | Times
Sample = tuple[tuple[str, ...], Value]


@dataclass(frozen=True)
class Sight:
    """An installation at one instant, in microseconds UTC."""

    reader: Reader
    now: int
    idle: int
    path: Path | None = None
    _names: dict[int, str] = field(default_factory=dict)

    @cached_property
    def connections(self) -> list[Connection]:
        """Every connection that is not retired."""
        every = connections.every(self.reader)
        self._names.update((each.id, each.name) for each in every)
        return [each for each in every if each.state != "retired"]

    @cached_property
    def counted(self) -> list[Counted]:
        """What was counted of requests."""
        return request_counts.every(self.reader)

    @cached_property
    def deactivated(self) -> tuple[int, int, int]:
        """How many deactivations a day had, the longest in microseconds, and all."""
        return receipts.times(self.reader, since=self.now - DAY)

    def name(self, connection_id: int) -> str:
        """The name of a connection; empty where nobody was known."""
        _ = self.connections
        return "" if connection_id == NOBODY else self._names.get(connection_id, "?")

    def ago(self, instant: int) -> float:
        """Seconds since an instant."""
        return (self.now - instant) / SECOND


# -------------------------------------------------------------------------- requests


def requests(sight: Sight) -> Iterator[Sample]:
    """Requests that were answered, by connection, action and status."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for connection_id, action, status, _, count, _ in sight.counted:
        counts[sight.name(connection_id), action, str(status)] += count
    yield from counts.items()


def request_times(sight: Sight) -> Iterator[Sample]:
    """How long they took, by connection and action."""
    grouped: dict[tuple[str, str], list[Counted]] = {}
    for each in sight.counted:
        grouped.setdefault((sight.name(each[0]), each[1]), []).append(each)
    for labels, counted in grouped.items():
        yield labels, _times(counted)


def _times(counted: Iterable[Counted]) -> Times:
    """The counts below each bound, as Prometheus adds them up."""
    counts: Counter[int] = Counter()
    total = 0
    for _, _, _, within, count, took in counted:
        counts[within] += count
        total += took
    sums, sum_ = [], 0
    for bound in (*BOUNDS, LONGER):
        sum_ += counts[bound]
        sums.append((math.inf if bound == LONGER else bound / SECOND, sum_))
    return Times(tuple(sums), total / SECOND)


def refused_callers(sight: Sight) -> Iterator[Sample]:
    """Callers who were refused, by reason."""
    for reason, count in refusals.by_reason(sight.reader):
        yield (reason,), count


# ----------------------------------------------------------------------- connections


def states(sight: Sight) -> Iterator[Sample]:
    """Each connection with its kind and state."""
    for each in sight.connections:
        yield (each.name, each.kind, each.state), 1


def people(sight: Sight) -> Iterator[Sample]:
    """Active users, by connection."""
    for each in sight.connections:
        yield (each.name,), administration.people(sight.reader, each)


def last(place: int) -> Callable[[Sight], Iterator[Sample]]:
    """When connections last asked (0), or last got what they asked for (1)."""

    def read(sight: Sight) -> Iterator[Sample]:
        for each in sight.connections:
            instant = request_log.last(sight.reader, each.id)[place]
            if instant is not None:
                yield (each.name,), instant / SECOND

    return read


def expiries(sight: Sight) -> Iterator[Sample]:
    """Seconds until the last credential of a connection ends."""
    for each in sight.connections:
        held = credentials.of_connection(sight.reader, each.id)
        first = first_expiry(held, sight.now)
        if first is None:
            continue
        ends = first.credential.expires_at
        yield (each.name,), math.inf if ends is None else -sight.ago(ends)


def asked(place: int) -> Callable[[Sight], Iterator[Sample]]:
    """How many requests wait to be carried out (0), or how long the oldest has (1)."""

    def read(sight: Sight) -> Iterator[Sample]:
        found = async_requests.queues(sight.reader)
        for each in sight.connections:
            queue = found.get(each.id)
            counted = (
                (0, 0.0) if queue is None else (queue.count, sight.ago(queue.since))
            )
            yield (each.name,), counted[place]

    return read


# ------------------------------------------------------------------ what leaves here


def queued(place: int) -> Callable[[Sight], Iterator[Sample]]:
    """How many messages wait (0), or how long the oldest has waited (1)."""

    def read(sight: Sight) -> Iterator[Sample]:
        found = outbox.depth(sight.reader)
        for kind in ("mail", "logout", "webhook"):
            mine = [v for topic, v in found.items() if topic.startswith(f"{kind}:")]
            since = min((s for _, s in mine), default=sight.now)
            yield (kind,), (sum(n for n, _ in mine), sight.ago(since))[place]

    return read


def held(sight: Sight) -> Iterator[Sample]:
    """Mails that wait for a person."""
    yield (), outbox.count_held(sight.reader)


def not_delivered(sight: Sight) -> Iterator[Sample]:
    """Mails given up in the last seven days."""
    found = outbox.given_up(sight.reader, since=sight.now - WEEK)
    yield (), sum(n for topic, n in found.items() if topic.startswith("mail:"))


def webhooks_lost(sight: Sight) -> Iterator[Sample]:
    """Messages to each webhook that were given up, and not sent again since."""
    found = webhooks.tallies(sight.reader)
    for each in webhooks.every(sight.reader):
        yield (each.name,), found.get(each.id, webhooks.Tally()).lost


def receivers_wait(sight: Sight) -> Iterator[Sample]:
    """How long the oldest event has waited that a receiver is still to take."""
    for each in receivers.every(sight.reader):
        since = waiting_since(sight.reader, each)
        yield (each.name,), 0 if since is None else max(0, sight.ago(since))


def receivers_refused(sight: Sight) -> Iterator[Sample]:
    """Events that each receiver refused for good, as long as that is remembered."""
    refused = receivers.refused(sight.reader, since=sight.now - receivers.KEPT)
    for each in receivers.every(sight.reader):
        yield (each.name,), refused.get(each.id, 0)


# ------------------------------------------------------------------------ what ended


def deactivations(sight: Sight) -> Iterator[Sample]:
    """Deactivations of the last day."""
    yield (), sight.deactivated[0]


def slowest(sight: Sight) -> Iterator[Sample]:
    """The longest of them, in seconds."""
    yield (), sight.deactivated[1] / SECOND


def mean(sight: Sight) -> Iterator[Sample]:
    """Their mean, in seconds."""
    count, _, total = sight.deactivated
    yield (), total / SECOND / count if count else 0


def unfinished(sight: Sight) -> Iterator[Sample]:
    """Calls of deactivations that no application has confirmed in time."""
    before, since = sight.now - UNFINISHED_AFTER, sight.now - DAY
    found = outbox.unfinished(sight.reader, before=before, since=since)
    yield (), sum(count for count, _ in found.values())


def open_sessions(sight: Sight) -> Iterator[Sample]:
    """Sessions that are open."""
    idle_since = sight.now - sight.idle
    yield (), sessions.count_live(sight.reader, now=sight.now, idle_since=idle_since)


# ------------------------------------------------------------------------- the house


def unsealed(sight: Sight) -> Iterator[Sample]:
    """How long the oldest event has waited for its seal."""
    since = seals.oldest_unsealed(sight.reader)
    yield (), 0 if since is None else max(0, sight.ago(since))


def open_conflicts(sight: Sight) -> Iterator[Sample]:
    """What waits for a decision."""
    yield (), conflicts.count_open(sight.reader)


def backup(sight: Sight) -> Iterator[Sample]:
    """When the last backup was made."""
    last = backups.last(sight.reader)
    if last is not None:
        yield (), last / SECOND


def disk(sight: Sight) -> Iterator[Sample]:
    """Free bytes beside the database."""
    if sight.path is not None:
        yield (), shutil.disk_usage(sight.path.absolute().parent).free
