"""Leavers: who was cut off in a period, who asked, how fast, and what was ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from scim_connector.compliance.reports.report import Kind, instant
from scim_connector.directory import connections, receipts

if TYPE_CHECKING:
    from scim_connector.compliance.reports.report import Asked
    from scim_connector.directory.database import Reader
    from scim_connector.directory.receipts import Receipt

LEAVERS: Final = Kind(
    "leavers",
    "Leavers",
    "Each deactivation: who asked for it, when, what it ended, and how long that took.",
    (
        *("user_id", "username", "asked_at", "cut_at", "cut_ms", "asked_by"),
        *("connection", "request_id", "sessions", "api_tokens", "api_keys"),
        *("password_links", "api_app", "applications_told_at", "not_told"),
        *("within_target",),
    ),
    (
        "Time is measured from the arrival of the request. What lies before it is not"
        " seen here: Entra ID works in cycles of about 40 minutes.",
        "Suspending somebody in Okta sends nothing, so it leaves nothing here.",
    ),
    asks="period",
)


def rows(
    reader: Reader, asked: Asked, progress: Callable[[int], None]
) -> tuple[list[tuple[Any, ...]], tuple[str, ...]]:
    """The rows, the oldest first, and which share was within the target."""
    names = {each.id: each.name for each in connections.every(reader)}
    found = []
    for each in receipts.between(reader, asked.period.start, asked.period.end):
        found.append(_row(each, names, asked.target))
        progress(1)
    return found, _summary(found, asked.target)


def _row(each: Receipt, names: dict[int, str], target: int) -> tuple[Any, ...]:
    held = each.controls
    missing = [c.application for c in each.calls if c.delivered_at is None]
    told = max((c.delivered_at or 0 for c in each.calls), default=0)
    return (
        each.user_id,
        each.username,
        instant(each.asked_at),
        instant(each.cut_at),
        round(each.took / 1000, 1),
        each.actor,
        names.get(each.connection_id or 0),
        each.request_id,
        "; ".join(f"{n} at {where}" for where, n in sorted(held["sessions"].items())),
        held["api_tokens"],
        held["api_keys"],
        held["password_links"],
        "yes" if held["api_app"] else "no",
        instant(told or None),
        "; ".join(missing),
        "yes" if each.took <= target else "no",
    )


def _summary(found: list[tuple[Any, ...]], target: int) -> tuple[str, ...]:
    if not found:
        return ("Nobody was deactivated in this period.",)
    took = sorted(row[LEAVERS.columns.index("cut_ms")] for row in found)
    within = sum(1 for row in found if row[-1] == "yes")
    late = -(-len(took) * 95 // 100) - 1
    said: tuple[str, ...] = (
        f"{within} of {len(found)} ({within / len(found):.1%}) were cut off within"
        f" {target // 60_000_000} minutes of the request.",
        f"From the request to the end of all access here: half within"
        f" {took[(len(took) - 1) // 2]} ms, 95 % within {took[late]} ms, the slowest"
        f" {took[-1]} ms.",
    )
    waiting = sum(1 for row in found if row[LEAVERS.columns.index("not_told")])
    if waiting:
        untold = "an application has not been told yet; it refuses them when it asks"
        said += (f"Of {waiting}, {untold}.",)
    return said
