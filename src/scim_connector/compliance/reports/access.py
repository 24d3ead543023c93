"""The access list: everybody there was at an instant, and what they could reach."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from scim_connector.compliance.reports.report import Kind, instant
from scim_connector.compliance.reports.standing import Standing, everybody

if TYPE_CHECKING:
    from scim_connector.compliance.reports.report import Asked
    from scim_connector.directory.database import Reader

ACCESS: Final = Kind(
    "access",
    "Access list",
    "Every user there was, active or not, with roles, profile and who managed them.",
    (
        *("user_id", "username", "first_and_last_name", "email", "initials", "type"),
        *("kind", "active", "managed_by", "roles", "roles_through", "profile"),
        *("created_at", "last_sign_in"),
    ),
    (
        "What a role allows inside an application is known to that application alone.",
        "For an instant in the past, where a role came from is not told, roles have"
        " their present names, and what was erased stays erased.",
    ),
    asks="instant",
)


def rows(
    reader: Reader, asked: Asked, progress: Callable[[int], None]
) -> tuple[list[tuple[Any, ...]], tuple[str, ...]]:
    """The rows, and how many were active."""
    is_past = asked.at < asked.now
    people = everybody(reader, at=asked.at, now=asked.now, progress=progress)
    found = [_row(each, is_past=is_past) for each in people]
    active = sum(1 for row in found if row[ACTIVE] == "yes")
    return found, (f"{active} active, {len(found) - active} inactive.",)


ACTIVE: Final = ACCESS.columns.index("active")


def _row(each: Standing, *, is_past: bool) -> tuple[Any, ...]:
    user = each.user
    return (
        user.id,
        each.value("username"),
        each.name,
        each.value("email"),
        each.value("initials"),
        user.user_type,
        "API user" if user.is_api_user else "person",
        "yes" if each.active else "no",
        each.managed_by,
        "; ".join(each.roles),
        "" if is_past else "; ".join(each.through),
        each.profile,
        instant(user.created_at),
        instant(each.signed_in or (None if is_past else each.key_used)),
    )
