"""The use cases of an identity provider, each one call from the web."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scim_connector.accounts import Act, representation
from scim_connector.accounts.compiled import mapping_of
from scim_connector.directory import audit, conflicts, links, request_log, search
from scim_connector.mapping.drafts import derive
from scim_connector.provisioning import entries
from scim_connector.provisioning.calls import Answer, Page
from scim_connector.provisioning.course import Course
from scim_connector.provisioning.creation import Creation
from scim_connector.provisioning.steps import Step
from scim_connector.provisioning.updating import PAUSE_RETRY_AFTER, Update
from scim_connector.rules.actors import Actor
from scim_connector.rules.events import Event
from scim_connector.rules.users import RulesViolated
from scim_connector.scim import patch, resources, versions
from scim_connector.scim.dialects import Dialect
from scim_connector.scim.errors import (
    NotFound,
    ScimError,
    Unavailable,
)
from scim_connector.scim.folding import text_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Database, Reader, Transaction
    from scim_connector.directory.links import Link
    from scim_connector.mapping.language import Mapping
    from scim_connector.provisioning.calls import Call, SearchQuery
    from scim_connector.provisioning.reads import RequestGatherer
    from scim_connector.scim.resources import Read
    from scim_connector.scim.schemas import ResourceType
    from scim_connector.scim.types import Json

    #: What is left of a change for its transaction.
    Work = Callable[[Transaction, Course], Link]


class Provisioning:
    """What a provider can ask for; built once per process."""

    def __init__(self, database: Database, gatherer: RequestGatherer) -> None:
        """Work on *database*; reads are logged through *gatherer*."""
        self._database = database
        self._gatherer = gatherer

    # ------------------------------------------------------------------------ reads

    def resource_type(self, connection: Connection) -> ResourceType:
        """The User resource type with the attributes this connection declares."""
        return mapping_of(self._database.reader(), connection).resource_type

    def get(self, call: Call, link_id: str) -> Answer:
        """Read one resource; raises NotFound for any id this connection cannot see."""
        found = links.served(self._database.reader(), call.connection.id, link_id)
        if found is None:
            raise self._refused_read(call, _unknown(link_id))
        text, version = found
        self._gatherer.note(entries.of_read(call, 200, link_id=link_id))
        return Answer(200, text, version, link_id)

    def search(self, call: Call, query: SearchQuery) -> Page:
        """List resources; raises InvalidFilter, InvalidValue or TooMany."""
        try:
            found = search.page(
                self._database.reader(),
                connection_id=call.connection.id,
                resource_type=self.resource_type(call.connection),
                filter_text=query.filter,
                start=query.start,
                count=query.count,
                sort_by=query.sort_by,
                descending=query.descending,
            )
        except ScimError as refusal:
            raise self._refused_read(call, refusal) from None
        self._gatherer.note(entries.of_read(call, 200, found=found.total))
        return Page(found.total, query.start, [text for _, text in found.texts])

    def _refused_read(self, call: Call, refusal: ScimError) -> ScimError:
        self._gatherer.note(entries.of_read(call, refusal.status, refusal=refusal))
        return refusal

    # ---------------------------------------------------------------------- changes

    def create(self, call: Call) -> Answer:
        """POST: a new link for somebody new, adopted, revived or restored (201)."""
        return self._change(call, "Create", 201, self._posted)

    def _posted(self, call: Call, _: Course) -> Work:
        """Read and map a POST; only what depends on others is left for later."""
        if call.connection.state == "paused":
            raise _paused(call.connection)
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
            act = act_of(call)
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
            Update(tx, course, act_of(call), link, mapping).remove()
            return link

        answer = self._change(call, "Delete", 204, lambda *_: work)
        return Answer(204, link_id=answer.link_id)

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
                update = Update(tx, course, act_of(call), link, mapping)
                unmoved = update.before == before
                read = ready if unmoved else after(mapping, update.before)
                course.read(read.notes)
                return update.run(read.document, echo=call.method == "PUT")

            return work

        return self._change(call, "Update", 200, prepare)

    # ------------------------------------------------------------------ one transaction

    def _change(
        self,
        call: Call,
        action: str,
        status: int,
        prepare: Callable[[Call, Course], Work],
    ) -> Answer:
        """Prepare a change, then run it and its log entry in one transaction.

        A refusal is logged in a transaction of its own, with the conflict queue.
        """
        course = Course.of(call, action)
        course.about(call.body or {})

        def run(tx: Transaction) -> Link:
            nonlocal course
            course = Course.of(call, action)  # a retried transaction starts afresh
            link = work(tx, course)
            if course.changed:
                self._keep(tx, course, status, text=link.served)
            return link

        try:
            work = prepare(call, course)
            link = self._database.write(run)
        except (ScimError, RulesViolated) as refusal:
            self._keep_refusal(course, refusal)
            raise
        finally:
            self._gatherer.saw(call.connection.id, course.quirks)
        if not course.changed:
            self._gatherer.note(entries.of_course(course, status))
        return Answer(status, link.served, link.version, link.id)

    def _keep(
        self, tx: Transaction, course: Course, status: int, **outcome: Any
    ) -> None:
        if Step.NOTIFY not in course.steps.taken:
            course.steps.passed(Step.NOTIFY, "Audit and outbox written.")
        request_log.add(tx, entries.of_course(course, status, **outcome))
        self._queue(tx, course)

    def _keep_refusal(self, course: Course, refusal: ScimError | RulesViolated) -> None:
        course.steps.failed(course.steps.next_step, refusal.detail)

        def run(tx: Transaction) -> None:
            entry = entries.of_course(course, refusal.status, refusal=refusal)
            request_log.add(tx, entry)
            self._queue(tx, course)
            self._alert(tx, course, refusal)

        self._database.write(run)

    def _alert(
        self, tx: Transaction, course: Course, refusal: ScimError | RulesViolated
    ) -> None:
        """Audit at once that the last Administrator was to go (decision 22)."""
        violations = getattr(refusal, "violations", ())
        if not any(v.code == "last_administrator" for v in violations):
            return
        audit.record(
            tx,
            [Event("last_administrator:protected")],
            at=course.call.now,
            actor=str(act_of(course.call).actor),
            connection_id=course.call.connection.id,
            user_id=course.user_id,
            request_id=course.call.request_id,
        )

    def _queue(self, tx: Transaction, course: Course) -> None:
        call = course.call
        for question in course.questions:
            conflicts.ask(
                tx,
                connection_id=call.connection.id,
                kind=question.kind,
                identity=text_key(course.identity or ""),
                external_id=course.external_id,
                user_id=question.user_id,
                link_id=course.link_id,
                detail=question.detail,
                now=call.now,
            )


def act_of(call: Call) -> Act:
    """The change a call makes, as its connection may make it."""
    connection = call.connection
    actor = Actor.connection(
        connection.name,
        may_act_as_administrator=connection.may_act_as_administrator,
        allow_api_users=connection.allow_api_users,
    )
    return Act(actor, call.now, call.request_id, connection.id)


def dialect_of(connection: Connection) -> Dialect:
    """How a connection is read: its kind, and the quirks switched off on it."""
    return Dialect(connection.kind, frozenset(connection.quirks_off))


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


def _paused(connection: Connection) -> Unavailable:
    return Unavailable(
        f"Connection {connection.name} is paused by an administrator; only reads and"
        " deactivations are carried out until it is resumed.",
        retry_after=PAUSE_RETRY_AFTER,
    )
