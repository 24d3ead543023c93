"""Roles and profiles as JSON: what each allows, who holds it, and where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scim_connector.administration import role_sources
from scim_connector.administration import roles as administration
from scim_connector.directory import profiles, roles
from scim_connector.rules.permissions import ALL, CREATE_ROLES, VIEW_ROLES
from scim_connector.web.admin_api import shapes
from scim_connector.web.admin_api.routes import Missing, Route

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader
    from scim_connector.directory.roles import Role
    from scim_connector.web.admin_api.routes import Visit

_LONGEST: Final = 100


def list_roles(visit: Visit) -> dict[str, Any]:
    """Every role by name."""
    return {"items": _shown(visit.reader, roles.listed(visit.reader))}


def _shown(reader: Reader, listed: list[Role]) -> list[dict[str, Any]]:
    sources = role_sources.of_roles(reader, listed)
    return [
        {
            "id": role.id,
            "name": role.name,
            "holders": role.holders,
            "permissions": sorted(role.permissions),
            "built_in": role.is_administrator,
            "sources": [
                {"connection": each.connection.name, "name": each.name}
                for each in sources[role.id]
            ],
        }
        for role in listed
    ]


def _found(visit: Visit) -> Role:
    """The role in the address; raises Missing."""
    role = roles.by_id(visit.reader, visit.places["role_id"])
    if role is None:
        raise Missing("There is no such role.")
    return role


def get_role(visit: Visit) -> dict[str, Any]:
    """One role."""
    return _shown(visit.reader, [_found(visit)])[0]


def add_role(visit: Visit) -> dict[str, Any]:
    """Add a role."""
    body, act, own = visit.body, visit.act(), visit.me.permissions
    role_id = visit.write(
        lambda tx: administration.add(
            tx, body["name"], body["permissions"], act, own=own
        )
    )
    role = roles.by_id(visit.reader, role_id)
    return _shown(visit.reader, [role] if role else [])[0]


def change_role(visit: Visit) -> dict[str, Any]:
    """Give a role another name or other permissions."""
    role, body, act = _found(visit), visit.body, visit.act()
    own = visit.me.permissions
    visit.write(
        lambda tx: administration.change(
            tx,
            administration.find(tx, role.id),
            body["name"],
            body["permissions"],
            act,
            own=own,
        )
    )
    return get_role(visit)


def remove_role(visit: Visit) -> None:
    """Remove a role that nobody holds and nothing gives."""
    role, act = _found(visit), visit.act()
    visit.write(
        lambda tx: administration.remove(tx, administration.find(tx, role.id), act)
    )


def list_profiles(visit: Visit) -> dict[str, Any]:
    """Every profile by name."""
    holders = profiles.holders(visit.reader)
    return {
        "items": [
            {"id": each.id, "name": each.name, "holders": holders.get(each.id, 0)}
            for each in profiles.every(visit.reader)
        ]
    }


def add_profile(visit: Visit) -> None:
    """Add a profile."""
    name, act = visit.body["name"], visit.act()
    visit.write(lambda tx: administration.add_profile(tx, name, act))


def remove_profile(visit: Visit) -> None:
    """Remove a profile that nobody has."""
    profile_id, act = visit.places["profile_id"], visit.act()
    if profile_id not in {each.id for each in profiles.every(visit.reader)}:
        raise Missing("There is no such profile.")
    visit.write(lambda tx: administration.remove_profile(tx, profile_id, act))


# ---------------------------------------------------------------------------- as data

_SOURCE: Final = shapes.answer(
    connection=shapes.told(), name=shapes.told("The value or group that gives it.")
)
_NAME: Final = shapes.text(most=_LONGEST, least=1)
SHAPES: Final = {
    "Role": shapes.answer(
        id=shapes.an_id(),
        name=shapes.told(),
        holders=shapes.number("How many users hold it."),
        permissions=shapes.many(shapes.one_of(sorted(ALL))),
        built_in=shapes.flag(),
        sources=shapes.many(_SOURCE, "Where providers give it from."),
    ),
    "Profile": shapes.answer(
        id=shapes.an_id(), name=shapes.told(), holders=shapes.number()
    ),
}
_ROLE: Final = shapes.given(
    ("name", "permissions"),
    name=_NAME,
    permissions=shapes.many(shapes.one_of(sorted(ALL)), most=len(ALL)),
)
_ONE: Final = "/roles/{role_id}"

ROUTES: Final = (
    Route(
        "GET",
        "/roles",
        list_roles,
        VIEW_ROLES,
        "Every role by name.",
        shapes.answer(items=shapes.many(shapes.ref("Role"))),
    ),
    Route(
        "POST",
        "/roles",
        add_role,
        CREATE_ROLES,
        "Add a role of no more than your own permissions (R33).",
        shapes.ref("Role"),
        body=_ROLE,
        status=201,
    ),
    Route("GET", _ONE, get_role, VIEW_ROLES, "One role.", shapes.ref("Role")),
    Route(
        "PUT",
        _ONE,
        change_role,
        CREATE_ROLES,
        "Give a role this name and these permissions.",
        shapes.ref("Role"),
        body=_ROLE,
    ),
    Route(
        "DELETE",
        _ONE,
        remove_role,
        CREATE_ROLES,
        "Remove a role that nobody holds and nothing gives.",
        None,
    ),
    Route(
        "GET",
        "/profiles",
        list_profiles,
        VIEW_ROLES,
        "Every profile by name.",
        shapes.answer(items=shapes.many(shapes.ref("Profile"))),
    ),
    Route(
        "POST",
        "/profiles",
        add_profile,
        CREATE_ROLES,
        "Add a profile.",
        None,
        body=shapes.given(("name",), name=_NAME),
    ),
    Route(
        "DELETE",
        "/profiles/{profile_id}",
        remove_profile,
        CREATE_ROLES,
        "Remove a profile that nobody has.",
        None,
    ),
)
