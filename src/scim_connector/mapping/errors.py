"""What is wrong with a mapping file, and where."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class MappingError(Exception):
    """A mapping that cannot be used; ``str`` gives file, line, column and message."""

    def __init__(self, message: str, *, file: str = "", line: int = 0, column: int = 0):
        """Keep the place; line and column count from 1."""
        super().__init__(message)
        self.message = message
        self.file = file
        self.line = line
        self.column = column

    def __str__(self) -> str:
        """``entra.toml:12:9: unknown function ToLowr; did you mean ToLower?``."""
        place = ":".join(str(p) for p in (self.file, self.line, self.column) if p)
        return f"{place}: {self.message}" if place else self.message


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The hint behind an unknown *word*, or nothing."""
    folded = {name.lower(): name for name in known}
    near = get_close_matches(word.lower(), folded, 1)
    return f'; did you mean "{folded[near[0]]}"?' if near else ""
