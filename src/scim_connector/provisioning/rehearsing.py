"""What a provider asks of a rehearsing connection: judged, answered, not carried out.

Each request is carried out by the very code of a live connection, in a savepoint that is
rolled back: what it would have answered is answered, what it would have written is not
kept.  Only the resource is stored, with a verdict, on a link that stands for nobody
(decision 14).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

from scim_connector.accounts import representation
from scim_connector.directory import links, rehearsed, users
from scim_connector.mapping.drafts import derive
from scim_connector.provisioning import matching, verdicts
from scim_connector.provisioning.course import Course
from scim_connector.provisioning.creation import Creation
from scim_connector.provisioning.steps import Step
from scim_connector.provisioning.unlinked import Unlinked
from scim_connector.provisioning.updating import Update
from scim_connector.provisioning.verdicts import tried
from scim_connector.rules.users import RulesViolated
from scim_connector.scim.errors import ScimError
from scim_connector.scim.folding import text_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from scim_connector.accounts import Act
    from scim_connector.directory.database import Transaction
    from scim_connector.directory.links import Link
    from scim_connector.mapping.drafts import Derived
    from scim_connector.mapping.language import Mapping
    from scim_connector.provisioning.verdicts import Verdict
    from scim_connector.scim.types import Json

T = TypeVar("T")

#: So many others with the same email address are judged before a newcomer.
MOST_NEIGHBOURS = 3

CUTS_NOTHING = "Rehearsal: cuts nothing."


class _Rehearsal:
    """What the changes of a rehearsing connection have in common."""

    def __init__(
        self, tx: Transaction, course: Course, act: Act, mapping: Mapping
    ) -> None:
        self.tx = tx
        self.course = course
        self.act = act
        self.mapping = mapping
        self.connection = course.call.connection

    def judged(self, work: Callable[[], T], *, link_id: str | None) -> T:
        """Carry *work* out and undo it; the course names nobody who is undone."""
        try:
            result = tried(self.tx, work)
        except (ScimError, RulesViolated):
            self._name_nobody(link_id)
            raise
        self._name_nobody(link_id)
        return result

    def _name_nobody(self, link_id: str | None) -> None:
        course = self.course
        course.user_id, course.link_id = None, link_id
        course.questions = [
            question
            if question.user_id is None or users.by_id(self.tx, question.user_id)
            else replace(question, user_id=None)
            for question in course.questions
        ]

    def twin(self, link: Link) -> Link | None:
        """The identity as if it had been carried out; None where that is refused."""
        document = representation.stated(link)
        course = Course.of(self.course.call, "Create")
        derived = derive(self.mapping, document)
        creation = Creation(
            self.tx, course, self.act, document, derived, self.mapping, link=link
        )
        try:
            with self.tx.savepoint():
                return creation.run()
        except (ScimError, RulesViolated):
            return None

    def neighbours(
        self, document: Json, derived: Derived, *, but: Link | None = None
    ) -> None:
        """Carry out who came earlier and has the same email address."""
        met = set() if but is None else {but.seq}
        for key in _email_keys(document, derived):
            for each in rehearsed.with_email(
                self.tx, self.connection.id, key, at_most=MOST_NEIGHBOURS
            ):
                if each.seq not in met and self.stands(each):
                    met.add(each.seq)
                    self.twin(each)

    def stands(self, link: Link) -> bool:
        """Whether an identity was not refused as it is stored, so that it has its values.

        One that was deactivated with values that break a rule has none (decision 27).
        """
        kept = rehearsed.verdict(self.tx, link)
        return kept is not None and verdicts.of_json(kept).outcome != verdicts.REFUSE

    def done(self, link: Link, verdict: Verdict) -> Link:
        """Keep the verdict beside the identity, and say that nothing else was done."""
        rehearsed.say(self.tx, link, replace(verdict, link_id=link.id).as_json())
        self.course.changed = True
        self.course.link_id = link.id
        self.tell(verdict.sentence)
        return link

    def tell(self, sentence: str) -> None:
        """Say in the log what going live would do, and that nothing was done."""
        cuts = self.course.action in {"Disable", "Delete"}
        prefix = CUTS_NOTHING if cuts else "Rehearsal:"
        self.course.steps.passed(Step.WRITE, f"{prefix} Going live {sentence}.")


class Newcomer(_Rehearsal):
    """One POST to a rehearsing connection."""

    def __init__(
        self,
        tx: Transaction,
        course: Course,
        act: Act,
        document: Json,
        derived: Derived,
        mapping: Mapping,
    ) -> None:
        """Take what a Creation takes."""
        super().__init__(tx, course, act, mapping)
        self.document = document
        self.derived = derived
        self.active = bool(document.get("active", True))

    def run(self) -> Link:
        """Store the identity; raises what a live connection would raise."""
        document = self.document
        key = text_key(document["userName"])
        known = links.live_by_user_name(self.tx, self.connection.id, key)
        if known is not None:
            matching.already_known(known, document)
            self.course.action = "Restore"
            again = Rehearsed(self.tx, self.course, self.act, known, self.mapping)
            return again.run({**document, "active": True})
        self.course.when_refused = self._keep_refusal
        verdict = self.judged(self._created, link_id=None)
        link = representation.await_user(
            self.tx,
            self.connection,
            document,
            link_id=str(uuid4()),
            asked_active=self.active,
            now=self.act.now,
        )
        return self.done(link, replace(verdict, active=self.active))

    def _created(self) -> Verdict:
        self.neighbours(self.document, self.derived)
        course, act = self.course, self.act
        creation = Creation(
            self.tx, course, act, self.document, self.derived, self.mapping
        )
        creation.run()
        return verdicts.outcome(self.tx, course)

    def _keep_refusal(
        self, tx: Transaction, refusal: ScimError | RulesViolated
    ) -> None:
        """List the refusal until the provider sends this identity again."""
        verdict = verdicts.refused(self.course, refusal)
        link_id = str(uuid4())
        columns = representation.unlinked_columns(
            tx,
            self.connection,
            self.document,
            link_id=link_id,
            active=self.active,
            now=self.act.now,
        )
        rehearsed.keep_refused(
            tx,
            connection_id=self.connection.id,
            link_id=link_id,
            columns=columns,
            verdict=replace(verdict, active=self.active, answered=False).as_json(),
            now=self.act.now,
        )


class Rehearsed(_Rehearsal):
    """One PUT, PATCH or DELETE of an identity of a rehearsing connection."""

    def __init__(
        self,
        tx: Transaction,
        course: Course,
        act: Act,
        link: Link,
        mapping: Mapping,
    ) -> None:
        """Take what an Update takes."""
        super().__init__(tx, course, act, mapping)
        self.link = link
        self.before = representation.stated(link)

    def run(self, after: Json, *, echo: bool = False) -> Link:
        """Store *after*, or what a live connection would make of it."""
        link = self.link
        asked = bool(after.get("active", link.asked_active))
        if {**after, "active": asked} == self.before:
            return self._nothing_changed()
        document = self.judged(lambda: self._moved(after, echo), link_id=link.id)
        moved = representation.restate(
            self.tx,
            self.connection,
            link,
            document,
            asked_active=document["active"],
            now=self.act.now,
        )
        return self.done(moved, self._verdict(moved, document))

    def remove(self) -> None:
        """Hide the identity; whom it would be linked to stays as they are."""
        self.judged(self._gone, link_id=self.link.id)
        self._unlinked().remove(why="rehearsed")
        self.tell("would leave them out")

    def _moved(self, after: Json, echo: bool) -> Json:
        """The resource after the change; who cannot be carried out yet begins anew."""
        twin = self.twin(self.link) if self.stands(self.link) else None
        self.neighbours(after, derive(self.mapping, after), but=self.link)
        if twin is None:
            twin = self.twin(self.link)
        if twin is None:
            return representation.stated(self._unlinked().run(after))
        return representation.stated(self._update(twin).run(after, echo=echo))

    def _gone(self) -> None:
        twin = self.twin(self.link)
        if twin is not None:
            self._update(twin).remove()

    def _update(self, twin: Link) -> Update:
        return Update(self.tx, self.course, self.act, twin, self.mapping)

    def _unlinked(self) -> Unlinked:
        return Unlinked(self.tx, self.course, self.act, self.link, self.mapping)

    def _verdict(self, link: Link, document: Json) -> Verdict:
        """The verdict of an identity as it is stored now."""
        course = Course.of(self.course.call, "Create")

        def work() -> Verdict:
            self.neighbours(document, derive(self.mapping, document), but=link)
            return verdicts.judged(self.tx, course, self.mapping, document, link=link)

        return tried(self.tx, work)

    def _nothing_changed(self) -> Link:
        self.course.link_id = self.link.id
        self.course.about(self.before)
        self.course.steps.passed(Step.MATCH, "Found by id.")
        self.course.steps.passed(Step.WRITE, "Nothing changed.")
        return self.link


def _email_keys(document: Json, derived: Derived) -> set[str]:
    """The addresses of a resource, as they are indexed."""
    values = [email.get("value") for email in document.get("emails", ())]
    return {text_key(value) for value in (*values, derived.email) if value}
