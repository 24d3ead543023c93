"""One request of a provider carried out and logged, whatever it is about."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from scim_connector.accounts import Act
from scim_connector.directory import audit, conflicts, connections, request_log
from scim_connector.provisioning import entries, guarding, repeats
from scim_connector.provisioning.course import Course
from scim_connector.provisioning.repeats import Made
from scim_connector.provisioning.steps import Step
from scim_connector.rules.actors import Actor
from scim_connector.rules.events import Event
from scim_connector.rules.users import RulesViolated
from scim_connector.scim.dialects import Dialect
from scim_connector.scim.errors import ScimError, Unavailable
from scim_connector.scim.folding import text_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader, Transaction
    from scim_connector.directory.stores import Store
    from scim_connector.provisioning.calls import Call
    from scim_connector.provisioning.reads import RequestGatherer

#: How long a provider is asked to wait while its connection is paused, in seconds.
PAUSE_RETRY_AFTER = 300
#: What a rehearsal says of every change (decision 14).
NOTHING_TOUCHED = (
    "Rehearsal: nothing was carried out; no user, role, session or mail was touched."
)


class Counted(Protocol):
    """What a search leaves: how many there are in all."""

    @property
    def total(self) -> int:
        """How many resources match."""


T = TypeVar("T", bound=Made)
L = TypeVar("L", bound=Counted)


class Exchange:
    """Runs the requests of providers and keeps each with its steps (decision 33)."""

    def __init__(self, database: Store, gatherer: RequestGatherer) -> None:
        """Work on *database*; reads are logged through *gatherer*."""
        self.database = database
        self._gatherer = gatherer

    # ------------------------------------------------------------------------ reads

    def was_read(self, call: Call, **facts: Any) -> None:
        """Log a read that was answered."""
        self._gatherer.note(entries.of_read(call, 200, **facts))

    def listed(self, call: Call, find: Callable[[], L]) -> L:
        """Carry a search out and log it, a refused one too."""
        try:
            found = find()
        except ScimError as refusal:
            raise self.refused_read(call, refusal) from None
        self.was_read(call, found=found.total)
        return found

    def refused_read(
        self, call: Call, refusal: ScimError, *, action: str = "Read"
    ) -> ScimError:
        """Log a request refused before it came to anything; returns the refusal."""
        status = refusal.status
        entry = entries.of_read(call, status, action=action, refusal=refusal)
        self._gatherer.note(entry)
        return refusal

    # ---------------------------------------------------------------------- changes

    def change(
        self,
        call: Call,
        action: str,
        status: int,
        prepare: Callable[[Call, Course], Callable[[Transaction, Course], T]],
    ) -> T:
        """Prepare a change, then run it and its log entry in one transaction.

        A refusal is logged in a transaction of its own, with the conflict queue.  Raises
        Repeated, with the first answer, when the Idempotency-Key was carried out.
        """
        course = Course.of(call, action)
        course.about(call.body or {})
        self._refuse_repeated(self.database.reader(), call)

        def run(tx: Transaction) -> T:
            nonlocal course
            _require_rehearsal(tx, call.connection)
            course = Course.of(call, action)  # a retried transaction starts afresh
            self._refuse_repeated(tx, call)
            made = work(tx, course)
            guarding.look(tx, course)
            if call.idempotency_key is not None:
                repeats.keep(tx, call, status, made)
            if course.changed:
                self._keep(tx, course, status, text=made.served)
            return made

        try:
            work = prepare(call, course)
            made = self.database.write(run)
        except (ScimError, RulesViolated) as refusal:
            self._keep_refusal(course, refusal)
            raise
        finally:
            self._gatherer.saw(call.connection.id, course.quirks)
        if course.changed:
            self._count(course, status)
        else:
            self._gatherer.note(entries.of_course(course, status))
        return made

    def _count(self, course: Course, status: int) -> None:
        """Count what was kept just now, with the time of keeping it."""
        call = course.call
        took = (perf_counter_ns() - call.started) // 1000
        self._gatherer.answered(call.connection.id, course.action, status, took)

    def _refuse_repeated(self, reader: Reader, call: Call) -> None:
        if call.idempotency_key is None:
            return
        answer = repeats.answered(reader, call)
        if answer is not None:
            self.was_read(call, told="Repeated by its Idempotency-Key: answered again.")
            raise repeats.Repeated(answer)

    def _keep(
        self, tx: Transaction, course: Course, status: int, **outcome: Any
    ) -> None:
        if Step.NOTIFY not in course.steps.taken:
            rehearsing = course.call.connection.is_rehearsing
            told = NOTHING_TOUCHED if rehearsing else "Audit and outbox written."
            course.steps.passed(Step.NOTIFY, told)
        request_log.add(tx, entries.of_course(course, status, **outcome))
        queue(tx, course)

    def _keep_refusal(self, course: Course, refusal: ScimError | RulesViolated) -> None:
        course.steps.failed(course.steps.next_step, refusal.detail)

        def run(tx: Transaction) -> None:
            entry = entries.of_course(course, refusal.status, refusal=refusal)
            request_log.add(tx, entry)
            queue(tx, course)
            if course.when_refused is not None:
                course.when_refused(tx, refusal)
            if not course.call.connection.is_rehearsing:
                self._alert(tx, course, refusal)

        self.database.write(run)
        self._count(course, refusal.status)

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
            actor=act_of(course.call).actor,
            connection_id=course.call.connection.id,
            user_id=course.user_id,
            request_id=course.call.request_id,
        )


def queue(tx: Transaction, course: Course) -> None:
    """Put what a course left open into the conflict queue."""
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


def _require_rehearsal(tx: Transaction, connection: Connection) -> None:
    """A request that came into a rehearsal is not carried out after it (D14)."""
    if not connection.is_rehearsing:
        return
    if connections.held_state(tx, connection.id) != connection.state:
        message = f"Connection {connection.name} went live a moment ago; try again."
        raise Unavailable(message, retry_after=1)


def act_in(course: Course) -> Act:
    """The change that a course tells of, and what is noted of it there."""
    return replace(act_of(course.call), tally=course.noted)


def act_of(call: Call) -> Act:
    """The change a call makes, as its connection may make it."""
    connection = call.connection
    actor = Actor.connection(
        connection.name,
        may_act_as_administrator=connection.may_act_as_administrator,
        allow_api_users=connection.allow_api_users,
    )
    arrived = call.started if call.arrived is None else call.arrived
    replaces = call.method == "PUT"
    known = (call.now, call.request_id, connection.id, arrived)
    return Act(actor, *known, replaces=replaces, taken_at=call.taken_at)


def dialect_of(connection: Connection) -> Dialect:
    """How a connection is read: its kind, and the quirks switched off on it."""
    return Dialect(connection.kind, frozenset(connection.quirks_off))


def paused(connection: Connection) -> Unavailable:
    """The refusal of what a paused connection does not do (decision 13)."""
    return Unavailable(
        f"Connection {connection.name} is paused by an administrator; only reads and"
        " deactivations are carried out until it is resumed.",
        retry_after=PAUSE_RETRY_AFTER,
    )
