"""The use cases of groups, each one call from the web.

A group is the provider's: what it sends is kept and read back.  Whom it gives a role is
told by ties (``accounts.groups``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from scim_connector.accounts import groups as accounts
from scim_connector.directory import groups, members
from scim_connector.provisioning.calls import Answer
from scim_connector.provisioning.exchange import act_in, dialect_of, paused
from scim_connector.provisioning.group_change import GroupChange, begin
from scim_connector.provisioning.listing import page_of
from scim_connector.provisioning.repeats import Repeated
from scim_connector.provisioning.steps import Step
from scim_connector.scim import membership, rendering, resources, versions
from scim_connector.scim.errors import NotFound
from scim_connector.scim.schemas import GROUP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader, Transaction
    from scim_connector.directory.groups import Group
    from scim_connector.provisioning.calls import Call, Page, SearchQuery
    from scim_connector.provisioning.course import Course
    from scim_connector.provisioning.exchange import Exchange
    from scim_connector.provisioning.listing import Listing
    from scim_connector.scim.membership import Member
    from scim_connector.scim.notes import Notes
    from scim_connector.scim.schemas import ResourceType
    from scim_connector.scim.types import Json

    #: What is left of a change for its transaction.
    Work = Callable[[Transaction, Course], Group]

#: Providers whose PATCH of a group is answered without a body (decision 25): they read
#: nothing from it, and a group may have a hundred thousand members.
_SILENT = {"entra", "okta"}


class Groups:
    """What a provider can ask of ``/Groups``; built once per process."""

    def __init__(self, exchange: Exchange, listing: Listing) -> None:
        """Carry requests out by *exchange*; *listing* finds what is listed."""
        self._exchange = exchange
        self._database = exchange.database
        self._listing = listing

    # ------------------------------------------------------------------------ reads

    def resource_type(self, _: Connection) -> ResourceType:
        """The Group resource type; every connection has the same."""
        return GROUP

    def get(self, call: Call, resource_id: str) -> Answer:
        """Read one group; its members only if they are asked for."""
        reader = self._database.reader()
        group = groups.by_id(reader, call.connection.id, resource_id)
        if group is None:
            raise self._exchange.refused_read(call, _unknown(resource_id))
        self._exchange.was_read(call, link_id=resource_id)
        return _answer(200, call, reader, group)

    def search(self, call: Call, query: SearchQuery) -> Page:
        """List groups; raises InvalidFilter, InvalidValue or TooMany."""
        return self._exchange.listed(call, lambda: self.found(call, query, GROUP))

    def found(self, call: Call, query: SearchQuery, known: ResourceType) -> Page:
        """Find a page without logging it; names are those of *known*."""
        found = self._listing.page(call, query, known)
        seqs = [row.seq for row in found.rows]
        shown = _members(self._database.reader(), call, seqs)
        texts = [_with(row.text, shown.get(row.seq, ())) for row in found.rows]
        return page_of(query, found, texts)

    # ---------------------------------------------------------------------- changes

    def create(self, call: Call) -> Answer:
        """POST: a new group of this provider (201), tied where the mapping says so."""

        def prepare(call: Call, _: Course) -> Work:
            document, given, notes = self._read(call)

            def work(tx: Transaction, course: Course) -> Group:
                course.read(notes)
                course.about(document)
                course.steps.passed(Step.MATCH, "A new group.")
                group = accounts.establish(
                    tx,
                    call.connection.id,
                    document,
                    act_in(course),
                    group_id=str(uuid4()),
                )
                change = GroupChange(tx, course, group)
                change.replace(given or ())
                return change.finish(document, renamed=True, is_new=True)

            return work

        return self._change(call, "Create", 201, prepare)

    def replace(self, call: Call, resource_id: str, *, if_match: str | None) -> Answer:
        """PUT: the group as the body states it (200); without members they stay."""

        def prepare(call: Call, _: Course) -> Work:
            document, given, notes = self._read(call)

            def work(tx: Transaction, course: Course) -> Group:
                course.read(notes)
                group = _live(tx, call, resource_id, if_match)
                change = GroupChange(tx, course, group)
                if given is not None:
                    change.replace(given)
                return change.finish(document)

            return work

        return self._change(call, "Update", 200, prepare)

    def patch(self, call: Call, resource_id: str, *, if_match: str | None) -> Answer:
        """PATCH: all operations or none (200 with the group, or 204)."""

        def work(tx: Transaction, course: Course) -> Group:
            group = _live(tx, call, resource_id, if_match)
            patch = membership.apply(
                accounts.stated(group),
                call.body or {},
                dialect=dialect_of(call.connection),
                strict=call.connection.strict,
            )
            course.read(patch.notes)
            change = GroupChange(tx, course, group)
            for step in patch.steps:
                change.take(step)
            return change.finish(patch.document)

        silent = call.connection.kind in _SILENT and call.shown is None
        status = 204 if silent else 200
        return self._change(call, "Update", status, lambda *_: work)

    def delete(self, call: Call, resource_id: str, *, if_match: str | None) -> Answer:
        """DELETE: the group is gone, and what it gave with it (204)."""

        def work(tx: Transaction, course: Course) -> Group:
            group = _live(tx, call, resource_id, if_match)
            begin(course, group)
            accounts.remove(tx, group, act_in(course))
            course.changed = True
            course.steps.passed(Step.WRITE, f"Removed {group.display_name}.")
            return group

        answer = self._change(call, "Delete", 204, lambda *_: work)
        return Answer(204, id=answer.id)

    # ----------------------------------------------------------------------- pieces

    def _read(self, call: Call) -> tuple[Json, tuple[Member, ...] | None, Notes]:
        """The body of a POST or PUT: attributes, members if it has any, notes."""
        read = resources.read(
            GROUP,
            call.body or {},
            dialect=dialect_of(call.connection),
            strict=call.connection.strict,
        )
        listed = read.document.pop("members", None)
        stated = any(name.lower() == "members" for name in call.body or {})
        given = membership.members_of(listed or ()) if stated else None
        return read.document, given, read.notes

    def _change(
        self,
        call: Call,
        action: str,
        status: int,
        prepare: Callable[[Call, Course], Work],
    ) -> Answer:
        def unless_paused(call: Call, course: Course) -> Work:
            if call.connection.state == "paused":
                raise paused(call.connection)
            return prepare(call, course)

        try:
            group = self._exchange.change(call, action, status, unless_paused)
        except Repeated as repeated:
            return repeated.answer
        return _answer(status, call, self._database.reader(), group)


def _answer(status: int, call: Call, reader: Reader, group: Group) -> Answer:
    """The answer with the group, and with its members if they are asked for."""
    if status == 204:  # noqa: PLR2004 - No Content
        return Answer(204, version=group.version, id=group.id)
    shown = _members(reader, call, [group.seq]).get(group.seq, ())
    return Answer(status, _with(group.served, shown), group.version, group.id)


def _members(
    reader: Reader, call: Call, seqs: Sequence[int]
) -> Mapping[int, Iterable[members.Member]]:
    """The members of groups, by sequence number; none unless they are asked for."""
    if call.shown is not None and not call.shown.shows("members"):
        return {}
    return members.of_groups(reader, seqs)


def _with(served: str, shown: Iterable[members.Member]) -> str:
    texts = (rendering.member(m.value, m.display, m.endpoint) for m in shown)
    return rendering.with_members(served, ",".join(texts))


def _live(reader: Reader, call: Call, group_id: str, if_match: str | None) -> Group:
    group = groups.by_id(reader, call.connection.id, group_id)
    if group is None:
        raise _unknown(group_id)
    versions.require_match(if_match, group.version)
    return group


def _unknown(group_id: str) -> NotFound:
    return NotFound(
        f"There is no group with id {group_id[:60]} on this connection; it was never"
        " created here, or was removed. Search by displayName and use the id found."
    )
