"""Connections: all at a glance, a new one, and the guide of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import request

from scim_connector.administration import connections as administration
from scim_connector.administration import guide, overview, shipped
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import connections, users
from scim_connector.login.client_credentials import client_id
from scim_connector.rules.permissions import MANAGE_PROVISIONING, VIEW_PROVISIONING
from scim_connector.web.console import guides, lists
from scim_connector.web.console.desk import HOME, REFUSALS, sentence_of
from scim_connector.web.pages.frame import now

if TYPE_CHECKING:
    from flask import Flask, Response

    from scim_connector.accounts import Act
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Transaction
    from scim_connector.tokens.opaque import Token
    from scim_connector.web.console.desk import Desk, Person

PATH: Final = f"{HOME}/connections"
KINDS: Final = {
    "entra": "Microsoft Entra ID",
    "okta": "Okta",
    "generic": "Another provider",
}
LINKING: Final = {
    "never": "Never: a clash waits among the conflicts",
    "email": "By an equal, confirmed email address",
    "username": "By an equal username",
}
DAY: Final = 24 * 3600 * 1_000_000
LIVES: Final = {"90": 90, "180": 180, "365": 365, "730": 730}
_FLAGS: Final = ("allow_api_users", "may_act_as_administrator", "strict")


class ConnectionPages:
    """Everything about connections."""

    def __init__(self, desk: Desk) -> None:
        """Work at *desk*."""
        self._desk = desk

    def put_on(self, app: Flask) -> None:
        """Add the routes."""
        one = f"{PATH}/<int:connection_id>"
        for path, view in (
            (PATH, self.index),
            (one, self.show),
        ):
            self._desk.serve(app, path, view, VIEW_PROVISIONING)
        self._desk.serve(app, f"{PATH}/new", self.new, MANAGE_PROVISIONING)
        for path, view in ((PATH, self.add), (f"{one}/reach", self.reach)):
            self._desk.serve(app, path, view, MANAGE_PROVISIONING, "POST")

    # ------------------------------------------------------------------------- list

    def index(self, me: Person) -> Response:
        """Every connection at a glance."""
        reader, instant = self._desk.reader, now()
        every = connections.every(reader)
        live = [c for c in every if c.state != "retired"]
        return self._desk.page(
            me,
            "connections.html",
            cards=[overview.card(reader, each, instant) for each in live],
            retired=[c for c in every if c.state == "retired"],
            kinds=KINDS,
        )

    # -------------------------------------------------------------------------- new

    def new(self, me: Person, wrong: str = "", status: int = 200) -> Response:
        """Ask what the new connection is to be."""
        reader = self._desk.reader
        kind = request.values.get("kind", "entra")
        return self._desk.page(
            me,
            "connection_new.html",
            status,
            wrong=wrong,
            kind=kind if kind in KINDS else "entra",
            kinds=KINDS,
            linking=LINKING,
            former=[(c.id, c.name) for c in connections.every(reader)],
            locals=users.count_people(reader),
            rehearse=_proposed(request.form, users.count_people(reader)),
            form=request.form,
        )

    def add(self, me: Person) -> Response:
        """Make the connection and its first token, which is shown on this page alone."""
        former = lists.whole(request.form.get("takes_over", ""))
        try:
            made, token = make(self._desk, request.form, me.act(), takes_over=former)
        except REFUSALS as error:
            return self.new(me, sentence_of(error), 400)
        return shown_once(self._desk, me, made, token, "bearer")

    # ------------------------------------------------------------------------- guide

    def show(self, me: Person, connection_id: int) -> Response:
        """How it stands, and the guide with what has been seen."""
        connection = connections.by_id(self._desk.reader, connection_id)
        return (
            self._desk.missing(me, "connection")
            if connection is None
            else self._guide(me, connection)
        )

    def _guide(self, me: Person, connection: Connection, **words: Any) -> Response:
        reader = self._desk.reader
        seen = guide.ticks(reader, connection)
        base_url = self._desk.settings.base_url
        steps = guides.of(connection.kind, base_url)
        return self._desk.page(
            me,
            "connection.html",
            connection=connection,
            kinds=KINDS,
            card=overview.card(reader, connection, now()),
            steps=[(each, each.seen(seen)) for each in steps],
            seen=seen,
            warnings=administration.address_warnings(base_url),
            base_url=base_url,
            tab="guide",
            **words,
        )

    def reach(self, me: Person, connection_id: int) -> Response:
        """Ask our own address from here, and say how it answered."""
        connection = found(self._desk, connection_id)
        fault = guide.reach(self._desk.settings.address)
        return self._guide(me, connection, reached=not fault, fault=fault)


# ------------------------------------------------------------------ for every page of one


def found(desk: Desk, connection_id: int) -> Connection:
    """The connection of an address; raises NotPossible."""
    connection = connections.by_id(desk.reader, connection_id)
    if connection is None:
        raise NotPossible("There is no such connection.")
    return connection


def make(
    desk: Desk, form: Any, act: Act, *, takes_over: int | None
) -> tuple[Connection, Token]:
    """The connection that a form describes, with its first token; raises REFUSALS."""
    kind = form.get("kind", "")
    if kind not in KINDS:
        raise NotPossible("Choose what kind of provider it is.")
    if takes_over is not None:
        found(desk, takes_over)
    settings = chosen(form) | {
        "takes_over": takes_over,
        "state": "rehearsing" if form.get("rehearse") == "yes" else "live",
    }

    def work(tx: Transaction) -> tuple[Connection, Token]:
        made = administration.add(
            tx,
            form.get("name", ""),
            kind=kind,
            mapping_text=shipped.text(kind),
            mapping_name=f"{kind}.toml",
            settings=settings,
            act=act,
        )
        return made, token_of(desk, tx, made, "bearer", LIVES["365"], act)

    made: tuple[Connection, Token] = desk.write(work)
    return made


def token_of(
    desk: Desk, tx: Transaction, connection: Connection, kind: Any, days: int, act: Act
) -> Token:
    """A new token or client secret of a connection, for so many days."""
    return administration.create_token(
        tx,
        connection,
        pepper=desk.keys.peppers()[0],
        expires_at=act.now + days * DAY,
        act=act,
        kind=kind,
    )


def shown_once(
    desk: Desk, me: Person, connection: Connection, token: Token, kind: str
) -> Response:
    """The page of a new token, which no later page shows again."""
    return desk.page(
        me,
        "connection_token.html",
        connection=connection,
        token=str(token),
        client_id=client_id(connection),
        kind=kind,
        base_url=desk.settings.base_url,
    )


def chosen(form: Any) -> dict[str, Any]:
    """The settings of a form; raises NotPossible."""
    linking = form.get("link_existing", "never")
    if linking not in LINKING:
        raise NotPossible("Choose how people who exist here are linked.")
    return {
        "link_existing": linking,
        "link_until": lists.day_of("The last day", form.get("until", ""), end=True),
        "quirks_off": administration.switched_off(form.getlist("off")),
        "password_mail": form.get("password_mail") == "yes",
        **{name: form.get(name) == "yes" for name in _FLAGS},
    }


def _proposed(form: Any, people: int) -> bool:
    """Whether a rehearsal is ticked: as it was, or where there is somebody to meet.

    Whoever makes the connection is a person here themselves.
    """
    return form.get("rehearse") == "yes" if "name" in form else people > 1
