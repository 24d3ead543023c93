"""The use cases of users, each one call from the web."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scim_connector.accounts import representation
from scim_connector.accounts.compiled import mapping_of
from scim_connector.directory import links, memberships
from scim_connector.mapping.drafts import derive
from scim_connector.provisioning.calls import Answer
from scim_connector.provisioning.creation import Creation
from scim_connector.provisioning.exchange import act_in, dialect_of, paused
from scim_connector.provisioning.listing import page_of
from scim_connector.provisioning.rehearsing import Newcomer, Rehearsed
from scim_connector.provisioning.repeats import Repeated
from scim_connector.provisioning.steps import Step
from scim_connector.provisioning.unlinked import Unlinked
from scim_connector.provisioning.updating import Update
from scim_connector.scim import patch, rendering, resources, versions
from scim_connector.scim.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader, Transaction
    from scim_connector.directory.links import Link
    from scim_connector.mapping.language import Mapping
    from scim_connector.provisioning.calls import Call, Page, SearchQuery
    from scim_connector.provisioning.course import Course
    from scim_connector.provisioning.exchange import Exchange
    from scim_connector.provisioning.listing import Listing
    from scim_connector.scim.resources import Read
    from scim_connector.scim.schemas import ResourceType
    from scim_connector.scim.types import Json

    #: What is left of a change for its transaction.
    Work = Callable[[Transaction, Course], Link]


class Users:
    """What a provider can ask of ``/Users``; built once per process."""

    def __init__(self, exchange: Exchange, listing: Listing) -> None:
        """Carry requests out by *exchange*; *listing* finds what is listed."""
        self._exchange = exchange
        self._database = exchange.database
        self._listing = listing

    # ------------------------------------------------------------------------ reads

    def resource_type(self, connection: Connection) -> ResourceType:
        """The User resource type with the attributes this connection declares."""
        return mapping_of(self._database.reader(), connection).resource_type

    def get(self, call: Call, link_id: str) -> Answer:
        """Read one resource; raises NotFound for any id this connection cannot see."""
        found = links.served(self._database.reader(), call.connection.id, link_id)
        if found is None:
            raise self._exchange.refused_read(call, _unknown(link_id))
        text, version = found
        self._exchange.was_read(call, link_id=link_id)
        return Answer(200, text, version, link_id)

    def search(self, call: Call, query: SearchQuery) -> Page:
        """List resources; raises InvalidFilter, InvalidValue or TooMany."""
        known = self.resource_type(call.connection)
        return self._exchange.listed(call, lambda: self.found(call, query, known))

    def found(self, call: Call, query: SearchQuery, known: ResourceType) -> Page:
        """Find a page without logging it; names are those of *known*."""
        found = self._listing.page(call, query, known)
        texts = [row.text for row in found.rows]
        return page_of(query, found, texts)

    # ---------------------------------------------------------------------- changes

    def create(self, call: Call) -> Answer:
        """POST: a new link for somebody new, adopted, revived or restored (201)."""
        return self._change(call, "Create", 201, self._posted)

    def _posted(self, call: Call, _: Course) -> Work:
        """Read and map a POST; only what depends on others is left for later."""
        if call.connection.state == "paused":
            raise paused(call.connection)
        mapping = mapping_of(self._database.reader(), call.connection)
        read = resources.read(
            mapping.resource_type,
            call.body or {},
            dialect=dialect_of(call.connection),
            strict=call.connection.strict,
        )
        derived = derive(mapping, read.document)

        def work(tx: Transaction, course: Course) -> Link:
            course.read(read.notes)
            course.about(read.document)
            course.changed = True
            act = act_in(course)
            if call.connection.is_rehearsing:
                newcomer = Newcomer(tx, course, act, read.document, derived, mapping)
                return newcomer.run()
            return Creation(tx, course, act, read.document, derived, mapping).run()

        return work

    def replace(self, call: Call, link_id: str, *, if_match: str | None) -> Answer:
        """PUT: the resource becomes what the body states (200)."""

        def after(mapping: Mapping, _: Json) -> Read:
            return resources.read(
                mapping.resource_type,
                call.body or {},
                dialect=dialect_of(call.connection),
                strict=call.connection.strict,
            )

        return self._update(call, link_id, if_match, after)

    def patch(self, call: Call, link_id: str, *, if_match: str | None) -> Answer:
        """PATCH: all operations or none (200 with the resource)."""

        def after(mapping: Mapping, before: Json) -> Read:
            return patch.apply(
                mapping.resource_type,
                before,
                call.body or {},
                dialect=dialect_of(call.connection),
                strict=call.connection.strict,
            )

        return self._update(call, link_id, if_match, after)

    def delete(self, call: Call, link_id: str, *, if_match: str | None) -> Answer:
        """DELETE: the id is 404 for ever, the local user stays, inactive (204)."""

        def work(tx: Transaction, course: Course) -> Link:
            link = _live(tx, call, link_id, if_match)
            mapping = mapping_of(tx, call.connection)
            _change_of(tx, course, link, mapping).remove()
            return link

        answer = self._change(call, "Delete", 204, lambda *_: work)
        return Answer(204, id=answer.id)

    def _update(
        self,
        call: Call,
        link_id: str,
        if_match: str | None,
        after: Callable[[Mapping, Json], Read],
    ) -> Answer:
        def prepare(call: Call, course: Course) -> Work:
            """Apply the request before the writer's turn, to what is there now."""
            reader = self._database.reader()
            mapping = mapping_of(reader, call.connection)
            before = representation.stated(_live(reader, call, link_id, if_match))
            course.about(before)
            course.steps.passed(Step.MATCH, "Found by id.")
            ready = after(mapping, before)

            def work(tx: Transaction, course: Course) -> Link:
                link = _live(tx, call, link_id, if_match)
                change = _change_of(tx, course, link, mapping)
                unmoved = change.before == before
                read = ready if unmoved else after(mapping, change.before)
                course.read(read.notes)
                return change.run(read.document, echo=call.method == "PUT")

            return work

        return self._change(call, "Update", 200, prepare)

    def _change(
        self,
        call: Call,
        action: str,
        status: int,
        prepare: Callable[[Call, Course], Work],
    ) -> Answer:
        try:
            link = self._exchange.change(call, action, status, prepare)
        except Repeated as repeated:
            return repeated.answer
        groups = memberships.references_of(self._database.reader(), link.seq)
        text = rendering.with_groups(link.served, groups)
        return Answer(status, text, link.version, link.id)


def _change_of(
    tx: Transaction, course: Course, link: Link, mapping: Mapping
) -> Update | Unlinked | Rehearsed:
    """What a change of an identity is: that of a user, or of nobody yet (D14)."""
    act = act_in(course)
    if course.call.connection.is_rehearsing:
        return Rehearsed(tx, course, act, link, mapping)
    if link.user_id is None:
        return Unlinked(tx, course, act, link, mapping)
    return Update(tx, course, act, link, mapping)


def _live(reader: Reader, call: Call, link_id: str, if_match: str | None) -> Link:
    link = links.by_id(reader, call.connection.id, link_id)
    if link is None:
        raise _unknown(link_id)
    versions.require_match(if_match, link.version)
    return link


def _unknown(link_id: str) -> NotFound:
    return NotFound(
        f"There is no user with id {link_id[:60]} on this connection; it was never"
        " created here, or was removed. Search by userName and use the id found."
    )
