"""Configuration changes: what was set up differently in a period, and by whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from scim_connector.compliance.reports.report import Kind, facts, instant
from scim_connector.directory import audit, connections
from scim_connector.rules.events import EVENTS, sentence_of_event

if TYPE_CHECKING:
    from scim_connector.compliance.reports.report import Asked
    from scim_connector.directory.audit import AuditEvent
    from scim_connector.directory.database import Reader

CHANGES: Final = Kind(
    "changes",
    "Configuration changes",
    "Each change of connections, mappings, credentials, roles, applications, sign-in"
    " and keys, of the guard, alerts and receivers, and what became of the database,"
    " with who made it.",
    ("event_id", "at", "event", "what", "by", "connection", "facts"),
    (
        "Settings from the environment or from a file are read at the start of the"
        " server and are not in this list.",
    ),
    asks="period",
)
_SUBJECTS: Final = frozenset(
    {
        *("connection", "mapping", "token", "trust", "role", "profile", "application"),
        *("sign_in", "api_app", "api_key", "key", "import", "setup", "audit", "undo"),
        *("mass_change", "review", "receiver", "webhook", "guard", "alert", "database"),
    }
)
#: What happens by itself, or to a single person, and sets nothing up.
_EVERYDAY: Final = frozenset(
    {"sign_in:refused", "sign_in:bound", "api_app:user_removed", "database:backup"}
)
NAMES: Final = tuple(
    name
    for name in EVENTS
    if (name.partition(":")[0] in _SUBJECTS or name in {"group:tied", "group:untied"})
    and name not in _EVERYDAY
)


def rows(
    reader: Reader, asked: Asked, progress: Callable[[int], None]
) -> tuple[list[tuple[Any, ...]], tuple[str, ...]]:
    """The rows, the oldest first."""
    names = {each.id: each.name for each in connections.every(reader)}
    found = []
    for each in audit.backwards(reader, NAMES, since=asked.period.start - 1):
        if each.at < asked.period.end:
            found.append(_row(each, names))
        progress(1)
    found.reverse()
    return found, (f"{len(found)} changes in this period.",)


def _row(each: AuditEvent, names: dict[int, str]) -> tuple[Any, ...]:
    return (
        each.id,
        instant(each.at),
        each.name,
        sentence_of_event(each.name),
        each.actor,
        names.get(each.connection_id or 0),
        facts(each.facts),
    )
