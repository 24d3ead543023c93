"""Which changes are to be undone: those of a connection, a mapping, a person, a span."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from scim_connector.administration import connections as connection_doors
from scim_connector.administration import users as user_doors
from scim_connector.administration.errors import NotPossible
from scim_connector.compliance.undo.trace import FIELDS, NAMES
from scim_connector.directory import changes, mapping_versions, roles
from scim_connector.scim.rendering import timestamp

if TYPE_CHECKING:
    from scim_connector.directory.audit import AuditEvent
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader
    from scim_connector.directory.mapping_versions import MappingVersion
    from scim_connector.directory.roles import Role
    from scim_connector.directory.users import User

#: What can be put back, each in the words of the pages.
KINDS: Final = (*FIELDS, "roles")


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes that fit everything named here; ``until`` is not among the instants.

    ``version`` stands for what applying that mapping changed.  ``first_event`` takes
    everything of ``user`` from one event on.  ``role`` narrows to people who hold it,
    or whose holding it is among the changes.  ``only`` are kinds of :data:`KINDS`.
    """

    connection: Connection | None = None
    version: MappingVersion | None = None
    role: Role | None = None
    actor: str = ""
    since: int | None = None
    until: int | None = None
    user: User | None = None
    first_event: int | None = None
    only: frozenset[str] = frozenset(KINDS)

    @property
    def is_named(self) -> bool:
        """Whether anything narrows it; all changes of all times are no batch."""
        named = (self.connection, self.version, self.role, self.user, self.since)
        return bool(self.actor) or any(each is not None for each in named)

    def chooses(self, event: AuditEvent) -> bool:
        """Whether a change of a person is among those to undo."""
        return (
            (self.since is None or event.at >= self.since)
            and (self.until is None or event.at < self.until)
            and (self.first_event is None or event.id >= self.first_event)
            and self._was_by(event)
        )

    def _was_by(self, event: AuditEvent) -> bool:
        if self.version is not None:
            by = (self.version.applied_at, self.version.applied_by)
            return (event.at, event.actor) == by
        if self.connection is not None and event.connection_id != self.connection.id:
            return False
        return not self.actor or _is_actor(event.actor, self.actor)

    def people(self, reader: Reader) -> list[int]:
        """The ids of the users it may be about; some may turn out to have no change."""
        if self.user is not None:
            return [self.user.id]
        since, until, actor = self.since, self.until, self.actor
        connection_id = self.connection.id if self.connection else None
        if self.version is not None:
            since, actor = self.version.applied_at, self.version.applied_by
            until, connection_id = since + 1, None
        query = changes.Query(NAMES, connection_id, actor, since, until)
        return changes.people(reader, query)

    def facts(self) -> dict[str, Any]:
        """What audit keeps of it: names of things, and of people their id."""
        facts: dict[str, Any] = {
            "connection": self.connection.name if self.connection else None,
            "mapping": self.version.number if self.version else None,
            "role": self.role.name if self.role else None,
            "by": self.actor or None,
            "since": timestamp(self.since) if self.since is not None else None,
            "until": timestamp(self.until) if self.until is not None else None,
            "user": self.user.id if self.user else None,
            "from event": self.first_event,
        }
        if self.only != frozenset(KINDS):
            facts["only"] = sorted(self.only)
        return {name: value for name, value in facts.items() if value is not None}


def _is_actor(actor: str, asked: str) -> bool:
    return actor == asked or actor.endswith(f":{asked}")


def find(
    reader: Reader,
    *,
    connection: str = "",
    mapping: int | None = None,
    role: str = "",
    user: str = "",
    only: Collection[str] = (),
    **more: Any,
) -> Batch:
    """The batch of these names; raises NotPossible for one that is not there.

    *more* are the fields of :class:`Batch` that need no looking up.
    """
    found = connection_doors.find(reader, connection) if connection else None
    unknown = [kind for kind in only if kind not in KINDS]
    if unknown:
        raise NotPossible(f"{unknown[0]} cannot be undone; these can: {_KNOWN}.")
    batch = Batch(
        connection=found,
        version=_version(reader, found, mapping),
        role=_role(reader, role) if role else None,
        user=user_doors.find(reader, user) if user else None,
        only=frozenset(only) or frozenset(KINDS),
        **more,
    )
    if batch.first_event is not None and batch.user is None:
        raise NotPossible("An event to begin with is one of a person: name them too.")
    if not batch.is_named:
        raise NotPossible(
            "Say which changes: of a connection, a version of its mapping, a role, a"
            " person, somebody who made them, or a time they began at."
        )
    return batch


_KNOWN: Final = ", ".join(KINDS)


def _version(
    reader: Reader, connection: Connection | None, number: int | None
) -> MappingVersion | None:
    if number is None:
        return None
    if connection is None:
        raise NotPossible(
            "A version of a mapping is that of a connection: name it too."
        )
    every = mapping_versions.every(reader, connection.id)
    found = next((each for each in every if each.number == number), None)
    if found is None:
        message = f"{connection.name} has no version {number} of its mapping"
        raise NotPossible(f"{message}; it has 1 to {len(every)}.")
    return found


def _role(reader: Reader, name: str) -> Role:
    named = roles.by_name(reader, name)
    found = None if named is None else roles.by_id(reader, named.id)
    if found is None:
        raise NotPossible(f'There is no role "{name}"; look the name up.', "role list")
    return found
