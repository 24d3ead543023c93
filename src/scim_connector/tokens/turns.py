"""Turns for slow work: a few at once, a few waiting, the rest is told to come again.

A process answers with a handful of threads.  Hashing a password takes a good part of a
second of a processor, asking a provider seconds when it hangs: whoever could start any
number of them could keep a deactivation waiting.  So both share these turns, and some
threads are always left for everything else.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock
from typing import Final

AT_ONCE: Final = 2
WAITING: Final = 2
#: So many threads of a process wait for the forms of strangers (``web.arrivals``).
ARRIVING: Final = 4
#: So many threads answer receivers that poll; half of them may wait for an event.
POLLING: Final = 4
#: So many threads answer requests in a process: two are left whatever is slow.
THREADS: Final = AT_ONCE + WAITING + ARRIVING + POLLING + 2
WAIT_SECONDS: Final = 5.0
RETRY_SECONDS: Final = 5


class TooBusy(Exception):
    """Too much slow work is under way; ``retry_after`` in seconds."""

    retry_after = RETRY_SECONDS

    def __init__(self) -> None:
        """Say so in words for whoever is signing in."""
        text = "Many people sign in at this moment. Try again in a few seconds."
        super().__init__(text)


class Turns:
    """Lets a few work at once and a few wait; the rest is refused at once."""

    def __init__(
        self,
        at_once: int = AT_ONCE,
        waiting: int = WAITING,
        seconds: float = WAIT_SECONDS,
    ) -> None:
        """*seconds* is how long one waits at most."""
        self._working = BoundedSemaphore(at_once)
        self._most = at_once + waiting
        self._seconds = seconds
        self._inside = 0
        self._lock = Lock()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Have a turn; raises TooBusy."""
        with self._lock:
            if self._inside >= self._most:
                raise TooBusy
            self._inside += 1
        try:
            if not self._working.acquire(timeout=self._seconds):
                raise TooBusy
            try:
                yield
            finally:
                self._working.release()
        finally:
            with self._lock:
                self._inside -= 1
