"""Settings: what is in force, where it is changed, and what permissions there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from scim_connector.administration import overview
from scim_connector.directory import alerts, outbox, roles, users
from scim_connector.rules.permissions import (
    MANAGE_SETTINGS,
    PERMISSIONS,
    VIEW_ROLES,
    VIEW_SETTINGS,
)
from scim_connector.settings import FILE, SETTINGS
from scim_connector.web.console import lists, sheets
from scim_connector.web.console.desk import HOME, REFUSALS, sentence_of, status_of
from scim_connector.web.pages.frame import now

if TYPE_CHECKING:
    from flask import Flask, Response

    from scim_connector.settings import Setting, Settings
    from scim_connector.web.console.desk import Desk, Person

PATH: Final = f"{HOME}/settings"
_FIELDS: Final = ("name", "variable", "value", "default", "is_default", "meaning")
_PERMISSIONS: Final = ("id", "name", "changes", "meaning", "roles")
_SET: Final = {"here": False, "default": True}


class MailRoad(Protocol):
    """How mail leaves, to be described and tried."""

    def describe(self) -> str:
        """One sentence that says where mails go."""

    def send(self, address: str) -> str:
        """Send a test mail now; returns where it went, raises NotPossible."""


@dataclass(frozen=True, slots=True)
class Line:
    """One setting as it is shown; secrets say whether they are set and no more."""

    name: str
    variable: str
    value: str
    default: str
    is_default: bool
    sentence: str


class SettingsPages:
    """The settings, the test mail, and the page of permissions."""

    def __init__(self, desk: Desk, road: MailRoad) -> None:
        """Read at *desk*; mails leave by *road*."""
        self._desk = desk
        self._road = road

    def put_on(self, app: Flask) -> None:
        """Add the routes."""
        serve = self._desk.serve
        serve(app, PATH, self.index, VIEW_SETTINGS)
        serve(app, f"{PATH}/test-mail", self.send_test, MANAGE_SETTINGS, "POST")
        serve(app, f"{PATH}/permissions", self.permissions, VIEW_SETTINGS)

    def index(self, me: Person, wrong: Exception | None = None) -> Response:
        """Every setting, and how mail leaves."""
        every = [line(each, self._desk.settings) for each in SETTINGS]
        wanted = None if wrong else lists.one_of("set", _SET)
        found = [each for each in every if wanted in {None, each.is_default}]
        if lists.form():
            rows = [row_of(each) for each in found]
            return sheets.answer("settings", _FIELDS, rows, lists.form())
        return self._desk.page(
            me,
            "settings.html",
            200 if wrong is None else status_of(wrong),
            wrong="" if wrong is None else sentence_of(wrong),
            lines=found,
            chosen=lists.asked("set"),
            file=FILE,
            road=self._road.describe(),
            held=outbox.count_held(self._desk.reader),
            mail=overview.mail(self._desk.reader, now()),
            my_address=users.required(self._desk.reader, me.user_id).email,
            alerts=len(alerts.holding(self._desk.reader)),
            may_change=me.may(MANAGE_SETTINGS),
            more=lists.more(f"{len(found)} of {len(every)} settings.", None, path=PATH),
        )

    def send_test(self, me: Person) -> Response:
        """Send whoever asks a mail, by the road that all mails take."""
        address = users.required(self._desk.reader, me.user_id).email
        try:
            said = self._road.send(address)
        except REFUSALS as error:
            return self.index(me, error)
        return self._desk.done(PATH, said)

    def permissions(self, me: Person) -> Response:
        """What a role can allow, and which roles do."""
        listed = roles.listed(self._desk.reader) if me.may(VIEW_ROLES) else []
        found = [
            (each, [role for role in listed if each.id in role.permissions])
            for each in PERMISSIONS
        ]
        if lists.form():
            rows = [
                {
                    "id": each.id,
                    "name": each.name,
                    "changes": each.changes,
                    "meaning": each.sentence,
                    "roles": "; ".join(role.name for role in carrying),
                }
                for each, carrying in found
            ]
            return sheets.answer("permissions", _PERMISSIONS, rows, lists.form())
        return self._desk.page(
            me,
            "permissions.html",
            found=found,
            shows_roles=me.may(VIEW_ROLES),
            more=lists.more(f"{len(found)} permissions.", None),
        )


def line(setting: Setting, settings: Settings) -> Line:
    """One setting as it is in force."""
    value = getattr(settings, setting.name)
    is_default = value == setting.default
    hides = setting.secret and not is_default
    return Line(
        name=setting.name,
        variable=setting.variable,
        value="set" if hides else _said(value),
        default=_said(setting.default),
        is_default=is_default,
        sentence=setting.sentence.replace("`", ""),
    )


def _said(value: Any) -> str:
    """A value as people write it."""
    if value is None or value == ():
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def row_of(found: Line) -> dict[str, Any]:
    """A setting as files and programs have it."""
    return {
        "name": found.name,
        "variable": found.variable,
        "value": found.value,
        "default": found.default,
        "is_default": found.is_default,
        "meaning": found.sentence,
    }
