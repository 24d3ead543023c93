"""Receivers of security events as JSON: added, tried, paused, replayed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scim_connector.administration import receivers as administration
from scim_connector.directory import receivers, seals
from scim_connector.rules.permissions import MANAGE_APPS, VIEW_APPS
from scim_connector.rules.security_events import BY_ID
from scim_connector.web.admin_api import shapes
from scim_connector.web.admin_api.routes import (
    AFTER_ID,
    LIMIT,
    Missing,
    Route,
    cut,
)
from scim_connector.web.console.sheets import instant
from scim_connector.web.polling import address_of

if TYPE_CHECKING:
    from scim_connector.directory.receivers import Delivery, Receiver
    from scim_connector.web.admin_api.routes import Visit

_STATES: Final = ("sent", "waiting", "trying", "paused")
_LONGEST: Final = 2000


def list_receivers(visit: Visit) -> dict[str, Any]:
    """Every receiver, by name."""
    found = receivers.every(visit.reader)
    return {"items": [_shown(visit, each) for each in found]}


def _shown(visit: Visit, each: Receiver) -> dict[str, Any]:
    return {
        "id": each.id,
        "name": each.name,
        "url": address_of(each, visit.office.settings.address),
        "polls": each.polls,
        "audience": each.audience,
        "has_bearer": each.bearer is not None,
        "events": list(each.kinds),
        "state": administration.state_of(each, seals.last_event(visit.reader)),
        "position": each.position,
        "last_delivered": instant(each.last_delivered_at),
        "last_polled": instant(each.polled_at),
        "next_try": instant(each.due_at) if each.last_error else None,
        "trouble": each.last_error,
    }


def _found(visit: Visit) -> Receiver:
    """The receiver in the address; raises Missing."""
    found = receivers.by_id(visit.reader, visit.places["receiver_id"])
    if found is None:
        raise Missing("There is no such receiver.")
    return found


def get_receiver(visit: Visit) -> dict[str, Any]:
    """One receiver."""
    return _shown(visit, _found(visit))


def list_deliveries(visit: Visit) -> dict[str, Any]:
    """What a receiver took, the newest first."""
    found = receivers.deliveries(
        visit.reader,
        _found(visit).id,
        at_most=visit.limit + 1,
        before=visit.asked.get("after"),
    )
    page, goes_on = cut(found, visit.limit)
    return {
        "items": [_delivery(each) for each in page],
        "next": str(page[-1].id) if goes_on else None,
    }


def _delivery(each: Delivery) -> dict[str, Any]:
    return {
        "id": each.id,
        "at": instant(each.at),
        "event_id": each.event_id,
        "event": each.kind,
        "jti": each.jti,
        "refused": each.refused,
    }


def add_receiver(visit: Visit) -> dict[str, Any]:
    """Send security events to an address from now on, or let somebody ask for them."""
    body, act, keys = visit.body, visit.act(), visit.office.keys
    more = {
        "audience": body.get("audience"),
        "kinds": body.get("events", administration.DEFAULT),
    }
    if body.get("polls"):
        administration.refuse_road(body)
        made, token = visit.write(
            lambda tx: administration.add_polling(tx, keys, body["name"], act, **more)
        )
        return {**_shown(visit, made), "token": str(token)}
    more["bearer"] = body.get("bearer")
    url = body.get("url", "")
    made = visit.write(
        lambda tx: administration.add(tx, keys, body["name"], url, act, **more)
    )
    return {**_shown(visit, made), "token": None}


def rotate_receiver(visit: Visit) -> dict[str, Any]:
    """Give a receiver that polls another token."""
    held, act, keys = _found(visit), visit.act(), visit.office.keys
    made = visit.write(lambda tx: administration.rotate(tx, keys, held, act))
    return {"token": str(made)}


def change_receiver(visit: Visit) -> dict[str, Any]:
    """Change what it is sent, where, or what opens it; pause it, or let it go on."""
    held, act, body = _found(visit), visit.act(), visit.body
    changes: dict[str, Any] = {
        name: body[name] for name in ("url", "audience", "paused") if name in body
    }
    if "events" in body:
        changes["kinds"] = administration.known(body["events"])
    if "bearer" in body:
        changes["bearer"] = administration.sealed(visit.office.keys, body["bearer"])
    made = visit.write(lambda tx: administration.change(tx, held, act, **changes))
    return _shown(visit, made)


def test_receiver(visit: Visit) -> dict[str, Any]:
    """Send a verification event now."""
    return {"said": visit.office.trier.try_out(_found(visit), visit.act())}


def replay_receiver(visit: Visit) -> dict[str, Any]:
    """Send events again from one on, under the same ids."""
    held, act, event_id = _found(visit), visit.act(), visit.body["event_id"]
    visit.write(lambda tx: administration.replay(tx, held, event_id, act))
    return get_receiver(visit)


def remove_receiver(visit: Visit) -> None:
    """Send it nothing more."""
    held, act = _found(visit), visit.act()
    visit.write(lambda tx: administration.remove(tx, held, act))


# ---------------------------------------------------------------------------- as data

_EVENTS: Final = shapes.many(shapes.one_of(BY_ID), "What it is sent.")
_BEARER: Final = shapes.text(
    "What opens it; kept encrypted, told nobody.", most=_LONGEST, least=1
)
_MEMBERS: Final = {
    "id": shapes.an_id(),
    "name": shapes.told(),
    "url": shapes.told("Where tokens are posted, or where it asks for them."),
    "polls": shapes.flag("Whether it asks for its events itself."),
    "audience": shapes.told("Whom the tokens are for (aud)."),
    "has_bearer": shapes.flag("Whether a bearer token opens it."),
    "events": _EVENTS,
    "state": shapes.one_of(_STATES),
    "position": shapes.number("The last event of audit it was sent."),
    "last_delivered": shapes.or_null(shapes.instant()),
    "last_polled": shapes.or_null(shapes.instant("Kept once a minute.")),
    "next_try": shapes.or_null(shapes.instant()),
    "trouble": shapes.or_null(shapes.told("What it answered, or why it did not.")),
}
SHAPES: Final = {
    "Receiver": shapes.answer(**_MEMBERS),
    "NewReceiver": shapes.answer(
        **_MEMBERS,
        token=shapes.or_null(
            shapes.told("What a receiver that polls shows; told only now.")
        ),
    ),
    "Delivery": shapes.answer(
        id=shapes.an_id(),
        at=shapes.instant(),
        event_id=shapes.number("The event of audit that it tells."),
        event=shapes.told(),
        jti=shapes.told("The id of the token, the same each time it is sent."),
        refused=shapes.or_null(shapes.told("Why it was refused for good.")),
    ),
}
_A_RECEIVER: Final = shapes.ref("Receiver")
_PATH: Final = "/receivers"
_ONE: Final = "/receivers/{receiver_id}"

ROUTES: Final = (
    Route(
        "GET",
        _PATH,
        list_receivers,
        VIEW_APPS,
        "Every receiver of security events.",
        shapes.answer(items=shapes.many(_A_RECEIVER)),
    ),
    Route(
        "POST",
        _PATH,
        add_receiver,
        MANAGE_APPS,
        "Send security events to an address from now on, or let somebody ask for them.",
        shapes.ref("NewReceiver"),
        body=shapes.given(
            ("name",),
            name=shapes.text(most=200, least=1),
            url=shapes.text("https; tokens are posted there.", most=_LONGEST),
            polls=shapes.flag("It asks for its events; it has no url and no bearer."),
            audience=shapes.text(
                "Without it the address, or the name of one that polls.",
                most=_LONGEST,
                least=1,
            ),
            bearer=_BEARER,
            events=_EVENTS,
        ),
        status=201,
    ),
    Route("GET", _ONE, get_receiver, VIEW_APPS, "One receiver.", _A_RECEIVER),
    Route(
        "PATCH",
        _ONE,
        change_receiver,
        MANAGE_APPS,
        "Change what it is sent, where, or what opens it; pause it, or let it go on.",
        _A_RECEIVER,
        body=shapes.given(
            url=shapes.text(most=_LONGEST),
            audience=shapes.text(most=_LONGEST, least=1),
            bearer=shapes.or_null(_BEARER),
            events=_EVENTS,
            paused=shapes.flag("Nothing is sent meanwhile, and nothing is lost."),
        ),
    ),
    Route(
        "DELETE",
        _ONE,
        remove_receiver,
        MANAGE_APPS,
        "Send it nothing more.",
        None,
        status=204,
    ),
    Route(
        "GET",
        f"{_ONE}/deliveries",
        list_deliveries,
        VIEW_APPS,
        "What a receiver took, or refused, in the last 30 days; the newest first.",
        shapes.page_of("Delivery"),
        parameters=(LIMIT, AFTER_ID),
    ),
    Route(
        "POST",
        f"{_ONE}/test",
        test_receiver,
        MANAGE_APPS,
        "Send a verification event now, or leave it for one that polls; refused with"
        " what it answered.",
        shapes.answer(said=shapes.told()),
    ),
    Route(
        "POST",
        f"{_ONE}/token",
        rotate_receiver,
        MANAGE_APPS,
        "Give one that polls another token; the former one opens nothing more.",
        shapes.answer(token=shapes.told("Told only now.")),
    ),
    Route(
        "POST",
        f"{_ONE}/replay",
        replay_receiver,
        MANAGE_APPS,
        "Send everything from an event of audit on once more, under the same ids.",
        _A_RECEIVER,
        body=shapes.given(
            ("event_id",), event_id=shapes.number(least=1, most=shapes.LARGEST_ID)
        ),
    ),
)
