"""The values an undo would put back: for one person, and for everybody of a batch."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scim_connector.compliance.undo.trace import Move
    from scim_connector.directory.audit import AuditEvent
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.users import User


@dataclass(slots=True)
class Change:
    """One value of one person: as it is *now*, and as it would be *then*, in words.

    *value* is what is stored for *then*.  ``why_not`` says why it stays; ``is_done``
    that it is so already.  ``again`` says that the provider's values differ from it, so
    that a later change there would write over it, unless it ``is_kept`` as a value
    changed here.
    """

    move: Move
    now: str
    then: str
    value: Any = None
    why_not: str = ""
    is_done: bool = False
    again: bool = False
    is_kept: bool = False

    @property
    def field(self) -> str:
        """The kind of value: a field, or "role"."""
        return self.move.field

    @property
    def is_open(self) -> bool:
        """Whether it can be put back."""
        return not self.is_done and not self.why_not


@dataclass(slots=True)
class Planned:
    """One person of a batch."""

    user: User
    changes: list[Change]
    left: tuple[AuditEvent, ...] = ()
    connection: Connection | None = None

    @property
    def open(self) -> list[Change]:
        """What can be put back."""
        return [change for change in self.changes if change.is_open]


@dataclass(slots=True)
class Plan:
    """Everybody of a batch; ``groups`` are carried out in one transaction each."""

    people: list[Planned] = field(default_factory=list)
    groups: list[list[int]] = field(default_factory=list)

    @property
    def restorable(self) -> int:
        """How many people have something that can be put back."""
        return sum(1 for each in self.people if each.open)

    @property
    def by_field(self) -> Counter[str]:
        """How many values of each kind would be put back."""
        return Counter(c.field for each in self.people for c in each.open)

    @property
    def refused(self) -> list[tuple[Planned, Change]]:
        """What cannot be put back."""
        return [(p, c) for p in self.people for c in p.changes if c.why_not]

    @property
    def done(self) -> int:
        """How many values are as they were already."""
        return sum(1 for each in self.people for c in each.changes if c.is_done)

    @property
    def again(self) -> list[tuple[Planned, Change]]:
        """What the provider would write over once it sends another change."""
        return [(p, c) for p in self.people for c in p.open if c.again]

    @property
    def left(self) -> list[tuple[Planned, AuditEvent]]:
        """What an undo does not touch: deactivations, reactivations, creations."""
        return [(p, event) for p in self.people for event in p.left]

    @property
    def notices(self) -> int:
        """How many people get the notice that their email address changed."""
        told = [p for p in self.people if not p.user.is_api_user]
        return sum(1 for p in told if any(c.field == "email" for c in p.open))

    @property
    def connections(self) -> list[Connection]:
        """The connections that would write again."""
        found = {p.connection.id: p.connection for p, _ in self.again if p.connection}
        return list(found.values())
