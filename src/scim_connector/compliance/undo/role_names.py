"""What a role of a former event is called now: events keep the name it had then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from scim_connector.directory import audit
from scim_connector.rules.folding import name_key

if TYPE_CHECKING:
    from scim_connector.directory.audit import AuditEvent
    from scim_connector.directory.database import Reader

_RENAMED: Final = "role:changed"
_EVENTS: Final = (_RENAMED, "role:removed", "role:added")


@dataclass(frozen=True, slots=True)
class Named:
    """A role by the last name it had; *gone* is the event since which it is no more."""

    name: str
    gone: int = 0


#: What the role of this name in the event of this id is called now.
Names = Callable[[str, int], Named]


class RoleNames:
    """The names of roles as they are now, by the events later than each.

    Those are read once they are needed, and no further back than they are.
    """

    def __init__(self, reader: Reader) -> None:
        """Read nothing yet."""
        self._reader = reader
        self._from: int | None = None
        self._later: Sequence[tuple[int, str, dict[str, Any]]] = ()

    def now(self, name: str, event_id: int) -> Named:
        """What the role of this name in an event is called now."""
        self._read(event_id)
        for later, what, facts in self._later:
            before = facts["before"] if what == _RENAMED else facts["name"]
            if later <= event_id or name_key(before) != name_key(name):
                continue
            if what != _RENAMED:
                return Named(name, later)
            name = facts["name"]
        return Named(name)

    def _read(self, event_id: int) -> None:
        if self._from is None or event_id < self._from:
            found = audit.about_nobody(self._reader, event_id, _EVENTS)
            self._later = [(e.id, e.name, _facts(e)) for e in found]
            self._from = event_id


def _facts(event: AuditEvent) -> dict[str, Any]:
    facts: dict[str, Any] = orjson.loads(event.facts)
    return facts
