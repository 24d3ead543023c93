"""Who acts: a connection of a provider, or a person."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Actor:
    """The one who changes a user, and what they may do beyond the ordinary.

    ``kind`` is "connection", "console", "cli", "person", "gate" or "house".  A
    connection is limited by its settings, a person at the console by their roles.
    Whoever *imports* a list brings in users of every type (R9).  Whoever is a user here
    has a ``user_id``; audit keeps that, and no name.
    """

    kind: str
    name: str
    may_act_as_administrator: bool = True
    allow_api_users: bool = True
    imports: bool = False
    user_id: int | None = None

    @classmethod
    def connection(
        cls, name: str, *, may_act_as_administrator: bool, allow_api_users: bool
    ) -> Actor:
        """A provider, acting through its connection."""
        return cls("connection", name, may_act_as_administrator, allow_api_users)

    @classmethod
    def person(cls, username: str, user_id: int) -> Actor:
        """A signed-in person, about themselves."""
        return cls("person", username, user_id=user_id)

    @classmethod
    def console(cls, username: str, user_id: int, *, is_administrator: bool) -> Actor:
        """A signed-in person at the console, acting on others."""
        return cls("console", username, is_administrator, user_id=user_id)

    @classmethod
    def gate(cls, name: str) -> Actor:
        """The gate itself, for somebody who is not signed in (yet)."""
        return cls("gate", name)

    @classmethod
    def house(cls, name: str) -> Actor:
        """What this installation does by itself, by its settings."""
        return cls("house", name)

    @classmethod
    def operator(cls, name: str) -> Actor:
        """The person at the command line, by the name of their OS account."""
        return cls("cli", name, imports=True)

    def importing(self) -> Actor:
        """The same one, with a list in the hand."""
        return replace(self, imports=True)

    @property
    def said(self) -> str:
        """How a refusal speaks of the actor to the one who reads it."""
        return "this connection" if self.kind == "connection" else "you"

    def __str__(self) -> str:
        """The name receipts and decisions keep."""
        return f"{self.kind}:{self.name}"
