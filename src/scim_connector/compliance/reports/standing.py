"""Who had access at an instant: the present, with what came later taken back.

Every change of a user is an event with its old value, so the state at an instant is the
present one after all later events were undone, the newest first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from scim_connector.directory import audit, connections, populations, profiles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scim_connector.directory.audit import AuditEvent
    from scim_connector.directory.database import Reader
    from scim_connector.directory.populations import Slice, Tie
    from scim_connector.directory.users import User

_VALUES: Final = (
    *("user:initials:changed", "user:username:changed", "user:email:changed"),
    *("user:name:changed", "user:profile:changed"),
)
_EVENTS: Final = (
    *_VALUES,
    *("user:deactivated", "user:reactivated"),
    *("user:role:granted", "user:role:revoked", "role:changed"),
)
#: What a role is held through, in words.
_SOURCES: Final = {"resource": "sent by", "group": "a group of"}


@dataclass(frozen=True, slots=True)
class Standing:
    """One user at an instant; instants in microseconds UTC.

    *source* is the connection that managed them, *former* one that was retired by then
    and does no more; *through* says where each role came from, and is empty for the past.
    """

    user: User
    active: bool
    values: Mapping[str, Any]
    roles: tuple[str, ...]
    through: tuple[str, ...]
    profile: str | None
    source: str | None
    former: str | None
    signed_in: int | None
    key_used: int | None

    def value(self, field: str) -> Any:
        """What a local field was."""
        return self.values.get(field, getattr(self.user, field))

    @property
    def managed_by(self) -> str:
        """Who managed them, in words."""
        return self.source or not_managed(self.former)

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.value('first_name')} {self.value('last_name')}".strip()


def not_managed(former: str | None = None) -> str:
    """That no provider manages somebody; *former* is a retired connection."""
    if former is None:
        return "Not managed by a provider"
    return f"Not managed (was {former}, retired)"


class _Undone:
    """What the later events say of the time before them."""

    def __init__(self) -> None:
        self.active: dict[int, bool] = {}
        self.values: dict[int, dict[str, Any]] = {}
        self.roles: dict[int, Counter[str]] = {}
        #: By which name a role that was renamed later is known now.
        self._renamed: dict[str, str] = {}

    def undo(self, event: AuditEvent) -> None:
        """Take back one event; they come the newest first."""
        facts = orjson.loads(event.facts)
        if event.name == "role:changed":
            present = self._renamed.pop(facts["name"], facts["name"])
            self._renamed[facts["before"]] = present
        elif event.user_id is not None:
            self._undo_of(event.user_id, event.name, facts)

    def _undo_of(self, user_id: int, name: str, facts: dict[str, Any]) -> None:
        match name:
            case "user:deactivated" | "user:reactivated":
                self.active[user_id] = name == "user:deactivated"
            case "user:role:granted" | "user:role:revoked":
                role = self._renamed.get(facts["role"], facts["role"])
                step = -1 if name == "user:role:granted" else 1
                self.roles.setdefault(user_id, Counter())[role] += step
            case _ if "before" in facts:
                values = self.values.setdefault(user_id, {})
                values[facts["field"]] = facts["before"]


@dataclass(frozen=True, slots=True)
class _Connections:
    """What the connections are called, and when those that are over were retired."""

    names: Mapping[int, str]
    retired: Mapping[int, int]

    @classmethod
    def read(cls, reader: Reader) -> _Connections:
        """All there are; one whose end audit no longer tells ended before all else."""
        every = connections.every(reader)
        # The newest come first, so that it is the first of each that stays.
        ended = {
            event.connection_id: event.at
            for event in audit.backwards(reader, ("connection:retired",), since=0)
        }
        return cls(
            {each.id: each.name for each in every},
            {each.id: ended.get(each.id, 0) for each in every if each.is_retired},
        )

    def managing(self, ties: Sequence[Tie], at: int) -> tuple[str | None, str | None]:
        """The connection that managed somebody at an instant, or the retired one."""
        for tie in reversed(ties):
            if tie.created_at <= at and (tie.hidden_at is None or tie.hidden_at > at):
                name = self.names.get(tie.connection_id)
                is_over = self.retired.get(tie.connection_id, at + 1) <= at
                return (None, name) if is_over else (name, None)
        return None, None


def everybody(
    reader: Reader,
    *,
    at: int,
    now: int,
    progress: Callable[[int], None] = lambda users: None,
) -> Iterator[Standing]:
    """Every user there was at an instant, in the order they came.

    *progress* is told how many users were read.
    """
    undone = _Undone()
    if at < now:
        for event in audit.backwards(reader, _EVENTS, since=at):
            undone.undo(event)
    known = _Connections.read(reader)
    called = {each.id: each.name for each in profiles.every(reader)}
    for piece in populations.slices(reader, at=at):
        for user in piece.users:
            if user.created_at <= at:
                yield _standing(user, piece, undone, known, called, at)
        progress(len(piece.users))


def _standing(
    user: User,
    piece: Slice,
    undone: _Undone,
    known: _Connections,
    called: Mapping[int, str],
    at: int,
) -> Standing:
    values = undone.values.get(user.id, {})
    held = piece.held.get(user.id, [])
    roles = Counter(each.role for each in held)
    roles.update(undone.roles.get(user.id, {}))
    source, former = known.managing(piece.ties.get(user.id, []), at)
    return Standing(
        user=user,
        active=undone.active.get(user.id, user.active),
        values=values,
        roles=tuple(sorted(role for role, rows in roles.items() if rows > 0)),
        through=tuple(
            f"{each.role}: {_through(each.source, known.names.get(each.connection_id, ''))}"
            for each in held
        ),
        profile=called.get(values.get("profile_id", user.profile_id) or 0),
        source=source,
        former=former,
        signed_in=piece.signed_in.get(user.id),
        key_used=piece.key_used.get(user.id),
    )


def _through(source: str, connection: str) -> str:
    return f"{_SOURCES[source]} {connection}" if source in _SOURCES else "given here"
