"""Who changes a user, when, and on which request."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from time import perf_counter_ns, time_ns
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scim_connector.rules.actors import Actor


@dataclass(frozen=True, slots=True)
class Act:
    """Who changes a user, when (microseconds UTC), and on which request.

    ``started`` is the same instant on the performance counter, nanoseconds, where it
    was looked at: how long something took is told by that clock, which never jumps.
    ``taken_at`` is when it was asked for, where that was earlier.
    *tally* counts the events that were written about users, by their names.  *replaces*
    says that a provider states a whole resource anew (PUT).
    """

    actor: Actor
    now: int
    request_id: str | None = None
    connection_id: int | None = None
    started: int | None = None
    replaces: bool = False
    taken_at: int | None = None
    tally: Counter[str] = field(default_factory=Counter, compare=False, repr=False)

    @property
    def asked_at(self) -> int:
        """When it was asked for, microseconds UTC."""
        return self.now if self.taken_at is None else self.taken_at

    def reached(self) -> int:
        """The instant this act has come to, microseconds UTC."""
        if self.started is None:
            return max(self.now, time_ns() // 1000)
        return self.now + (perf_counter_ns() - self.started) // 1000
