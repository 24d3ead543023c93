"""Users as JSON: the list, one of them, and everything a person may do to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scim_connector.administration import newcomers, overview
from scim_connector.administration import users as administration
from scim_connector.administration.users import NewUser
from scim_connector.directory import assignments, connections, links, profiles, roles
from scim_connector.directory import users as rows
from scim_connector.directory.users import Query, User
from scim_connector.rules.permissions import CREATE_USERS, UPDATE_USERS, VIEW_USERS
from scim_connector.web.admin_api import shapes
from scim_connector.web.admin_api.routes import AFTER, LIMIT, Parameter, Route, cut
from scim_connector.web.admin_api.user import PLAIN, found, one, plain
from scim_connector.web.admin_api.user import SHAPES as OF_ONE
from scim_connector.web.console.users import ANYBODY, KINDS, NOBODY, STATUSES
from scim_connector.web.pages.frame import now

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader
    from scim_connector.web.admin_api.routes import Visit

_LONGEST: Final = 254


def list_users(visit: Visit) -> dict[str, Any]:
    """Users by username, narrowed by the query."""
    page, goes_on = cut(rows.search(visit.reader, _query(visit)), visit.limit)
    last = page[-1].username_key if goes_on else None
    return {"items": _listed(visit.reader, page), "next": last}


def _query(visit: Visit) -> Query:
    """What the query asks for; raises NotPossible for what is not there."""
    reader, asked = visit.reader, visit.asked
    status, source = asked.get("status"), asked.get("source")
    ids = {c.name: c.id for c in connections.every(reader)}
    managed = {ANYBODY: True, NOBODY: False}.get(source or "")
    return Query(
        words=asked.get("words") or None,
        active={"active": True, "inactive": False}.get(status or ""),
        api_user={"person": False, "api": True}.get(asked.get("kind", "")),
        role_id=visit.choose("role", {r.name: r.id for r in roles.every(reader)}),
        profile_id=visit.choose(
            "profile", {p.name: p.id for p in profiles.every(reader)}
        ),
        connection_id=None if managed is not None else visit.choose("source", ids),
        managed=managed,
        held=status == "held",
        never_signed_in=status == "never",
        ids=overview.refused_people(reader, now()) if status == "refused" else None,
        after=asked.get("after", ""),
        at_most=visit.limit + 1,
    )


def _listed(reader: Reader, page: Any) -> list[dict[str, Any]]:
    ids = [user.id for user in page]
    held = assignments.names_of(reader, ids)
    managing = links.managing(reader, ids)
    names = {c.id: c.name for c in connections.every(reader)}
    return [
        {
            **plain(user),
            "roles": held.get(user.id, []),
            "source": names.get(managing.get(user.id, 0)),
        }
        for user in page
    ]


def create_user(visit: Visit) -> dict[str, Any]:
    """Create a person or an API user."""
    body, act, me = visit.body, visit.act(), visit.me
    new = NewUser(
        **{name: body.get(name, "").strip() for name in _TYPED},
        api_user=body["kind"] == "api",
        roles=tuple(body.get("roles", ())),
        profile=body.get("profile"),
        mail=body.get("mail", True),
    )
    pepper = visit.office.pepper
    made, key = visit.write(
        lambda tx: newcomers.add(tx, new, act, own=me.permissions, pepper=pepper)
    )
    shown = None if key is None else str(key)
    return {"user": one(visit.reader, made), "key": shown}


_TYPED: Final = ("email", "first_name", "last_name", "initials", "username")


def edit_user(visit: Visit) -> dict[str, Any]:
    """Change fields of a user, and the profile."""
    user, body, act = found(visit), visit.body, visit.act()
    typed = {name: body[name].strip() for name in _TYPED if name in body}
    override = body.get("override", False)

    def work(tx: Any) -> User:  # run again when it loses a race: it takes nothing away
        held = rows.held(tx, user.id)
        if "profile" in body:
            held = administration.set_profile(tx, held, body["profile"], act)
        moved = {n: v for n, v in typed.items() if getattr(held, n) != v}
        return administration.edit(tx, held, moved, act, override=override)

    return one(visit.reader, visit.write(work))


# ---------------------------------------------------------------------------- as data

_ROW: Final = shapes.answer(
    **PLAIN,
    roles=shapes.many(shapes.told()),
    source=shapes.or_null(shapes.told("The connection that manages them.")),
)
SHAPES: Final = {"UserRow": _ROW, **OF_ONE}
_FIELDS: Final = {
    "first_name": shapes.text(most=_LONGEST),
    "last_name": shapes.text(most=_LONGEST),
    "initials": shapes.text(most=_LONGEST),
    "username": shapes.text(most=_LONGEST),
}
_NEW: Final = shapes.given(
    ("kind", "email"),
    kind=shapes.one_of(KINDS, "It cannot be changed afterwards."),
    email=shapes.text(most=_LONGEST),
    **_FIELDS,
    roles=shapes.many(shapes.text(), "Names of roles.", most=100),
    profile=shapes.or_null(shapes.text("Name of a profile.")),
    mail=shapes.flag("Whether a mail with a link is sent; true without it."),
)
_EDITED: Final = shapes.given(
    email=shapes.text(most=_LONGEST),
    **_FIELDS,
    profile=shapes.or_null(shapes.text("Name of a profile, or null for none.")),
    override=shapes.flag("Change what a provider manages, until it sends another."),
)
_FILTERS: Final = (
    Parameter(
        "words", shapes.text("Looked for in username, initials, email and names.")
    ),
    Parameter("status", shapes.one_of(STATUSES)),
    Parameter("kind", shapes.one_of(KINDS)),
    Parameter(
        "source",
        shapes.text(f'Name of a connection, "{ANYBODY}" or "{NOBODY}".'),
    ),
    Parameter("role", shapes.text("Name of a role.")),
    Parameter("profile", shapes.text("Name of a profile.")),
)

ROUTES: Final = (
    Route(
        "GET",
        "/users",
        list_users,
        VIEW_USERS,
        "Users by username.",
        shapes.page_of("UserRow"),
        parameters=(*_FILTERS, LIMIT, AFTER),
    ),
    Route(
        "POST",
        "/users",
        create_user,
        CREATE_USERS,
        "Create a person or an API user; empty names are proposed. An API user's first"
        " key stands in this answer alone.",
        shapes.answer(user=shapes.ref("User"), key=shapes.or_null(shapes.told())),
        body=_NEW,
        status=201,
    ),
    Route(
        "PATCH",
        "/users/{user_id}",
        edit_user,
        UPDATE_USERS,
        "Change fields of a user; what a provider manages only with `override`.",
        shapes.ref("User"),
        body=_EDITED,
    ),
)
