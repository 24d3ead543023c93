"""What the history of a person says they had before some of its changes.  Pure.

Only what stands on top can be undone: the latest change of a value that is among the
chosen ones, with the chosen ones right below it.  The value before those is the one to
put back.  A change by another hand above them keeps it from being put back, for nobody
asked for that one to be undone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from scim_connector.compliance.undo.role_names import Named, Names
    from scim_connector.directory.audit import AuditEvent

#: Local fields whose changes can be undone.
FIELDS: Final = (
    *("username", "initials", "email"),
    *("first_name", "last_name", "profile"),
)
_CHANGES: Final = frozenset(
    f"user:{word}:changed"
    for word in ("username", "initials", "email", "name", "profile")
)
_GRANTED: Final = "user:role:granted"
_ROLES: Final = frozenset({_GRANTED, "user:role:revoked"})
_OVERRIDDEN: Final = "user:override:set"
ERASED: Final = "user:erased"
#: What an undo does not touch, and says so.
LEFT: Final = frozenset({"user:created", "user:deactivated", "user:reactivated"})
#: Events whose values can be put back.
UNDONE: Final = _CHANGES | _ROLES
#: Every event that makes somebody part of a batch.
NAMES: Final = UNDONE | LEFT

Chooses = Callable[["AuditEvent"], bool]


@dataclass(frozen=True, slots=True)
class Move:
    """One value to put back: *before* is what it was; for a role, whether it was held.

    *role* is the name the role has now, or had last where it *is_gone*.
    *origin* is the connection a role came by, 0 for a person.  *later* is a change by
    another hand above the chosen ones.  *overrode* says that they took the field away
    from its provider.
    """

    field: str
    before: Any
    events: tuple[int, ...]
    role: str = ""
    is_gone: bool = False
    origin: int = 0
    later: AuditEvent | None = None
    overrode: bool = False
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class Trace:
    """What is to be put back for one person, and what is left as it is."""

    moves: tuple[Move, ...]
    left: tuple[AuditEvent, ...]
    is_erased: bool


def trace(events: Sequence[AuditEvent], chooses: Chooses, names: Names) -> Trace:
    """Read the whole history of a person, the oldest event first.

    *names* says what the role of an event is called now.
    """
    facts = {e.id: orjson.loads(e.facts) for e in events if e.name not in LEFT}
    chosen = frozenset(e.id for e in events if chooses(e))
    moves = [
        move
        for (field, role, origin), changes in _by_value(events, facts, names).items()
        if (move := _move(field, role, origin, changes, chosen, facts))
    ]
    overriding = [e for e in events if e.name == _OVERRIDDEN and e.id in chosen]
    freed = {name for e in overriding for name in facts[e.id].get("fields", ())}
    return Trace(
        moves=tuple(_freeing(move, freed) for move in moves),
        left=tuple(e for e in events if e.name in LEFT and e.id in chosen),
        is_erased=any(e.name == ERASED for e in events),
    )


def _by_value(
    events: Iterable[AuditEvent],
    facts: Mapping[int, Mapping[str, Any]],
    names: Names,
) -> dict[tuple[str, Named | None, int], list[AuditEvent]]:
    """The changes of each value: of each field, and of each role by its origin."""
    found: dict[tuple[str, Named | None, int], list[AuditEvent]] = {}
    for event in events:
        if event.name in _CHANGES:
            named = facts[event.id].get("field") or event.name.split(":")[1]
            field = "profile" if named == "profile_id" else str(named)
            found.setdefault((field, None, 0), []).append(event)
        elif event.name in _ROLES:
            role = names(str(facts[event.id].get("role")), event.id)
            key = ("role", role, event.connection_id or 0)
            found.setdefault(key, []).append(event)
    return found


def _move(
    field: str,
    role: Named | None,
    origin: int,
    changes: Sequence[AuditEvent],
    chosen: frozenset[int],
    facts: Mapping[int, Mapping[str, Any]],
) -> Move | None:
    last = next((n for n in _backwards(changes) if changes[n].id in chosen), None)
    if last is None:
        return None
    first = last
    while first > 0 and changes[first - 1].id in chosen:
        first -= 1
    begun = changes[first]
    was = facts[begun.id]
    return Move(
        field=field,
        before=begun.name != _GRANTED if role else was.get("before"),
        events=tuple(event.id for event in changes[first : last + 1]),
        role=role.name if role else "",
        is_gone=bool(role and role.gone),
        origin=origin,
        later=changes[-1] if last + 1 < len(changes) else None,
        is_known=bool(role) or "before" in was,
    )


def _backwards(changes: Sequence[AuditEvent]) -> Iterable[int]:
    return range(len(changes) - 1, -1, -1)


def _freeing(move: Move, freed: set[str]) -> Move:
    return replace(move, overrode=True) if move.field in freed else move
