"""How many requests a connection may send: a bucket of tokens in each process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Final

from scim_connector.scim.errors import TooManyRequests

BURST: Final = 2
"""A connection that was quiet may send so many seconds' worth at once."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class RateLimit:
    """A bucket for each connection, or user, filled as time goes by."""

    def __init__(
        self,
        rate: int,
        clock: Callable[[], float] = monotonic,
        *,
        who: str = "This connection",
    ) -> None:
        """Allow *rate* requests a second for each connection; 0 is no limit.

        *who* is what a refusal calls the one who sends too many.
        """
        self._rate = rate
        self._who = who
        self._clock = clock
        self._buckets: dict[int, _Bucket] = {}
        self._lock = Lock()

    def take(self, connection_id: int) -> None:
        """Take one token; raises TooManyRequests with the whole seconds to wait."""
        if not self._rate:
            return
        now, most = self._clock(), self._rate * BURST
        with self._lock:
            bucket = self._buckets.setdefault(connection_id, _Bucket(most, now))
            gained = (now - bucket.at) * self._rate
            bucket.tokens, bucket.at = min(most, bucket.tokens + gained), now
            if bucket.tokens >= 1:
                bucket.tokens -= 1
                return
        raise TooManyRequests(
            f"{self._who} sends more than {self._rate} requests a second; wait as"
            " long as Retry-After says, and go on. Nothing was changed.",
            retry_after=1,
        )
