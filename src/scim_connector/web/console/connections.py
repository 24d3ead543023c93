"""Connections: made, guided, tested, given tokens, paused, retired."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import request

from scim_connector.administration import api_app, guide, overview, shipped
from scim_connector.administration import connections as administration
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import connections, credentials, quirks, users
from scim_connector.login.client_credentials import client_id
from scim_connector.rules.permissions import MANAGE_PROVISIONING, VIEW_PROVISIONING
from scim_connector.scim.dialects import QUIRKS
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
            (f"{one}/tokens", self.tokens),
            (f"{one}/settings", self.settings),
            (f"{one}/compatibility", self.compatibility),
        ):
            self._desk.serve(app, path, view, VIEW_PROVISIONING)
        self._desk.serve(app, f"{PATH}/new", self.new, MANAGE_PROVISIONING)
        for path, view in (
            (PATH, self.add),
            (f"{one}/reach", self.reach),
            (f"{one}/tokens", self.create_token),
            (f"{one}/tokens/revoke", self.revoke_token),
            (f"{one}/settings", self.change),
            (f"{one}/pause", self.pause),
            (f"{one}/resume", self.resume),
            (f"{one}/retire", self.retire),
        ):
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
        form, act = request.form, me.act()
        kind = form.get("kind", "")
        if kind not in KINDS:
            return self.new(me, "Choose what kind of provider it is.", 400)
        settings = _chosen(form) | {
            "takes_over": lists.whole(form.get("takes_over", "")),
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
            return made, self._token(tx, made, "bearer", LIVES["365"], act)

        try:
            made, token = self._desk.write(work)
        except REFUSALS as error:
            return self.new(me, sentence_of(error), 400)
        return self._shown_once(me, made, token, "bearer")

    # ------------------------------------------------------------------------- guide

    def show(self, me: Person, connection_id: int) -> Response:
        """How it stands, and the guide with what has been seen."""
        found = connections.by_id(self._desk.reader, connection_id)
        return (
            self._desk.missing(me, "connection")
            if found is None
            else self._guide(me, found)
        )

    def _guide(self, me: Person, found: Connection, **words: Any) -> Response:
        reader = self._desk.reader
        seen = guide.ticks(reader, found)
        base_url = self._desk.settings.base_url
        steps = guides.of(found.kind, base_url)
        return self._desk.page(
            me,
            "connection.html",
            connection=found,
            kinds=KINDS,
            card=overview.card(reader, found, now()),
            steps=[(each, each.seen(seen)) for each in steps],
            seen=seen,
            warnings=administration.address_warnings(base_url),
            base_url=base_url,
            tab="guide",
            **words,
        )

    def reach(self, me: Person, connection_id: int) -> Response:
        """Ask our own address from here, and say how it answered."""
        found = self._found(connection_id)
        fault = guide.reach(self._desk.settings.address)
        return self._guide(me, found, reached=not fault, fault=fault)

    def _found(self, connection_id: int) -> Connection:
        found = connections.by_id(self._desk.reader, connection_id)
        if found is None:
            raise NotPossible("There is no such connection.")
        return found

    # ------------------------------------------------------------------------ tokens

    def tokens(self, me: Person, connection_id: int) -> Response:
        """What opens the connection, since when, until when, last used."""
        reader, found = self._desk.reader, self._found(connection_id)
        instant = now()
        return self._desk.page(
            me,
            "connection_tokens.html",
            connection=found,
            rows=[
                (each, each.state_at(instant), _days(each.expires_at, instant))
                for each in credentials.of_connection(reader, found.id)
            ],
            lives=[(key, f"{days} days") for key, days in LIVES.items()],
            endpoint=f"{self._desk.settings.address}/oauth2/token",
            tab="tokens",
        )

    def create_token(self, me: Person, connection_id: int) -> Response:
        """A further token or client secret, shown on this page alone."""
        found, act = self._found(connection_id), me.act()
        kind = request.form.get("kind", "bearer")
        if kind not in {"bearer", "secret"}:
            raise NotPossible("Choose a token or a client secret.")
        days = LIVES.get(request.form.get("days", ""), LIVES["365"])
        token = self._desk.write(lambda tx: self._token(tx, found, kind, days, act))
        return self._shown_once(me, found, token, kind)

    def _token(
        self, tx: Transaction, found: Connection, kind: Any, days: int, act: Act
    ) -> Token:
        return administration.create_token(
            tx,
            found,
            pepper=self._desk.keys.peppers()[0],
            expires_at=act.now + days * DAY,
            act=act,
            kind=kind,
        )

    def _shown_once(
        self, me: Person, found: Connection, token: Token, kind: str
    ) -> Response:
        return self._desk.page(
            me,
            "connection_token.html",
            connection=found,
            token=str(token),
            client_id=client_id(found),
            kind=kind,
            base_url=self._desk.settings.base_url,
        )

    def revoke_token(self, me: Person, connection_id: int) -> Response:
        """Revoke a token at once; the next request with it is refused."""
        found, act = self._found(connection_id), me.act()
        token = administration.find_token(
            self._desk.reader, request.form.get("token", "")
        )
        if token.connection_id != found.id:
            raise NotPossible("This token belongs to another connection.")
        self._desk.write(lambda tx: administration.revoke_token(tx, token, act))
        path = f"{PATH}/{found.id}/tokens"
        return self._desk.done(path, f"{token.id} is revoked; it opens nothing more.")

    # ---------------------------------------------------------------------- settings

    def settings(
        self, me: Person, connection_id: int, wrong: str = "", status: int = 200
    ) -> Response:
        """What the connection may do, and its end."""
        reader, found = self._desk.reader, self._found(connection_id)
        people = administration.people(reader, found)
        return self._desk.page(
            me,
            "connection_settings.html",
            status,
            wrong=wrong,
            connection=found,
            linking=LINKING,
            people=people,
            lost=api_app.consequence_of(reader, found),
            tab="settings",
        )

    def change(self, me: Person, connection_id: int) -> Response:
        """Change what the connection may do."""
        found, act = self._found(connection_id), me.act()
        chosen = _chosen(request.form)
        self._desk.write(lambda tx: administration.change(tx, found, chosen, act))
        return self._desk.done(f"{PATH}/{found.id}/settings", "The settings are saved.")

    def pause(self, me: Person, connection_id: int) -> Response:
        """Serve reads and deactivations only."""
        found, act = self._found(connection_id), me.act()
        self._desk.write(lambda tx: administration.pause(tx, found, act))
        text = f"{found.name} is paused: reads and deactivations alone are served."
        return self._desk.done(f"{PATH}/{found.id}", text)

    def resume(self, me: Person, connection_id: int) -> Response:
        """Serve everything again."""
        found, act = self._found(connection_id), me.act()
        self._desk.write(lambda tx: administration.resume(tx, found, act))
        return self._desk.done(f"{PATH}/{found.id}", f"{found.name} is served again.")

    def retire(self, me: Person, connection_id: int) -> Response:
        """End the connection, once its name was typed."""
        found, act = self._found(connection_id), me.act()
        try:
            administration.confirm(found, request.form.get("name", ""))
        except NotPossible as error:
            return self.settings(me, connection_id, str(error), 400)
        deactivate = request.form.get("deactivate") == "yes"
        ended = self._desk.write(
            lambda tx: administration.retire(tx, found, act, deactivate=deactivate)
        )
        text = f"{found.name} is retired; {ended} people were deactivated."
        return self._desk.done(PATH, text)

    # ----------------------------------------------------------------- compatibility

    def compatibility(self, me: Person, connection_id: int) -> Response:
        """Habits of the provider that were met, and what becomes of them here."""
        reader, found = self._desk.reader, self._found(connection_id)
        seen = {
            name: (count, last)
            for of, name, count, last in quirks.every(reader)
            if of == found.id
        }
        unknown = {
            name.removeprefix("unknown:"): seen.pop(name)
            for name in list(seen)
            if name.startswith("unknown:")
        }
        return self._desk.page(
            me,
            "connection_compatibility.html",
            connection=found,
            rows=[
                (row, *seen.get(row.name, (0, None)), row.name in found.quirks_off)
                for row in sorted(QUIRKS, key=lambda q: -seen.get(q.name, (0, 0))[0])
            ],
            unknown=unknown,
            tab="compatibility",
        )


def _chosen(form: Any) -> dict[str, Any]:
    """The settings of a form; raises NotPossible."""
    linking = form.get("link_existing", "never")
    if linking not in LINKING:
        raise NotPossible("Choose how people who exist here are linked.")
    return {
        "link_existing": linking,
        "password_mail": form.get("password_mail") == "yes",
        **{name: form.get(name) == "yes" for name in _FLAGS},
    }


def _proposed(form: Any, people: int) -> bool:
    """Whether a rehearsal is ticked: as it was, or where there is somebody to meet.

    Whoever makes the connection is a person here themselves.
    """
    return form.get("rehearse") == "yes" if "name" in form else people > 1


def _days(expires_at: int | None, instant: int) -> int | None:
    return None if expires_at is None else (expires_at - instant) // DAY
