"""How long things are kept, and what goes when that is over."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from scim_connector.directory import pruning

if TYPE_CHECKING:
    from scim_connector.directory.database import Database

#: Where nothing was to do, a process looks again after so many microseconds.
REST: Final = 10 * 60 * 1_000_000


@dataclass(slots=True)
class Retention:
    """Forgets what is older than the settings say, a batch a round.

    *bodies* and *events* are in microseconds; None keeps for ever.  Bodies are those of
    the request log; with the events go the requests of their time.
    """

    bodies: int | None
    events: int | None
    again_at: int = 0

    def round(self, database: Database, now: int) -> None:
        """Do a little of what is due; soon again, or after a rest."""
        if now < self.again_at:
            return
        busy = self._forget_bodies(database, now) | self._forget_events(database, now)
        self.again_at = 0 if busy else now + REST

    def _forget_bodies(self, database: Database, now: int) -> bool:
        if self.bodies is None:
            return False
        reader = database.reader()
        upto = pruning.requests_before(reader, now - self.bodies)
        if not pruning.has_bodies(reader, upto):
            return False
        database.write(partial(pruning.empty_bodies, upto=upto))
        return True

    def _forget_events(self, database: Database, now: int) -> bool:
        if self.events is None:
            return False
        reader, before, busy = database.reader(), now - self.events, False
        upto = pruning.requests_before(reader, before)
        if pruning.has_requests(reader, upto):
            database.write(partial(pruning.drop_requests, upto=upto))
            busy = True
        if pruning.due(reader, before) is not None:
            database.write(partial(pruning.move_boundary, before=before, now=now))
        if pruning.has_pruned(reader):
            database.write(pruning.drop_events)
            busy = True
        return busy
