"""``rollout``: a whole directory through match, mapping and rules, nothing kept.

Everybody is created in one transaction that is rolled back at the end, so collisions
among the newcomers show too, exactly as the provider's first cycle would meet them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from time import perf_counter_ns
from typing import TYPE_CHECKING

from scim_connector.accounts.compiled import mapping_of
from scim_connector.directory import users
from scim_connector.provisioning import verdicts
from scim_connector.provisioning.calls import Call
from scim_connector.provisioning.course import Course
from scim_connector.provisioning.exchange import dialect_of
from scim_connector.provisioning.verdicts import Forecast, Verdict
from scim_connector.scim import resources
from scim_connector.scim.errors import ScimError

if TYPE_CHECKING:
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Database, Transaction
    from scim_connector.mapping.language import Mapping
    from scim_connector.scim.types import Json

__all__ = ["Forecast", "Verdict", "forecast"]


def forecast(
    database: Database,
    connection: Connection,
    people: Sequence[tuple[int, Json]],
    *,
    now: int,
    progress: Callable[[int], None] = lambda done: None,
) -> Forecast:
    """Try *people* (line number and SCIM resource) on *connection*; keeps nothing."""

    def work(tx: Transaction) -> Forecast:
        result = Forecast()
        mapping = mapping_of(tx, connection)
        for line, person in people:
            result.verdicts.append(_try(tx, connection, mapping, line, person, now))
            progress(1)
        result.unmatched = users.without_link(tx)
        return result

    return database.preview(work)


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
        read = resources.read(
            mapping.resource_type,
            person,
            dialect=dialect_of(connection),
            strict=connection.strict,
        )
    except ScimError as refusal:
        course.about(person)
        return replace(verdicts.refused(course, refusal), line=line)
    return verdicts.judged(tx, course, mapping, read.document, line=line)


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
