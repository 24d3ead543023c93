"""A fair lock around the single writer of a SQLite file.

SQLite lets writers sleep and try again, so under load the unlucky one waits for ever
shorter chances.  A kernel lock is granted in the order of asking, and freed by the
kernel when a process dies.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep

#: Most writers are done in a millisecond, so a few looks are cheaper than queueing.
_PAUSES = (0.0002, 0.0003, 0.0004, 0.0006, 0.001)


class DatabaseBusy(Exception):
    """The database did not let us write in time; trying again later works."""


class BeingCopied(DatabaseBusy):
    """The database is being copied away; nobody writes until that is done."""


class WriterLock:
    """The lock file beside a database, held by one thread of one process at a time.

    A lock belongs to one thread.  The kernel has no deadline for waiting, so a waiting
    thread of our own asks for us; one that is no longer waited for lets go at once.
    """

    def __init__(self, path: Path) -> None:
        """Open (and make) the file; every thread has a descriptor of its own."""
        flags = os.O_CREAT | os.O_RDWR | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o600)
        self._late: threading.Thread | None = None

    @contextmanager
    def held(self, seconds: float) -> Iterator[None]:
        """Hold the lock; raises DatabaseBusy when it is not had within *seconds*."""
        self._acquire(seconds)
        try:
            yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def _acquire(self, seconds: float) -> None:
        if self._late is not None:
            self._late.join(seconds)
            if self._late.is_alive():
                raise DatabaseBusy
            self._late = None
        for pause in _PAUSES:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                sleep(min(pause, seconds))
            else:
                return
        self._wait(seconds)

    def _wait(self, seconds: float) -> None:
        request = _Request(self._descriptor)
        waiter = threading.Thread(target=request.ask, daemon=True)
        waiter.start()
        try:
            request.answered.wait(seconds)
        except BaseException:  # interrupted: nobody waits, so nobody may be granted it
            if request.granted():
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            self._late = waiter
            raise
        if not request.granted():
            self._late = waiter
            raise DatabaseBusy

    def close(self) -> None:
        """Close the file, unless a late wait for it is still in the kernel."""
        if self._late is not None and self._late.is_alive():
            return
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


class _Request:
    """One wait for the lock: granted, or withdrawn before it was."""

    def __init__(self, descriptor: int) -> None:
        self.answered = threading.Event()
        self._descriptor = descriptor
        self._guard = threading.Lock()
        self._withdrawn = False

    def ask(self) -> None:
        """Wait in the kernel's queue; let go at once if nobody waits any more."""
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        with self._guard:
            if self._withdrawn:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            self.answered.set()

    def granted(self) -> bool:
        """End the wait: whether the lock came; if not, the request is withdrawn."""
        with self._guard:
            self._withdrawn = not self.answered.is_set()
            return not self._withdrawn
