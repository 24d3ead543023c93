"""One user as JSON, with what they can reach and what happened to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import orjson

from scim_connector.administration import leaving
from scim_connector.administration import users as administration
from scim_connector.directory import (
    api_keys,
    assignments,
    audit,
    connections,
    links,
    profiles,
    sessions,
    users,
)
from scim_connector.directory.users import User
from scim_connector.rules.events import sentence_of_event
from scim_connector.rules.permissions import (
    END_SESSIONS,
    RESET_PASSWORDS,
    UPDATE_USERS,
    VIEW_USERS,
)
from scim_connector.web.admin_api import shapes
from scim_connector.web.admin_api.routes import AFTER_ID, LIMIT, Missing, Route, cut
from scim_connector.web.console.sheets import instant
from scim_connector.web.pages.frame import now

if TYPE_CHECKING:
    from scim_connector.accounts import Act
    from scim_connector.directory.database import Reader, Transaction
    from scim_connector.web.admin_api.routes import Visit

Work = Callable[["Transaction", User, "Act"], object]


def found(visit: Visit) -> User:
    """The user in the address; raises Missing."""
    user = users.by_id(visit.reader, visit.places["user_id"])
    if user is None:
        raise Missing("There is no such user.")
    return user


def plain(user: User) -> dict[str, Any]:
    """What a row of the list and the whole user both tell; its shape is PLAIN."""
    named = ("id", "username", "initials", "first_name", "last_name", "email", "active")
    return {
        **{name: getattr(user, name) for name in named},
        "kind": "api" if user.is_api_user else "person",
        "held_inactive": user.held_at is not None,
        "first_sign_in": instant(user.first_login_at),
        "created": instant(user.created_at),
    }


def one(reader: Reader, user: User) -> dict[str, Any]:
    """Everything about a user that may be seen."""
    names = {c.id: c.name for c in connections.every(reader)}
    link = links.of_user(reader, user.id)
    managing = links.managing(reader, [user.id])
    profile = profiles.name(reader, user.profile_id) if user.profile_id else None
    return {
        **plain(user),
        "held_by": user.held_by,
        "source": names.get(managing.get(user.id, 0)),
        "scim_id": link.id if link else None,
        "changed_here": sorted(user.overridden),
        "profile": profile,
        "roles": [
            {"role": role, "source": source, "connection": names.get(by)}
            for role, source, by in assignments.sources(reader, user.id)
        ],
        "sessions": [_session(each) for each in sessions.of_user(reader, user.id)],
        "keys": [key_of(each) for each in api_keys.of_user(reader, user.id)],
        "changed": instant(user.updated_at),
    }


def _session(each: sessions.Session) -> dict[str, Any]:
    return {
        "id": each.id,
        "application": each.client,
        "method": each.method,
        "second_factor": each.second_factor,
        "network": each.network,
        "since": instant(each.created_at),
        "seen": instant(each.seen_at),
    }


def key_of(each: api_keys.ApiKey) -> dict[str, Any]:
    """One key, without what it is; its shape is KEY."""
    return {
        "id": each.id,
        "name": each.name,
        "state": each.state_at(now()),
        "created": instant(each.created_at),
        "expires": instant(each.expires_at),
        "last_used": instant(each.last_used_at),
    }


def get_user(visit: Visit) -> dict[str, Any]:
    """One user."""
    return one(visit.reader, found(visit))


def list_consequences(visit: Visit) -> dict[str, Any]:
    """What a deactivation ends, before it is done."""
    return {"items": leaving.consequences(visit.reader, found(visit))}


def list_history(visit: Visit) -> dict[str, Any]:
    """Everything that happened to a user, the newest first."""
    user = found(visit)
    page, goes_on = cut(
        audit.newest_of_user(
            visit.reader,
            user.id,
            before=visit.asked.get("after"),
            at_most=visit.limit + 1,
        ),
        visit.limit,
    )
    last = str(page[-1].id) if goes_on else None
    return {"items": [_event(each) for each in page], "next": last}


def _event(each: audit.AuditEvent) -> dict[str, Any]:
    return {
        "id": each.id,
        "at": instant(each.at),
        "event": each.name,
        "sentence": sentence_of_event(each.name),
        "actor": each.actor,
        "facts": orjson.loads(each.facts),
        "request_id": each.request_id,
    }


# ------------------------------------------------------------------------------- doing


def do(visit: Visit, work: Work) -> dict[str, Any]:
    """Do something to the user in the address; answers how they stand then."""
    user_id, act = found(visit).id, visit.act()
    visit.write(lambda tx: work(tx, users.held(tx, user_id), act))
    return one(visit.reader, users.required(visit.reader, user_id))


def deactivate_user(visit: Visit) -> dict[str, Any]:
    """End every access at once, and hold the user inactive."""
    return do(visit, administration.deactivate)


def reactivate_user(visit: Visit) -> dict[str, Any]:
    """Make the user active again."""
    return do(visit, administration.reactivate)


def unlink_user(visit: Visit) -> dict[str, Any]:
    """Undo the link to a provider."""
    return do(visit, administration.unlink)


def give_role(visit: Visit) -> dict[str, Any]:
    """Give a role from here."""
    role, own = visit.body["role"], visit.me.permissions
    return do(
        visit,
        lambda tx, user, act: administration.give_role(tx, user, role, act, own=own),
    )


def take_role(visit: Visit) -> dict[str, Any]:
    """Take back a role that was given here."""
    role = visit.body["role"]
    return do(
        visit, lambda tx, user, act: administration.take_role(tx, user, role, act)
    )


def end_sessions(visit: Visit) -> dict[str, Any]:
    """End every session of a user."""
    return do(visit, administration.log_out)


def end_session(visit: Visit) -> dict[str, Any]:
    """End one session."""
    session_id = visit.places["session_id"]
    return do(
        visit,
        lambda tx, user, act: administration.end_session(tx, user, session_id, act),
    )


def send_welcome(visit: Visit) -> dict[str, Any]:
    """Mail the first link again."""
    return do(visit, administration.send_welcome)


def send_reset(visit: Visit) -> dict[str, Any]:
    """Mail a link to choose another password (R17)."""
    factor = visit.me.second_factor
    return do(
        visit,
        lambda tx, user, act: administration.send_reset(
            tx, user, act, second_factor=factor
        ),
    )


def expire_password(visit: Visit) -> dict[str, Any]:
    """Let them choose another password at their next sign-in."""
    return do(visit, administration.expire_password)


# ---------------------------------------------------------------------------- as data

_ROLE: Final = shapes.answer(
    role=shapes.told(),
    source=shapes.told("Where it comes from: console, user, group."),
    connection=shapes.or_null(shapes.told()),
)
_SESSION: Final = shapes.answer(
    id=shapes.told(),
    application=shapes.told(),
    method=shapes.told(),
    second_factor=shapes.flag(),
    network=shapes.told(),
    since=shapes.instant(),
    seen=shapes.instant(),
)
KEY: Final = shapes.answer(
    id=shapes.told(),
    name=shapes.told(),
    state=shapes.one_of(("live", "expired")),
    created=shapes.instant(),
    expires=shapes.or_null(shapes.instant()),
    last_used=shapes.or_null(shapes.instant()),
)
PLAIN: Final[Mapping[str, shapes.Shape]] = {
    "id": shapes.an_id(),
    "username": shapes.told(),
    "initials": shapes.told(),
    "first_name": shapes.told(),
    "last_name": shapes.told(),
    "email": shapes.told(),
    "active": shapes.flag(),
    "kind": shapes.one_of(("person", "api")),
    "held_inactive": shapes.flag("Whether a person holds them inactive."),
    "first_sign_in": shapes.or_null(shapes.instant()),
    "created": shapes.instant(),
}
_USER: Final = shapes.answer(
    **PLAIN,
    held_by=shapes.or_null(shapes.told("Who holds them inactive.")),
    source=shapes.or_null(shapes.told("The connection that manages them.")),
    scim_id=shapes.or_null(shapes.told("Their id at that connection.")),
    changed_here=shapes.many(shapes.told(), "Managed fields that were changed here."),
    profile=shapes.or_null(shapes.told()),
    roles=shapes.many(_ROLE),
    sessions=shapes.many(_SESSION),
    keys=shapes.many(KEY, "Keys of an API user, without their secrets."),
    changed=shapes.instant(),
)
_EVENT: Final = shapes.answer(
    id=shapes.an_id(),
    at=shapes.instant(),
    event=shapes.told(),
    sentence=shapes.told(),
    actor=shapes.told(),
    facts=shapes.anything("Old and new values, and what else is known."),
    request_id=shapes.or_null(shapes.told()),
)
SHAPES: Final = {"User": _USER, "Event": _EVENT}
_A_ROLE: Final = shapes.given(("role",), role=shapes.text("Name of a role.", least=1))
_ONE: Final = "/users/{user_id}"
_A_USER: Final = shapes.ref("User")

ROUTES: Final = (
    Route("GET", _ONE, get_user, VIEW_USERS, "One user.", _A_USER),
    Route(
        "GET",
        f"{_ONE}/history",
        list_history,
        VIEW_USERS,
        "Everything that happened to a user, the newest first.",
        shapes.page_of("Event"),
        parameters=(LIMIT, AFTER_ID),
    ),
    Route(
        "GET",
        f"{_ONE}/consequences",
        list_consequences,
        UPDATE_USERS,
        "What a deactivation would end.",
        shapes.answer(items=shapes.many(shapes.told())),
    ),
    Route(
        "POST",
        f"{_ONE}/deactivate",
        deactivate_user,
        UPDATE_USERS,
        "End every access at once, and hold the user inactive against the provider.",
        _A_USER,
    ),
    Route(
        "POST",
        f"{_ONE}/reactivate",
        reactivate_user,
        UPDATE_USERS,
        "Make a user active again; no former access comes back.",
        _A_USER,
    ),
    Route(
        "POST",
        f"{_ONE}/unlink",
        unlink_user,
        UPDATE_USERS,
        "Undo the link to a provider; the user stays, unmanaged.",
        _A_USER,
    ),
    Route(
        "POST",
        f"{_ONE}/roles",
        give_role,
        UPDATE_USERS,
        "Give a role, of no more than your own permissions (R33).",
        _A_USER,
        body=_A_ROLE,
    ),
    Route(
        "POST",
        f"{_ONE}/roles/take",
        take_role,
        UPDATE_USERS,
        "Take back a role that was given here.",
        _A_USER,
        body=_A_ROLE,
    ),
    Route(
        "DELETE",
        f"{_ONE}/sessions",
        end_sessions,
        END_SESSIONS,
        "End every session of a user.",
        _A_USER,
    ),
    Route(
        "DELETE",
        f"{_ONE}/sessions/{{session_id}}",
        end_session,
        END_SESSIONS,
        "End one session of a user.",
        _A_USER,
    ),
    Route(
        "POST",
        f"{_ONE}/welcome",
        send_welcome,
        RESET_PASSWORDS,
        "Mail the first link again.",
        _A_USER,
    ),
    Route(
        "POST",
        f"{_ONE}/reset",
        send_reset,
        RESET_PASSWORDS,
        "Mail a link to choose another password; asks for your second factor (R17).",
        _A_USER,
    ),
    Route(
        "POST",
        f"{_ONE}/expire",
        expire_password,
        RESET_PASSWORDS,
        "Let a user choose another password at the next sign-in.",
        _A_USER,
    ),
)
