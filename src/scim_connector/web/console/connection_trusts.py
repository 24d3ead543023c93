"""Trusted issuers of a connection: whose signed assertions open it (RFC 7523)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import request

from scim_connector.administration import oauth as administration
from scim_connector.directory import trusts
from scim_connector.login.client_credentials import TOKEN_PATH, client_id
from scim_connector.rules.permissions import MANAGE_PROVISIONING, VIEW_PROVISIONING
from scim_connector.tokens.assertions import ALGORITHMS
from scim_connector.web.console.connections import PATH, found
from scim_connector.web.console.desk import REFUSALS, sentence_of

if TYPE_CHECKING:
    from flask import Flask, Response

    from scim_connector.directory.trusts import Trust
    from scim_connector.web.console.desk import Desk, Person


class TrustPages:
    """The tab of a connection about the issuers it trusts."""

    def __init__(self, desk: Desk) -> None:
        """Work at *desk*."""
        self._desk = desk

    def put_on(self, app: Flask) -> None:
        """Add the routes."""
        here = f"{PATH}/<int:connection_id>/trusts"
        self._desk.serve(app, here, self.show, VIEW_PROVISIONING)
        for path, view in ((here, self.add), (f"{here}/remove", self.remove)):
            self._desk.serve(app, path, view, MANAGE_PROVISIONING, "POST")

    def show(
        self, me: Person, connection_id: int, wrong: str = "", status: int = 200
    ) -> Response:
        """The trusts there are, what to paste into the provider, and another one."""
        reader, connection = self._desk.reader, found(self._desk, connection_id)
        return self._desk.page(
            me,
            "connection_trusts.html",
            status,
            wrong=wrong,
            connection=connection,
            rows=trusts.of_connection(reader, connection.id),
            endpoint=f"{self._desk.settings.address}{TOKEN_PATH}",
            client=client_id(connection),
            algorithms=[(each, each) for each in ALGORITHMS],
            form=request.form,
            tab="trusts",
        )

    def add(self, me: Person, connection_id: int) -> Response:
        """Let assertions of one more issuer open the connection."""
        connection, act = found(self._desk, connection_id), me.act()
        try:
            terms = _terms(request.form)
            made = self._desk.write(
                lambda tx: administration.add_trust(tx, connection, terms, act)
            )
        except REFUSALS as error:
            return self.show(me, connection_id, sentence_of(error), 400)
        text = f"{connection.name} trusts {made.issuer} from now on."
        return self._desk.done(f"{PATH}/{connection.id}/trusts", text)

    def remove(self, me: Person, connection_id: int) -> Response:
        """End a trust; the access tokens issued for it are refused at once."""
        connection, act = found(self._desk, connection_id), me.act()
        trust = administration.find_trust(
            self._desk.reader, connection, request.form.get("trust", "")
        )
        self._desk.write(
            lambda tx: administration.remove_trust(tx, connection, trust, act)
        )
        text = f"{connection.name} trusts {trust.issuer} no more."
        return self._desk.done(f"{PATH}/{connection.id}/trusts", text)


def _terms(form: Any) -> Trust:
    """The terms of a form; raises NotPossible."""
    tenant = form.get("tenant", "").strip()
    if form.get("own") == "yes":
        return administration.entra_own_token(tenant)
    return administration.terms_of(
        tenant=tenant or None,
        issuer=form.get("issuer", "").strip(),
        jwks_url=form.get("jwks_url", "").strip(),
        subject=form.get("subject", "").strip() or None,
        audiences=form.get("audiences", "").replace(",", " ").split(),
        algorithm=form.get("algorithm", ALGORITHMS[0]),
    )
