"""Joiners: who was given access in a period, by whom, and with which roles."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import orjson

from scim_connector.compliance.reports.report import Kind, instant
from scim_connector.directory import audit, connections, users

if TYPE_CHECKING:
    from scim_connector.compliance.reports.report import Asked
    from scim_connector.directory.audit import AuditEvent
    from scim_connector.directory.database import Reader

JOINERS: Final = Kind(
    "joiners",
    "Joiners",
    "Each user who was created or came back, by whom, and the roles of that act.",
    (
        *("user_id", "username", "how", "at", "by", "connection", "request_id"),
        *("roles", "kind", "active_now", "first_sign_in"),
    ),
    (
        "Who approved the access at the provider is known to the provider alone; here"
        " stands who or what carried it out.",
    ),
    asks="period",
)
_HOW: Final = {
    "user:created": "created",
    "user:reactivated": "made active again",
    "user:revived": "was inactive and came back",
}
_GRANTED: Final = "user:role:granted"


def rows(
    reader: Reader, asked: Asked, progress: Callable[[int], None]
) -> tuple[list[tuple[Any, ...]], tuple[str, ...]]:
    """The rows, the oldest first."""
    came: list[AuditEvent] = []
    granted: dict[tuple[int | None, int, str], list[str]] = {}
    for each in audit.backwards(
        reader, (*_HOW, _GRANTED), since=asked.period.start - 1
    ):
        if each.at >= asked.period.end:
            continue
        if each.name == _GRANTED:
            role = orjson.loads(each.facts)["role"]
            granted.setdefault(_act(each), []).append(role)
        else:
            came.append(each)
        progress(1)
    names = {each.id: each.name for each in connections.every(reader)}
    revived = {_act(each) for each in came if each.name == "user:revived"}
    found = [
        _row(reader, each, granted, names)
        for each in reversed(came)
        if each.name != "user:reactivated" or _act(each) not in revived
    ]
    return found, (f"{len(found)} were given access in this period.",)


def _act(event: AuditEvent) -> tuple[int | None, int, str]:
    """What the events of one act have in common."""
    return event.user_id, event.at, event.actor


def _how(event: AuditEvent) -> str:
    if event.name == "user:created" and not orjson.loads(event.facts)["active"]:
        return "created inactive"
    return _HOW[event.name]


def _row(
    reader: Reader,
    each: AuditEvent,
    granted: dict[tuple[int | None, int, str], list[str]],
    names: dict[int, str],
) -> tuple[Any, ...]:
    user = users.required(reader, each.user_id or 0)
    return (
        user.id,
        user.username,
        _how(each),
        instant(each.at),
        each.actor,
        names.get(each.connection_id or 0),
        each.request_id,
        "; ".join(sorted(granted.get(_act(each), []))),
        "API user" if user.is_api_user else "person",
        "yes" if user.active else "no",
        instant(user.first_login_at),
    )
