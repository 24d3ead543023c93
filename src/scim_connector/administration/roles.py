"""Roles and profiles: added, changed, removed by a person."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from scim_connector.administration.errors import NotPossible
from scim_connector.directory import audit, profiles, roles
from scim_connector.directory.constraints import ConstraintBroken
from scim_connector.rules.events import Event
from scim_connector.rules.permissions import known, may_hand_on

if TYPE_CHECKING:
    from scim_connector.accounts import Act
    from scim_connector.directory.database import Reader, Transaction
    from scim_connector.directory.roles import Role


def find(reader: Reader, role_id: int) -> Role:
    """The role of this id; raises NotPossible."""
    found = roles.by_id(reader, role_id)
    if found is None:
        raise NotPossible("There is no such role any more.")
    return found


def add(
    tx: Transaction,
    name: str,
    carried: Collection[str],
    act: Act,
    *,
    own: Collection[str],
) -> int:
    """Add a role that allows *carried*, by somebody who may do *own* (R33)."""
    carried = known(carried)
    _refuse_empty(name, "role")
    may_hand_on(carried, own, name)
    try:
        with tx.savepoint():
            role_id = roles.add(tx, name)
    except ConstraintBroken:
        raise NotPossible(f'There is a role "{name}" already.') from None
    roles.allow(tx, role_id, carried)
    _tell(tx, "role:added", act, name=name.strip(), permissions=sorted(carried))
    return role_id


def change(
    tx: Transaction,
    role: Role,
    name: str,
    carried: Collection[str],
    act: Act,
    *,
    own: Collection[str],
) -> None:
    """Give a role another name or other permissions; raises NotPossible (R22, R33)."""
    carried = known(carried)
    _refuse_administrator(role)
    _refuse_empty(name, "role")
    may_hand_on(carried ^ role.permissions, own, role.name)
    if name.strip() != role.name:
        try:
            with tx.savepoint():
                roles.rename(tx, role.id, name)
        except ConstraintBroken:
            raise NotPossible(f'There is a role "{name}" already.') from None
    roles.allow(tx, role.id, carried)
    facts = {"before": role.name, "permissions": sorted(carried)}
    _tell(tx, "role:changed", act, name=name.strip(), **facts)


def remove(tx: Transaction, role: Role, act: Act) -> None:
    """Remove a role nobody holds and no group gives; raises NotPossible."""
    _refuse_administrator(role)
    if role.holders:
        message = f"{role.holders} users hold {role.name}"
        raise NotPossible(f"{message}; take it from them first.")
    groups = roles.used(tx, role.id)
    if groups:
        message = f"{groups} groups of providers give {role.name}"
        raise NotPossible(f"{message}; untie them first.")
    roles.remove(tx, role.id)
    _tell(tx, "role:removed", act, name=role.name)


def add_profile(tx: Transaction, name: str, act: Act) -> None:
    """Add a profile; raises NotPossible."""
    _refuse_empty(name, "profile")
    try:
        with tx.savepoint():
            profiles.add(tx, name)
    except ConstraintBroken:
        raise NotPossible(f'There is a profile "{name}" already.') from None
    _tell(tx, "profile:added", act, name=name.strip())


def remove_profile(tx: Transaction, profile_id: int, act: Act) -> None:
    """Remove a profile nobody has; raises NotPossible."""
    name = profiles.name(tx, profile_id)
    held = profiles.holders(tx).get(profile_id, 0)
    if held:
        message = f"{held} users have the profile {name}"
        raise NotPossible(f"{message}; give them another first.")
    profiles.remove(tx, profile_id)
    _tell(tx, "profile:removed", act, name=name)


def _refuse_administrator(role: Role) -> None:
    if role.is_administrator:
        raise NotPossible("The Administrator role is built in and stays as it is.")


def _refuse_empty(name: str, kind: str) -> None:
    if not name.strip():
        raise NotPossible(f"A {kind} needs a name.")


def _tell(tx: Transaction, event: str, act: Act, **facts: Any) -> None:
    audit.record(tx, [Event(event, facts)], at=act.now, actor=act.actor)
