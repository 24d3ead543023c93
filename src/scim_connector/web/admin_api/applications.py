"""Applications that rely on the gate, as JSON: registered, told, retired."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scim_connector.administration import applications as administration
from scim_connector.administration import connections as of_connections
from scim_connector.directory import applications, outbox
from scim_connector.rules.permissions import MANAGE_APPS, VIEW_APPS
from scim_connector.web.admin_api import application_secrets, shapes
from scim_connector.web.admin_api.application_secrets import ONE, found
from scim_connector.web.admin_api.routes import AFTER_ID, LIMIT, Route, cut
from scim_connector.web.console.applications import line_of
from scim_connector.web.console.sheets import instant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scim_connector.directory.applications import Application
    from scim_connector.directory.database import Reader, Transaction
    from scim_connector.web.admin_api.routes import Visit

_LONGEST: Final = 2000
_MOST_REDIRECTS: Final = 20


def list_applications(visit: Visit) -> dict[str, Any]:
    """Every application."""
    every = applications.every(visit.reader)
    return {"items": [_shown(visit.reader, each) for each in every]}


def _shown(reader: Reader, each: Application) -> dict[str, Any]:
    named = ("id", "name", "kind", "address", "logout_url")
    return {
        **{name: getattr(each, name) for name in named},
        "redirects": list(each.redirects),
        "secrets": application_secrets.listed(reader, each),
        "clients": [
            {"connection": connection, "client_id": client_id}
            for _, connection, client_id in applications.clients(reader, each.id)
        ],
        "created": instant(each.created_at),
    }


def get_application(visit: Visit) -> dict[str, Any]:
    """One application."""
    return _shown(visit.reader, found(visit))


def add_application(visit: Visit) -> dict[str, Any]:
    """Register an application."""
    body, act = visit.body, visit.act()
    name, kind = body["name"].strip(), body["kind"]
    addresses = _addresses(body, None)
    made = visit.write(
        lambda tx: administration.add(tx, name, kind=kind, **addresses, act=act)
    )
    return _shown(visit.reader, made)


def change_application(visit: Visit) -> dict[str, Any]:
    """Change addresses; what is not sent stays."""
    name, body, act = found(visit).name, visit.body, visit.act()

    def work(tx: Transaction) -> None:
        held = administration.find(tx, name)
        administration.change(tx, held, **_addresses(body, held), act=act)

    visit.write(work)
    return get_application(visit)


def _addresses(body: Mapping[str, Any], held: Application | None) -> dict[str, Any]:
    """The addresses as they are to be; an empty one is none."""
    present = {name: getattr(held, name, None) for name in ("address", "logout_url")}
    sent = {
        name: (body.get(name, before) or "").strip() or None
        for name, before in present.items()
    }
    redirects = body.get("redirects", held.redirects if held else ())
    return {**sent, "redirects": tuple(each.strip() for each in redirects)}


def set_client(visit: Visit) -> dict[str, Any]:
    """Say which client id it has at a provider."""
    name, body, act = found(visit).name, visit.body, visit.act()
    client_id = (body["client_id"] or "").strip() or None

    def work(tx: Transaction) -> None:
        held = administration.find(tx, name)
        at = of_connections.find(tx, body["connection"])
        administration.set_client(tx, held, at, client_id, act)

    visit.write(work)
    return get_application(visit)


def retire_application(visit: Visit) -> dict[str, Any]:
    """End an application for good, or say how many sessions that ends."""
    name, act = found(visit).name, visit.act()
    ended = visit.do(
        lambda tx: administration.retire(tx, administration.find(tx, name), act)
    )
    return {"done": visit.body["sure"], "sessions": ended}


def list_calls(visit: Visit) -> dict[str, Any]:
    """The calls to its logout address, the newest first."""
    calls = outbox.of_application(
        visit.reader,
        found(visit).name,
        at_most=visit.limit + 1,
        before=visit.asked.get("after"),
    )
    page, goes_on = cut(calls, visit.limit)
    return {
        "items": [{"id": each.message.id, **line_of(each)} for each in page],
        "next": str(page[-1].message.id) if goes_on else None,
    }


# ---------------------------------------------------------------------------- as data

_KIND: Final = shapes.one_of(
    administration.KINDS,
    "web is opened in a browser, desktop is a program for people, api takes the tokens"
    " of API users.",
)
_CLIENT: Final = shapes.answer(connection=shapes.told(), client_id=shapes.told())
_APPLICATION: Final = shapes.answer(
    id=shapes.an_id(),
    name=shapes.told("Its client id here, too."),
    kind=_KIND,
    address=shapes.or_null(shapes.told()),
    logout_url=shapes.or_null(shapes.told()),
    redirects=shapes.many(shapes.told()),
    secrets=shapes.many(shapes.ref("ApplicationSecret"), "The newest first."),
    clients=shapes.many(_CLIENT, "What it is called at providers."),
    created=shapes.instant(),
)
_CALL: Final = shapes.answer(
    id=shapes.an_id(),
    at=shapes.instant(),
    state=shapes.told("How it stands, in words."),
    after_ms={
        "type": ["number", "null"],
        "description": "From the end of the session until it was told.",
    },
    tries=shapes.number(),
    last_error=shapes.or_null(shapes.told()),
)
SHAPES: Final = {
    "Application": _APPLICATION,
    "Call": _CALL,
    **application_secrets.SHAPES,
}
_ADDRESSES: Final = {
    "address": shapes.or_null(shapes.text("Where people open it.", most=_LONGEST)),
    "redirects": shapes.many(
        shapes.text(most=_LONGEST),
        "Where people may be sent after signing in.",
        most=_MOST_REDIRECTS,
    ),
    "logout_url": shapes.or_null(
        shapes.text("Told at once when a session ends.", most=_LONGEST)
    ),
}
_AN_APPLICATION: Final = shapes.ref("Application")

ROUTES: Final = (
    Route(
        "GET",
        "/applications",
        list_applications,
        VIEW_APPS,
        "Every application, the oldest first; retired ones are left out.",
        shapes.answer(items=shapes.many(_AN_APPLICATION)),
    ),
    Route(
        "POST",
        "/applications",
        add_application,
        MANAGE_APPS,
        "Register an application; next, make a secret for it.",
        _AN_APPLICATION,
        body=shapes.given(
            ("name", "kind"),
            name=shapes.text("Small letters, digits and -.", most=40, least=1),
            kind=_KIND,
            **_ADDRESSES,
        ),
        status=201,
    ),
    Route("GET", ONE, get_application, VIEW_APPS, "One application.", _AN_APPLICATION),
    Route(
        "PATCH",
        ONE,
        change_application,
        MANAGE_APPS,
        "Change the addresses of an application; what is not sent stays.",
        _AN_APPLICATION,
        body=shapes.given(**_ADDRESSES),
    ),
    Route(
        "PUT",
        f"{ONE}/client",
        set_client,
        MANAGE_APPS,
        "Say which client id an application has at a provider; null forgets it.",
        _AN_APPLICATION,
        body=shapes.given(
            ("connection", "client_id"),
            connection=shapes.text("Name of a connection."),
            client_id=shapes.or_null(shapes.text(most=_LONGEST)),
        ),
    ),
    Route(
        "POST",
        f"{ONE}/retire",
        retire_application,
        MANAGE_APPS,
        "End an application for good: its secrets and its sessions die at once.",
        shapes.answer(
            done=shapes.flag(), sessions=shapes.number("How many sessions end.")
        ),
        body=shapes.given(("sure",), sure=shapes.sure("Whether to retire it.")),
    ),
    Route(
        "GET",
        f"{ONE}/calls",
        list_calls,
        VIEW_APPS,
        "The calls to the logout address of an application, the newest first.",
        shapes.page_of("Call"),
        parameters=(LIMIT, AFTER_ID),
    ),
    *application_secrets.ROUTES,
)
