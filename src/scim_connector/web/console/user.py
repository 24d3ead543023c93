"""One user: details, identity, access, history, and everything a person may do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import orjson
from flask import request

from scim_connector.administration import identities, leaving, naming
from scim_connector.administration import users as administration
from scim_connector.administration.errors import NotPossible
from scim_connector.compliance.undo import UNDONE
from scim_connector.directory import (
    api_keys,
    assignments,
    audit,
    connections,
    links,
    profiles,
    receipts,
    roles,
    sessions,
    users,
)
from scim_connector.rules.events import sentence_of_event
from scim_connector.rules.permissions import (
    END_SESSIONS,
    RESET_PASSWORDS,
    UPDATE_USERS,
    VIEW_USERS,
)
from scim_connector.web.console import lists, sheets
from scim_connector.web.console.desk import REFUSALS, sentence_of, status_of
from scim_connector.web.console.log import NAMES, field_of
from scim_connector.web.console.receipts import ended
from scim_connector.web.console.users import PATH, list_address

if TYPE_CHECKING:
    from flask import Flask, Response

    from scim_connector.accounts import Act
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Transaction
    from scim_connector.directory.links import Link
    from scim_connector.directory.users import User
    from scim_connector.web.console.desk import Desk, Person

EDITED: Final = ("first_name", "last_name", "initials", "username", "email")
#: Facts that are instants, in microseconds.
_INSTANTS: Final = frozenset({"until", "expires"})
Work = Callable[["Transaction", "User", "Act"], object]


class UserPages:
    """The pages of one user."""

    def __init__(self, desk: Desk) -> None:
        """Work at *desk*."""
        self._desk = desk

    def put_on(self, app: Flask) -> None:
        """Add the routes."""
        one = f"{PATH}/<int:user_id>"
        for path, view in (
            (one, self.show),
            (f"{one}/identity", self.identity),
            (f"{one}/access", self.access),
            (f"{one}/history", self.history),
        ):
            self._desk.serve(app, path, view, VIEW_USERS)
        for path, asked in (
            (f"{one}/deactivate", self.ask_deactivate),
            (f"{one}/names", self.names),
        ):
            self._desk.serve(app, path, asked, UPDATE_USERS)
        for path, view, permission in (
            (f"{one}/edit", self.edit, UPDATE_USERS),
            (f"{one}/deactivate", self.deactivate, UPDATE_USERS),
            (f"{one}/reactivate", self.reactivate, UPDATE_USERS),
            (f"{one}/names", self.recompute, UPDATE_USERS),
            (f"{one}/unlink", self.unlink, UPDATE_USERS),
            (f"{one}/roles", self.give_role, UPDATE_USERS),
            (f"{one}/roles/take", self.take_role, UPDATE_USERS),
            (f"{one}/profile", self.set_profile, UPDATE_USERS),
            (f"{one}/sessions/end", self.end_sessions, END_SESSIONS),
            (f"{one}/welcome", self.welcome, RESET_PASSWORDS),
            (f"{one}/reset", self.reset, RESET_PASSWORDS),
            (f"{one}/expire", self.expire, RESET_PASSWORDS),
        ):
            self._desk.serve(app, path, view, permission, "POST")

    # ------------------------------------------------------------------------ frame

    def _user(self, user_id: int) -> User:
        found = users.by_id(self._desk.reader, user_id)
        if found is None:
            raise NotPossible("There is no such user.")
        return found

    def _manager(self, user: User) -> tuple[Link | None, Connection | None]:
        link = links.of_user(self._desk.reader, user.id)
        if link is None:
            return None, None
        return link, connections.required(self._desk.reader, link.connection_id)

    def _page(
        self, me: Person, user: User, name: str, status: int = 200, **words: Any
    ) -> Response:
        link, manager = self._manager(user)
        words = {"link": link, "manager": manager, **words}
        return self._desk.page(me, name, status, user=user, **words)

    def _do(
        self, me: Person, user_id: int, work: Work, told: str, tab: str = ""
    ) -> Response:
        """Do something to the user, then show *tab*, with what was done or why not."""
        user, act = self._user(user_id), me.act()
        try:
            self._desk.write(lambda tx: work(tx, users.held(tx, user_id), act))
        except REFUSALS as error:
            tabs = {"": self.show, "/access": self.access}
            return tabs[tab](me, user_id, sentence_of(error), status_of(error))
        path = f"{PATH}/{user_id}{tab}"
        if "back" in request.form:  # from the list of users, and back to it
            path = list_address(request.form["back"])
        return self._desk.done(path, told.format(user=user.username))

    # ---------------------------------------------------------------------- details

    def show(
        self, me: Person, user_id: int, wrong: str = "", status: int = 200
    ) -> Response:
        """The fields, with whose each is, and what can be done."""
        user = self._user(user_id)
        manager = self._manager(user)[1]
        is_managed = manager is not None and not manager.is_retired
        form = request.form
        fields = [
            {
                "name": name,
                "label": NAMES[name],
                "value": form.get(name, getattr(user, name)),
                "managed": is_managed and name not in user.overridden,
                "changed_here": name in user.overridden,
            }
            for name in EDITED
        ]
        reader = self._desk.reader
        profile = profiles.name(reader, user.profile_id) if user.profile_id else ""
        return self._page(
            me, user, "user.html", status, wrong=wrong, fields=fields, profile=profile
        )

    def edit(self, me: Person, user_id: int) -> Response:
        """Change fields; what a provider manages only where that was ticked."""
        form = request.form
        values = {n: form[n].strip() for n in EDITED if n in form}
        override = form.get("override") == "yes"

        def work(tx: Transaction, user: User, act: Act) -> object:
            moved = {n: v for n, v in values.items() if getattr(user, n) != v}
            return administration.edit(tx, user, moved, act, override=override)

        return self._do(me, user_id, work, "{user} is saved.")

    def ask_deactivate(self, me: Person, user_id: int) -> Response:
        """What a deactivation ends, before it is done."""
        user = self._user(user_id)
        said = leaving.consequences(self._desk.reader, user)
        back = request.args.get("back")
        return self._page(
            me,
            user,
            "user_deactivate.html",
            consequences=said,
            back=list_address(back) if back else "",
        )

    def deactivate(self, me: Person, user_id: int) -> Response:
        """End every access at once."""
        told = "{user} is inactive: every session, link and key ended with it."
        return self._do(me, user_id, administration.deactivate, told)

    def reactivate(self, me: Person, user_id: int) -> Response:
        """Make the user active again; no former access comes back."""
        told = "{user} is active again. No former session, link or key came back."
        return self._do(me, user_id, administration.reactivate, told)

    def unlink(self, me: Person, user_id: int) -> Response:
        """Undo a link: the user stays, unmanaged."""
        told = "{user} is not managed by a provider any more."
        return self._do(me, user_id, administration.unlink, told)

    # ------------------------------------------------------------------------ names

    def names(
        self, me: Person, user_id: int, wrong: str = "", status: int = 200
    ) -> Response:
        """What initials and username may become, and what follows."""
        user, reader = self._user(user_id), self._desk.reader
        found = naming.candidates(reader, user)
        return self._page(
            me,
            user,
            "user_names.html",
            status,
            wrong=wrong,
            choices=[(NAMES[f], found[f]) for f in naming.FIELDS],
            consequences=naming.consequences(reader, user),
        )

    def recompute(self, me: Person, user_id: int) -> Response:
        """Take the chosen candidates; the former values are kept for the user."""
        user, act = self._user(user_id), me.act()
        chosen: dict[str, str] = {
            field: value
            for field in naming.FIELDS
            if (value := request.form.get(field, "")) and value != getattr(user, field)
        }
        if not chosen:
            return self.names(me, user_id, "Choose something else than it is now.", 400)
        try:
            self._desk.write(
                lambda tx: naming.recompute(tx, users.held(tx, user_id), chosen, act)
            )
        except REFUSALS as error:
            return self.names(me, user_id, sentence_of(error), status_of(error))
        kept = f"The former values are kept for {naming.KEPT_DAYS} days."
        return self._desk.done(f"{PATH}/{user_id}", f"Chosen anew. {kept}")

    # --------------------------------------------------------------------- identity

    def identity(self, me: Person, user_id: int) -> Response:
        """What the provider sent, and what became of it, field by field."""
        user = self._user(user_id)
        found = identities.of_user(self._desk.reader, user)
        if found is None:
            return self._page(me, user, "user_identity.html", sent="", rows=[])
        rows = [field_of(name, trace) for name, trace in found.traces]
        sent = orjson.dumps(found.sent).decode()
        return self._page(me, user, "user_identity.html", sent=sent, rows=rows)

    # ----------------------------------------------------------------------- access

    def access(
        self, me: Person, user_id: int, wrong: str = "", status: int = 200
    ) -> Response:
        """Roles with where each comes from, profile, sessions, keys."""
        user, reader = self._user(user_id), self._desk.reader
        names = {c.id: c.name for c in connections.every(reader)}
        return self._page(
            me,
            user,
            "user_access.html",
            status,
            wrong=wrong,
            held=[
                (name, source, names.get(by, ""))
                for name, source, by in assignments.sources(reader, user.id)
            ],
            roles=[(r.name, r.name) for r in roles.every(reader)],
            profiles=[(p.name, p.name) for p in profiles.every(reader)],
            profile=profiles.name(reader, user.profile_id) if user.profile_id else "",
            sessions=sessions.of_user(reader, user.id),
            keys=api_keys.of_user(reader, user.id),
        )

    def give_role(self, me: Person, user_id: int) -> Response:
        """Give a role from here."""
        name = request.form.get("role", "")

        def work(tx: Transaction, user: User, act: Act) -> object:
            return administration.give_role(tx, user, name, act, own=me.permissions)

        told = f"{{user}} holds {_braced(name)}."
        return self._do(me, user_id, work, told, "/access")

    def take_role(self, me: Person, user_id: int) -> Response:
        """Take back a role that was given here."""
        name = request.form.get("role", "")

        def work(tx: Transaction, user: User, act: Act) -> object:
            return administration.take_role(tx, user, name, act)

        told = f"{{user}} no longer holds {_braced(name)} from here."
        return self._do(me, user_id, work, told, "/access")

    def set_profile(self, me: Person, user_id: int) -> Response:
        """Set or clear the profile."""
        name = request.form.get("profile") or None

        def work(tx: Transaction, user: User, act: Act) -> object:
            return administration.set_profile(tx, user, name, act)

        told = "The profile of {user} is set."
        return self._do(me, user_id, work, told, "/access")

    def end_sessions(self, me: Person, user_id: int) -> Response:
        """End one session, or all of them."""
        one = request.form.get("session", "")

        def work(tx: Transaction, user: User, act: Act) -> object:
            if not one:
                return administration.log_out(tx, user, act)
            administration.end_session(tx, user, one, act)
            return None

        told = "The session of {user} is over." if one else "{user} is signed out."
        return self._do(me, user_id, work, told, "/access")

    # ------------------------------------------------------------------------- mail

    def welcome(self, me: Person, user_id: int) -> Response:
        """Mail the first link again."""
        told = "A mail with a link for one hour is on its way to {user}."
        return self._do(me, user_id, administration.send_welcome, told)

    def reset(self, me: Person, user_id: int) -> Response:
        """Mail a link to choose another password (R17)."""

        def work(tx: Transaction, user: User, act: Act) -> None:
            factor = me.second_factor
            administration.send_reset(tx, user, act, second_factor=factor)

        told = "A mail with a link for one hour is on its way to {user}."
        return self._do(me, user_id, work, told)

    def expire(self, me: Person, user_id: int) -> Response:
        """Let them choose another password at their next sign-in."""
        told = "{user} chooses another password at the next sign-in."
        return self._do(me, user_id, administration.expire_password, told)

    # ---------------------------------------------------------------------- history

    def history(self, me: Person, user_id: int) -> Response:
        """Everything that happened to the user, the newest first."""
        user, reader = self._user(user_id), self._desk.reader
        before = lists.number("after")
        found = audit.newest_of_user(
            reader, user.id, before=before, at_most=lists.PAGE + 1
        )
        page, goes_on = lists.cut(found)
        return self._page(
            me,
            user,
            "user_history.html",
            events=[_event(each) for each in page],
            receipts={
                each.asked_at: ended(each) for each in receipts.of_user(reader, user.id)
            },
            next=f"{request.path}?after={page[-1].id}" if goes_on else "",
        )


def _braced(text: str) -> str:
    """A text that stays as it is when the user's name is put in beside it."""
    return text.replace("{", "{{").replace("}", "}}")


def _event(each: audit.AuditEvent) -> dict[str, Any]:
    """One event in words, with old and new values where there are any."""
    facts = orjson.loads(each.facts)
    change = None
    if "before" in facts and "after" in facts:
        change = (facts.pop("before"), facts.pop("after"))
    facts.pop("field", None)
    kind, _, name = each.actor.partition(":")
    by = {"connection": "by the provider of", "cli": "at the command line by"}
    return {
        "id": each.id,
        "at": each.at,
        "can_undo": each.name in UNDONE,
        "sentence": sentence_of_event(each.name),
        "actor": f"{by.get(kind, 'by')} {name}",
        "change": change,
        "facts": [
            (n.replace("_", " "), _shown(n, v)) for n, v in sorted(facts.items())
        ],
        "request_id": each.request_id,
    }


def _shown(name: str, value: Any) -> str:
    if name in _INSTANTS and isinstance(value, int):
        return sheets.instant(value) or ""
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return (
        {True: "yes", False: "no"}.get(value, str(value))
        if isinstance(value, bool)
        else str(value)
    )
