"""Connections as JSON: made, changed, paused, retired, and given tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scim_connector.administration import api_app, overview, shipped
from scim_connector.administration import connections as administration
from scim_connector.directory import connections, credentials
from scim_connector.login.client_credentials import client_id
from scim_connector.rules.permissions import MANAGE_PROVISIONING, VIEW_PROVISIONING
from scim_connector.web.admin_api import shapes
from scim_connector.web.admin_api.routes import Missing, Route
from scim_connector.web.admin_api.simulate import LONGEST_MAPPING
from scim_connector.web.console import lists
from scim_connector.web.console.connections import DAY, KINDS, LINKING
from scim_connector.web.console.sheets import instant
from scim_connector.web.pages.frame import now

if TYPE_CHECKING:
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.credentials import Credential
    from scim_connector.directory.database import Reader, Transaction
    from scim_connector.tokens.opaque import Token
    from scim_connector.web.admin_api.routes import Visit

_FLAGS: Final = (
    *("allow_api_users", "may_act_as_administrator", "strict", "password_mail"),
)
_SETTINGS: Final = ("link_existing", *_FLAGS)
_YEAR: Final = 365
_LONGEST_LIFE: Final = 730


def found(visit: Visit) -> Connection:
    """The connection in the address; raises Missing."""
    held = connections.by_id(visit.reader, visit.places["connection_id"])
    if held is None:
        raise Missing("There is no such connection.")
    return held


def shown(reader: Reader, each: Connection) -> dict[str, Any]:
    """One connection: how it stands, and what it may do."""
    card = overview.card(reader, each, now())
    names = {c.id: c.name for c in connections.every(reader)}
    return {
        "id": each.id,
        "name": each.name,
        "kind": each.kind,
        "state": each.state,
        "stands": "Retired" if each.state == "retired" else card.state,
        **{name: getattr(each, name) for name in _SETTINGS},
        "link_until": instant(each.link_until),
        "quirks_off": list(each.quirks_off),
        "takes_over": names.get(each.takes_over or 0),
        "mapping": each.mapping_number,
        "people": card.people,
        "last_request": instant(card.last_request),
        "last_success": instant(card.last_success),
        "token_days": None if card.expiry is None else card.expiry.days,
        "created": instant(each.created_at),
        "if_deactivated": api_app.consequence_of(reader, each) or None,
    }


def list_connections(visit: Visit) -> dict[str, Any]:
    """Every connection."""
    every = connections.every(visit.reader)
    return {"items": [shown(visit.reader, each) for each in every]}


def get_connection(visit: Visit) -> dict[str, Any]:
    """One connection."""
    return shown(visit.reader, found(visit))


def add_connection(visit: Visit) -> dict[str, Any]:
    """Make a connection and its first token."""
    body, act = visit.body, visit.act()
    settings = {name: body[name] for name in _SETTINGS if name in body}
    if body.get("takes_over") is not None:
        settings["takes_over"] = administration.find(
            visit.reader, body["takes_over"]
        ).id
    if body.get("rehearse", False):
        settings["state"] = "rehearsing"
    kind = body["kind"]

    def work(tx: Transaction) -> tuple[Connection, Token]:
        made = administration.add(
            tx,
            body["name"],
            kind=kind,
            mapping_text=body.get("mapping") or shipped.text(kind),
            mapping_name=f"{kind}.toml",
            settings=settings,
            act=act,
        )
        expires_at = act.now + _YEAR * DAY
        token = administration.create_token(
            tx, made, pepper=visit.office.pepper, expires_at=expires_at, act=act
        )
        return made, token

    made, token = visit.write(work)
    return {
        "connection": shown(visit.reader, made),
        "base_url": visit.office.settings.base_url,
        "token": str(token),
        "warnings": administration.address_warnings(visit.office.settings.base_url),
    }


def change_connection(visit: Visit) -> dict[str, Any]:
    """Change what a connection may do."""
    held, changes, act = found(visit), dict(visit.body), visit.act()
    if "link_until" in changes:
        last = changes["link_until"] or ""
        changes["link_until"] = lists.day_of("link_until", last, end=True)
    if "quirks_off" in changes:
        changes["quirks_off"] = administration.switched_off(changes["quirks_off"])
    made = visit.write(lambda tx: administration.change(tx, held, changes, act))
    return shown(visit.reader, made)


def pause_connection(visit: Visit) -> dict[str, Any]:
    """Serve reads and deactivations only."""
    held, act = found(visit), visit.act()
    visit.write(lambda tx: administration.pause(tx, held, act))
    return get_connection(visit)


def resume_connection(visit: Visit) -> dict[str, Any]:
    """Serve everything again."""
    held, act = found(visit), visit.act()
    visit.write(lambda tx: administration.resume(tx, held, act))
    return get_connection(visit)


def retire_connection(visit: Visit) -> dict[str, Any]:
    """End a connection, once its name is sent."""
    held, act = found(visit), visit.act()
    administration.confirm(held, visit.body["name"])
    deactivate = visit.body.get("deactivate", False)
    ended = visit.write(
        lambda tx: administration.retire(tx, held, act, deactivate=deactivate)
    )
    return {"connection": get_connection(visit), "deactivated": ended}


# ------------------------------------------------------------------------------ tokens


def list_tokens(visit: Visit) -> dict[str, Any]:
    """What opens a connection."""
    held = credentials.of_connection(visit.reader, found(visit).id)
    return {"items": [_token(each) for each in held]}


def _token(each: Credential) -> dict[str, Any]:
    return {
        "id": each.id,
        "kind": each.kind,
        "state": each.state_at(now()),
        "created": instant(each.created_at),
        "expires": instant(each.expires_at),
        "last_used": instant(each.last_used_at),
    }


def create_token(visit: Visit) -> dict[str, Any]:
    """A further token or client secret."""
    held, body, act = found(visit), visit.body, visit.act()
    expires_at = act.now + int(body.get("days", _YEAR)) * DAY
    made = visit.write(
        lambda tx: administration.create_token(
            tx,
            held,
            pepper=visit.office.pepper,
            expires_at=expires_at,
            act=act,
            kind=body["kind"],
        )
    )
    return {
        "id": made.id,
        "secret": str(made),
        "client_id": client_id(held) if body["kind"] == "secret" else None,
        "expires": instant(expires_at),
    }


def revoke_token(visit: Visit) -> None:
    """Revoke a token at once."""
    held, act = found(visit), visit.act()
    token = credentials.by_id(visit.reader, visit.places["token_id"])
    if token is None or token.connection_id != held.id:
        raise Missing(f"{held.name} has no token of this id.")
    visit.write(lambda tx: administration.revoke_token(tx, token, act))


# ---------------------------------------------------------------------------- as data

_LINKING: Final = shapes.one_of(LINKING, "How people who exist here are linked.")
_FLAGGED: Final = {name: shapes.flag() for name in _FLAGS}
_STATES: Final = ("live", "paused", "rehearsing", "retired")
_CONNECTION: Final = shapes.answer(
    id=shapes.an_id(),
    name=shapes.told(),
    kind=shapes.one_of(KINDS),
    state=shapes.one_of(_STATES),
    stands=shapes.told("How it stands, in words."),
    link_existing=_LINKING,
    **_FLAGGED,
    link_until=shapes.or_null(shapes.instant("When linking ends.")),
    quirks_off=shapes.many(shapes.told()),
    takes_over=shapes.or_null(shapes.told("The connection whose people it adopts.")),
    mapping=shapes.number("Number of the applied version."),
    people=shapes.number("Active users that it manages."),
    last_request=shapes.or_null(shapes.instant()),
    last_success=shapes.or_null(shapes.instant()),
    token_days=shapes.or_null(shapes.number("Days until no token works.")),
    created=shapes.instant(),
    if_deactivated=shapes.or_null(
        shapes.told("What the API App loses where its people are deactivated.")
    ),
)
_TOKEN: Final = shapes.answer(
    id=shapes.told(),
    kind=shapes.told(),
    state=shapes.told(),
    created=shapes.instant(),
    expires=shapes.or_null(shapes.instant()),
    last_used=shapes.or_null(shapes.instant()),
)
SHAPES: Final = {"Connection": _CONNECTION, "Token": _TOKEN}
_ONE: Final = "/connections/{connection_id}"
_A_CONNECTION: Final = shapes.ref("Connection")

ROUTES: Final = (
    Route(
        "GET",
        "/connections",
        list_connections,
        VIEW_PROVISIONING,
        "Every connection, and how it stands.",
        shapes.answer(items=shapes.many(_A_CONNECTION)),
    ),
    Route(
        "POST",
        "/connections",
        add_connection,
        MANAGE_PROVISIONING,
        "Make a connection with the shipped mapping of its kind, or one of your own."
        " Its first token stands in this answer alone.",
        shapes.answer(
            connection=_A_CONNECTION,
            base_url=shapes.told(),
            token=shapes.told(),
            warnings=shapes.many(shapes.told()),
        ),
        body=shapes.given(
            ("name", "kind"),
            name=shapes.text(most=100, least=1),
            kind=shapes.one_of(KINDS),
            mapping=shapes.text("Without it, the shipped one.", most=LONGEST_MAPPING),
            link_existing=_LINKING,
            **_FLAGGED,
            takes_over=shapes.or_null(shapes.text("Name of a former connection.")),
            rehearse=shapes.flag("Carry nothing out until it goes live."),
        ),
        status=201,
        is_large=True,
    ),
    Route(
        "GET", _ONE, get_connection, VIEW_PROVISIONING, "One connection.", _A_CONNECTION
    ),
    Route(
        "PATCH",
        _ONE,
        change_connection,
        MANAGE_PROVISIONING,
        "Change what a connection may do.",
        _A_CONNECTION,
        body=shapes.given(
            link_existing=_LINKING,
            link_until=shapes.or_null(
                shapes.text("The last day of linking, as 2026-12-31; null for no end.")
            ),
            quirks_off=shapes.many(shapes.text(), "Habits of providers to refuse."),
            **_FLAGGED,
        ),
    ),
    Route(
        "POST",
        f"{_ONE}/pause",
        pause_connection,
        MANAGE_PROVISIONING,
        "Serve reads and deactivations only, until it is resumed.",
        _A_CONNECTION,
    ),
    Route(
        "POST",
        f"{_ONE}/resume",
        resume_connection,
        MANAGE_PROVISIONING,
        "Serve everything again.",
        _A_CONNECTION,
    ),
    Route(
        "POST",
        f"{_ONE}/retire",
        retire_connection,
        MANAGE_PROVISIONING,
        "End a connection for good; its name is sent so that it is not by mistake.",
        shapes.answer(connection=_A_CONNECTION, deactivated=shapes.number()),
        body=shapes.given(
            ("name",),
            name=shapes.text("The name of this connection."),
            deactivate=shapes.flag("Whether its people are deactivated too."),
        ),
    ),
    Route(
        "GET",
        f"{_ONE}/tokens",
        list_tokens,
        VIEW_PROVISIONING,
        "What opens a connection, without the secrets.",
        shapes.answer(items=shapes.many(shapes.ref("Token"))),
    ),
    Route(
        "POST",
        f"{_ONE}/tokens",
        create_token,
        MANAGE_PROVISIONING,
        "A further token or client secret; it stands in this answer alone.",
        shapes.answer(
            id=shapes.told(),
            secret=shapes.told(),
            client_id=shapes.or_null(shapes.told()),
            expires=shapes.instant(),
        ),
        body=shapes.given(
            ("kind",),
            kind=shapes.one_of(("bearer", "secret")),
            days=shapes.number(f"{_YEAR} without it.", least=1, most=_LONGEST_LIFE),
        ),
        status=201,
    ),
    Route(
        "DELETE",
        f"{_ONE}/tokens/{{token_id}}",
        revoke_token,
        MANAGE_PROVISIONING,
        "Revoke a token; the next request with it is refused.",
        None,
    ),
)
