"""Roles that were given or taken, and whether that can be undone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scim_connector.compliance.undo.values import Change
from scim_connector.directory import assignments, connections, roles
from scim_connector.rules.permissions import may_hand_on
from scim_connector.rules.users import RulesViolated

if TYPE_CHECKING:
    from collections.abc import Collection

    from scim_connector.compliance.undo.trace import Move
    from scim_connector.directory.database import Reader
    from scim_connector.directory.roles import Role
    from scim_connector.directory.users import User


def change_of(reader: Reader, user: User, move: Move, own: Collection[str]) -> Change:
    """What undoing a grant or a revocation would do, for somebody who may do *own*."""
    role = _role(reader, move)
    sources = [
        (source, connection)
        for name, source, connection in assignments.sources(reader, user.id)
        if role is not None and name == role.name
    ]
    held = "holds it" if sources else "does not hold it"
    if move.before:
        change = Change(move, held, "given from here")
        change.is_done = bool(sources)
        change.why_not = "" if sources else _why_not_given(user, role, own)
    else:
        change = Change(move, held, "taken back")
        change.is_done = not _of_origin(sources, move.origin)
        change.why_not = _why_not_taken(reader, sources, move.origin)
    change.value = role.id if role else None
    return change


def _role(reader: Reader, move: Move) -> Role | None:
    """The role that was given or taken, not another one that has its name now."""
    named = None if move.is_gone else roles.by_name(reader, move.role)
    return None if named is None else roles.by_id(reader, named.id)


def _why_not_given(user: User, role: Role | None, own: Collection[str]) -> str:
    if role is None:
        return "There is no such role any more."
    if not user.active:
        return "Roles are not given back to somebody who is inactive."
    try:
        may_hand_on(role.permissions, own, role.name)
    except RulesViolated as refusal:
        return refusal.violations[0].message
    return ""


def _of_origin(sources: Collection[tuple[str, int]], origin: int) -> list[str]:
    """The sources through which one connection, or a person (0), gives it."""
    return [source for source, connection in sources if connection == origin]


def _why_not_taken(
    reader: Reader, sources: Collection[tuple[str, int]], origin: int
) -> str:
    """Only the rows of its origin go; what a group gives goes with the membership."""
    there = _of_origin(sources, origin)
    through_group = [connection for source, connection in sources if source == "group"]
    if "group" not in there and (there or not through_group):
        return ""
    name = connections.required(reader, (through_group or [origin])[0]).name
    return (
        f"A group of {name} gives it: change the members there, or take the tie of the"
        " group to the role away."
    )
