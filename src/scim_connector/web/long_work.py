"""Long work in a thread of its own, so that whoever asked can be told how far it is.

It is carried to its end even if they leave; it is one transaction, so there is no half
of it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from queue import Empty, Queue
from threading import Thread
from time import monotonic
from typing import Any, Final

#: So often it is told how far the work is, seconds.
EVERY: Final = 1.0
#: Counts steps as they are done.
Count = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Moment:
    """How far the work was, after so many seconds."""

    done: int
    seconds: float


class Running:
    """The work in its thread, and what it has counted so far.

    ``result`` is what it returned in the end, or the exception it was refused by.
    """

    def __init__(self, work: Callable[[Count], Any], steps: int) -> None:
        """Begin *work*, which is given a function that counts what is done."""
        self.result: Any = None
        self._steps = steps
        self._done = 0
        self._ended: Queue[None] = Queue()
        self._work = work
        Thread(target=self._run, name="long work", daemon=True).start()

    def _run(self) -> None:
        try:
            self.result = self._work(self._count)
        except Exception as error:
            self.result = error
        finally:
            self._ended.put(None)

    def _count(self, more: int) -> None:
        # Work that lost a race is run again from its start, and counts twice.
        self._done = min(self._done + more, self._steps)

    def moments(self, every: float = EVERY) -> Generator[Moment, None, None]:
        """How far it is, now and then, until it has ended."""
        began = monotonic()
        while True:
            try:
                self._ended.get(timeout=every)
            except Empty:
                yield Moment(self._done, monotonic() - began)
            else:
                return
