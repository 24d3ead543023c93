"""Webhooks: added, tried, given another secret, paused, and what each was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from flask import request

from scim_connector.administration import webhooks as doors
from scim_connector.administration.webhooks import state_of
from scim_connector.directory import outbox, webhooks
from scim_connector.directory.webhooks import Tally
from scim_connector.rules.counting import counted
from scim_connector.rules.permissions import MANAGE_APPS, VIEW_APPS
from scim_connector.rules.webhooks import BY_ID, KINDS
from scim_connector.web.console import lists, sheets
from scim_connector.web.console.desk import HOME, REFUSALS, sentence_of, status_of
from scim_connector.web.pages.frame import now

if TYPE_CHECKING:
    from flask import Flask, Response

    from scim_connector.directory.outbox import Standing
    from scim_connector.directory.webhooks import Webhook
    from scim_connector.web.console.desk import Desk, Person

PATH: Final = f"{HOME}/applications/webhooks"
ONE: Final = f"{PATH}/<int:webhook_id>"
#: What the states of webhooks and of messages are called on pages.
STATES: Final = {
    "sent": "up to date",
    "failed": "Not delivered",
    "trying": "will be tried again",
}
MESSAGE_STATES: Final = {**STATES, "sent": "taken"}
#: How long the former secret goes on, by the hours of the form.
OVERLAPS: Final = (
    ("24", "for a day"),
    ("168", "for a week"),
    ("0", "not at all: somebody else has it"),
)
_FIELDS: Final = (
    *("name", "url", "hears", "state", "not_delivered", "last_delivered_at"),
    "trouble",
)
_SENT: Final = ("id", "at", "type", "webhook_id", "state", "tries", "why")
_LONGEST: Final = 2000


class Poster(Protocol):
    """What posts to a webhook to try it."""

    def try_out(self, webhook: Webhook) -> str:
        """Post a test now; raises NotPossible with what was answered."""


class WebhookPages:
    """The list of webhooks, and each of them."""

    def __init__(self, desk: Desk, poster: Poster) -> None:
        """Work at *desk*; webhooks are tried by *poster*."""
        self._desk = desk
        self._poster = poster

    def put_on(self, app: Flask) -> None:
        """Add the routes."""
        serve = self._desk.serve
        serve(app, PATH, self.index, VIEW_APPS)
        serve(app, f"{PATH}/new", self.add, MANAGE_APPS, "POST")
        serve(app, ONE, self.show, VIEW_APPS)
        for doing, view in (
            ("test", self.test),
            ("kinds", self.change),
            ("address", self.move),
            ("secret", self.rotate),
            ("pause", self.pause),
            ("resume", self.resume),
            ("resend", self.resend),
            ("remove", self.remove),
        ):
            serve(app, f"{ONE}/{doing}", view, MANAGE_APPS, "POST")

    # ------------------------------------------------------------------------ list

    def index(self, me: Person, wrong: Exception | None = None) -> Response:
        """Every webhook, and the form for another one."""
        found = self._every()
        if lists.form():
            rows = [self._line(*each) for each in found]
            return sheets.answer("webhooks", _FIELDS, rows, lists.form())
        chosen = request.form.getlist("kinds") or list(BY_ID)
        return self._desk.page(
            me,
            "webhooks.html",
            200 if wrong is None else status_of(wrong),
            wrong="" if wrong is None else sentence_of(wrong),
            webhooks=[(w, t, state_of(w, t)) for w, t in found],
            words=STATES,
            kinds=[(each, each.id in chosen) for each in KINDS],
            titles={each.id: each.title for each in KINDS},
            typed={n: request.form.get(n, "")[:_LONGEST] for n in ("name", "url")},
            may_change=me.may(MANAGE_APPS),
            more=lists.more(f"{counted(len(found), 'webhook')}.", None, path=PATH),
        )

    def _every(self) -> list[tuple[Webhook, Tally]]:
        reader = self._desk.reader
        tallies = webhooks.tallies(reader)
        return [
            (each, tallies.get(each.id, Tally())) for each in webhooks.every(reader)
        ]

    def _line(self, each: Webhook, tally: Tally) -> dict[str, Any]:
        return {
            "name": each.name,
            "url": each.url,
            "hears": "; ".join(each.kinds),
            "state": state_of(each, tally),
            "not_delivered": tally.lost,
            "last_delivered_at": sheets.instant(tally.last_delivered_at),
            "trouble": webhooks.trouble(self._desk.reader, each.id),
        }

    def add(self, me: Person) -> Response:
        """Tell another address from now on, and show its secret this once."""
        act, form = me.act(), request.form
        name, url = form.get("name", ""), form.get("url", "").strip()
        kinds = form.getlist("kinds")
        try:
            made, secret = self._desk.write(
                lambda tx: doors.add(tx, self._desk.keys, name, url, act, kinds=kinds)
            )
        except REFUSALS as error:
            return self.index(me, error)
        return self._once(me, made, secret)

    def _once(self, me: Person, found: Webhook, secret: str) -> Response:
        return self._desk.page(
            me,
            "webhook_secret.html",
            webhook=found,
            secret=secret,
            back=f"{PATH}/{found.id}",
        )

    # ------------------------------------------------------------------------- one

    def show(
        self, me: Person, webhook_id: int, wrong: Exception | None = None
    ) -> Response:
        """One webhook: how it stands, and what it was sent, the newest first."""
        reader = self._desk.reader
        found = webhooks.by_id(reader, webhook_id)
        if found is None:
            return self._desk.missing(me, "webhook")
        most = sheets.MOST if lists.form() else lists.PAGE + 1
        before = lists.number("after")
        sent = outbox.of_webhook(reader, found.id, at_most=most, before=before)
        if lists.form():
            name = f"sent-to-{found.id}"
            return sheets.answer(name, _SENT, map(_sent, sent), lists.form())
        page, goes_on = lists.cut(sent)
        return self._desk.page(
            me,
            "webhook.html",
            200 if wrong is None else status_of(wrong),
            wrong="" if wrong is None else sentence_of(wrong),
            webhook=found,
            **self._stands(found),
            kinds=[(each, each.id in found.kinds) for each in KINDS],
            sent=[_shown(each) for each in page],
            typed=request.form.get("url", found.url)[:_LONGEST],
            overlaps=OVERLAPS,
            may_change=me.may(MANAGE_APPS),
            more=lists.more(
                f"{len(page)} on this page, the newest first; kept for 30 days.",
                str(page[-1].message.id) if goes_on else None,
                path=f"{PATH}/{found.id}",
            ),
        )

    def _stands(self, found: Webhook) -> dict[str, Any]:
        reader = self._desk.reader
        tally = webhooks.tallies(reader).get(found.id, Tally())
        return {
            "tally": tally,
            "state": state_of(found, tally),
            "words": STATES,
            "trouble": webhooks.trouble(reader, found.id),
        }

    def test(self, me: Person, webhook_id: int) -> Response:
        """Post a message that only says the way is open."""
        return self._do(me, webhook_id, self._poster.try_out)

    def change(self, me: Person, webhook_id: int) -> Response:
        """Tell it something else from now on."""
        kinds = request.form.getlist("kinds")
        return self._set(me, webhook_id, "What it hears of was changed.", kinds=kinds)

    def pause(self, me: Person, webhook_id: int) -> Response:
        """Send nothing until it is resumed."""
        text = "Paused. It is sent what waits when it is resumed."
        return self._set(me, webhook_id, text, paused=True)

    def resume(self, me: Person, webhook_id: int) -> Response:
        """Send what waits, and go on."""
        return self._set(me, webhook_id, "Resumed.", paused=False)

    def _set(self, me: Person, webhook_id: int, text: str, **changes: Any) -> Response:
        act, keys = me.act(), self._desk.keys

        def work(found: Webhook) -> str:
            if "kinds" in changes:
                changes["kinds"] = doors.known(changes["kinds"])
            self._desk.write(lambda tx: doors.change(tx, keys, found, act, **changes))
            return text

        return self._do(me, webhook_id, work)

    def resend(self, me: Person, webhook_id: int) -> Response:
        """Send one message once more, or all that were not delivered."""
        act, text = me.act(), request.form.get("message", "").strip()

        def work(found: Webhook) -> str:
            if not text:
                again = self._desk.write(lambda tx: doors.resend_lost(tx, found, act))
                return f"Sent once more: {again:,}."
            number = lists.whole(text) or 0
            self._desk.write(lambda tx: doors.resend(tx, found, number, act))
            return "It is sent once more."

        return self._do(me, webhook_id, work)

    # --------------------------------------------------------------------- secrets

    def move(self, me: Person, webhook_id: int) -> Response:
        """Post to another address from now on; that has another secret."""
        act, keys, url = me.act(), self._desk.keys, request.form.get("url", "").strip()
        found = webhooks.by_id(self._desk.reader, webhook_id)
        if found is None:
            return self._desk.missing(me, "webhook")
        try:
            made, secret = self._desk.write(
                lambda tx: doors.change(tx, keys, found, act, url=url)
            )
        except REFUSALS as error:
            return self.show(me, webhook_id, error)
        if secret is None:
            return self._desk.done(f"{PATH}/{webhook_id}", "It is that already.")
        return self._once(me, made, secret)

    def rotate(self, me: Person, webhook_id: int) -> Response:
        """Make another secret, and show it this once."""
        act, keys = me.act(), self._desk.keys
        hours = lists.whole(request.form.get("overlap", ""))
        found = webhooks.by_id(self._desk.reader, webhook_id)
        if found is None:
            return self._desk.missing(me, "webhook")
        chosen = -1 if hours is None else hours
        try:
            secret = self._desk.write(
                lambda tx: doors.rotate(tx, keys, found, act, hours=chosen)
            )
        except REFUSALS as error:
            return self.show(me, webhook_id, error)
        return self._once(me, doors.find(self._desk.reader, found.name), secret)

    def remove(self, me: Person, webhook_id: int) -> Response:
        """Tell it nothing more."""
        act = me.act()
        found = webhooks.by_id(self._desk.reader, webhook_id)
        if found is None:
            return self._desk.missing(me, "webhook")
        self._desk.write(lambda tx: doors.remove(tx, found, act))
        return self._desk.done(PATH, f"{found.name} is told nothing more.")

    def _do(self, me: Person, webhook_id: int, work: Any) -> Response:
        """Do something to a webhook, and tell of it on its page."""
        found = webhooks.by_id(self._desk.reader, webhook_id)
        if found is None:
            return self._desk.missing(me, "webhook")
        try:
            text = work(found)
        except REFUSALS as error:
            return self.show(me, webhook_id, error)
        return self._desk.done(f"{PATH}/{webhook_id}", text)


def _shown(each: Standing) -> dict[str, Any]:
    state = each.state_at(now())
    return {
        "each": each,
        "type": webhooks.type_of(each.message),
        "state": MESSAGE_STATES.get(state, state),
        "tone": state,
        "next": each.due_at if state == "trying" else None,
    }


def _sent(each: Standing) -> dict[str, Any]:
    return {
        "id": each.message.id,
        "at": sheets.instant(each.message.created_at),
        "type": webhooks.type_of(each.message),
        "webhook_id": each.message.message_id,
        "state": each.state_at(now()),
        "tries": each.message.attempts,
        "why": each.last_error,
    }
