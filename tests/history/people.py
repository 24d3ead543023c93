"""The people and programs of a history, and what they have been given so far."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from scim_connector.scim.types import LOCAL, Json
from tests.history.checker import Operation

_NEWEST: Final = 0.7


@dataclass
class Subject:
    """One of them: as provisioned, and everything they ever held, live or dead."""

    username: str
    is_program: bool = False
    id: str = ""
    _held: dict[str, list[tuple[Operation, str]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _lock: Lock = field(default_factory=Lock)

    @property
    def subject(self) -> str:
        """Who they are at the provider."""
        return f"sub-{self.username}"

    @property
    def email(self) -> str:
        """Their address."""
        return f"{self.username}@contoso.com"

    @property
    def resource(self) -> Json:
        """The resource as the provider sends it."""
        made: Json = {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": self.email,
            "externalId": self.subject,
            "displayName": self.username,
            "emails": [{"type": "work", "value": self.email, "primary": True}],
            LOCAL: {"username": self.username, "apiUser": self.is_program},
        }
        return made

    def keep(self, kind: str, given: tuple[Operation, str | None]) -> None:
        """Keep what an operation gave, if it gave something."""
        operation, value = given
        if value is not None:
            with self._lock:
                self._held[kind].append((operation, value))

    def one(self, kind: str, chance: random.Random) -> tuple[Operation, str] | None:
        """Something they were given once, mostly of late; it may be dead."""
        with self._lock:
            held = self._held[kind]
            if not held:
                return None
            return held[-1] if chance.random() < _NEWEST else chance.choice(held)
