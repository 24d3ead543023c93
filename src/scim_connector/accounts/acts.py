"""Who changes a user, when, and on which request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scim_connector.rules.actors import Actor


@dataclass(frozen=True, slots=True)
class Act:
    """Who changes a user, when (microseconds UTC), and on which request."""

    actor: Actor
    now: int
    request_id: str | None = None
    connection_id: int | None = None
