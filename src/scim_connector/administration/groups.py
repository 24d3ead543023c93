"""Groups of providers as an administrator sees them, and the roles they are tied to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scim_connector.accounts import groups as accounts
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import assignments, connections, groups, roles
from scim_connector.rules.permissions import may_hand_on
from scim_connector.scim.folding import text_key

if TYPE_CHECKING:
    from collections.abc import Collection

    from scim_connector.accounts import Act
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader, Transaction
    from scim_connector.directory.groups import Group
    from scim_connector.directory.roles import Role

CONSOLE: Final = "console"


@dataclass(frozen=True, slots=True)
class GroupLine:
    """One group of a list; ``ties`` as text, "Registrar (mapping)"."""

    group: Group
    members: int
    ties: tuple[str, ...]


def listed(reader: Reader, connection: Connection) -> list[GroupLine]:
    """Every group of a connection, with how many belong to it and what it gives."""
    sizes = groups.sizes(reader, connection.id)
    return [
        GroupLine(
            group,
            sizes.get(group.seq, 0),
            tuple(f"{t.role} ({t.source})" for t in groups.ties(reader, group)),
        )
        for group in groups.every(reader, connection.id)
    ]


def find(reader: Reader, connection: Connection, text: str) -> Group:
    """The group of this id, or of this displayName; raises NotPossible."""
    found = groups.by_id(reader, connection.id, text)
    if found is not None:
        return found
    named = groups.by_name(reader, connection.id, text_key(text))
    if len(named) > 1:
        ids = ", ".join(group.id for group in named)
        message = f'{connection.name} has {len(named)} groups called "{text}"'
        raise NotPossible(f"{message}; name one by its id: {ids}.")
    if not named:
        message = f'{connection.name} has no group "{text}"; look its name up.'
        raise NotPossible(message, f"connection group list {connection.name}")
    return named[0]


def of_seq(reader: Reader, seq: int) -> tuple[Connection, Group]:
    """The group of this number and its connection; raises NotPossible when it is gone."""
    found = groups.by_seq(reader, seq)
    if found is None:
        raise NotPossible("The provider has removed this group.")
    return connections.required(reader, found.connection_id), found


def tie(
    tx: Transaction,
    connection: Connection,
    group: Group,
    role_name: str,
    act: Act,
    *,
    own: Collection[str],
) -> int:
    """Let a group give a role; returns how many people gain it by that.

    Raises NotPossible for an unknown role, a tie that stands, and the Administrator
    role unless the connection may give it (R22); RulesViolated where the role allows
    more than *own*, what whoever ties may do (R33).
    """
    role = _role(tx, role_name)
    may_hand_on(role.permissions, own, role.name)
    if any(t.role_id == role.id for t in groups.ties(tx, group)):
        message = f"{group.display_name} gives {role.name} already"
        raise NotPossible(f"{message}; nothing to tie.")
    if role.is_administrator and not connection.may_act_as_administrator:
        message = f"{connection.name} may not give the role {role.name}"
        raise NotPossible(
            f"{message}; allow the connection first to act on Administrators.",
            f"connection set {connection.name} --may-act-as-administrator",
        )
    before = assignments.holders(tx, role.id)
    accounts.tie(tx, group, role.id, act, source=CONSOLE)
    return assignments.holders(tx, role.id) - before


def untie(tx: Transaction, group: Group, role_name: str, act: Act) -> int:
    """Take a tie away; returns how many people lose the role by that.

    Raises NotPossible when there is no such tie, or the mapping makes it.
    """
    role = _role(tx, role_name)
    sources = {t.source for t in groups.ties(tx, group) if t.role_id == role.id}
    if CONSOLE not in sources:
        message = f"{group.display_name} is not tied to {role.name} by a person"
        hint = "; take it out of [roles.groups] in the mapping" if sources else ""
        raise NotPossible(f"{message}{hint}.")
    before = assignments.holders(tx, role.id)
    accounts.untie(tx, group, role.id, act, source=CONSOLE)
    return before - assignments.holders(tx, role.id)


def _role(tx: Transaction, name: str) -> Role:
    named = roles.by_name(tx, name)
    found = None if named is None else roles.by_id(tx, named.id)
    if found is None:
        message = f'There is no role "{name}"; add it first.'
        raise NotPossible(message, "role add NAME")
    return found
