"""The thread beside the requests of one worker process.

Once a second it looks whether the database is being copied away, writes the gathered
reads and uses of sessions, and does the housekeeping that any process may do at any
time: sealing audit, signing its head, looking whether an alert holds, forgetting what is
old and, on PostgreSQL, adding up counters.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Event, Thread
from time import time_ns
from typing import TYPE_CHECKING

import structlog

from scim_connector.delivery.housekeeping import keep_house
from scim_connector.directory.snapshots import look
from scim_connector.provisioning import FLUSH_SECONDS

if TYPE_CHECKING:
    from scim_connector.directory.database import Database
    from scim_connector.login.sessions import Sessions
    from scim_connector.provisioning import RequestGatherer

_log = structlog.get_logger("background")

Chore = Callable[["Database", int], object]
"""Something to do when it is time for it, which it knows; *now* in microseconds."""


class Background:
    """Starts with its process and writes what is left when it ends."""

    def __init__(
        self,
        database: Database,
        gatherer: RequestGatherer,
        sessions: Sessions,
        *chores: Chore,
    ) -> None:
        """Work on *database* for the process of *gatherer* and *sessions*."""
        self._chores = chores
        self._database = database
        self._sessions = sessions
        self._gatherer = gatherer
        self._ended = Event()
        self._thread = Thread(target=self._run, name="background", daemon=True)

    def start(self) -> None:
        """Begin; call it once, in the process whose requests it serves."""
        self._thread.start()

    def stop(self) -> None:
        """End, after one last round."""
        self._ended.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._ended.wait(FLUSH_SECONDS):
            self._round()
        self._round()

    def _round(self) -> None:
        """One round, each step by itself: alerts tell of a sealer that cannot seal."""
        now = time_ns() // 1000
        steps: tuple[Callable[[], object], ...] = (
            self._gatherer.flush,
            partial(self._sessions.flush, now),
            partial(keep_house, self._database),
            *(partial(chore, self._database, now) for chore in self._chores),
        )
        try:
            if look(self._database):
                return  # what is gathered waits until the copy is made
        except Exception as error:
            _told(error)
            return
        for step in steps:
            try:
                step()
            except Exception as error:
                _told(error)


def _told(error: Exception) -> None:
    """A database that does not answer now may answer the next time."""
    _log.warning("background round failed", reason=str(error) or repr(error))
