"""Conflicts: what only a person can decide, one by one or as a reviewed batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import request

from scim_connector.administration import batches, reasons
from scim_connector.administration import conflicts as administration
from scim_connector.administration.batches import BATCHED, Choice
from scim_connector.administration.conflicts import KINDS, Listed, Query
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import connections
from scim_connector.rules.counting import counted
from scim_connector.rules.permissions import MANAGE_PROVISIONING, VIEW_PROVISIONING
from scim_connector.web.console import lists, sheets
from scim_connector.web.console.desk import HOME, REFUSALS, sentence_of

if TYPE_CHECKING:
    from flask import Flask, Response

    from scim_connector.web.console.desk import Desk, Person

PATH: Final = f"{HOME}/conflicts"
_FIELDS: Final = (
    *("id", "connection", "kind", "identity", "local_user", "detail", "times"),
    *("first_seen_at", "last_seen_at", "resolution"),
)
#: Digits of an instant in microseconds.
_LONG: Final = 18


class ConflictPages:
    """The list of what waits, and each with what can be done."""

    def __init__(self, desk: Desk) -> None:
        """Work at *desk*."""
        self._desk = desk

    def put_on(self, app: Flask) -> None:
        """Add the routes."""
        one = f"{PATH}/<int:conflict_id>"
        self._desk.serve(app, PATH, self.index, VIEW_PROVISIONING)
        self._desk.serve(app, one, self.show, VIEW_PROVISIONING)
        self._desk.serve(app, one, self.decide, MANAGE_PROVISIONING, "POST")
        batch = f"{PATH}/batch"
        self._desk.serve(app, batch, self.review, MANAGE_PROVISIONING, "POST")
        self._desk.serve(
            app, f"{batch}/do", self.carry_out, MANAGE_PROVISIONING, "POST"
        )

    # ------------------------------------------------------------------------- list

    def index(self, me: Person) -> Response:
        """What waits, the latest first; or what was decided."""
        reader = self._desk.reader
        names = {c.name: c.id for c in connections.every(reader)}
        kinds = {kind.id: kind.id for kind in KINDS.values()}
        closed = lists.asked("state") == "decided"
        query = Query(
            connection_id=lists.one_of("connection", names),
            kind=lists.one_of("kind", kinds),
            is_open=not closed,
            after=_place(lists.asked("after")),
            at_most=sheets.MOST if lists.form() else lists.PAGE + 1,
        )
        found = administration.listed(reader, query)
        if lists.form():
            rows = [_line(each) for each in found]
            return sheets.answer("conflicts", _FIELDS, rows, lists.form())
        page, goes_on = lists.cut(found)
        last = f"{page[-1].entry.last_seen_at}.{page[-1].entry.id}" if goes_on else None
        return self._desk.page(
            me,
            "conflicts.html",
            conflicts=page,
            closed=closed,
            connections=[(name, name) for name in names],
            kinds=[(kind.id, kind.label) for kind in KINDS.values()],
            batched=[(each.id, each.label) for each in BATCHED.values()],
            chosen={n: lists.asked(n) for n in ("connection", "kind", "state")},
            more=lists.more(f"{len(page)} on this page, the latest first.", last),
        )

    # -------------------------------------------------------------------------- one

    def show(
        self, me: Person, conflict_id: int, wrong: str = "", status: int = 200
    ) -> Response:
        """What the provider wants, whom it meets, and what can be done about it."""
        reader = self._desk.reader
        entry = administration.find(reader, conflict_id)
        connection = connections.required(reader, entry.connection_id)
        return self._desk.page(
            me,
            "conflict.html",
            status,
            wrong=wrong,
            each=administration.shown(reader, entry),
            remedies=administration.fitting(reader, entry),
            unfit=administration.unfitting(reader, entry),
            again=reasons.AGAIN[connection.kind],
            form=request.form,
        )

    def decide(self, me: Person, conflict_id: int) -> Response:
        """Carry one remedy out."""
        form, act = request.form, me.act()
        remedy = form.get("remedy", "")
        try:
            done = self._desk.write(
                lambda tx: administration.decide(tx, conflict_id, remedy, form, act)
            )
        except REFUSALS as error:
            return self.show(me, conflict_id, sentence_of(error), 400)
        return self._desk.done(PATH, done.sentence)

    # ------------------------------------------------------------------------ batch

    def review(self, me: Person) -> Response:
        """Show what would become of each chosen entry; nothing is decided yet."""
        remedy = batches.remedy_of(request.form.get("remedy", ""))
        chosen = [_number(text) for text in request.form.getlist("conflict")]
        if not chosen:
            raise NotPossible("Tick the conflicts it is to be done with first.")
        rows = batches.review(self._desk.reader, remedy, chosen[: lists.PAGE])
        return self._desk.page(me, "conflicts_batch.html", rows=rows, remedy=remedy)

    def carry_out(self, me: Person) -> Response:
        """Decide the reviewed entries; one that cannot be leaves the others alone."""
        remedy, act = batches.remedy_of(request.form.get("remedy", "")), me.act()
        ids = map(lists.whole, request.form.getlist("conflict"))
        known = [each for each in ids if each is not None]
        choices = [Choice(each, remedy.id, {}) for each in known[: lists.PAGE]]
        outcomes = self._desk.write(lambda tx: batches.decide(tx, choices, act))
        done = [each for each in outcomes if each.done]
        left = "; ".join(each.why_not for each in outcomes if each.why_not)
        text = f"{counted(len(done), 'conflict')} decided."
        return self._desk.done(PATH, f"{text} {left}".strip())


def _number(text: str) -> int:
    number = lists.whole(text)
    if number is None:
        raise NotPossible("There is no such conflict.")
    return number


def _place(text: str) -> tuple[int, int] | None:
    instant, _, entry = text.partition(".")
    at, number = lists.whole(instant, digits=_LONG), lists.whole(entry)
    return None if at is None or number is None else (at, number)


def _line(each: Listed) -> dict[str, Any]:
    entry = each.entry
    return {
        **{name: getattr(entry, name, None) for name in _FIELDS},
        "connection": each.connection,
        "kind": each.kind.label,
        "local_user": "" if each.user is None else each.user.username,
        "first_seen_at": sheets.instant(entry.first_seen_at),
        "last_seen_at": sheets.instant(entry.last_seen_at),
    }
