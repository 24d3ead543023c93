"""Who acts: a connection of a provider, or a person."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """The one who changes a user, and what they may do beyond the ordinary.

    ``kind`` is "connection", "console", "cli", "person" or "gate".  A connection is
    limited by its settings, a person at the console by their roles.
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
    def console(cls, username: str, *, is_administrator: bool) -> Actor:
        """A signed-in person at the console, acting on others."""
        return cls("console", username, may_act_as_administrator=is_administrator)

    @classmethod
    def gate(cls, name: str) -> Actor:
        """The gate itself, for somebody who is not signed in (yet)."""
        return cls("gate", name)

    @classmethod
    def operator(cls, name: str) -> Actor:
        """The person at the command line, by the name of their OS account."""
        return cls("cli", name)

    @property
    def said(self) -> str:
        """How a refusal speaks of the actor to the one who reads it."""
        return "this connection" if self.kind == "connection" else "you"

    def __str__(self) -> str:
        """The name audit keeps."""
        return f"{self.kind}:{self.name}"
