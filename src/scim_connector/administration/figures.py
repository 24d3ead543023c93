"""What is measured about an installation: each figure with its name and its sentence.

Everything is read from the database, so that any process of any machine tells the same,
and a restart forgets nothing.  ``web.metrics`` writes it down for Prometheus.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from scim_connector import __version__
from scim_connector.administration import readings

if TYPE_CHECKING:
    from scim_connector.administration.readings import Sample, Sight


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that is measured; *read* gives its values by its labels."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    sentence: str
    read: Callable[[Sight], Iterable[Sample]]


def _version(_: Sight) -> Iterator[Sample]:
    yield (__version__,), 1


FIGURES: Final = (
    Figure(
        "requests_total",
        "counter",
        ("connection", "action", "status"),
        "Requests below `/scim` that were answered to a known connection. `action` is"
        " the word of the log. A connection of no name: it failed before that was known.",
        readings.requests,
    ),
    Figure(
        "request_seconds",
        "histogram",
        ("connection", "action"),
        "How long these requests took, from their arrival to the commit.",
        readings.request_times,
    ),
    Figure(
        "refused_callers_total",
        "counter",
        ("reason",),
        "Requests refused before a connection was known or because it asked too often.",
        readings.refused_callers,
    ),
    Figure(
        "connection_state",
        "gauge",
        ("connection", "kind", "state"),
        "1 for the state that a connection is in; retired ones are left out.",
        readings.states,
    ),
    Figure(
        "connection_people",
        "gauge",
        ("connection",),
        "Active users that a connection manages.",
        readings.people,
    ),
    Figure(
        "connection_last_request_timestamp_seconds",
        "gauge",
        ("connection",),
        "When a connection last asked; no value before the first time.",
        readings.last(0),
    ),
    Figure(
        "connection_last_success_timestamp_seconds",
        "gauge",
        ("connection",),
        "When a connection last got what it asked for.",
        readings.last(1),
    ),
    Figure(
        "credential_expiry_seconds",
        "gauge",
        ("connection",),
        "Seconds until the last credential that opens a connection ends: below 0 when it"
        " is over, +Inf when it never ends, no value when there is none.",
        readings.expiries,
    ),
    Figure(
        "outbox_messages",
        "gauge",
        ("kind",),
        "Messages to be sent: `mail`, `logout` calls to applications, and `webhook`.",
        readings.queued(0),
    ),
    Figure(
        "outbox_oldest_seconds",
        "gauge",
        ("kind",),
        "How long the oldest of them has waited.",
        readings.queued(1),
    ),
    Figure(
        "async_requests",
        "gauge",
        ("connection",),
        "Requests with `Prefer: respond-async` that were taken and wait to be carried"
        " out.",
        readings.asked(0),
    ),
    Figure(
        "async_oldest_seconds",
        "gauge",
        ("connection",),
        "How long the oldest of them has waited; 0 without one.",
        readings.asked(1),
    ),
    Figure(
        "mails_held",
        "gauge",
        (),
        "Mails that wait for a person to send or drop them.",
        readings.held,
    ),
    Figure(
        "mails_not_delivered",
        "gauge",
        (),
        "Mails that were given up in the last seven days.",
        readings.not_delivered,
    ),
    Figure(
        "webhook_messages_not_delivered",
        "gauge",
        ("webhook",),
        "Messages to a webhook that were given up in the last 30 days and not sent again.",
        readings.webhooks_lost,
    ),
    Figure(
        "security_events_oldest_seconds",
        "gauge",
        ("receiver",),
        "How long the oldest security event has waited that a receiver is still to take;"
        " 0 without one. A paused receiver takes none.",
        readings.receivers_wait,
    ),
    Figure(
        "security_events_refused",
        "gauge",
        ("receiver",),
        "Security events that a receiver refused for good in the last 30 days.",
        readings.receivers_refused,
    ),
    Figure(
        "deactivations_last_day",
        "gauge",
        (),
        "Deactivations in the last 24 hours, from whatever door.",
        readings.deactivations,
    ),
    Figure(
        "deactivation_slowest_seconds",
        "gauge",
        (),
        "The longest of them, from the arrival of the request to the end of all access.",
        readings.slowest,
    ),
    Figure(
        "deactivation_mean_seconds",
        "gauge",
        (),
        "The mean of them.",
        readings.mean,
    ),
    Figure(
        "cut_offs_unfinished",
        "gauge",
        (),
        "Calls that tell applications of a deactivation and are not confirmed after five"
        " minutes, or were given up in the last 24 hours.",
        readings.unfinished,
    ),
    Figure("sessions", "gauge", (), "Sessions that are open.", readings.open_sessions),
    Figure(
        "conflicts_open",
        "gauge",
        (),
        "What waits for a person's decision.",
        readings.open_conflicts,
    ),
    Figure(
        "audit_unsealed_seconds",
        "gauge",
        (),
        "How long the oldest event of audit has waited for its seal; 0 without one.",
        readings.unsealed,
    ),
    Figure(
        "backup_timestamp_seconds",
        "gauge",
        (),
        "When the last backup was made here; no value when none is known.",
        readings.backup,
    ),
    Figure(
        "disk_free_bytes",
        "gauge",
        (),
        "Free space where the SQLite database lies; no value on PostgreSQL.",
        readings.disk,
    ),
    Figure("build_info", "gauge", ("version",), "1, with the version.", _version),
)


def read(sight: Sight) -> Mapping[str, list[Sample]]:
    """Every figure at once, by its name."""
    return {each.name: list(each.read(sight)) for each in FIGURES}
