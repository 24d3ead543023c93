"""Groups of a provider, and the roles their members hold through them (decision 23).

A group is kept as sent and gives nothing by itself.  Where it is tied to a role, its
members hold that role by a row of their own (source ``group``), which comes and goes
with the membership, the tie and the group.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from scim_connector.accounts.account import Account
from scim_connector.directory import audit, groups, links, members, roles
from scim_connector.directory.groups import Group, GroupColumns
from scim_connector.rules.events import Event
from scim_connector.scim import rendering, search_documents
from scim_connector.scim.folding import text_key
from scim_connector.scim.rendering import Facts
from scim_connector.scim.schemas import GROUP

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scim_connector.accounts.acts import Act
    from scim_connector.directory.database import Transaction
    from scim_connector.directory.links import Link
    from scim_connector.scim.types import Json


def stated(group: Group) -> Json:
    """The attributes of a group as the provider states them, without its members."""
    return rendering.document_of(rendering.resource_of(group.served))


def establish(
    tx: Transaction, connection_id: int, document: Json, act: Act, *, group_id: str
) -> Group:
    """Add a group without members."""
    facts = Facts(id=group_id, version=1, created=act.now, last_modified=act.now)
    columns = _columns(document, facts)
    group = groups.add(
        tx,
        connection_id=connection_id,
        group_id=group_id,
        columns=columns,
        now=act.now,
    )
    _tell(tx, "group:created", group, act)
    return group


def renew(
    tx: Transaction, group: Group, document: Json, act: Act, *, moved: int
) -> Group:
    """Write a group that changed, or *moved* members of which did; raises its version."""
    version = group.version + 1
    facts = Facts(
        id=group.id,
        version=version,
        created=group.created_at,
        last_modified=act.now,
    )
    columns = _columns(document, facts)
    new = groups.update_to(tx, group, columns=columns, version=version, now=act.now)
    _tell(tx, "group:changed", new, act, was=group.display_name, members_changed=moved)
    return new


def _columns(document: Json, facts: Facts) -> GroupColumns:
    served = rendering.served(GROUP, document, facts)
    resource = rendering.resource_of(served)
    name = document["displayName"]
    return GroupColumns(
        external_id=document.get("externalId"),
        display_name=name,
        display_name_key=text_key(name),
        served=served,
        search=orjson.dumps(search_documents.build(GROUP, resource)).decode(),
        reference=rendering.reference(facts.id, name),
    )


def remove(tx: Transaction, group: Group, act: Act) -> None:
    """Delete a group: its members lose what it gave, other groups lose it."""
    left = members.clear(tx, group).links
    _touch(tx, members.forget_group(tx, group), act)
    groups.remove(tx, group)
    _tell(tx, "group:removed", group, act)
    follow(tx, group.connection_id, left, act)


def hide_link(tx: Transaction, link: Link, act: Act, *, why: str) -> None:
    """End a SCIM id: it is 404 for ever, and no group names it any more.

    The role rows that came through the connection are the caller's to drop.
    """
    _touch(tx, members.forget_link(tx, link.seq), act)
    links.hide(tx, link, why=why, now=act.now)


def _touch(tx: Transaction, seqs: Iterable[int], act: Act) -> None:
    for seq in sorted(seqs):
        group = groups.required(tx, seq)
        renew(tx, group, stated(group), act, moved=1)


def _tell(tx: Transaction, event: str, group: Group, act: Act, **facts: Any) -> None:
    audit.record(
        tx,
        [Event(event, {"group": group.id, "name": group.display_name, **facts})],
        at=act.now,
        actor=act.actor,
        connection_id=group.connection_id,
        request_id=act.request_id,
    )


# ---------------------------------------------------------------------------- roles


def follow(
    tx: Transaction, connection_id: int, link_seqs: Iterable[int], act: Act
) -> int:
    """Let the users behind links hold exactly what their groups give.

    Returns how many changed.  Raises RulesViolated where the Administrator role is
    concerned (R22).
    """
    seqs = sorted(link_seqs)
    if not seqs:
        return 0
    held = members.roles_held(tx, seqs)
    if not held and not members.has_ties(tx, connection_id):
        return 0
    wanted = members.roles_wanted(tx, seqs)
    moved = [
        user_id
        for user_id in sorted(held.keys() | wanted.keys())
        if held.get(user_id, frozenset()) != wanted.get(user_id, frozenset())
    ]
    for user_id in moved:
        account = Account.open(tx, user_id, act)
        role_ids = wanted.get(user_id, frozenset())
        account.assign(role_ids, source="group", connection_id=connection_id)
        account.save()
    return len(moved)


@dataclass(frozen=True, slots=True)
class Retied:
    """What the mapping did to the ties of a group.

    ``moved`` is how often somebody gained or lost a role by it; ``missing`` the role it
    names and that does not exist here.
    """

    moved: int = 0
    missing: str | None = None


def tie_by_mapping(
    tx: Transaction, group: Group, table: Mapping[str, str], act: Act
) -> Retied:
    """Make the ties of a group those of ``[roles.groups]``; what a person tied stays.

    *table* names a role for each folded displayName.  Members are read only when a tie
    changes.
    """
    name = table.get(group.display_name_key)
    role = roles.by_name(tx, name) if name else None
    wanted = {role.id} if role else set()
    tied = {t.role_id for t in groups.ties(tx, group) if t.source == "mapping"}
    moved = 0
    for role_id in tied - wanted:
        moved += untie(tx, group, role_id, act, source="mapping")
    for role_id in wanted - tied:
        moved += tie(tx, group, role_id, act, source="mapping")
    return Retied(moved, name if role is None else None)


def tie(tx: Transaction, group: Group, role_id: int, act: Act, *, source: str) -> int:
    """Let a group give a role to its members; *source* is "mapping" or "console".

    Returns how many gained it by that.
    """
    groups.tie(tx, group, role_id, source=source, now=act.now)
    _tell(tx, "group:tied", group, act, role=roles.name(tx, role_id), by=source)
    return follow(tx, group.connection_id, members.links_of(tx, group), act)


def untie(tx: Transaction, group: Group, role_id: int, act: Act, *, source: str) -> int:
    """Take a tie away; members keep the role where another group still gives it.

    Returns how many lost it by that.
    """
    groups.untie(tx, group, role_id, source=source)
    _tell(tx, "group:untied", group, act, role=roles.name(tx, role_id), by=source)
    return follow(tx, group.connection_id, members.links_of(tx, group), act)
