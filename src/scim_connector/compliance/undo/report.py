"""What a finished undo put back, read from audit, so that it can be had at any time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from scim_connector.compliance.undo.lines import RESTORED, Line
from scim_connector.compliance.undo.trace import UNDONE
from scim_connector.directory import audit, changes, profiles, users

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scim_connector.directory.database import Reader

_PUT_BACK: Final = frozenset({"user:values:restored"})
_ROLES: Final = {
    "user:role:granted": ("does not hold it", "given from here"),
    "user:role:revoked": ("holds it", "taken back"),
}


def restored(reader: Reader, *, at: int, actor: str) -> Iterator[Line]:
    """The values that were put back by the undo of this instant and actor."""
    query = changes.Query(_PUT_BACK, actor=actor, since=at, until=at + 1)
    names = {each.id: each.name for each in profiles.every(reader)}
    for user_id in changes.people(reader, query):
        username = users.required(reader, user_id).username
        for event in audit.of_user(reader, user_id):
            if (event.at, event.actor) == (at, actor):
                facts = orjson.loads(event.facts)
                yield from _lines(event.name, facts, user_id, username, names)


def _lines(
    name: str,
    facts: dict[str, Any],
    user_id: int,
    username: str,
    profile_names: dict[int, str],
) -> Iterator[Line]:
    if name in _ROLES:
        before, after = _ROLES[name]
        yield Line(user_id, username, f"role {facts['role']}", before, after, RESTORED)
    elif name in UNDONE:
        field = str(facts.get("field") or "").removesuffix("_id").replace("_", " ")
        was, became = facts.get("before"), facts.get("after")
        if field == "profile":
            was, became = profile_names.get(was or 0), profile_names.get(became or 0)
        yield Line(user_id, username, field, was or "", became or "", RESTORED)
