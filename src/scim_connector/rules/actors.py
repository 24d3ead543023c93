"""Who acts: a connection of a provider, or a person."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """The one who changes a user, and what they may do beyond the ordinary.

    ``kind`` is "connection", "console", "cli", "person" or "gate".  Only a connection
    is limited: a person who reached a door has been allowed to act there.
    """

    kind: str
    name: str
    may_act_as_administrator: bool = True
    allow_api_users: bool = True

    @classmethod
    def connection(
        cls, name: str, *, may_act_as_administrator: bool, allow_api_users: bool
    ) -> Actor:
        """A provider, acting through its connection."""
        return cls("connection", name, may_act_as_administrator, allow_api_users)

    @classmethod
    def person(cls, username: str) -> Actor:
        """A signed-in person, about themselves, by their username."""
        return cls("person", username)

    @classmethod
    def gate(cls, name: str) -> Actor:
        """The gate itself, for somebody who is not signed in (yet)."""
        return cls("gate", name)

    @classmethod
    def operator(cls, name: str) -> Actor:
        """The person at the command line, by the name of their OS account."""
        return cls("cli", name)

    def __str__(self) -> str:
        """The name audit keeps."""
        return f"{self.kind}:{self.name}"
