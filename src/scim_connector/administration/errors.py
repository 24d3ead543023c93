"""What an operator or admin asked for and cannot have."""

from __future__ import annotations


class NotPossible(Exception):
    """Something that cannot be done; the text says what to do instead.

    *command* are the words after ``scim-connector`` that do it, for whoever sits at a
    terminal; pages and the Admin API have their own ways and leave them out.
    """

    def __init__(self, sentence: str, command: str | None = None) -> None:
        """Refuse with *sentence*."""
        self.command = command
        super().__init__(sentence)
