"""How fast the play goes: so many requests a second, and no more."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from scim_connector.probe.conversation import Conversation

if TYPE_CHECKING:
    from scim_connector.probe.client import Answer

#: A first cycle hurries, so that there is something to see; afterwards nobody does.
FIRST_CYCLE: Final = 12.0
EVERY_DAY: Final = 2.0


@dataclass(slots=True)
class Pace:
    """Lets one request through, then holds the next back until its time has come."""

    per_second: float = FIRST_CYCLE
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _next: float = field(default=0.0, init=False)

    def wait(self) -> None:
        """Return when the next request may go."""
        now = self.clock()
        if now < self._next:
            self.sleep(self._next - now)
        self._next = max(now, self._next) + 1 / self.per_second


@dataclass(slots=True)
class PacedTalk(Conversation):
    """A conversation that keeps to a pace shared by everybody on the stage."""

    pace: Pace = field(default_factory=Pace)

    def send(
        self, method: str, target: str, body: Any = None, *, token: str | None = None
    ) -> Answer:
        """Wait for our turn, then send; Fault as a conversation raises it."""
        self.pace.wait()
        return Conversation.send(self, method, target, body, token=token)
