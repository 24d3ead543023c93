"""Applications that rely on the gate: registered, given secrets, told, retired."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import request

from scim_connector.administration import applications as doors
from scim_connector.administration import connections as connection_doors
from scim_connector.directory import applications, connections, outbox
from scim_connector.rules.permissions import MANAGE_APPS, VIEW_APPS
from scim_connector.web.console import expiries, lists, sheets
from scim_connector.web.console.api_app import summary
from scim_connector.web.console.desk import HOME, REFUSALS, sentence_of, status_of
from scim_connector.web.pages.frame import now

if TYPE_CHECKING:
    from flask import Flask, Response

    from scim_connector.directory.applications import Application, ApplicationSecret
    from scim_connector.directory.outbox import Standing
    from scim_connector.web.console.desk import Desk, Person

PATH: Final = f"{HOME}/applications"
#: Every name is free for an application, "new" and "api-app" too.
ONE: Final = f"{PATH}/named/<name>"
KINDS: Final = {
    "web": ("In a browser", "A proxy asks for it, or it asks itself."),
    "desktop": ("A program for people", "It signs people in at the provider itself."),
    "api": ("For programs", "It takes the tokens of API users."),
}
_FIELDS: Final = ("name", "kind", "address", "redirects", "logout", "secrets", "since")
_CALLS: Final = ("at", "state", "after_ms", "tries", "last_error")
_TYPED: Final = ("name", "kind", "address", "redirects", "logout_url")
_LONGEST: Final = 2000


class ApplicationPages:
    """The list of applications, and each of them."""

    def __init__(self, desk: Desk) -> None:
        """Work at *desk*."""
        self._desk = desk

    def put_on(self, app: Flask) -> None:
        """Add the routes."""
        serve = self._desk.serve
        serve(app, PATH, self.index, VIEW_APPS)
        serve(app, f"{PATH}/new", self.new, MANAGE_APPS)
        serve(app, f"{PATH}/new", self.add, MANAGE_APPS, "POST")
        serve(app, ONE, self.show, VIEW_APPS)
        for doing, view in (
            ("addresses", self.change),
            ("client", self.set_client),
            ("secret", self.create_secret),
            ("revoke", self.revoke_secret),
            ("retire", self.retire),
        ):
            serve(app, f"{ONE}/{doing}", view, MANAGE_APPS, "POST")

    # ------------------------------------------------------------------------ list

    def index(self, me: Person) -> Response:
        """Every application, and the API App."""
        reader = self._desk.reader
        found = [
            (each, _live(applications.secrets(reader, each.id)))
            for each in applications.every(reader)
        ]
        if lists.form():
            rows = [_line(*each) for each in found]
            return sheets.answer("applications", _FIELDS, rows, lists.form())
        return self._desk.page(
            me,
            "applications.html",
            applications=[(a, held, _worst(held)) for a, held in found],
            kinds=KINDS,
            api_app=summary(reader),
            may_change=me.may(MANAGE_APPS),
            more=lists.more("The oldest first; retired ones are left out.", None),
        )

    # ------------------------------------------------------------------------- new

    def new(self, me: Person, wrong: Exception | None = None) -> Response:
        """Ask for the name and the addresses of a new application."""
        return self._desk.page(
            me,
            "application_new.html",
            200 if wrong is None else status_of(wrong),
            wrong="" if wrong is None else sentence_of(wrong),
            typed={name: request.form.get(name, "")[:_LONGEST] for name in _TYPED},
            kinds=KINDS,
        )

    def add(self, me: Person) -> Response:
        """Register an application."""
        name, act = request.form.get("name", "").strip(), me.act()
        kind = request.form.get("kind", "")
        kind = kind if kind in KINDS else "web"
        addresses = _addresses()
        try:
            self._desk.write(
                lambda tx: doors.add(tx, name, kind=kind, **addresses, act=act)
            )
        except REFUSALS as error:
            return self.new(me, error)
        text = f"{name} was registered. Next: make a secret for it."
        return self._desk.done(_path(name), text)

    # ------------------------------------------------------------------------- one

    def show(
        self,
        me: Person,
        name: str,
        wrong: Exception | None = None,
        ending: int | None = None,
    ) -> Response:
        """One application: addresses, secrets, what it was told, how to protect it.

        *ending* is how many sessions end where somebody is about to retire it.
        """
        found = applications.by_name(self._desk.reader, name)
        if found is None:
            return self._desk.missing(me, "application")
        if lists.form():
            calls = self._calls(found, sheets.MOST)
            file = f"calls-of-{found.name}"
            return sheets.answer(file, _CALLS, map(line_of, calls), lists.form())
        return self._desk.page(
            me,
            "application.html",
            200 if wrong is None else status_of(wrong),
            wrong="" if wrong is None else sentence_of(wrong),
            application=found,
            typed=_kept(found) if wrong is None else _sent(found),
            kind=KINDS[found.kind],
            public=self._desk.settings.address,
            ending=ending,
            may_change=me.may(MANAGE_APPS),
            **self._held(found),
            **self._told(found),
        )

    def _held(self, found: Application) -> dict[str, Any]:
        """The secrets of an application, and its client ids at providers."""
        reader, instant = self._desk.reader, now()
        living = [c for c in connections.every(reader) if c.state != "retired"]
        held = applications.secrets(reader, found.id)
        return {
            "secrets": [
                (s, s.state_at(instant), expiries.warning(s.expires_at, instant))
                for s in reversed(held)
            ],
            "spans": expiries.SPANS,
            "clients": applications.clients(reader, found.id),
            "connections": [(c.name, c.name) for c in living],
        }

    def _told(self, found: Application) -> dict[str, Any]:
        """The calls to its logout address, the newest first."""
        calls, goes_on = lists.cut(self._calls(found, lists.PAGE + 1))
        last = str(calls[-1].message.id) if goes_on else None
        said = f"{len(calls)} on this page, the newest first."
        return {
            "calls": [(each, _state(each)) for each in calls],
            "more": lists.more(said, last, path=_path(found.name)),
        }

    def _calls(self, found: Application, most: int) -> list[Standing]:
        before = lists.number("after")
        reader = self._desk.reader
        return outbox.of_application(reader, found.name, at_most=most, before=before)

    def change(self, me: Person, name: str) -> Response:
        """Set the addresses of an application."""
        addresses, act = _addresses(), me.act()
        try:
            self._desk.write(
                lambda tx: doors.change(tx, doors.find(tx, name), **addresses, act=act)
            )
        except REFUSALS as error:
            return self.show(me, name, error)
        return self._desk.done(_path(name), "The addresses were saved.")

    def set_client(self, me: Person, name: str) -> Response:
        """Say which client id it has at a provider; an empty one is forgotten."""
        at, act = request.form.get("connection", ""), me.act()
        client_id = request.form.get("client_id", "").strip()[:_LONGEST] or None
        try:
            self._desk.write(
                lambda tx: doors.set_client(
                    tx,
                    doors.find(tx, name),
                    connection_doors.find(tx, at),
                    client_id,
                    act,
                )
            )
        except REFUSALS as error:
            return self.show(me, name, error)
        said = f"is {client_id} at {at}" if client_id else f"has no client id at {at}"
        return self._desk.done(_path(name), f"{name} {said}.")

    # --------------------------------------------------------------------- secrets

    def create_secret(self, me: Person, name: str) -> Response:
        """Make a secret, and show it: here, now and never again."""
        act = me.act()
        try:
            ends = expiries.chosen(act.now)
            made = self._desk.write(
                lambda tx: doors.create_secret(
                    tx,
                    doors.find(tx, name),
                    pepper=self._desk.keys.peppers()[0],
                    expires_at=ends,
                    act=act,
                )
            )
        except REFUSALS as error:
            return self.show(me, name, error)
        public = self._desk.settings.address
        return self._desk.page(
            me,
            "once.html",
            what=f"The new secret of {name}",
            crumb=name,
            back=_path(name),
            client_id=name,
            secret=str(made),
            until=ends,
            tried=f"curl -u {name}:$SECRET {public}/oauth2/introspect -d token=test",
            answers='{"active":false}',
        )

    def revoke_secret(self, me: Person, name: str) -> Response:
        """Revoke a secret at once."""
        secret_id, act = request.form.get("secret", "")[:16], me.act()
        try:
            self._desk.write(
                lambda tx: doors.revoke_secret(tx, doors.find(tx, name), secret_id, act)
            )
        except REFUSALS as error:
            return self.show(me, name, error)
        text = f"The secret {secret_id} opens nothing any more."
        return self._desk.done(_path(name), text)

    def retire(self, me: Person, name: str) -> Response:
        """Say how many sessions end; once that is confirmed, end the application."""
        act = me.act()
        is_sure = request.form.get("sure") == "yes"
        run = self._desk.write if is_sure else self._desk.database.preview
        try:
            ended = run(lambda tx: doors.retire(tx, doors.find(tx, name), act))
        except REFUSALS as error:
            return self.show(me, name, error)
        if not is_sure:
            return self.show(me, name, ending=ended)
        many = f"{ended:,} session{'' if ended == 1 else 's'}"
        return self._desk.done(PATH, f"{name} was retired; {many} ended.")


def _path(name: str) -> str:
    return f"{PATH}/named/{name}"


def _addresses() -> dict[str, Any]:
    """The addresses of the form, as the use cases take them."""
    form = request.form
    return {
        "address": form.get("address", "").strip()[:_LONGEST] or None,
        "redirects": tuple(form.get("redirects", "").split())[:20],
        "logout_url": form.get("logout_url", "").strip()[:_LONGEST] or None,
    }


def _kept(found: Application) -> dict[str, str]:
    return {
        "address": found.address or "",
        "redirects": "\n".join(found.redirects),
        "logout_url": found.logout_url or "",
    }


def _sent(found: Application) -> dict[str, str]:
    """What was typed where that was refused; else what is kept."""
    kept = _kept(found)
    return {name: request.form.get(name, kept[name])[:_LONGEST] for name in kept}


def _live(held: list[ApplicationSecret]) -> list[ApplicationSecret]:
    return [each for each in held if each.state_at(now()) == "live"]


def _worst(held: list[ApplicationSecret]) -> str:
    """The warning about the secret that lasts longest; empty for none."""
    if not held or any(each.expires_at is None for each in held):
        return ""
    return expiries.warning(max(each.expires_at or 0 for each in held), now())


def _line(found: Application, held: list[ApplicationSecret]) -> dict[str, Any]:
    return {
        "name": found.name,
        "kind": found.kind,
        "address": found.address,
        "redirects": " ".join(found.redirects),
        "logout": found.logout_url,
        "secrets": len(held),
        "since": sheets.instant(found.created_at),
    }


def _state(call: Standing) -> str:
    """How a call stands, in the words of the pages."""
    words = {"sent": "told", "failed": "Not delivered", "trying": "will be tried again"}
    state = call.state_at(now())
    return words.get(state, state)


def line_of(call: Standing) -> dict[str, Any]:
    """One call to a logout address: when, how it stands, and how long it took."""
    begun = call.message.created_at
    took = None if call.delivered_at is None else (call.delivered_at - begun) / 1000
    return {
        "at": sheets.instant(begun),
        "state": _state(call),
        "after_ms": None if took is None else round(took, 1),
        "tries": call.message.attempts,
        "last_error": call.last_error,
    }
