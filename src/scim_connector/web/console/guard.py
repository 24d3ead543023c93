"""The guard of a connection: its thresholds, what it holds back, and the approval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import request

from scim_connector.administration import guard as administration
from scim_connector.administration.errors import NotPossible
from scim_connector.administration.overview import OPEN_FOR
from scim_connector.administration.reasons import AGAIN
from scim_connector.directory import connections, mass_changes
from scim_connector.rules import guard
from scim_connector.rules.permissions import MANAGE_PROVISIONING, VIEW_PROVISIONING
from scim_connector.web.console import lists, shown
from scim_connector.web.console.connections import PATH
from scim_connector.web.console.desk import sentence_of
from scim_connector.web.pages.frame import now

if TYPE_CHECKING:
    from flask import Flask, Response

    from scim_connector.accounts import Act
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Transaction
    from scim_connector.directory.mass_changes import MassChange
    from scim_connector.web.console.desk import Desk, Person

#: What a number is called in the form.
_NUMBERS: Final = {"most": "people", "share": "percent", "hours": "hours"}


class GuardPages:
    """The tab of a connection."""

    def __init__(self, desk: Desk) -> None:
        """Work at *desk*."""
        self._desk = desk

    def put_on(self, app: Flask) -> None:
        """Add the routes, and let every page of a connection say what is held back."""
        app.jinja_env.globals["held_back"] = self._held
        one = f"{PATH}/<int:connection_id>/guard"
        self._desk.serve(app, one, self.show, VIEW_PROVISIONING)
        self._desk.serve(app, one, self.change, MANAGE_PROVISIONING, "POST")
        approval = f"{one}/approve"
        self._desk.serve(app, approval, self.approve, MANAGE_PROVISIONING, "POST")

    def _held(self, connection_id: int) -> list[MassChange]:
        return mass_changes.held(self._desk.reader, connection_id)

    def _found(self, connection_id: int) -> Connection:
        found = connections.by_id(self._desk.reader, connection_id)
        if found is None:
            raise NotPossible("There is no such connection.")
        return found

    def show(
        self, me: Person, connection_id: int, wrong: str = "", status: int = 200
    ) -> Response:
        """When there are too many changes, what then, and who waits because of it."""
        reader, found, instant = self._desk.reader, self._found(connection_id), now()
        held = {each.kind for each in self._held(found.id)}
        rows = [
            {
                "kind": kind,
                "title": guard.title(kind),
                "happened": guard.HAPPENED[kind],
                "threshold": threshold,
                "is_held": kind in held,
            }
            for kind, threshold in guard.thresholds(found.guard).items()
        ]
        return self._desk.page(
            me,
            "connection_guard.html",
            status,
            wrong=wrong,
            connection=found,
            rows=rows,
            waiting=administration.waiting(reader, found, since=instant - OPEN_FOR),
            bounds=guard.BOUNDS,
            tab="guard",
        )

    def change(self, me: Person, connection_id: int) -> Response:
        """Set the threshold of one kind."""
        found, act, kind = self._found(connection_id), me.act(), self._kind()
        try:
            chosen = _chosen()
            self._desk.write(
                lambda tx: administration.set_threshold(tx, found, kind, chosen, act)
            )
        except NotPossible as error:
            return self.show(me, connection_id, sentence_of(error), 400)
        text = f"{guard.title(kind)}: the guard is set."
        return self._desk.done(f"{PATH}/{found.id}/guard", text)

    def _kind(self) -> str:
        return request.form.get("kind", "")

    def approve(self, me: Person, connection_id: int) -> Response:
        """Let what is held back pass for a day, or a kind ahead of it."""
        found, act, kind = self._found(connection_id), me.act(), self._kind()

        def work(tx: Transaction) -> list[str]:
            return _approve(tx, found, kind, act)

        try:
            done = self._desk.write(work)
        except NotPossible as error:
            return self.show(me, connection_id, sentence_of(error), 400)
        names = " and ".join(name.replace("_", " ") for name in done)
        long = shown.span(administration.APPROVED_FOR)
        text = f"Approved: {names} pass for {long}. {AGAIN[found.kind]}"
        return self._desk.done(f"{PATH}/{found.id}/guard", text)


def _approve(tx: Transaction, found: Connection, kind: str, act: Act) -> list[str]:
    return administration.approve(tx, found, [kind] if kind else [], act)


def _chosen() -> dict[str, Any]:
    """The threshold in the form; raises NotPossible for what is no number."""
    chosen: dict[str, Any] = {"is_on": request.form.get("does") != "off"}
    chosen["holds"] = request.form.get("does") == "hold"
    for name, word in _NUMBERS.items():
        text = request.form.get(name, "").strip()
        number = lists.whole(text)
        if number is None:
            raise NotPossible(f'"{text[:60]}" is no number of {word}.')
        chosen[name] = number
    return chosen
