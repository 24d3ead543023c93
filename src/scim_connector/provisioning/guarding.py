"""The guard against mass changes, asked by a request that really made one (D39).

It costs one statement where somebody was deactivated, renamed or lost a role, and none
anywhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scim_connector.directory import audit, counters, mass_changes
from scim_connector.rules import guard
from scim_connector.rules.actors import Actor
from scim_connector.rules.events import Event
from scim_connector.scim.errors import ScimError, TooManyRequests

if TYPE_CHECKING:
    from scim_connector.directory.database import Transaction
    from scim_connector.provisioning.course import Course
    from scim_connector.rules.guard import Threshold
    from scim_connector.rules.users import RulesViolated

#: How long a provider is asked to wait for somebody to approve, in seconds.
RETRY_AFTER = 300


class HeldBack(TooManyRequests):
    """429: more changes than the guard lets pass before a person approves."""


def look(tx: Transaction, course: Course) -> None:
    """Warn of too many changes, or hold this one; raises HeldBack, nothing is kept then.

    To be asked at the end of the transaction, so that the change itself is counted.
    """
    if course.call.connection.is_rehearsing:
        return
    kinds = guard.kinds_of(course.noted)
    if kinds:
        thresholds = guard.thresholds(course.call.connection.guard)
        for kind in kinds:
            if thresholds[kind].is_on:
                _look(tx, course, kind, thresholds[kind])


def _look(tx: Transaction, course: Course, kind: str, threshold: Threshold) -> None:
    connection_id, now = course.call.connection.id, course.call.now
    standing = mass_changes.standing(
        tx,
        connection_id,
        kind,
        since=now - threshold.span,
        at_most=threshold.most + 1,
    )
    if standing.is_held and threshold.holds:
        raise _held_back(course, kind, threshold, standing.people)
    if standing.people <= guard.LEAST or standing.approved_until > now:
        return
    limit = threshold.limit(counters.totals(tx, connection_id)[0])
    if standing.people <= limit:
        return
    if threshold.holds:
        raise _held_back(course, kind, threshold, limit)
    if standing.seen_at <= now - threshold.span:
        _note(tx, course, kind, threshold, limit)


def _held_back(course: Course, kind: str, threshold: Threshold, limit: int) -> HeldBack:
    """The refusal, and what is kept of it once everything else is rolled back."""

    def keep(tx: Transaction, _: ScimError | RulesViolated) -> None:
        _note(tx, course, kind, threshold, limit)

    course.when_refused = keep
    name = course.call.connection.name
    hours = "an hour" if threshold.hours == 1 else f"{threshold.hours} hours"
    return HeldBack(
        f"Held back by the guard of connection {name}: more people than expected"
        f" {guard.HAPPENED[kind]} within {hours}. Nothing was changed. An administrator"
        f" looks at it, and approves it on the page of the connection or with: connection"
        f" approve {name}",
        retry_after=RETRY_AFTER,
    )


def _note(
    tx: Transaction, course: Course, kind: str, threshold: Threshold, limit: int
) -> None:
    """Keep that it was seen, once in a span, or until what is held is approved."""
    call, holds = course.call, threshold.holds
    is_new = mass_changes.note(
        tx,
        call.connection.id,
        kind,
        people=limit + 1,
        most=limit,
        span=threshold.span,
        holds=holds,
        now=call.now,
    )
    if is_new:
        facts = {"kind": kind, "most": limit, "hours": threshold.hours, "held": holds}
        audit.record(
            tx,
            [Event("mass_change:seen", facts)],
            at=call.now,
            actor=Actor("connection", call.connection.name),
            connection_id=call.connection.id,
            request_id=call.request_id,
        )
