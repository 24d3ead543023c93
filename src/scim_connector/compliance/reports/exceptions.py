"""Exceptions: what an auditor asks about because it is not as usual."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from scim_connector.compliance.reports.report import Asked, Kind, instant
from scim_connector.compliance.reports.standing import Standing, everybody
from scim_connector.directory import (
    api_keys,
    applications,
    assignments,
    audit,
    connections,
    credentials,
)

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader

EXCEPTIONS: Final = Kind(
    "exceptions",
    "Exceptions",
    "Accounts outside any provider, API users, credentials that never end or are not"
    " used, people who never signed in, fields changed here, the last Administrator.",
    ("exception", "what", "of", "since", "last_used", "detail"),
    (
        "Who is responsible for an API user is not stored; whoever created it is shown.",
        "That somebody no longer uses an application in which their session never ended"
        " is not seen.",
    ),
)
LOCAL: Final = "Not managed by a provider"
PROGRAM: Final = "API user"
ENDLESS: Final = "Credential without an end"
UNUSED: Final = "Credential not used"
NEVER: Final = "Never signed in"
OVERRIDDEN: Final = "Changed here"
LAST: Final = "Last Administrator"
KINDS: Final = (LOCAL, PROGRAM, ENDLESS, UNUSED, NEVER, OVERRIDDEN, LAST)
_DAY: Final = 86_400_000_000


def rows(
    reader: Reader, asked: Asked, progress: Callable[[int], None]
) -> tuple[list[tuple[Any, ...]], tuple[str, ...]]:
    """The rows by kind of exception, and how many there are of each."""
    people = everybody(reader, at=asked.now, now=asked.now, progress=progress)
    owners = {
        each.user_id: each.actor
        for each in audit.backwards(reader, ("user:created",), since=0)
    }
    found: list[tuple[Any, ...]] = []
    back = _came_back(reader)
    for each in people:
        found += _of_user(reader, each, asked, owners)
        found += _of_person(each, asked, back)
    found += _credentials(reader, asked)
    found += _last_administrator(reader)
    found.sort(key=lambda row: (KINDS.index(row[0]), str(row[1])))
    counted = {kind: sum(1 for row in found if row[0] == kind) for kind in KINDS}
    return found, tuple(f"{kind}: {count}." for kind, count in counted.items())


def _of_user(
    reader: Reader, each: Standing, asked: Asked, owners: dict[int | None, str]
) -> Iterator[tuple[Any, ...]]:
    user, name = each.user, each.user.username
    if user.is_api_user:
        keys = [
            key
            for key in api_keys.of_user(reader, user.id)
            if key.state_at(asked.now) == "live"
        ]
        state = "active" if user.active else "inactive"
        detail = f"{state}, {len(keys)} keys, created by {owners.get(user.id, '?')}"
        since = instant(user.created_at)
        yield PROGRAM, name, each.source, since, instant(each.key_used), detail
        for key in keys:
            yield from _credential(key, name, f"API key {key.name}", asked)
    if user.overridden:
        fields = ", ".join(sorted(user.overridden))
        yield OVERRIDDEN, name, each.source, None, None, fields


def _of_person(
    each: Standing, asked: Asked, back: dict[int | None, int]
) -> Iterator[tuple[Any, ...]]:
    """What is told of active people alone; *back* is who came back when."""
    user, name = each.user, each.user.username
    if not user.active or user.is_api_user:
        return
    if each.source is None:
        roles = "; ".join(each.roles) or "no roles"
        signed_in = instant(each.signed_in)
        former = f"{each.former}, retired" if each.former else None
        yield LOCAL, name, former, instant(user.created_at), signed_in, roles
    since = max(user.created_at, back.get(user.id, 0))
    if user.first_login_at is None and since < asked.now - asked.idle:
        detail = f"for {_days(asked.idle)} days"
        yield NEVER, name, each.source, instant(since), None, detail


def _came_back(reader: Reader) -> dict[int | None, int]:
    """When each user was last made active again, as far as any was."""
    found: dict[int | None, int] = {}
    for each in audit.backwards(reader, ("user:reactivated",), since=0):
        found.setdefault(each.user_id, each.at)
    return found


def _credentials(reader: Reader, asked: Asked) -> Iterator[tuple[Any, ...]]:
    """Tokens and secrets of connections, secrets of applications."""
    names = {each.id: each.name for each in connections.every(reader)}
    for each in credentials.every(reader):
        if each.kind != "access" and each.state_at(asked.now) == "live":
            connection = names[each.connection_id]
            yield from _credential(each, connection, f"{each.kind} {each.id}", asked)
    for application in applications.every(reader):
        for secret in applications.secrets(reader, application.id):
            if secret.state_at(asked.now) == "live" and secret.expires_at is None:
                since = instant(secret.created_at)
                what = f"secret {secret.id}"
                yield ENDLESS, what, application.name, since, None, "never expires"


def _credential(
    each: Any, owner: str, what: str, asked: Asked
) -> Iterator[tuple[Any, ...]]:
    since, used = instant(each.created_at), instant(each.last_used_at)
    if each.expires_at is None:
        yield ENDLESS, what, owner, since, used, "never expires"
    if max(each.created_at, each.last_used_at or 0) < asked.now - asked.idle:
        yield UNUSED, what, owner, since, used, f"for {_days(asked.idle)} days"


def _last_administrator(reader: Reader) -> Iterator[tuple[Any, ...]]:
    left = assignments.administrators(reader)
    if len(left) == 1:
        detail = "nobody else could act if they lose access"
        yield LAST, left[0], None, None, None, detail
    if not left:
        yield LAST, "nobody", None, None, None, "there is no active Administrator"


def _days(microseconds: int) -> int:
    return microseconds // _DAY
