"""Keys of API users as JSON: listed, made, shown once, revoked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scim_connector.administration import api_app
from scim_connector.administration import api_keys as administration
from scim_connector.directory import api_keys, users
from scim_connector.directory.users import Query
from scim_connector.rules.permissions import MANAGE_APPS, VIEW_APPS
from scim_connector.web.admin_api import lives, shapes
from scim_connector.web.admin_api.routes import AFTER, LIMIT, Missing, Route, cut
from scim_connector.web.admin_api.user import KEY, key_of
from scim_connector.web.console.api_app import summary

if TYPE_CHECKING:
    from scim_connector.directory.users import User
    from scim_connector.web.admin_api.routes import Visit

_LONGEST: Final = 100


def found(visit: Visit) -> User:
    """The API user in the address; raises Missing."""
    user = users.by_id(visit.reader, visit.places["user_id"])
    if user is None or not user.is_api_user:
        raise Missing("There is no such API user.")
    return user


def list_api_users(visit: Visit) -> dict[str, Any]:
    """API users by username."""
    query = Query(
        api_user=True, after=visit.asked.get("after", ""), at_most=visit.limit + 1
    )
    page, goes_on = cut(users.search(visit.reader, query), visit.limit)
    return {
        "items": [_row(visit, each) for each in page],
        "next": page[-1].username_key if goes_on else None,
    }


def _row(visit: Visit, user: User) -> dict[str, Any]:
    app = summary(visit.reader)
    return {
        "id": user.id,
        "username": user.username,
        "email": user.email,
        "active": user.active,
        "keys": len(api_keys.of_user(visit.reader, user.id)),
        "is_the_apps": app.user is not None and app.user.id == user.id,
    }


def list_keys(visit: Visit) -> dict[str, Any]:
    """The keys of one API user, and what its deactivation would take from the App."""
    user, reader = found(visit), visit.reader
    held = api_keys.of_user(reader, user.id)
    return {
        "items": [key_of(each) for each in reversed(held)],
        "if_deactivated": api_app.consequence(reader, [user.id]) or None,
    }


def create_key(visit: Visit) -> dict[str, Any]:
    """A further key of an API user."""
    user, body, act = found(visit), visit.body, visit.act()
    ends = lives.end_of(body, act.now)
    made = visit.write(
        lambda tx: administration.create(
            tx,
            administration.find_user(tx, user.id),
            body["name"].strip() or "key",
            pepper=visit.office.pepper,
            expires_at=ends,
            act=act,
            own=visit.me.permissions,
        )
    )
    return lives.told(made, user.username, ends)


def revoke_key(visit: Visit) -> None:
    """Revoke a key and its tokens at once."""
    user, act = found(visit), visit.act()
    key_id = visit.places["key_id"]
    if key_id not in {each.id for each in api_keys.of_user(visit.reader, user.id)}:
        raise Missing(f"{user.username} has no key of this id.")
    visit.write(lambda tx: administration.revoke_of(tx, user, key_id, act))


# ---------------------------------------------------------------------------- as data

SHAPES: Final = {
    "ApiUser": shapes.answer(
        id=shapes.an_id("As among the users."),
        username=shapes.told(),
        email=shapes.told(),
        active=shapes.flag(),
        keys=shapes.number("How many keys it has."),
        is_the_apps=shapes.flag("Whether the API App acts as it."),
    )
}
_ALL: Final = "/api-app/users"
_KEYS: Final = f"{_ALL}/{{user_id}}/keys"

ROUTES: Final = (
    Route(
        "GET",
        _ALL,
        list_api_users,
        VIEW_APPS,
        "API users by username.",
        shapes.page_of("ApiUser"),
        parameters=(LIMIT, AFTER),
    ),
    Route(
        "GET",
        _KEYS,
        list_keys,
        VIEW_APPS,
        "The keys of an API user without their secrets, and what its deactivation would"
        " take from the API App.",
        shapes.answer(
            items=shapes.many(KEY, "The newest first."),
            if_deactivated=shapes.or_null(shapes.told()),
        ),
    ),
    Route(
        "POST",
        _KEYS,
        create_key,
        MANAGE_APPS,
        "A further key of an API user who may do no more than you (R33); it stands in"
        " this answer alone.",
        shapes.ref("MadeSecret"),
        body=shapes.given(
            ("name",),
            name=shapes.text("What it is for.", most=_LONGEST),
            days=lives.DAYS,
        ),
        status=201,
    ),
    Route(
        "DELETE",
        f"{_KEYS}/{{key_id}}",
        revoke_key,
        MANAGE_APPS,
        "Revoke a key and the tokens it was exchanged for, at once.",
        None,
    ),
)
