"""What a PATCH does to the members of a group, without looking at them.

A group may have a hundred thousand members, so they are no part of the document that a
PATCH is applied to.  Its operations are parted: those on members become steps that a
database carries out on sets, the rest is an ordinary PATCH.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from scim_connector.scim import messages, patch, paths
from scim_connector.scim.elements import Edit
from scim_connector.scim.errors import InvalidPath, InvalidValue, Mutability
from scim_connector.scim.filters import Compare, Element, Or
from scim_connector.scim.group_schemas import MEMBERS
from scim_connector.scim.schemas import GROUP
from scim_connector.scim.values import Reading

if TYPE_CHECKING:
    from scim_connector.scim.dialects import Dialect
    from scim_connector.scim.filters import Expression
    from scim_connector.scim.messages import Operation
    from scim_connector.scim.notes import Notes
    from scim_connector.scim.types import Json


@dataclass(frozen=True, slots=True)
class Member:
    """A member as the provider sends it."""

    value: str
    display: str | None = None


@dataclass(frozen=True, slots=True)
class Add:
    """These belong to the group, too; those who do already stay."""

    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Remove:
    """These belong to it no more; who never did is no mistake."""

    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class Replace:
    """These belong to it, and nobody else."""

    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Anything else: it needs the present members one by one."""

    edit: Edit

    def applied_to(self, present: list[Json]) -> tuple[Member, ...]:
        """Return who belongs to the group afterwards."""
        return members_of(self.edit.applied_to(present))


Step = Add | Remove | Replace | Rewrite


@dataclass(frozen=True, slots=True)
class GroupPatch:
    """A PATCH of a group in two parts: its own attributes, and its members."""

    document: Json
    steps: tuple[Step, ...]
    notes: Notes


def members_of(elements: Iterable[Json]) -> tuple[Member, ...]:
    """Return the members in a value of ``members``, each once.

    Raises InvalidValue when one names nobody.
    """
    found: dict[str, Member] = {}
    for element in elements:
        value, display = element.get("value"), element.get("display")
        if value is None:
            raise InvalidValue('Each of the members needs a "value": the id of a user.')
        known = found.get(value)
        found[value] = Member(value, display or (known.display if known else None))
    return tuple(found.values())


def apply(document: Json, body: Json, *, dialect: Dialect, strict: bool) -> GroupPatch:
    """Read the PATCH of a group whose attributes, without members, are *document*.

    Raises what ``patch.apply`` raises; nothing was applied then.
    """
    reading = Reading(dialect, strict)
    rest: list[Operation] = []
    steps: list[Step] = []
    for operation in messages.operations(body, reading):
        kept, found = _parted(operation, reading)
        rest += kept
        steps += found
    after = patch.run(GROUP, document, rest, reading)
    return GroupPatch(after, tuple(steps), reading.notes)


def _parted(
    operation: Operation, reading: Reading
) -> tuple[list[Operation], list[Step]]:
    """Part one operation into what is left of it and its steps on members."""
    if operation.path is not None:
        path = _on_members(operation.path)
        if path is None:
            return [operation], []
        if operation.op != "remove" and not operation.has_value:
            return [operation], []  # refused like any other
        edit = Edit(operation.op, path, operation.value, operation.has_value, reading)
        return [], [_step(edit)]
    if operation.op == "remove" or not isinstance(operation.value, dict):
        return [operation], []
    steps: list[Step] = []
    rest: dict[str, Any] = {}
    for name, raw in _named_members(operation.value):
        path = _on_members(name)
        if path is None:
            rest[name] = raw
        else:
            steps.append(_step(Edit(operation.op, path, raw, True, reading)))
    return ([replace(operation, value=rest)] if rest else []), steps


def _named_members(value: Json) -> Iterator[tuple[str, Any]]:
    """The members of a value; those in a block under the core URN with them."""
    for name, raw in value.items():
        if name.lower() == GROUP.schema.id.lower() and isinstance(raw, dict):
            yield from raw.items()
        else:
            yield name, raw


def _on_members(text: str) -> paths.Path | None:
    try:
        path = paths.bind(text, GROUP)
    except InvalidPath:
        return None  # the ordinary PATCH says what is wrong with it
    return path if path.attribute is MEMBERS else None


def _step(edit: Edit) -> Step:
    path, op = edit.path, edit.op
    _refuse_rewriting(path)
    if path.filter is None and path.sub is None:
        if op == "remove":
            if not edit.names_some:
                return Replace(())
            listed = edit.listed()
            return Remove(frozenset(m.value for m in members_of(listed)))
        members = members_of(edit.given())
        return Add(members) if op == "add" else Replace(members)
    if op == "remove" and path.sub is None and path.filter is not None:
        values = _named(path.filter)
        if values is not None and edit.reading.dialect.allows("remove-absent"):
            return Remove(values)
    return Rewrite(edit)


def _refuse_rewriting(path: paths.Path) -> None:
    """Refuse to make somebody else of a member (RFC 7643 section 4.2)."""
    if path.sub is not None and path.sub.mutability in {"immutable", "readOnly"}:
        message = f"{path.name} does not change; remove the member and add another."
        raise Mutability(message)


def _named(expression: Expression) -> frozenset[str] | None:
    """Return the values that a filter names by ``eq``; None when it does more."""
    match expression:
        case Element(_, inner):
            return _named(inner)
        case Compare(path, "eq", str() as value) if path.keys == ("value",):
            return frozenset({value})
        case Or(operands):
            found = [_named(operand) for operand in operands]
            if None not in found:
                return frozenset().union(*(each for each in found if each))
    return None
