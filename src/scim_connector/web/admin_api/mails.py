"""Mails as JSON: what left, what waits and why, sent again or dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scim_connector.administration import mails as administration
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import outbox, users
from scim_connector.rules.permissions import MANAGE_SETTINGS, VIEW_SETTINGS
from scim_connector.web.admin_api import shapes
from scim_connector.web.admin_api.routes import (
    AFTER_ID,
    LIMIT,
    Missing,
    Parameter,
    Route,
    cut,
)
from scim_connector.web.console.mails import KINDS, OPEN, SHOW, STATES
from scim_connector.web.console.sheets import instant
from scim_connector.web.pages.frame import now

if TYPE_CHECKING:
    from collections.abc import Callable

    from scim_connector.accounts import Act
    from scim_connector.directory.database import Reader, Transaction
    from scim_connector.directory.outbox import Standing
    from scim_connector.web.admin_api.routes import Visit

_CHOICES: Final = {
    "send": administration.release_held,
    "drop": administration.drop_held,
}


def list_mails(visit: Visit) -> dict[str, Any]:
    """Mails, the newest first; those that did not leave, unless all are wanted."""
    found = outbox.listed(
        visit.reader,
        administration.TOPICS,
        at_most=visit.limit + 1,
        not_sent=SHOW[visit.asked.get("show", "not-sent")],
        before=visit.asked.get("after"),
    )
    page, goes_on = cut(found, visit.limit)
    return {
        "items": [_shown(visit.reader, each) for each in page],
        "next": str(page[-1].message.id) if goes_on else None,
    }


def _shown(reader: Reader, mail: Standing) -> dict[str, Any]:
    message, state = mail.message, mail.state_at(now())
    user = users.by_id(reader, message.user_id) if message.user_id else None
    _, _, kind = message.topic.partition(":")
    return {
        "id": message.id,
        "kind": kind,
        "label": KINDS.get(message.topic, kind),
        "user": {"id": user.id, "username": user.username} if user else None,
        "queued": instant(message.created_at),
        "state": state,
        "stands": STATES[state],
        "is_open": state in OPEN,
        "tries": message.attempts,
        "next_try": instant(mail.due_at) if state == "trying" else None,
        "why": mail.last_error,
    }


def _found(visit: Visit) -> Standing:
    """The mail in the address; raises Missing."""
    try:
        return administration.find(visit.reader, visit.places["mail_id"])
    except NotPossible as error:
        raise Missing(str(error)) from None


def _do(
    visit: Visit, work: Callable[[Transaction, Standing, Act], None]
) -> dict[str, Any]:
    """Decide about a mail; answers how it stands then."""
    mail_id, act = _found(visit).message.id, visit.act()
    visit.write(lambda tx: work(tx, administration.find(tx, mail_id), act))
    return _shown(visit.reader, _found(visit))


def resend_mail(visit: Visit) -> dict[str, Any]:
    """Queue a mail again, with a new link where it has one."""
    return _do(visit, administration.resend)


def drop_mail(visit: Visit) -> dict[str, Any]:
    """Give a mail up."""
    return _do(visit, administration.drop)


def decide_held_mails(visit: Visit) -> dict[str, Any]:
    """Send or drop everything that is held."""
    decide, act = _CHOICES[visit.body["choice"]], visit.act()
    return {"mails": visit.write(lambda tx: decide(tx, act))}


# ---------------------------------------------------------------------------- as data

SHAPES: Final = {
    "Mail": shapes.answer(
        id=shapes.an_id(),
        kind=shapes.told(),
        label=shapes.told("The kind in words."),
        user=shapes.or_null(
            shapes.answer(id=shapes.an_id(), username=shapes.told()),
        ),
        queued=shapes.instant(),
        state=shapes.one_of(STATES),
        stands=shapes.told("The state in words."),
        is_open=shapes.flag("Whether it can be dropped."),
        tries=shapes.number(),
        next_try=shapes.or_null(shapes.instant()),
        why=shapes.or_null(shapes.told("Why it did not leave.")),
    )
}
_A_MAIL: Final = shapes.ref("Mail")
_ONE: Final = "/mails/{mail_id}"

ROUTES: Final = (
    Route(
        "GET",
        "/mails",
        list_mails,
        VIEW_SETTINGS,
        "Mails, the newest first, with why one was not sent.",
        shapes.page_of("Mail"),
        parameters=(
            Parameter("show", shapes.one_of(SHOW, "not-sent without a word.")),
            LIMIT,
            AFTER_ID,
        ),
    ),
    Route(
        "POST",
        "/mails/held",
        decide_held_mails,
        MANAGE_SETTINGS,
        "Send or drop what waited when mail was set up for the first time.",
        shapes.answer(mails=shapes.number("How many it was.")),
        body=shapes.given(("choice",), choice=shapes.one_of(_CHOICES)),
    ),
    Route(
        "POST",
        f"{_ONE}/resend",
        resend_mail,
        MANAGE_SETTINGS,
        "Queue a mail again; a link in it is a new one, and the old one dies.",
        _A_MAIL,
    ),
    Route(
        "POST",
        f"{_ONE}/drop",
        drop_mail,
        MANAGE_SETTINGS,
        "Give a mail up that waits.",
        _A_MAIL,
    ),
)
