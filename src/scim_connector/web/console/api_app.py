"""The API App: installed or not, as whom it acts, and the keys of API users."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from flask import request

from scim_connector.administration import api_app as doors
from scim_connector.administration import api_keys as key_doors
from scim_connector.directory import access, api_keys, users
from scim_connector.rules.permissions import MANAGE_APPS, VIEW_APPS
from scim_connector.web.console import expiries, lists, sheets
from scim_connector.web.console.desk import HOME, REFUSALS, sentence_of, status_of
from scim_connector.web.pages.frame import now

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask, Response

    from scim_connector.directory.api_keys import ApiKey
    from scim_connector.directory.database import Reader
    from scim_connector.directory.users import User
    from scim_connector.web.console.desk import Desk, Person

PATH: Final = f"{HOME}/applications/api-app"
ONE: Final = f"{PATH}/<int(max=999999999):user_id>"
_USERS: Final = ("username", "email", "active", "keys", "is_the_apps")
_KEYS: Final = ("id", "name", "created", "expires", "state", "last_used")
_LONGEST: Final = 100


@dataclass(frozen=True, slots=True)
class Summary:
    """How the API App stands."""

    installed: bool
    user: User | None


def summary(reader: Reader) -> Summary:
    """How the API App stands now."""
    installed, user_id = access.api_app_state(reader)
    user = None if user_id is None else users.by_id(reader, user_id)
    return Summary(installed, user)


class ApiAppPages:
    """The page of the API App, and that of each API user's keys."""

    def __init__(self, desk: Desk) -> None:
        """Work at *desk*."""
        self._desk = desk

    def put_on(self, app: Flask) -> None:
        """Add the routes."""
        serve = self._desk.serve
        serve(app, PATH, self.index, VIEW_APPS)
        serve(app, f"{PATH}/install", self.install, MANAGE_APPS, "POST")
        serve(app, f"{PATH}/uninstall", self.uninstall, MANAGE_APPS, "POST")
        serve(app, f"{PATH}/configure", self.configure, MANAGE_APPS, "POST")
        serve(app, ONE, self.show, VIEW_APPS)
        serve(app, f"{ONE}/key", self.create_key, MANAGE_APPS, "POST")
        serve(app, f"{ONE}/revoke", self.revoke_key, MANAGE_APPS, "POST")

    # ------------------------------------------------------------------------- app

    def index(
        self, me: Person, wrong: Exception | None = None, *, leaving: bool = False
    ) -> Response:
        """Whether it is installed, as whom it acts, and every API user."""
        reader = self._desk.reader
        app = summary(reader)
        query = users.Query(
            api_user=True, after=lists.asked("after"), at_most=lists.PAGE + 1
        )
        if lists.form():
            rows = [_user(reader, each, app) for each in _everybody(reader)]
            return sheets.answer("api-users", _USERS, rows, lists.form())
        found, goes_on = lists.cut(users.search(reader, query))
        active = users.search(
            reader, users.Query(api_user=True, active=True, at_most=lists.PAGE)
        )
        return self._desk.page(
            me,
            "api_app.html",
            200 if wrong is None else status_of(wrong),
            wrong="" if wrong is None else sentence_of(wrong),
            app=app,
            consequence=doors.consequence(reader, [app.user.id] if app.user else []),
            users=[(each, len(api_keys.of_user(reader, each.id))) for each in found],
            active=[(each.username, each.username) for each in active],
            chosen=request.form.get("username")
            or (app.user.username if app.user else ""),
            leaving=leaving,
            more=lists.more(
                f"{len(found)} on this page, by username.",
                found[-1].username_key if goes_on else None,
                path=PATH,
            ),
            may_change=me.may(MANAGE_APPS),
        )

    def install(self, me: Person) -> Response:
        """Mark the app as installed."""
        act = me.act()
        self._desk.write(lambda tx: doors.install(tx, act))
        text = "The API App is installed. Next: choose the API user it acts as."
        return self._desk.done(PATH, text)

    def uninstall(self, me: Person) -> Response:
        """Say what ends; once that is confirmed, mark the app as gone."""
        if request.form.get("sure") != "yes":
            return self.index(me, leaving=True)
        act = me.act()
        self._desk.write(lambda tx: doors.uninstall(tx, act))
        text = "The API App is not installed any more; no key opens anything."
        return self._desk.done(PATH, text)

    def configure(self, me: Person) -> Response:
        """Let the app act as an API user."""
        username, act = request.form.get("username", "").strip(), me.act()
        try:
            self._desk.write(lambda tx: doors.configure(tx, username, act))
        except REFUSALS as error:
            return self.index(me, error)
        return self._desk.done(PATH, f"The API App acts as {username}.")

    # ------------------------------------------------------------------------ keys

    def show(
        self, me: Person, user_id: int, wrong: Exception | None = None
    ) -> Response:
        """The keys of one API user."""
        reader = self._desk.reader
        user = users.by_id(reader, user_id)
        if user is None or not user.is_api_user:
            return self._desk.missing(me, "API user")
        keys = api_keys.of_user(reader, user.id)
        if lists.form():
            rows = [_key(each) for each in keys]
            return sheets.answer("api-keys", _KEYS, rows, lists.form())
        app = summary(reader)
        return self._desk.page(
            me,
            "api_keys.html",
            200 if wrong is None else status_of(wrong),
            wrong="" if wrong is None else sentence_of(wrong),
            user=user,
            keys=[
                (each, each.state_at(now()), expiries.warning(each.expires_at, now()))
                for each in reversed(keys)
            ],
            spans=expiries.SPANS,
            typed=request.form.get("key", "")[:_LONGEST],
            app=app,
            consequence=doors.consequence(reader, [user.id]),
            more=lists.more(
                f"{len(keys)} of {key_doors.MOST} at most.",
                None,
                path=f"{PATH}/{user_id}",
            ),
            may_change=me.may(MANAGE_APPS),
        )

    def create_key(self, me: Person, user_id: int) -> Response:
        """Make a key, and show it: here, now and never again."""
        name, act = request.form.get("key", "").strip()[:_LONGEST], me.act()
        try:
            ends = expiries.chosen(act.now)
            made = self._desk.write(
                lambda tx: key_doors.create(
                    tx,
                    key_doors.find_user(tx, user_id),
                    name or "key",
                    pepper=self._desk.keys.peppers()[0],
                    expires_at=ends,
                    act=act,
                    own=me.permissions,
                )
            )
        except REFUSALS as error:
            return self.show(me, user_id, error)
        username = users.required(self._desk.reader, user_id).username
        token_path = f"{self._desk.settings.address}/oauth2/token"
        return self._desk.page(
            me,
            "once.html",
            what=f"The new key of {username}",
            crumb=f"Keys of {username}",
            back=f"{PATH}/{user_id}",
            client_id=username,
            secret=str(made),
            until=ends,
            tried=f"curl -u {username}:$SECRET {token_path}"
            " -d grant_type=client_credentials",
            answers='{"access_token": …}',
        )

    def revoke_key(self, me: Person, user_id: int) -> Response:
        """Revoke a key and the tokens it was exchanged for."""
        key_id, act = request.form.get("key_id", "")[:16], me.act()
        try:
            self._desk.write(
                lambda tx: key_doors.revoke_of(
                    tx, key_doors.find_user(tx, user_id), key_id, act
                )
            )
        except REFUSALS as error:
            return self.show(me, user_id, error)
        text = f"The key {key_id} and its tokens open nothing any more."
        return self._desk.done(f"{PATH}/{user_id}", text)


def _everybody(reader: Reader) -> Iterator[User]:
    query = users.Query(api_user=True, at_most=1000)
    while found := users.search(reader, query):
        yield from found
        query = replace(query, after=found[-1].username_key)


def _user(reader: Reader, user: User, app: Summary) -> dict[str, Any]:
    return {
        "username": user.username,
        "email": user.email,
        "active": user.active,
        "keys": len(api_keys.of_user(reader, user.id)),
        "is_the_apps": app.user is not None and app.user.id == user.id,
    }


def _key(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "created": sheets.instant(key.created_at),
        "expires": sheets.instant(key.expires_at),
        "state": key.state_at(now()),
        "last_used": sheets.instant(key.last_used_at),
    }
