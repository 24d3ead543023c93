"""Undo: which changes, what would be put back, doing it, and the report as a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson
from flask import render_template, request

from scim_connector.administration.errors import NotPossible
from scim_connector.compliance import undo
from scim_connector.compliance.undo import KINDS, Line, Wish
from scim_connector.directory import audit, connections, roles, users
from scim_connector.rules.permissions import (
    MANAGE_PROVISIONING,
    UPDATE_USERS,
    VIEW_USERS,
)
from scim_connector.scim.rendering import timestamp
from scim_connector.web.console import lists, sheets, working
from scim_connector.web.console.desk import HOME, sentence_of
from scim_connector.web.pages.frame import now

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask, Response

    from scim_connector.compliance.undo import Batch, Plan, Report
    from scim_connector.directory.database import Reader
    from scim_connector.web.console.desk import Desk, Person

PATH: Final = f"{HOME}/undo"
MOST_SHOWN: Final = 200
_FIELDS: Final = tuple(f.name for f in fields(Line) if f.name != "command")
#: What the address of a batch is made of.
_NAMED: Final = ("connection", "mapping", "role", "by", "user", "event")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BACK: Final = {"back": PATH, "back_name": "Undo"}
_HALF: Final = (
    "Something went wrong on the way. What was put back stays; undo the same batch"
    " again, and it goes on with what is left."
)


class UndoPages:
    """Everything about undoing changes."""

    def __init__(self, desk: Desk) -> None:
        """Work at *desk*."""
        self._desk = desk

    def put_on(self, app: Flask) -> None:
        """Add the routes."""
        self._desk.serve(app, PATH, self.index, VIEW_USERS)
        self._desk.serve(app, f"{PATH}/plan", self.plan, VIEW_USERS)
        self._desk.serve(app, f"{PATH}/report", self.report, VIEW_USERS)
        self._desk.serve(app, f"{PATH}/run", self.run, UPDATE_USERS, "POST")

    # ----------------------------------------------------------------------- choose

    def index(self, me: Person, wrong: str = "", status: int = 200) -> Response:
        """Ask which changes, and show what was undone before."""
        reader = self._desk.reader
        done = audit.newest_named(reader, ["undo:done"], at_most=lists.PAGE)
        return self._desk.page(
            me,
            "undo.html",
            status,
            wrong=wrong,
            chosen={n: request.args.get(n, "") for n in (*_NAMED, "since", "until")},
            only=request.args.getlist("only"),
            connections=[(c.name, c.name) for c in connections.every(reader)],
            roles=[(r.name, r.name) for r in roles.every(reader)],
            kinds=[(kind, kind.replace("_", " ").capitalize()) for kind in KINDS],
            done=[(each, orjson.loads(each.facts)) for each in done],
        )

    def _batch(self) -> Batch:
        """The batch in the address or the form; raises NotPossible."""
        values = request.values
        return undo.find(
            self._desk.reader,
            connection=values.get("connection", ""),
            mapping=_number("mapping"),
            role=values.get("role", ""),
            user=values.get("user", "").strip(),
            only=values.getlist("only"),
            actor=values.get("by", "").strip(),
            since=_instant("since"),
            until=_instant("until") or now(),
            first_event=_number("event"),
        )

    # ------------------------------------------------------------------------- plan

    def plan(self, me: Person) -> Response:
        """What would be put back, and what cannot be and why; nothing is written."""
        try:
            batch = self._batch()
        except NotPossible as error:
            return self.index(me, sentence_of(error), 400)
        reader, act, own = self._desk.reader, me.act(), me.permissions
        if lists.form():
            found = undo.make(reader, batch, act.actor, own=own)
            return _file("undo-plan", undo.lines_of(found))
        database = self._desk.database

        def work(count: Callable[[int], None]) -> Plan:
            reader = database.reader()
            return undo.make(reader, batch, act.actor, own=own, progress=count)

        return working.page(
            self._desk,
            me,
            work,
            lambda found: self._planned(me, batch, found),
            total=len(batch.people(reader)),
            title="What would be put back",
            working="The history of everybody is read. Nothing is written.",
            **_BACK,
        )

    def _planned(self, me: Person, batch: Batch, found: Plan | Exception) -> str:
        if isinstance(found, Exception):
            return working.trouble(found)
        lines = undo.lines_of(found)
        kept = _kept(self._desk.reader, batch)
        return render_template(
            "console/undo_plan.html",
            me=me,
            plan=found,
            said=undo.sentences(found),
            values=found.by_field.total(),
            lines=lines[:MOST_SHOWN],
            count=len(lines),
            kept=kept,
            may_pause=me.may(MANAGE_PROVISIONING),
            file=lists.address(f"{PATH}/plan", kept),
        )

    # -------------------------------------------------------------------------- run

    def run(self, me: Person) -> Response:
        """Put the values back, each person by the rules."""
        batch, act = self._batch(), me.act()
        how = request.form.get("how", "")
        wish = Wish.of(how, own=me.permissions)
        database = self._desk.database

        def tell(report: Report | Exception) -> str:
            if isinstance(report, Exception):
                return working.trouble(report, unknown=_HALF)
            rest = [
                *report.of(undo.NOT_RESTORED),
                *report.of(undo.NOT_UNDONE),
            ]
            kept = [
                *_kept(database.reader(), batch),
                ("at", str(act.now)),
                ("actor", str(act.actor)),
            ]
            return render_template(
                "console/undo_done.html",
                me=me,
                report=report,
                restored=report.of(undo.RESTORED)[:MOST_SHOWN],
                count=len(report.of(undo.RESTORED)),
                as_it_was=len(report.of(undo.AS_IT_WAS)),
                rest=rest[:MOST_SHOWN],
                rest_count=len(rest),
                paused=how == "pause",
                file=lists.address(f"{PATH}/report", kept),
            )

        return working.page(
            self._desk,
            me,
            lambda count: undo.run(database, batch, act, wish, progress=count),
            tell,
            total=2 * len(batch.people(self._desk.reader)),
            title="Undoing",
            working="Everybody is looked at, then put back one by one. Leaving this page"
            " does not stop it.",
            **_BACK,
        )

    # ----------------------------------------------------------------------- report

    def report(self, me: Person) -> Response:
        """What an undo put back, and what of its batch is not, as a file."""
        reader, at = self._desk.reader, lists.whole(lists.asked("at"), digits=18)
        if at is None or not lists.form():
            raise NotPossible("Open this from the page of an undo.")
        back = undo.restored(reader, at=at, actor=lists.asked("actor"))
        found = undo.make(reader, self._batch(), me.act().actor, own=me.permissions)
        left = (undo.NOT_RESTORED, undo.NOT_UNDONE, undo.WOULD_BE)
        rest = [each for each in undo.lines_of(found) if each.result in left]
        return _file("undo-report", [*back, *rest])


def _file(name: str, lines: list[Line]) -> Response:
    return sheets.answer(name, _FIELDS, map(asdict, lines), lists.form())


def _number(name: str) -> int | None:
    text = request.values.get(name, "").strip()
    found = lists.whole(text, digits=18)
    if text and found is None:
        raise NotPossible(f'{name} "{text}" is no number.')
    return found


def _instant(name: str) -> int | None:
    """An instant of the form, in UTC; raises NotPossible for anything else."""
    return instant_of(name, request.values.get(name, ""))


def instant_of(name: str, text: str) -> int | None:
    """The instant of a field, None for an empty one; raises NotPossible."""
    text = text.strip()
    if not text:
        return None
    try:
        when = datetime.fromisoformat(text)
        when = when.replace(tzinfo=when.tzinfo or UTC).astimezone(UTC)
        # Counted whole: a float would lose a microsecond now and then.
        return (when - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        message = f'{name} "{text}" is no time; write it as 2026-12-31T08:30.'
        raise NotPossible(message) from None


def _kept(reader: Reader, batch: Batch) -> list[tuple[str, str]]:
    """The batch as the fields of an address or a form, its end included.

    A person is named as they are now: what was put back may be their username.
    """
    user = users.by_id(reader, batch.user.id) if batch.user else None
    named: Mapping[str, Any] = {
        "connection": batch.connection.name if batch.connection else "",
        "mapping": batch.version.number if batch.version else "",
        "role": batch.role.name if batch.role else "",
        "by": batch.actor,
        "user": user.username if user else "",
        "event": batch.first_event or "",
        "since": "" if batch.since is None else timestamp(batch.since),
        "until": "" if batch.until is None else timestamp(batch.until),
    }
    return [*_filled(named), *(("only", kind) for kind in sorted(_narrowing(batch)))]


def _filled(named: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    return ((name, str(value)) for name, value in named.items() if value != "")


def _narrowing(batch: Batch) -> frozenset[str]:
    return frozenset() if batch.only == frozenset(KINDS) else batch.only
