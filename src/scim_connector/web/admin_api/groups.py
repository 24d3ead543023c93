"""Groups of providers as JSON: their members, and the roles they are tied to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scim_connector.administration import groups as administration
from scim_connector.directory import connections, group_people, groups
from scim_connector.directory.groups import GroupQuery
from scim_connector.rules.permissions import CREATE_ROLES, VIEW_ROLES
from scim_connector.scim.folding import text_key
from scim_connector.web.admin_api import shapes
from scim_connector.web.admin_api.routes import (
    AFTER,
    AFTER_ID,
    LIMIT,
    Missing,
    Parameter,
    Route,
    cut,
)

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction
    from scim_connector.directory.group_people import Belonging
    from scim_connector.directory.groups import Group
    from scim_connector.web.admin_api.routes import Visit


def found(visit: Visit) -> Group:
    """The group in the address; raises Missing."""
    group = groups.by_seq(visit.reader, visit.places["group_id"])
    if group is None:
        raise Missing("There is no such group.")
    return group


def list_groups(visit: Visit) -> dict[str, Any]:
    """Groups, the oldest first, narrowed by the query."""
    reader, words = visit.reader, visit.asked.get("words")
    names = {c.id: c.name for c in connections.every(reader)}
    ids = {name: number for number, name in names.items()}
    query = GroupQuery(
        connection_id=visit.choose("connection", ids),
        tied=visit.asked.get("tied"),
        words=text_key(words) if words else None,
        after=visit.asked.get("after", 0),
        at_most=visit.limit + 1,
    )
    page, goes_on = cut(groups.search(reader, query), visit.limit)
    return {
        "items": [_shown(reader, each, size, names) for each, size in page],
        "next": str(page[-1][0].seq) if goes_on else None,
    }


def _shown(
    reader: Reader, group: Group, size: int, names: dict[int, str]
) -> dict[str, Any]:
    return {
        "id": group.seq,
        "scim_id": group.id,
        "external_id": group.external_id,
        "name": group.display_name,
        "connection": names[group.connection_id],
        "members": size,
        "ties": [
            {"role": tie.role, "by": tie.source} for tie in groups.ties(reader, group)
        ],
    }


def get_group(visit: Visit) -> dict[str, Any]:
    """One group."""
    group, reader = found(visit), visit.reader
    size = groups.sizes(reader, group.connection_id).get(group.seq, 0)
    names = {c.id: c.name for c in connections.every(reader)}
    return _shown(reader, group, size, names)


def list_members(visit: Visit) -> dict[str, Any]:
    """Who belongs to a group, and who they are here."""
    members = group_people.page(
        visit.reader,
        found(visit).seq,
        after=visit.asked.get("after", ""),
        at_most=visit.limit + 1,
    )
    page, goes_on = cut(members, visit.limit)
    return {
        "items": [_member(each) for each in page],
        "next": page[-1].value if goes_on else None,
    }


def _member(each: Belonging) -> dict[str, Any]:
    user = {"id": each.user_id, "username": each.username}
    group = {"id": each.group_seq, "name": each.group}
    return {
        "value": each.value,
        "display": each.display,
        "user": None if each.user_id is None else user,
        "group": None if each.group_seq is None else group,
    }


def tie_group(visit: Visit) -> dict[str, Any]:
    """Let a group give a role, or say how many people would gain it."""
    seq, role, act = found(visit).seq, visit.body["role"], visit.act()

    def work(tx: Transaction) -> int:
        at, group = administration.of_seq(tx, seq)
        return administration.tie(tx, at, group, role, act, own=visit.me.permissions)

    return {"people": visit.do(work), "done": visit.body["sure"]}


def untie_group(visit: Visit) -> dict[str, Any]:
    """Let a group give a role no more, or say how many people would lose it."""
    seq, role, act = found(visit).seq, visit.body["role"], visit.act()

    def work(tx: Transaction) -> int:
        _, group = administration.of_seq(tx, seq)
        return administration.untie(tx, group, role, act)

    return {"people": visit.do(work), "done": visit.body["sure"]}


# ---------------------------------------------------------------------------- as data

_TIE: Final = shapes.answer(
    role=shapes.told(),
    by=shapes.one_of(("mapping", "console"), "Whether the mapping or a person ties."),
)
SHAPES: Final = {
    "Group": shapes.answer(
        id=shapes.an_id(),
        scim_id=shapes.told("Its id at that connection."),
        external_id=shapes.or_null(shapes.told()),
        name=shapes.told(),
        connection=shapes.told(),
        members=shapes.number("How many belong to it."),
        ties=shapes.many(_TIE, "The roles it gives."),
    ),
    "Member": shapes.answer(
        value=shapes.told("As the provider names it: a SCIM id."),
        display=shapes.or_null(shapes.told()),
        user=shapes.or_null(
            shapes.answer(id=shapes.an_id(), username=shapes.told()),
        ),
        group=shapes.or_null(shapes.answer(id=shapes.an_id(), name=shapes.told())),
    ),
}
_ONE: Final = "/groups/{group_id}"
_MOVED: Final = shapes.answer(
    done=shapes.flag(), people=shapes.number("How many gain or lose the role by it.")
)
_ASKED: Final = shapes.given(
    ("role", "sure"),
    role=shapes.text("Name of a role.", least=1),
    sure=shapes.sure("Whether to do it."),
)

ROUTES: Final = (
    Route(
        "GET",
        "/groups",
        list_groups,
        VIEW_ROLES,
        "Groups of providers with the roles they give, the oldest first.",
        shapes.page_of("Group"),
        parameters=(
            Parameter("words", shapes.text("What their name begins with.")),
            Parameter("connection", shapes.text("Name of a connection.")),
            Parameter("tied", shapes.flag("Whether they give a role.")),
            LIMIT,
            AFTER_ID,
        ),
    ),
    Route("GET", _ONE, get_group, VIEW_ROLES, "One group.", shapes.ref("Group")),
    Route(
        "GET",
        f"{_ONE}/members",
        list_members,
        VIEW_ROLES,
        "Who belongs to a group, and which user or group each is here.",
        shapes.page_of("Member"),
        parameters=(LIMIT, AFTER),
    ),
    Route(
        "POST",
        f"{_ONE}/tie",
        tie_group,
        CREATE_ROLES,
        "Let a group give a role, of no more than your own permissions (R33).",
        _MOVED,
        body=_ASKED,
    ),
    Route(
        "POST",
        f"{_ONE}/untie",
        untie_group,
        CREATE_ROLES,
        "Let a group give a role no more; who holds it by another road keeps it.",
        _MOVED,
        body=_ASKED,
    ),
)
