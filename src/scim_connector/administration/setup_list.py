"""The first three things to do, each ticked off by what is really there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scim_connector.directory import connections, credentials, request_log, users

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader


@dataclass(frozen=True, slots=True)
class Beginning:
    """How far a new installation has come."""

    has_connection: bool
    was_called: bool
    has_people: bool

    @property
    def is_over(self) -> bool:
        """Whether nothing of the beginning is left to do."""
        return self.has_connection and self.was_called and self.has_people


def of(reader: Reader) -> Beginning:
    """How far the installation has come."""
    live = [c for c in connections.every(reader) if c.state != "retired"]
    return Beginning(
        has_connection=any(credentials.of_connection(reader, c.id) for c in live),
        was_called=any(request_log.last(reader, c.id)[0] for c in live),
        has_people=users.has_linked(reader),
    )
