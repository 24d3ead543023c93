"""Roles and profiles: what each allows, who holds it, and where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import request

from scim_connector.administration import role_sources
from scim_connector.administration import roles as doors
from scim_connector.directory import groups, profiles, roles
from scim_connector.rules.permissions import ALL, CREATE_ROLES, PERMISSIONS, VIEW_ROLES
from scim_connector.web.console import lists, sheets
from scim_connector.web.console.desk import HOME, REFUSALS, sentence_of, status_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from flask import Flask, Response

    from scim_connector.administration.role_sources import Source
    from scim_connector.directory.roles import Role
    from scim_connector.web.console.desk import Desk, Person

PATH: Final = f"{HOME}/roles"
ONE: Final = f"{PATH}/<int(max=999999999):role_id>"
PROFILES: Final = f"{PATH}/profiles"
_FIELDS: Final = ("role", "holders", "permissions", "built_in", "from")
_LONGEST: Final = 100
#: More names than a cell of the list has room for.
_FEW: Final = 4


class RolePages:
    """The list of roles and profiles, and each role."""

    def __init__(self, desk: Desk) -> None:
        """Work at *desk*."""
        self._desk = desk

    def put_on(self, app: Flask) -> None:
        """Add the routes."""
        serve = self._desk.serve
        serve(app, PATH, self.index, VIEW_ROLES)
        serve(app, f"{PATH}/new", self.new, CREATE_ROLES)
        serve(app, f"{PATH}/new", self.add, CREATE_ROLES, "POST")
        serve(app, ONE, self.show, VIEW_ROLES)
        serve(app, ONE, self.change, CREATE_ROLES, "POST")
        serve(app, f"{ONE}/remove", self.remove, CREATE_ROLES, "POST")
        serve(app, PROFILES, self.add_profile, CREATE_ROLES, "POST")
        one = f"{PROFILES}/<int(max=999999999):profile_id>/remove"
        serve(app, one, self.remove_profile, CREATE_ROLES, "POST")

    # ------------------------------------------------------------------------ list

    def index(self, me: Person) -> Response:
        """Every role by name, and every profile."""
        if lists.form():
            rows = [_line(*each) for each in self._sourced()]
            return sheets.answer("roles", _FIELDS, rows, lists.form())
        return self._listed(me)

    def _sourced(self) -> list[tuple[Role, Sequence[Source]]]:
        listed = roles.listed(self._desk.reader)
        sources = role_sources.of_roles(self._desk.reader, listed)
        return [(role, sources[role.id]) for role in listed]

    def _listed(self, me: Person, wrong: Exception | None = None) -> Response:
        reader = self._desk.reader
        found = self._sourced()
        return self._desk.page(
            me,
            "roles.html",
            200 if wrong is None else status_of(wrong),
            wrong="" if wrong is None else sentence_of(wrong),
            roles=[(role, allows(role.permissions), said) for role, said in found],
            profiles=profiles.every(reader),
            holders=profiles.holders(reader),
            untied=groups.count_untied(reader),
            typed=request.form.get("name", ""),
            may_change=me.may(CREATE_ROLES),
            more=lists.more(
                "A person may hold several; what they allow adds up.", None, path=PATH
            ),
        )

    # ------------------------------------------------------------------------- new

    def new(self, me: Person, wrong: Exception | None = None) -> Response:
        """Ask for the name of a new role and what it allows."""
        return self._form(me, None, wrong)

    def add(self, me: Person) -> Response:
        """Add a role."""
        name, carried, act = _name(), request.form.getlist("allow"), me.act()
        try:
            role_id = self._desk.write(
                lambda tx: doors.add(tx, name, carried, act, own=me.permissions)
            )
        except REFUSALS as error:
            return self.new(me, error)
        return self._desk.done(f"{PATH}/{role_id}", f"{name} was added.")

    # ------------------------------------------------------------------------- one

    def show(
        self, me: Person, role_id: int, wrong: Exception | None = None
    ) -> Response:
        """One role: what it allows, and where it comes from."""
        role = roles.by_id(self._desk.reader, role_id)
        if role is None:
            return self._desk.missing(me, "role")
        return self._form(me, role, wrong)

    def _form(self, me: Person, role: Role | None, wrong: Exception | None) -> Response:
        is_sent = wrong is not None and "name" in request.form
        kept = (role.name, role.permissions) if role else ("", frozenset())
        name, carried = (_name(), request.form.getlist("allow")) if is_sent else kept
        sources = role_sources.of_roles(self._desk.reader, [role]) if role else {}
        return self._desk.page(
            me,
            "role.html",
            200 if wrong is None else status_of(wrong),
            wrong="" if wrong is None else sentence_of(wrong),
            role=role,
            typed=name,
            carried=carried,
            permissions=PERMISSIONS,
            own=me.permissions,
            sources=sources[role.id] if role else (),
            may_change=me.may(CREATE_ROLES),
        )

    def change(self, me: Person, role_id: int) -> Response:
        """Give a role another name or other permissions."""
        name, carried, act = _name(), request.form.getlist("allow"), me.act()
        own = me.permissions
        try:
            self._desk.write(
                lambda tx: doors.change(
                    tx, doors.find(tx, role_id), name, carried, act, own=own
                )
            )
        except REFUSALS as error:
            return self.show(me, role_id, error)
        text = f"{name} was changed; it holds from the next page its holders open."
        return self._desk.done(f"{PATH}/{role_id}", text)

    def remove(self, me: Person, role_id: int) -> Response:
        """Remove a role that nobody holds and nothing gives."""
        act = me.act()
        try:
            self._desk.write(lambda tx: doors.remove(tx, doors.find(tx, role_id), act))
        except REFUSALS as error:
            return self.show(me, role_id, error)
        return self._desk.done(PATH, "The role was removed.")

    # -------------------------------------------------------------------- profiles

    def add_profile(self, me: Person) -> Response:
        """Add a profile."""
        name, act = _name(), me.act()
        try:
            self._desk.write(lambda tx: doors.add_profile(tx, name, act))
        except REFUSALS as error:
            return self._listed(me, error)
        return self._desk.done(PATH, f"The profile {name} was added.")

    def remove_profile(self, me: Person, profile_id: int) -> Response:
        """Remove a profile that nobody has."""
        act = me.act()
        try:
            self._desk.write(lambda tx: doors.remove_profile(tx, profile_id, act))
        except REFUSALS as error:
            return self._listed(me, error)
        return self._desk.done(PATH, "The profile was removed.")


def allows(carried: Collection[str]) -> str:
    """What permissions let somebody do, short enough for a cell."""
    names = [each.name for each in PERMISSIONS if each.id in carried]
    if len(carried) == len(ALL):
        return "Everything"
    if len(names) <= _FEW:
        return ", ".join(names) or "Nothing in the console"
    if not any(each.changes for each in PERMISSIONS if each.id in carried):
        return f"Looks only: {len(names)} of {len(ALL)} permissions"
    return f"{len(names)} of {len(ALL)} permissions"


def _line(role: Role, sources: Sequence[Source]) -> dict[str, Any]:
    return {
        "role": role.name,
        "holders": role.holders,
        "permissions": " ".join(sorted(role.permissions)),
        "built_in": role.is_administrator,
        "from": "; ".join(f"{each.connection.name}: {each.name}" for each in sources),
    }


def _name() -> str:
    return request.form.get("name", "").strip()[:_LONGEST]
