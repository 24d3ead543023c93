"""Webhooks as JSON: added, tried, given another secret, paused, sent to again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scim_connector.administration import webhooks as administration
from scim_connector.directory import outbox, webhooks
from scim_connector.directory.webhooks import Tally
from scim_connector.rules.permissions import MANAGE_APPS, VIEW_APPS
from scim_connector.rules.webhooks import BY_ID
from scim_connector.web.admin_api import shapes
from scim_connector.web.admin_api.routes import AFTER_ID, LIMIT, Missing, Route, cut
from scim_connector.web.console.sheets import instant
from scim_connector.web.pages.frame import now

if TYPE_CHECKING:
    from scim_connector.directory.outbox import Standing
    from scim_connector.directory.webhooks import Webhook
    from scim_connector.web.admin_api.routes import Visit

_STATES: Final = ("sent", "waiting", "trying", "failed", "paused")
_MESSAGE_STATES: Final = ("sent", "waiting", "trying", "failed")
_LONGEST: Final = 2000


def list_webhooks(visit: Visit) -> dict[str, Any]:
    """Every webhook, by name."""
    tallies = webhooks.tallies(visit.reader)
    found = webhooks.every(visit.reader)
    return {
        "items": [_shown(visit, each, tallies.get(each.id, Tally())) for each in found]
    }


def _shown(visit: Visit, each: Webhook, tally: Tally) -> dict[str, Any]:
    return {
        "id": each.id,
        "name": each.name,
        "url": each.url,
        "hears": list(each.kinds),
        "state": administration.state_of(each, tally),
        "former_secret_until": instant(each.former_until),
        "not_delivered": tally.lost,
        "last_delivered": instant(tally.last_delivered_at),
        "trouble": webhooks.trouble(visit.reader, each.id),
    }


def _found(visit: Visit) -> Webhook:
    """The webhook in the address; raises Missing."""
    found = webhooks.by_id(visit.reader, visit.places["webhook_id"])
    if found is None:
        raise Missing("There is no such webhook.")
    return found


def get_webhook(visit: Visit) -> dict[str, Any]:
    """One webhook."""
    found = _found(visit)
    tally = webhooks.tallies(visit.reader).get(found.id, Tally())
    return _shown(visit, found, tally)


def list_webhook_messages(visit: Visit) -> dict[str, Any]:
    """What a webhook was sent, the newest first."""
    found = outbox.of_webhook(
        visit.reader,
        _found(visit).id,
        at_most=visit.limit + 1,
        before=visit.asked.get("after"),
    )
    page, goes_on = cut(found, visit.limit)
    return {
        "items": [_message(each) for each in page],
        "next": str(page[-1].message.id) if goes_on else None,
    }


def _message(each: Standing) -> dict[str, Any]:
    state = each.state_at(now())
    return {
        "id": each.message.id,
        "at": instant(each.message.created_at),
        "type": webhooks.type_of(each.message),
        "webhook_id": each.message.message_id,
        "state": state,
        "tries": each.message.attempts,
        "next_try": instant(each.due_at) if state == "trying" else None,
        "delivered": instant(each.delivered_at),
        "why": each.last_error,
    }


def add_webhook(visit: Visit) -> dict[str, Any]:
    """Tell an address from now on."""
    body, act, keys = visit.body, visit.act(), visit.office.keys
    kinds = body.get("hears", tuple(BY_ID))
    made, secret = visit.write(
        lambda tx: administration.add(
            tx, keys, body["name"], body["url"], act, kinds=kinds
        )
    )
    return {**_shown(visit, made, Tally()), "secret": secret}


def change_webhook(visit: Visit) -> dict[str, Any]:
    """Change what it hears of, or where; pause it, or let it go on."""
    held, act, body = _found(visit), visit.act(), visit.body
    changes = {name: body[name] for name in ("url", "paused") if name in body}
    if "hears" in body:
        changes["kinds"] = administration.known(body["hears"])
    _, secret = visit.write(
        lambda tx: administration.change(tx, visit.office.keys, held, act, **changes)
    )
    return {**get_webhook(visit), "secret": secret}


def rotate_webhook_secret(visit: Visit) -> dict[str, Any]:
    """Make another secret."""
    held, act, keys = _found(visit), visit.act(), visit.office.keys
    hours = visit.body.get("overlap_hours", administration.OVERLAP)
    secret = visit.write(
        lambda tx: administration.rotate(tx, keys, held, act, hours=hours)
    )
    return {**get_webhook(visit), "secret": secret}


def test_webhook(visit: Visit) -> dict[str, Any]:
    """Post a test message now."""
    return {"said": visit.office.poster.try_out(_found(visit))}


def resend_webhook(visit: Visit) -> dict[str, Any]:
    """Send one message once more, or all that were not delivered."""
    held, act = _found(visit), visit.act()
    message_id = visit.body.get("message_id")
    if message_id is None:
        count = visit.write(lambda tx: administration.resend_lost(tx, held, act))
        return {"messages": count}
    visit.write(lambda tx: administration.resend(tx, held, message_id, act))
    return {"messages": 1}


def remove_webhook(visit: Visit) -> None:
    """Tell it nothing more."""
    held, act = _found(visit), visit.act()
    visit.write(lambda tx: administration.remove(tx, held, act))


# ---------------------------------------------------------------------------- as data

_HEARS: Final = shapes.many(shapes.one_of(BY_ID), "What it hears of.")
_MEMBERS: Final = {
    "id": shapes.an_id(),
    "name": shapes.told(),
    "url": shapes.told(),
    "hears": _HEARS,
    "state": shapes.one_of(_STATES),
    "former_secret_until": shapes.or_null(
        shapes.instant("Until then the former secret signs too.")
    ),
    "not_delivered": shapes.number("Messages given up and not sent again."),
    "last_delivered": shapes.or_null(shapes.instant()),
    "trouble": shapes.or_null(
        shapes.told("Why the newest message that was not taken was not.")
    ),
}
SHAPES: Final = {
    "Webhook": shapes.answer(**_MEMBERS),
    "WebhookWithSecret": shapes.answer(
        **_MEMBERS,
        secret=shapes.or_null(
            shapes.told("A new secret stands in this answer alone; null without one.")
        ),
    ),
    "WebhookMessage": shapes.answer(
        id=shapes.an_id(),
        at=shapes.instant(),
        type=shapes.told(),
        webhook_id=shapes.told("The header of this name, the same at each try."),
        state=shapes.one_of(_MESSAGE_STATES),
        tries=shapes.number(),
        next_try=shapes.or_null(shapes.instant()),
        delivered=shapes.or_null(shapes.instant()),
        why=shapes.or_null(shapes.told("Why it was not taken.")),
    ),
}
_A_WEBHOOK: Final = shapes.ref("Webhook")
_WITH_SECRET: Final = shapes.ref("WebhookWithSecret")
_PATH: Final = "/webhooks"
_ONE: Final = "/webhooks/{webhook_id}"

ROUTES: Final = (
    Route(
        "GET",
        _PATH,
        list_webhooks,
        VIEW_APPS,
        "Every webhook.",
        shapes.answer(items=shapes.many(_A_WEBHOOK)),
    ),
    Route(
        "POST",
        _PATH,
        add_webhook,
        MANAGE_APPS,
        "Tell an address from now on; its secret stands in this answer alone.",
        _WITH_SECRET,
        body=shapes.given(
            ("name", "url"),
            name=shapes.text(most=200, least=1),
            url=shapes.text("https; messages are posted there.", most=_LONGEST),
            hears=_HEARS,
        ),
        status=201,
    ),
    Route("GET", _ONE, get_webhook, VIEW_APPS, "One webhook.", _A_WEBHOOK),
    Route(
        "PATCH",
        _ONE,
        change_webhook,
        MANAGE_APPS,
        "Change what it hears of, or where (with another secret); pause it.",
        _WITH_SECRET,
        body=shapes.given(
            url=shapes.text(most=_LONGEST),
            hears=_HEARS,
            paused=shapes.flag("Nothing is sent meanwhile; it waits, 30 days at most."),
        ),
    ),
    Route(
        "DELETE",
        _ONE,
        remove_webhook,
        MANAGE_APPS,
        "Tell it nothing more, and forget what it was sent.",
        None,
        status=204,
    ),
    Route(
        "GET",
        f"{_ONE}/messages",
        list_webhook_messages,
        VIEW_APPS,
        "What a webhook was sent in the last 30 days; the newest first.",
        shapes.page_of("WebhookMessage"),
        parameters=(LIMIT, AFTER_ID),
    ),
    Route(
        "POST",
        f"{_ONE}/test",
        test_webhook,
        MANAGE_APPS,
        "Post a test message now; refused with what was answered.",
        shapes.answer(said=shapes.told()),
    ),
    Route(
        "POST",
        f"{_ONE}/secret",
        rotate_webhook_secret,
        MANAGE_APPS,
        "Make another secret; it stands in this answer alone.",
        _WITH_SECRET,
        body=shapes.given(
            overlap_hours=shapes.number(
                f"So long the former one signs too; {administration.OVERLAP} without it.",
                least=0,
                most=administration.MOST_OVERLAP,
            )
        ),
    ),
    Route(
        "POST",
        f"{_ONE}/resend",
        resend_webhook,
        MANAGE_APPS,
        "Send a message once more, under the same webhook-id; without one, all that were"
        " not delivered.",
        shapes.answer(messages=shapes.number("How many it is.")),
        body=shapes.given(message_id=shapes.or_null(shapes.an_id())),
    ),
)
