"""Alerts: what is told without asking, what holds now, and how each is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import request

from scim_connector.administration import alerts as doors
from scim_connector.administration.alert_conditions import BY_ID
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import alerts as rows
from scim_connector.directory import roles, users
from scim_connector.rules.permissions import MANAGE_SETTINGS, VIEW_SETTINGS
from scim_connector.web.console import lists, sheets
from scim_connector.web.console.desk import HOME, REFUSALS, sentence_of, status_of
from scim_connector.web.pages.frame import now

if TYPE_CHECKING:
    from flask import Flask, Response

    from scim_connector.administration.alerts import Standing
    from scim_connector.web.console.desk import Desk, Person

PATH: Final = f"{HOME}/settings/alerts"
_FIELDS: Final = (
    *("alert", "title", "threshold", "unit", "on", "mail", "webhook", "log"),
    *("silent_until", "mailed_to", "holds"),
)
_HOUR: Final = 3600 * 1_000_000
#: For how long nothing is told, by the word of the form; hours.
SPANS: Final = {"day": 24, "week": 24 * 7, "month": 24 * 30}


class AlertPages:
    """The list of alerts, and a page for each."""

    def __init__(self, desk: Desk) -> None:
        """Work at *desk*."""
        self._desk = desk

    def put_on(self, app: Flask) -> None:
        """Add the routes."""
        serve = self._desk.serve
        one = f"{PATH}/<alert>"
        serve(app, PATH, self.index, VIEW_SETTINGS)
        serve(app, one, self.show, VIEW_SETTINGS)
        serve(app, f"{one}/change", self.change, MANAGE_SETTINGS, "POST")
        serve(app, f"{one}/silence", self.silence, MANAGE_SETTINGS, "POST")
        serve(app, f"{one}/test", self.send_test, MANAGE_SETTINGS, "POST")

    def index(self, me: Person) -> Response:
        """Every alert, how it is told, and what holds now."""
        found = doors.listed(self._desk.reader)
        if lists.form():
            return sheets.answer("alerts", _FIELDS, map(_row, found), lists.form())
        return self._desk.page(
            me,
            "alerts.html",
            found=found,
            heard=doors.webhooks_hear(self._desk.reader),
            holding=sum(len(each.holding) for each in found),
            more=lists.more(f"{len(found)} alerts.", None, path=PATH),
        )

    def show(self, me: Person, alert: str, wrong: Exception | None = None) -> Response:
        """One alert: what it means, whom it is mailed to, and when it held."""
        if alert not in BY_ID:
            return self._desk.missing(me, "alert")
        reader = self._desk.reader
        (standing,) = [s for s in doors.listed(reader) if s.condition.id == alert]
        able = roles.who_may(reader, standing.condition.permission.id)
        return self._desk.page(
            me,
            "alert.html",
            200 if wrong is None else status_of(wrong),
            wrong="" if wrong is None else sentence_of(wrong),
            standing=standing,
            held=rows.newest_of(reader, alert, at_most=lists.PAGE),
            mailed=[users.required(reader, user_id) for user_id in able],
            heard=doors.webhooks_hear(reader),
            typed=request.form.get("threshold", standing.threshold),
            may_change=me.may(MANAGE_SETTINGS),
        )

    # ------------------------------------------------------------------- decisions

    def change(self, me: Person, alert: str) -> Response:
        """Another threshold, or another way of telling."""
        changes = {
            "threshold": request.form.get("threshold", "").strip().replace(" ", ""),
            "is_on": "on" in request.form,
            "by_mail": "mail" in request.form,
            "by_webhook": "webhook" in request.form,
            "by_log": "log" in request.form,
        }
        return self._changed(me, alert, "It was changed.", **changes)

    def silence(self, me: Person, alert: str) -> Response:
        """Nothing for a while, or again from now on."""
        span = request.form.get("span", "")
        if span == "end":
            return self._changed(me, alert, "It is told again.", silent_until=None)
        if span not in SPANS:
            return self.show(me, alert, NotPossible("Choose for how long."))
        until = now() + SPANS[span] * _HOUR
        return self._changed(me, alert, f"Silent for a {span}.", silent_until=until)

    def _changed(self, me: Person, alert: str, text: str, **changes: Any) -> Response:
        act = me.act()
        try:
            condition = doors.find(alert)
            self._desk.write(lambda tx: doors.change(tx, condition, act, **changes))
        except REFUSALS as error:
            return self.show(me, alert, error)
        return self._desk.done(f"{PATH}/{alert}", text)

    def send_test(self, me: Person, alert: str) -> Response:
        """A mail to everybody it would be mailed to."""
        act = me.act()
        try:
            condition = doors.find(alert)
            count = self._desk.write(lambda tx: doors.test(tx, condition, act))
        except REFUSALS as error:
            return self.show(me, alert, error)
        text = f"{count} {'mail is' if count == 1 else 'mails are'} being sent."
        return self._desk.done(f"{PATH}/{alert}", text)


def _row(standing: Standing) -> dict[str, Any]:
    rule, condition = standing.rule, standing.condition
    return {
        "alert": condition.id,
        "title": condition.title,
        "threshold": standing.threshold,
        "unit": condition.unit,
        "on": rule.is_on,
        "mail": rule.by_mail,
        "webhook": rule.by_webhook,
        "log": rule.by_log,
        "silent_until": sheets.instant(rule.silent_until),
        "mailed_to": condition.permission.id,
        "holds": "; ".join(each.sentence for each in standing.holding),
    }
