"""From one provider to another: both connections beside each other, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from scim_connector.administration import api_app, overview
from scim_connector.administration import connections as administration
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import credentials
from scim_connector.provisioning import takeover
from scim_connector.rules.permissions import MANAGE_PROVISIONING, VIEW_PROVISIONING
from scim_connector.web.console.connection_settings import retire
from scim_connector.web.console.connections import (
    KINDS,
    LINKING,
    PATH,
    found,
    make,
    shown_once,
)
from scim_connector.web.console.desk import REFUSALS, sentence_of
from scim_connector.web.pages.frame import now

if TYPE_CHECKING:
    from flask import Flask, Response

    from scim_connector.administration.overview import Card
    from scim_connector.directory.connections import Connection
    from scim_connector.web.console.desk import Desk, Person


class ChangePages:
    """The change of a connection's people to another provider (decision 13)."""

    def __init__(self, desk: Desk) -> None:
        """Work at *desk*."""
        self._desk = desk

    def put_on(self, app: Flask) -> None:
        """Add the routes."""
        here = f"{PATH}/<int:connection_id>/change"
        self._desk.serve(app, here, self.show, VIEW_PROVISIONING)
        for path, view in ((here, self.add), (f"{here}/retire", self.retire)):
            self._desk.serve(app, path, view, MANAGE_PROVISIONING, "POST")

    def show(
        self, me: Person, connection_id: int, wrong: str = "", status: int = 200
    ) -> Response:
        """How far it is, what comes next, and who is left."""
        reader, former = self._desk.reader, found(self._desk, connection_id)
        state = takeover.look(reader, former)
        return self._desk.page(
            me,
            "connection_change.html",
            status,
            wrong=wrong,
            former=former,
            state=state,
            cards=[
                self._card(each)
                for each in (former, state.successor)
                if each is not None
            ],
            people=administration.people(reader, former),
            lost=api_app.consequence_of(reader, former),
            kinds=KINDS,
            linking=LINKING,
            kind=_other(former),
            form=request.form,
        )

    def _card(self, connection: Connection) -> tuple[Card, int]:
        """A connection at a glance, and how many of its tokens live."""
        reader, instant = self._desk.reader, now()
        held = credentials.of_connection(reader, connection.id)
        live = sum(1 for each in held if each.state_at(instant) == "live")
        return overview.card(reader, connection, instant), live

    def add(self, me: Person, connection_id: int) -> Response:
        """Make the connection that takes over, with its first token."""
        former = found(self._desk, connection_id)
        try:
            present = takeover.successor_of(self._desk.reader, former)
            if present is not None:
                message = (
                    f"{present.name} takes over the people of {former.name} already"
                )
                raise NotPossible(f"{message}; retire it to begin anew.")
            made, token = make(self._desk, request.form, me.act(), takes_over=former.id)
        except REFUSALS as error:
            return self.show(me, connection_id, sentence_of(error), 400)
        return shown_once(self._desk, me, made, token, "bearer")

    def retire(self, me: Person, connection_id: int) -> Response:
        """End the former connection, once its name was typed; the page stays."""
        former = found(self._desk, connection_id)
        try:
            text = retire(self._desk, me, former)
        except NotPossible as error:
            return self.show(me, connection_id, str(error), 400)
        return self._desk.done(f"{PATH}/{former.id}/change", text)


def _other(former: Connection) -> str:
    """The kind that a change most likely leads to."""
    return {"okta": "entra", "entra": "okta"}.get(former.kind, "entra")
