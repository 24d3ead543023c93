"""Groups of providers: what they give, and whom a tie would give it to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from flask import request

from scim_connector.administration import groups as doors
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import connections, groups, roles
from scim_connector.directory.groups import GroupQuery
from scim_connector.rules.counting import counted
from scim_connector.rules.permissions import CREATE_ROLES, VIEW_ROLES
from scim_connector.scim.folding import text_key
from scim_connector.web.console import lists, sheets
from scim_connector.web.console.desk import HOME, REFUSALS, sentence_of, status_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask, Response

    from scim_connector.directory.database import Transaction
    from scim_connector.directory.groups import Group
    from scim_connector.web.console.desk import Desk, Person

PATH: Final = f"{HOME}/roles/groups"
ONE: Final = f"{PATH}/<int(max=999999999):seq>"
_FIELDS: Final = ("group", "connection", "members", "gives", "external_id", "id")
_TIED: Final = {"no": False, "yes": True}
_ASKED: Final = ("words", "connection", "tied")
_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """A tie or the end of one, before it is done: whom it would reach."""

    doing: str
    role: str
    text: str


class GroupPages:
    """The list of groups, and each with the roles it gives."""

    def __init__(self, desk: Desk) -> None:
        """Work at *desk*."""
        self._desk = desk

    def put_on(self, app: Flask) -> None:
        """Add the routes."""
        self._desk.serve(app, PATH, self.index, VIEW_ROLES)
        self._desk.serve(app, ONE, self.show, VIEW_ROLES)
        self._desk.serve(app, f"{ONE}/tie", self.tie, CREATE_ROLES, "POST")
        self._desk.serve(app, f"{ONE}/untie", self.untie, CREATE_ROLES, "POST")

    # ------------------------------------------------------------------------ list

    def index(self, me: Person) -> Response:
        """The groups that a filter fits."""
        names = {c.id: c.name for c in connections.every(self._desk.reader)}
        try:
            query = _query({name: key for key, name in names.items()})
        except NotPossible as error:
            return self._listed(me, names, [], None, wrong=error)
        if lists.form():
            rows = self._lines(query, names)
            return sheets.answer("groups", _FIELDS, rows, lists.form())
        query = replace(query, at_most=lists.PAGE + 1)
        found, goes_on = lists.cut(groups.search(self._desk.reader, query))
        last = str(found[-1][0].seq) if goes_on else None
        return self._listed(me, names, found, last)

    def _listed(
        self,
        me: Person,
        names: dict[int, str],
        found: list[tuple[Group, int]],
        last: str | None,
        *,
        wrong: Exception | None = None,
    ) -> Response:
        reader = self._desk.reader
        return self._desk.page(
            me,
            "groups.html",
            200 if wrong is None else status_of(wrong),
            wrong="" if wrong is None else sentence_of(wrong),
            groups=[(g, size, groups.ties(reader, g)) for g, size in found],
            names=names,
            connections=[(name, name) for name in names.values()],
            chosen={name: lists.asked(name) for name in _ASKED},
            is_narrowed=any(lists.asked(name) for name in _ASKED),
            more=lists.more(f"{len(found)} on this page, the oldest first.", last),
        )

    def _lines(
        self, query: GroupQuery, names: dict[int, str]
    ) -> Iterator[dict[str, Any]]:
        reader, left = self._desk.reader, sheets.MOST
        query = replace(query, at_most=_BATCH)
        while left > 0 and (found := groups.search(reader, query)):
            for group, size in found:
                gives = [tie.role for tie in groups.ties(reader, group)]
                yield {
                    "group": group.display_name,
                    "connection": names.get(group.connection_id, ""),
                    "members": size,
                    "gives": ", ".join(dict.fromkeys(gives)),
                    "external_id": group.external_id,
                    "id": group.id,
                }
            query = replace(query, after=found[-1][0].seq)
            left -= len(found)

    # ------------------------------------------------------------------------- one

    def show(
        self,
        me: Person,
        seq: int,
        wrong: Exception | None = None,
        asked: Asked | None = None,
    ) -> Response:
        """One group: its members' number, what it gives, and a form to give more."""
        reader = self._desk.reader
        group = groups.by_seq(reader, seq)
        if group is None:
            return self._desk.missing(me, "group")
        ties = groups.ties(reader, group)
        given = {tie.role for tie in ties}
        return self._desk.page(
            me,
            "group.html",
            200 if wrong is None else status_of(wrong),
            wrong="" if wrong is None else sentence_of(wrong),
            group=group,
            connection=connections.by_id(reader, group.connection_id),
            members=groups.sizes(reader, group.connection_id).get(seq, 0),
            ties=ties,
            free=self._free(group, given),
            role=request.form.get("role", ""),
            asked=asked,
            may_change=me.may(CREATE_ROLES),
        )

    def _free(self, group: Group, given: set[str]) -> list[tuple[str, str]]:
        """The roles that the group could give besides those it gives."""
        reader = self._desk.reader
        at = connections.required(reader, group.connection_id)
        return [
            (role.name, role.name)
            for role in roles.listed(reader)
            if role.name not in given
            and (at.may_act_as_administrator or not role.is_administrator)
        ]

    def tie(self, me: Person, seq: int) -> Response:
        """Say whom a role would be given to; once that is confirmed, give it."""
        role, act = _role(), me.act()

        def work(tx: Transaction) -> int:
            at, group = doors.of_seq(tx, seq)
            return doors.tie(tx, at, group, role, act, own=me.permissions)

        return self._do(me, seq, "tie", work)

    def untie(self, me: Person, seq: int) -> Response:
        """Say who would lose a role; once that is confirmed, take it away."""
        role, act = _role(), me.act()

        def work(tx: Transaction) -> int:
            _, group = doors.of_seq(tx, seq)
            return doors.untie(tx, group, role, act)

        return self._do(me, seq, "untie", work)

    def _do(
        self, me: Person, seq: int, doing: str, work: Callable[[Transaction], int]
    ) -> Response:
        try:
            if not _role():
                raise NotPossible("Choose a role.")
            if request.form.get("sure") == "yes":
                people = self._desk.write(work)
                text = f"Done: {_reached(doing, people, _role())}."
                return self._desk.done(f"{PATH}/{seq}", text)
            people = self._desk.database.preview(work)
        except REFUSALS as error:
            return self.show(me, seq, error)
        asked = Asked(doing, _role(), _reached(doing, people, _role()))
        return self.show(me, seq, asked=asked)


def _reached(doing: str, people: int, role: str) -> str:
    """Whom it reaches, in words: 3 people gain Registrar."""
    verb = "gain" if doing == "tie" else "lose"
    who = counted(people, "person", "people") if people else "nobody"
    return f"{who} {verb}{'s' * (people < 2)} {role}"  # noqa: PLR2004 - one, or nobody


def _role() -> str:
    return request.form.get("role", "").strip()


def _query(ids: dict[str, int]) -> GroupQuery:
    """What the address asks for."""
    words = lists.asked("words")
    return GroupQuery(
        connection_id=lists.one_of("connection", ids),
        tied=lists.one_of("tied", _TIED),
        words=text_key(words) if words else None,
        after=lists.number("after") or 0,
    )
