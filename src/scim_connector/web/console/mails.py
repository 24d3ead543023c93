"""Mails: what left, what waits and why, sent again or dropped by a person."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from flask import request

from scim_connector.administration import mails as doors
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import outbox, users
from scim_connector.rules.permissions import MANAGE_SETTINGS, VIEW_SETTINGS
from scim_connector.web.console import lists, sheets
from scim_connector.web.console.desk import HOME, REFUSALS, sentence_of, status_of
from scim_connector.web.pages.frame import now

if TYPE_CHECKING:
    from flask import Flask, Response

    from scim_connector.accounts import Act
    from scim_connector.directory.database import Transaction
    from scim_connector.directory.outbox import Standing
    from scim_connector.web.console.desk import Desk, Person

PATH: Final = f"{HOME}/settings/mail"
_FIELDS: Final = ("id", "mail", "user", "queued", "state", "tries", "why")
#: What the states are called on pages.
STATES: Final = {
    "sent": "sent",
    "failed": "Not delivered",
    "withdrawn": "not needed any more",
    "held": "held",
    "late": "too late to send",
    "trying": "will be tried again",
    "waiting": "waiting",
}
#: What the mails are called on pages.
KINDS: Final = {
    "mail:welcome": "Welcome",
    "mail:reset": "Password link",
    "mail:confirm-email": "Confirm the new address",
    "mail:email-changed": "The address changed",
    "mail:password-changed": "The password changed",
    "mail:managed-now": "Managed by a provider now",
    "mail:alert": "Alert",
}
#: The states in which a mail can be dropped.
OPEN: Final = frozenset({"waiting", "trying", "late", "held"})
_BATCH: Final = 1000
#: Which mails a list may hold, and whether those that left are left out.
SHOW: Final = {"all": False, "not-sent": True}


class MailPages:
    """The list of mails, with a decision for each that did not leave."""

    def __init__(self, desk: Desk) -> None:
        """Work at *desk*."""
        self._desk = desk

    def put_on(self, app: Flask) -> None:
        """Add the routes."""
        serve = self._desk.serve
        serve(app, PATH, self.index, VIEW_SETTINGS)
        serve(app, f"{PATH}/held", self.decide, MANAGE_SETTINGS, "POST")
        one = f"{PATH}/<int(max=999999999):mail_id>"
        serve(app, f"{one}/resend", self.resend, MANAGE_SETTINGS, "POST")
        serve(app, f"{one}/drop", self.drop, MANAGE_SETTINGS, "POST")

    def index(self, me: Person, wrong: Exception | None = None) -> Response:
        """Mails, the newest first; those that did not leave, unless all are wanted."""
        not_sent = lists.one_of("show", SHOW) is not False
        if lists.form():
            rows = (self._line(each) for each in self._every(not_sent=not_sent))
            return sheets.answer("mails", _FIELDS, rows, lists.form())
        before = lists.number("after")
        reader = self._desk.reader
        found, goes_on = lists.cut(
            outbox.listed(
                reader,
                doors.TOPICS,
                at_most=lists.PAGE + 1,
                not_sent=not_sent,
                before=before,
            )
        )
        return self._desk.page(
            me,
            "mails.html",
            200 if wrong is None else status_of(wrong),
            wrong="" if wrong is None else sentence_of(wrong),
            mails=[self._shown(each) for each in found],
            held=outbox.count_held(reader),
            shows_all=not not_sent,
            may_change=me.may(MANAGE_SETTINGS),
            more=lists.more(
                f"{len(found)} on this page, the newest first.",
                str(found[-1].message.id) if goes_on else None,
                path=PATH,
            ),
        )

    def _every(self, *, not_sent: bool) -> Iterator[Standing]:
        before, left = None, sheets.MOST
        while left > 0:
            found = outbox.listed(
                self._desk.reader,
                doors.TOPICS,
                at_most=_BATCH,
                not_sent=not_sent,
                before=before,
            )
            if not found:
                return
            yield from found
            before = found[-1].message.id
            left -= len(found)

    def _shown(self, mail: Standing) -> dict[str, Any]:
        state = mail.state_at(now())
        user_id = mail.message.user_id
        topic = mail.message.topic
        return {
            "mail": mail,
            "kind": KINDS.get(topic, topic.partition(":")[2]),
            "user": users.by_id(self._desk.reader, user_id) if user_id else None,
            "state": STATES[state],
            "tone": state,
            "is_open": state in OPEN,
            "next": mail.due_at if state == "trying" else None,
        }

    def _line(self, mail: Standing) -> dict[str, Any]:
        known = self._shown(mail)
        return {
            "id": mail.message.id,
            "mail": known["kind"],
            "user": known["user"].username if known["user"] else "",
            "queued": sheets.instant(mail.message.created_at),
            "state": known["state"],
            "tries": mail.message.attempts,
            "why": mail.last_error,
        }

    # ------------------------------------------------------------------- decisions

    def decide(self, me: Person) -> Response:
        """Send or drop everything that is held, by one choice."""
        choices = {"send": doors.release_held, "drop": doors.drop_held}
        choice, act = request.form.get("choice", ""), me.act()
        if choice not in choices:
            return self.index(me, NotPossible("Choose whether to send or to drop."))
        count = self._desk.write(lambda tx: choices[choice](tx, act))
        done = "being sent" if choice == "send" else "dropped"
        verb = "is" if count == 1 else "are"
        text = f"{count:,} mail{'' if count == 1 else 's'} {verb} {done}."
        return self._desk.done(PATH, text)

    def resend(self, me: Person, mail_id: int) -> Response:
        """Queue a mail again, with a new link where it has one."""
        return self._do(me, mail_id, doors.resend, "It is being sent again.")

    def drop(self, me: Person, mail_id: int) -> Response:
        """Give a mail up."""
        return self._do(me, mail_id, doors.drop, "It was dropped.")

    def _do(
        self,
        me: Person,
        mail_id: int,
        work: Callable[[Transaction, Standing, Act], None],
        text: str,
    ) -> Response:
        act = me.act()
        try:
            self._desk.write(lambda tx: work(tx, doors.find(tx, mail_id), act))
        except REFUSALS as error:
            return self.index(me, error)
        return self._desk.done(PATH, text)
