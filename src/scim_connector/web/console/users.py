"""Users: the search, and the list as a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from flask import request

from scim_connector.administration import overview, user_files
from scim_connector.administration.errors import NotPossible
from scim_connector.administration.together import DEEDS
from scim_connector.directory import (
    assignments,
    connections,
    links,
    profiles,
    roles,
    users,
)
from scim_connector.directory.users import Query, User
from scim_connector.rules.permissions import VIEW_USERS
from scim_connector.web.console import lists, sheets
from scim_connector.web.console.desk import HOME
from scim_connector.web.pages.frame import now, own_path

if TYPE_CHECKING:
    from flask import Flask, Response

    from scim_connector.directory.database import Reader
    from scim_connector.web.console.desk import Desk, Person

PATH: Final = f"{HOME}/users"
#: Sources that are no connection.
ANYBODY: Final = "(any provider)"
NOBODY: Final = "(not managed by a provider)"
STATUSES: Final = {
    "active": "Active",
    "inactive": "Inactive",
    "held": "Held inactive",
    "never": "Never signed in",
    "refused": "Last request refused",
}
KINDS: Final = {"person": "People", "api": "API users"}
_ASKED: Final = ("words", "status", "kind", "source", "role", "profile")
_FIELDS: Final = (
    *("id", "username", "initials", "first_name", "last_name", "email", "kind"),
    *("active", "roles", "source", "first_sign_in", "created"),
)
_BATCH: Final = 500


class UserList:
    """The list of users."""

    def __init__(self, desk: Desk) -> None:
        """Read at *desk*."""
        self._desk = desk

    def put_on(self, app: Flask) -> None:
        """Add the routes."""
        self._desk.serve(app, PATH, self.index, VIEW_USERS)
        self._desk.serve(app, f"{PATH}/export", self.export, VIEW_USERS)

    def index(self, me: Person) -> Response:
        """Users by username, narrowed by the filter in the address."""
        reader = self._desk.reader
        try:
            query = _query(reader)
        except NotPossible as error:
            return self._page(me, [], None, str(error), 400)
        if lists.form():
            rows = self._lines(query)
            return sheets.answer("users", _FIELDS, rows, lists.form())
        query = replace(query, at_most=lists.PAGE + 1)
        page, goes_on = lists.cut(users.search(reader, query))
        return self._page(me, page, page[-1].username_key if goes_on else None)

    def export(self, _: Person) -> Response:
        """Who fits the filter, in the columns that the import reads."""
        query = _query(self._desk.reader)
        lines = (
            line
            for found in self._walk(query)
            for line in user_files.lines(self._desk.reader, found)
        )
        return sheets.answer("users-to-import", user_files.COLUMNS, lines, "csv")

    def _page(
        self,
        me: Person,
        page: list[User],
        last: str | None,
        wrong: str = "",
        status: int = 200,
    ) -> Response:
        reader = self._desk.reader
        names = [c.name for c in connections.every(reader)]
        sources = [ANYBODY, NOBODY, *names]
        return self._desk.page(
            me,
            "users.html",
            status,
            wrong=wrong,
            rows=_rows(reader, page),
            chosen={name: lists.asked(name) for name in _ASKED},
            is_narrowed=any(lists.asked(name) for name in _ASKED),
            back=list_address(request.full_path.rstrip("?")),
            deeds=[deed for deed in DEEDS.values() if me.may(deed.permission)],
            export=lists.more("", None, path=f"{PATH}/export").first,
            statuses=list(STATUSES.items()),
            kinds=list(KINDS.items()),
            sources=[(each, each.strip("()").capitalize()) for each in sources[:2]]
            + [(name, name) for name in names],
            roles=[(each.name, each.name) for each in roles.every(reader)],
            profiles=[(each.name, each.name) for each in profiles.every(reader)],
            more=lists.more(f"{len(page)} on this page, by username.", last),
        )

    def _lines(self, query: Query) -> Iterator[dict[str, Any]]:
        for found in self._walk(query):
            for row in _rows(self._desk.reader, found):
                yield _line(row)

    def _walk(self, query: Query) -> Iterator[list[User]]:
        """Everybody who fits, some at once, up to what a file holds."""
        reader, left = self._desk.reader, sheets.MOST
        query = replace(query, at_most=_BATCH)
        while left > 0 and (found := users.search(reader, query)):
            yield found
            query = replace(query, after=found[-1].username_key)
            left -= len(found)


def list_address(text: str | None) -> str:
    """The list of users as somebody left it, or from its beginning."""
    path = own_path(text, PATH)
    return path if path == PATH or path.startswith(f"{PATH}?") else PATH


def _query(reader: Reader) -> Query:
    """What the address asks for; raises NotPossible."""
    status = lists.one_of("status", {each: each for each in STATUSES})
    kind = lists.one_of("kind", {"person": False, "api": True})
    source = lists.asked("source")
    ids = {c.name: c.id for c in connections.every(reader)}
    managed = {ANYBODY: True, NOBODY: False}.get(source)
    if managed is None and source and source not in ids:
        raise NotPossible(f'There is no source "{source}".')
    return Query(
        words=lists.asked("words") or None,
        active={"active": True, "inactive": False}.get(status or ""),
        api_user=kind,
        role_id=lists.one_of("role", {r.name: r.id for r in roles.every(reader)}),
        profile_id=lists.one_of(
            "profile", {p.name: p.id for p in profiles.every(reader)}
        ),
        connection_id=ids.get(source),
        managed=managed,
        held=status == "held",
        never_signed_in=status == "never",
        ids=overview.refused_people(reader, now()) if status == "refused" else None,
        after=lists.asked("after"),
    )


def _rows(reader: Reader, page: list[User]) -> list[dict[str, Any]]:
    ids = [user.id for user in page]
    held = assignments.names_of(reader, ids)
    managing = links.managing(reader, ids)
    names = {c.id: c.name for c in connections.every(reader)}
    return [
        {
            "user": user,
            "roles": held.get(user.id, []),
            "source": names.get(managing.get(user.id, 0), ""),
        }
        for user in page
    ]


def _line(row: dict[str, Any]) -> dict[str, Any]:
    user: User = row["user"]
    return {
        **{name: getattr(user, name, None) for name in _FIELDS},
        "kind": "API user" if user.is_api_user else "person",
        "roles": "; ".join(row["roles"]),
        "source": row["source"],
        "first_sign_in": sheets.instant(user.first_login_at),
        "created": sheets.instant(user.created_at),
    }
