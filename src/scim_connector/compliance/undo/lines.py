"""The lines of a plan and of a report: one for each value, and what becomes of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from scim_connector.compliance.undo.values import Change, Plan, Planned
    from scim_connector.directory.audit import AuditEvent

RESTORED: Final = "restored"
WOULD_BE: Final = "would be restored"
AS_IT_WAS: Final = "as it was already"
NOT_RESTORED: Final = "not restored"
NOT_UNDONE: Final = "not undone"

#: What is left alone, and how it can be done by name.
_LEFT: Final = {
    "user:deactivated": (
        "Deactivated; nobody is reactivated unless named.",
        "user reactivate",
    ),
    "user:reactivated": (
        "Reactivated; nobody is deactivated by an undo.",
        "user deactivate",
    ),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a report: a value of a person, and what became of it, and why.

    *command* are the words after ``scim-connector`` that go on from here.
    """

    user_id: int
    username: str
    field: str
    before: str
    after: str
    result: str
    why: str = ""
    command: str = ""


@dataclass(slots=True)
class Report:
    """What was undone and what was not."""

    lines: list[Line] = field(default_factory=list)

    @property
    def people(self) -> int:
        """How many people have something back."""
        return len({each.user_id for each in self.of(RESTORED)})

    def of(self, result: str) -> list[Line]:
        """The lines of one result."""
        return [line for line in self.lines if line.result == result]


def lines_of(plan: Plan) -> list[Line]:
    """A plan as lines: what would be put back, what cannot be, what is so already."""
    would = [
        line_of(planned, change, WOULD_BE)
        for planned in plan.people
        for change in planned.open
    ]
    return [*would, *lines_beside(plan), *left_lines(plan)]


def lines_beside(plan: Plan, but: Collection[int] = ()) -> list[Line]:
    """What is not put back of anybody, *but* of those who are carried out later."""
    return [
        line_of(planned, change, NOT_RESTORED if change.why_not else AS_IT_WAS)
        for planned in plan.people
        if planned.user.id not in but
        for change in planned.changes
        if not change.is_open
    ]


def line_of(planned: Planned, change: Change, result: str, name: str = "") -> Line:
    """A value of somebody and what becomes of it; *name* is how they are called now."""
    user = planned.user
    field = f"role {change.move.role}" if change.move.role else change.field
    why = change.why_not
    if change.again and result == WOULD_BE and planned.connection:
        why = f"{planned.connection.name} has another value."
    elif change.is_kept:
        why = "Kept as a value changed here."
    return Line(
        user.id,
        name or user.username,
        field.replace("_", " "),
        change.now,
        change.then,
        result,
        why,
    )


def left_lines(plan: Plan, but: Collection[Planned] = ()) -> list[Line]:
    """The deactivations and reactivations an undo leaves alone, *but* those named."""
    return [
        _left_line(planned, event)
        for planned, event in plan.left
        if event.name in _LEFT
        and not (event.name == "user:deactivated" and planned in but)
    ]


def _left_line(planned: Planned, event: AuditEvent) -> Line:
    """Something an undo leaves alone, with what does it by name while it stands."""
    why, verb = _LEFT[event.name]
    user = planned.user
    present = "active" if user.active else "inactive"
    stands = user.active is not (event.name == "user:deactivated")
    command = f"{verb} {user.username}" if stands else ""
    return Line(user.id, user.username, "access", present, "", NOT_UNDONE, why, command)
