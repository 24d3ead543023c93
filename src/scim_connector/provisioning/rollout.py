"""``rollout``: a whole directory through match, mapping and rules, nothing kept.

Everybody is created in one transaction that is rolled back at the end, so collisions
among the newcomers show too, exactly as the provider's first cycle would meet them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import TYPE_CHECKING

from scim_connector.accounts.compiled import mapping_of
from scim_connector.directory import users
from scim_connector.mapping.drafts import derive
from scim_connector.provisioning.calls import Call
from scim_connector.provisioning.course import Course
from scim_connector.provisioning.creation import Creation
from scim_connector.provisioning.exchange import act_of, dialect_of
from scim_connector.rules.users import RulesViolated
from scim_connector.scim import resources
from scim_connector.scim.errors import ScimError

if TYPE_CHECKING:
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Database, Transaction
    from scim_connector.directory.users import User
    from scim_connector.mapping.language import Mapping
    from scim_connector.scim.types import Json

WORDS = {"Create": "would create", "Link": "would link", "Restore": "would restore"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What would become of one person: ``outcome`` is a phrase of :data:`WORDS`.

    A refused one has ``outcome`` "would refuse", the reason codes and the sentence.
    """

    line: int
    identity: str
    outcome: str
    username: str = ""
    initials: str = ""
    email: str = ""
    reason: str = ""
    detail: str = ""


@dataclass(slots=True)
class Forecast:
    """The verdicts in order, and the local users nobody matched."""

    verdicts: list[Verdict] = field(default_factory=list)
    unmatched: list[User] = field(default_factory=list)

    @property
    def refused(self) -> list[Verdict]:
        """Those a provider would see refused."""
        return [v for v in self.verdicts if v.outcome == "would refuse"]


class _Undone(Exception):
    """Ends the transaction so that nothing is kept."""


def forecast(
    database: Database,
    connection: Connection,
    people: Sequence[tuple[int, Json]],
    *,
    now: int,
    progress: Callable[[int], None] = lambda done: None,
) -> Forecast:
    """Try *people* (line number and SCIM resource) on *connection*; keeps nothing."""
    result = Forecast()

    def work(tx: Transaction) -> None:
        result.verdicts.clear()
        mapping = mapping_of(tx, connection)
        for line, person in people:
            result.verdicts.append(_try(tx, connection, mapping, line, person, now))
            progress(1)
        result.unmatched = users.without_link(tx)
        raise _Undone

    try:
        database.write(work)
    except _Undone:
        return result
    raise AssertionError


def _try(
    tx: Transaction,
    connection: Connection,
    mapping: Mapping,
    line: int,
    person: Json,
    now: int,
) -> Verdict:
    course = Course.of(_call(connection, person, now), "Create")
    try:
        with tx.savepoint():
            return _created(tx, course, mapping, line, person)
    except ScimError as refusal:
        reason, detail = refusal.scim_type or "", refusal.detail
    except RulesViolated as refusal:
        reason, detail = ",".join(v.code for v in refusal.violations), refusal.detail
    identity = str(person.get("userName") or "")
    return Verdict(line, identity, "would refuse", reason=reason, detail=detail)


def _created(
    tx: Transaction, course: Course, mapping: Mapping, line: int, person: Json
) -> Verdict:
    connection = course.call.connection
    read = resources.read(
        mapping.resource_type,
        person,
        dialect=dialect_of(connection),
        strict=connection.strict,
    )
    course.about(read.document)
    derived = derive(mapping, read.document)
    act = act_of(course.call)
    Creation(tx, course, act, read.document, derived, mapping).run()
    user = users.by_id(tx, course.user_id or 0)
    assert user is not None  # noqa: S101 - it was written a moment ago
    return Verdict(
        line,
        read.document["userName"],
        WORDS[course.action],
        username=user.username,
        initials=user.initials,
        email=user.email,
        detail=" ".join(course.steps.warnings),
    )


def _call(connection: Connection, person: Json, now: int) -> Call:
    return Call(
        request_id="rollout",
        method="POST",
        path="/Users",
        source="rollout",
        now=now,
        started=perf_counter_ns(),
        connection=connection,
        credential_id="rollout",
        body=person,
    )
