"""Receivers of security events: added, tried, paused, replayed, and what they took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from flask import request

from scim_connector.administration import receivers as doors
from scim_connector.directory import receivers, seals
from scim_connector.rules.counting import counted
from scim_connector.rules.permissions import MANAGE_APPS, VIEW_APPS
from scim_connector.rules.security_events import BY_ID, EVENTS
from scim_connector.web.console import lists, sheets
from scim_connector.web.console.desk import HOME, REFUSALS, sentence_of, status_of
from scim_connector.web.polling import address_of

if TYPE_CHECKING:
    from flask import Flask, Response

    from scim_connector.accounts import Act
    from scim_connector.directory.database import Transaction
    from scim_connector.directory.receivers import Delivery, Receiver
    from scim_connector.tokens.opaque import Token
    from scim_connector.web.console.desk import Desk, Person

PATH: Final = f"{HOME}/applications/receivers"
ONE: Final = f"{PATH}/<int:receiver_id>"
_FIELDS: Final = (
    *("name", "url", "polls", "events", "state", "last_delivered_at", "last_polled_at"),
    "trouble",
)
_TOOK: Final = ("at", "event_id", "kind", "jti", "refused")
_LONGEST: Final = 2000


class Trier(Protocol):
    """What sends a receiver an event to try it."""

    def try_out(self, receiver: Receiver, act: Act) -> str:
        """Send a verification event now; raises NotPossible with what was answered."""


class ReceiverPages:
    """The list of receivers, and each of them."""

    def __init__(self, desk: Desk, trier: Trier) -> None:
        """Work at *desk*; receivers are tried by *trier*."""
        self._desk = desk
        self._trier = trier

    def put_on(self, app: Flask) -> None:
        """Add the routes."""
        serve = self._desk.serve
        serve(app, PATH, self.index, VIEW_APPS)
        serve(app, f"{PATH}/new", self.add, MANAGE_APPS, "POST")
        serve(app, ONE, self.show, VIEW_APPS)
        for doing, view in (
            ("test", self.test),
            ("events", self.change),
            ("pause", self.pause),
            ("resume", self.resume),
            ("replay", self.replay),
            ("token", self.rotate),
            ("remove", self.remove),
        ):
            serve(app, f"{ONE}/{doing}", view, MANAGE_APPS, "POST")

    # ------------------------------------------------------------------------ list

    def index(self, me: Person, wrong: Exception | None = None) -> Response:
        """Every receiver, and the form for another one."""
        reader = self._desk.reader
        last = seals.last_event(reader)
        found = [(each, doors.state_of(each, last)) for each in receivers.every(reader)]
        if lists.form():
            public = self._desk.settings.address
            rows = [_line(each, state, public) for each, state in found]
            return sheets.answer("receivers", _FIELDS, rows, lists.form())
        chosen = request.form.getlist("kinds") or doors.DEFAULT
        return self._desk.page(
            me,
            "receivers.html",
            200 if wrong is None else status_of(wrong),
            wrong="" if wrong is None else sentence_of(wrong),
            receivers=found,
            events=[(each, each.id in chosen) for each in EVENTS],
            typed={n: request.form.get(n, "")[:_LONGEST] for n in ("name", "url")},
            polls=request.form.get("road") == "poll",
            issuer=self._desk.settings.address,
            may_change=me.may(MANAGE_APPS),
            more=lists.more(f"{counted(len(found), 'receiver')}.", None, path=PATH),
        )

    def add(self, me: Person) -> Response:
        """Send events to another address, or let somebody ask for them, from now on."""
        act = me.act()
        try:
            made, token = self._desk.write(lambda tx: self._added(tx, act))
        except REFUSALS as error:
            return self.index(me, error)
        if token is not None:
            return self._once(me, made, token)
        text = f"{made.name} is sent events from now on. Next: send a test event."
        return self._desk.done(f"{PATH}/{made.id}", text)

    def _added(self, tx: Transaction, act: Act) -> tuple[Receiver, Token | None]:
        form, keys = request.form, self._desk.keys
        name, url = form.get("name", ""), form.get("url", "").strip()
        bearer = form.get("bearer", "").strip() or None
        more: dict[str, Any] = {
            "audience": form.get("audience", "").strip() or None,
            "kinds": form.getlist("kinds"),
        }
        if form.get("road") == "poll":
            doors.refuse_road({"url": url, "bearer": bearer})
            return doors.add_polling(tx, keys, name, act, **more)
        return doors.add(tx, keys, name, url, act, bearer=bearer, **more), None

    def _once(self, me: Person, made: Receiver, token: Token) -> Response:
        """The token of a receiver that polls: here, now and never again."""
        place = address_of(made, self._desk.settings.address)
        return self._desk.page(
            me,
            "receiver_token.html",
            receiver=made,
            place=place,
            token=str(token),
            tried=f'curl -X POST {place} -H "Authorization: Bearer $TOKEN"'
            " -H 'Content-Type: application/json'"
            " -d '{\"returnImmediately\":true}'",
        )

    # ------------------------------------------------------------------------- one

    def show(
        self, me: Person, receiver_id: int, wrong: Exception | None = None
    ) -> Response:
        """One receiver: how it stands, and what it took, the newest first."""
        reader = self._desk.reader
        found = receivers.by_id(reader, receiver_id)
        if found is None:
            return self._desk.missing(me, "receiver")
        most = sheets.MOST if lists.form() else lists.PAGE + 1
        before = lists.number("after")
        took = receivers.deliveries(reader, found.id, at_most=most, before=before)
        if lists.form():
            name = f"sent-to-{found.id}"
            return sheets.answer(name, _TOOK, map(_delivery, took), lists.form())
        page, goes_on = lists.cut(took)
        return self._desk.page(
            me,
            "receiver.html",
            200 if wrong is None else status_of(wrong),
            wrong="" if wrong is None else sentence_of(wrong),
            receiver=found,
            place=address_of(found, self._desk.settings.address),
            state=doors.state_of(found, seals.last_event(reader)),
            events=[(each, each.id in found.kinds) for each in EVENTS],
            sent=[(each, BY_ID.get(each.kind)) for each in page],
            issuer=self._desk.settings.address,
            may_change=me.may(MANAGE_APPS),
            more=lists.more(
                f"{len(page)} on this page, the newest first; kept for 30 days.",
                str(page[-1].id) if goes_on else None,
                path=f"{PATH}/{found.id}",
            ),
        )

    def test(self, me: Person, receiver_id: int) -> Response:
        """Send an event that only says the way is open."""
        act = me.act()
        return self._do(me, receiver_id, lambda each: self._trier.try_out(each, act))

    def change(self, me: Person, receiver_id: int) -> Response:
        """Send other events from now on."""
        kinds = request.form.getlist("kinds")
        return self._set(me, receiver_id, "The events were changed.", kinds=kinds)

    def pause(self, me: Person, receiver_id: int) -> Response:
        """Send nothing until it is resumed."""
        text = "Paused. It is sent what it missed when it is resumed."
        return self._set(me, receiver_id, text, paused=True)

    def resume(self, me: Person, receiver_id: int) -> Response:
        """Send what was missed, and go on."""
        return self._set(me, receiver_id, "Resumed.", paused=False)

    def _set(self, me: Person, receiver_id: int, text: str, **changes: Any) -> Response:
        act = me.act()

        def work(found: Receiver) -> str:
            if "kinds" in changes:
                changes["kinds"] = doors.known(changes["kinds"])
            self._desk.write(lambda tx: doors.change(tx, found, act, **changes))
            return text

        return self._do(me, receiver_id, work)

    def replay(self, me: Person, receiver_id: int) -> Response:
        """Send again from an event on, under the same ids."""
        act = me.act()
        event_id = lists.whole(request.form.get("event", "").strip(), digits=15) or 0

        def work(found: Receiver) -> str:
            self._desk.write(lambda tx: doors.replay(tx, found, event_id, act))
            return f"Everything from event {event_id} on is sent once more."

        return self._do(me, receiver_id, work)

    def rotate(self, me: Person, receiver_id: int) -> Response:
        """Give one that polls another token, and show it."""
        act, keys = me.act(), self._desk.keys
        found = receivers.by_id(self._desk.reader, receiver_id)
        if found is None:
            return self._desk.missing(me, "receiver")
        try:
            token = self._desk.write(lambda tx: doors.rotate(tx, keys, found, act))
        except REFUSALS as error:
            return self.show(me, receiver_id, error)
        return self._once(me, found, token)

    def remove(self, me: Person, receiver_id: int) -> Response:
        """Send it nothing more."""
        act = me.act()
        found = receivers.by_id(self._desk.reader, receiver_id)
        if found is None:
            return self._desk.missing(me, "receiver")
        self._desk.write(lambda tx: doors.remove(tx, found, act))
        return self._desk.done(PATH, f"{found.name} is sent nothing more.")

    def _do(self, me: Person, receiver_id: int, work: Any) -> Response:
        """Do something to a receiver, and tell of it on its page."""
        found = receivers.by_id(self._desk.reader, receiver_id)
        if found is None:
            return self._desk.missing(me, "receiver")
        try:
            text = work(found)
        except REFUSALS as error:
            return self.show(me, receiver_id, error)
        return self._desk.done(f"{PATH}/{receiver_id}", text)


def _line(each: Receiver, state: str, public: str) -> dict[str, Any]:
    return {
        "name": each.name,
        "url": address_of(each, public),
        "polls": each.polls,
        "events": "; ".join(each.kinds),
        "state": state,
        "last_delivered_at": sheets.instant(each.last_delivered_at),
        "last_polled_at": sheets.instant(each.polled_at),
        "trouble": each.last_error,
    }


def _delivery(each: Delivery) -> dict[str, Any]:
    return {
        "at": sheets.instant(each.at),
        "event_id": each.event_id,
        "kind": each.kind,
        "jti": each.jti,
        "refused": each.refused,
    }
