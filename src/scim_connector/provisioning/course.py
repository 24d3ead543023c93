"""What one request went through: its steps, whom it is about, what it left open."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from scim_connector.provisioning.steps import Step, Steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from scim_connector.directory.database import Transaction
    from scim_connector.directory.links import Link
    from scim_connector.provisioning.calls import Call
    from scim_connector.rules.users import RulesViolated
    from scim_connector.scim.errors import ScimError
    from scim_connector.scim.notes import Notes

LONGEST_IDENTITY = 320


@dataclass(frozen=True, slots=True)
class Question:
    """Something a person has to decide: one entry of the conflict queue."""

    kind: str
    detail: str
    user_id: int | None = None


@dataclass(slots=True)
class Course:
    """Filled while a request runs; the request log and the queue are written from it.

    ``identity`` is the userName (of a group the displayName) the request is about,
    ``action`` one word for the log (Create, Update, Disable, Enable, Delete, Restore,
    Link, Read).

    ``noted`` counts the events written about users, by their names.
    ``unlinked`` is an identity of this userName that waits for its user.
    ``when_refused`` is called with the refusal in the transaction in which a
    refusal is kept.
    """

    call: Call
    action: str
    steps: Steps = field(default_factory=Steps)
    quirks: Counter[str] = field(default_factory=Counter)
    questions: list[Question] = field(default_factory=list)
    identity: str | None = None
    external_id: str | None = None
    link_id: str | None = None
    user_id: int | None = None
    noted: Counter[str] = field(default_factory=Counter)
    changed: bool = False
    has_questions: bool = False
    unlinked: Link | None = None
    when_refused: Callable[[Transaction, ScimError | RulesViolated], None] | None = None

    @classmethod
    def of(cls, call: Call, action: str) -> Course:
        """Begin the course of an authenticated request."""
        course = cls(call, action)
        greet(
            course.steps,
            call.connection.name,
            call.credential_id,
            call.source,
            rehearsing=call.connection.is_rehearsing,
            taken_at=call.taken_at,
        )
        return course

    def about(self, document: dict[str, Any]) -> None:
        """Take the identity from a resource, or from a body nobody has read yet."""
        named = document.get("userName") or document.get("displayName")
        for name, value in (
            ("identity", named),
            ("external_id", document.get("externalId")),
        ):
            if isinstance(value, str):
                setattr(self, name, value[:LONGEST_IDENTITY])

    def read(self, notes: Notes) -> None:
        """Count the quirks and unknown attributes a reader met."""
        self.quirks.update(notes.quirks)
        self.quirks.update(f"unknown:{name}" for name in notes.unknown)

    def ask(self, kind: str, detail: str, *, user_id: int | None = None) -> None:
        """Put a question into the conflict queue."""
        self.questions.append(Question(kind, detail, user_id))


def greet(
    steps: Steps,
    connection: str,
    credential: str,
    source: str,
    *,
    rehearsing: bool = False,
    taken_at: int | None = None,
) -> None:
    """Note that the caller was authenticated: the first step of every course."""
    sentence = f"Credential {credential} of connection {connection}."
    if taken_at is not None:
        taken = datetime.fromtimestamp(taken_at / 1_000_000, UTC)
        sentence += f" Taken at {taken:%H:%M:%S} UTC to be carried out later."
    if rehearsing:
        sentence += " Rehearsal: nothing is carried out."
    steps.passed(
        Step.AUTHENTICATE,
        sentence,
        connection=connection,
        credential=credential,
        source=source,
    )
