"""The settings of a connection: what it may do, its compatibility, its end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import request

from scim_connector.administration import api_app, compatibility
from scim_connector.administration import connections as administration
from scim_connector.administration.errors import NotPossible
from scim_connector.rules.counting import counted
from scim_connector.rules.permissions import MANAGE_PROVISIONING, VIEW_PROVISIONING
from scim_connector.scim.dialects import QUIRKS
from scim_connector.web.console.connections import LINKING, PATH, chosen, found

if TYPE_CHECKING:
    from flask import Flask, Response

    from scim_connector.directory.connections import Connection
    from scim_connector.web.console.desk import Desk, Person


class ConnectionSettings:
    """The tabs of a connection about what it may do."""

    def __init__(self, desk: Desk) -> None:
        """Work at *desk*."""
        self._desk = desk

    def put_on(self, app: Flask) -> None:
        """Add the routes."""
        one = f"{PATH}/<int:connection_id>"
        for path, view in (
            (f"{one}/settings", self.settings),
            (f"{one}/compatibility", self.compatibility),
        ):
            self._desk.serve(app, path, view, VIEW_PROVISIONING)
        for path, view in (
            (f"{one}/settings", self.change),
            (f"{one}/pause", self.pause),
            (f"{one}/resume", self.resume),
            (f"{one}/retire", self.retire),
        ):
            self._desk.serve(app, path, view, MANAGE_PROVISIONING, "POST")

    def settings(
        self, me: Person, connection_id: int, wrong: str = "", status: int = 200
    ) -> Response:
        """What the connection may do, and its end."""
        reader, connection = self._desk.reader, found(self._desk, connection_id)
        people = administration.people(reader, connection)
        return self._desk.page(
            me,
            "connection_settings.html",
            status,
            wrong=wrong,
            connection=connection,
            linking=LINKING,
            until=_last_day(connection.link_until),
            habits=[row for row in QUIRKS if row.switchable],
            people=people,
            lost=api_app.consequence_of(reader, connection),
            tab="settings",
        )

    def change(self, me: Person, connection_id: int) -> Response:
        """Change what the connection may do."""
        connection, act = found(self._desk, connection_id), me.act()
        changes = chosen(request.form)
        self._desk.write(lambda tx: administration.change(tx, connection, changes, act))
        return self._desk.done(
            f"{PATH}/{connection.id}/settings", "The settings are saved."
        )

    def pause(self, me: Person, connection_id: int) -> Response:
        """Serve reads and deactivations only."""
        connection, act = found(self._desk, connection_id), me.act()
        self._desk.write(lambda tx: administration.pause(tx, connection, act))
        text = f"{connection.name} is paused: reads and deactivations alone are served."
        return self._desk.done(f"{PATH}/{connection.id}", text)

    def resume(self, me: Person, connection_id: int) -> Response:
        """Serve everything again."""
        connection, act = found(self._desk, connection_id), me.act()
        self._desk.write(lambda tx: administration.resume(tx, connection, act))
        return self._desk.done(
            f"{PATH}/{connection.id}", f"{connection.name} is served again."
        )

    def retire(self, me: Person, connection_id: int) -> Response:
        """End the connection, once its name was typed."""
        connection = found(self._desk, connection_id)
        try:
            text = retire(self._desk, me, connection)
        except NotPossible as error:
            return self.settings(me, connection_id, str(error), 400)
        return self._desk.done(PATH, text)

    # ----------------------------------------------------------------- compatibility

    def compatibility(self, me: Person, connection_id: int) -> Response:
        """Habits of the provider that were met, and what becomes of them here."""
        reader, connection = self._desk.reader, found(self._desk, connection_id)
        return self._desk.page(
            me,
            "connection_compatibility.html",
            connection=connection,
            habits=compatibility.habits(reader, connection),
            undeclared=compatibility.undeclared(reader, connection),
            tab="compatibility",
        )


def retire(desk: Desk, me: Person, connection: Connection) -> str:
    """Retire by the form that was sent; returns what was done, raises NotPossible."""
    administration.confirm(connection, request.form.get("name", ""))
    deactivate, act = request.form.get("deactivate") == "yes", me.act()
    ended = desk.write(
        lambda tx: administration.retire(tx, connection, act, deactivate=deactivate)
    )
    said = counted(ended, "person was", "people were")
    return f"{connection.name} is retired; {said} deactivated."


def _last_day(until: int | None) -> str:
    """The last day that ends at an instant, as a form has it; empty without one."""
    if until is None:
        return ""
    return f"{datetime.fromtimestamp((until - 1) / 1_000_000, UTC):%Y-%m-%d}"
