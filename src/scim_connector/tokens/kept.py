"""What other servers publish, kept: fresh for an hour, used for a day if they fail.

Something that is missed in it fetches once more, at most once a minute, so that nobody
can make us ask another server as often as they ask us.  A server that did not answer is
asked again after a few seconds, so that people get in soon after it is back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Final, Generic, TypeVar

import structlog

from scim_connector.tokens.fetching import CannotFetch

FRESH: Final = 3600.0
COOL_DOWN: Final = 60.0
RETRY: Final = 5.0
STALE: Final = 24 * 3600.0
_log = structlog.get_logger("fetching")
T = TypeVar("T")


@dataclass(slots=True)
class _Held(Generic[T]):
    """What one address gave; instants in seconds on the monotonic clock."""

    value: T | None = None
    fetched: float | None = None
    tried: float | None = None
    why_not: str = ""
    lock: Lock = field(default_factory=Lock)


class Kept(Generic[T]):
    """Values by their address, as one process keeps them."""

    def __init__(
        self, what: str, clock: Callable[[], float], fetch: Callable[[str], T]
    ) -> None:
        """*what* names them in the log; *fetch* gets one or raises CannotFetch."""
        self._what = what
        self._clock = clock
        self._fetch = fetch
        self._held: dict[str, _Held[T]] = {}
        self._lock = Lock()

    def value(self, url: str, serves: Callable[[T], bool] = lambda _: True) -> T:
        """The value of an address, fetched again if it does not serve.

        Raises CannotFetch when there is none that is not too old.
        """
        with self._lock:
            held = self._held.setdefault(url, _Held())
        with held.lock:  # an address that hangs keeps nobody from the others
            now = self._clock()
            if self._is_due(held, serves, now):
                self._renew(url, held, now)
            if held.fetched is None or held.value is None or now - held.fetched > STALE:
                raise CannotFetch(held.why_not)
            return held.value

    def _is_due(self, held: _Held[T], serves: Callable[[T], bool], now: float) -> bool:
        pause = RETRY if held.why_not else COOL_DOWN
        if held.tried is not None and now - held.tried < pause:
            return False
        is_fresh = held.fetched is not None and now - held.fetched < FRESH
        return not is_fresh or held.value is None or not serves(held.value)

    def _renew(self, url: str, held: _Held[T], now: float) -> None:
        held.tried = now
        try:
            held.value = self._fetch(url)
            held.fetched, held.why_not = now, ""
        except CannotFetch as error:
            held.why_not = str(error)
            _log.warning(f"{self._what} cannot be fetched", url=url, reason=str(error))
