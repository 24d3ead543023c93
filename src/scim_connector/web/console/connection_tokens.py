"""The tokens of a connection: what opens it, a further one, an end at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from scim_connector.administration import connections as administration
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import credentials
from scim_connector.rules.permissions import MANAGE_PROVISIONING, VIEW_PROVISIONING
from scim_connector.web.console.connections import (
    DAY,
    LIVES,
    PATH,
    found,
    shown_once,
    token_of,
)
from scim_connector.web.pages.frame import now

if TYPE_CHECKING:
    from flask import Flask, Response

    from scim_connector.web.console.desk import Desk, Person


class TokenPages:
    """The tab of a connection about its tokens."""

    def __init__(self, desk: Desk) -> None:
        """Work at *desk*."""
        self._desk = desk

    def put_on(self, app: Flask) -> None:
        """Add the routes."""
        here = f"{PATH}/<int:connection_id>/tokens"
        self._desk.serve(app, here, self.show, VIEW_PROVISIONING)
        for path, view in ((here, self.create), (f"{here}/revoke", self.revoke)):
            self._desk.serve(app, path, view, MANAGE_PROVISIONING, "POST")

    def show(self, me: Person, connection_id: int) -> Response:
        """What opens the connection, since when, until when, last used."""
        reader, connection = self._desk.reader, found(self._desk, connection_id)
        instant = now()
        return self._desk.page(
            me,
            "connection_tokens.html",
            connection=connection,
            rows=[
                (each, each.state_at(instant), _days(each.expires_at, instant))
                for each in credentials.of_connection(reader, connection.id)
            ],
            lives=[(key, f"{days} days") for key, days in LIVES.items()],
            endpoint=f"{self._desk.settings.address}/oauth2/token",
            tab="tokens",
        )

    def create(self, me: Person, connection_id: int) -> Response:
        """A further token or client secret, shown on this page alone."""
        connection, act = found(self._desk, connection_id), me.act()
        kind = request.form.get("kind", "bearer")
        if kind not in {"bearer", "secret"}:
            raise NotPossible("Choose a token or a client secret.")
        days = LIVES.get(request.form.get("days", ""), LIVES["365"])
        token = self._desk.write(
            lambda tx: token_of(self._desk, tx, connection, kind, days, act)
        )
        return shown_once(self._desk, me, connection, token, kind)

    def revoke(self, me: Person, connection_id: int) -> Response:
        """Revoke a token at once; the next request with it is refused."""
        connection, act = found(self._desk, connection_id), me.act()
        token = administration.find_token(
            self._desk.reader, request.form.get("token", "")
        )
        if token.connection_id != connection.id:
            raise NotPossible("This token belongs to another connection.")
        self._desk.write(lambda tx: administration.revoke_token(tx, token, act))
        path = f"{PATH}/{connection.id}/tokens"
        return self._desk.done(path, f"{token.id} is revoked; it opens nothing more.")


def _days(expires_at: int | None, instant: int) -> int | None:
    return None if expires_at is None else (expires_at - instant) // DAY
