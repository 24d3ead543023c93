"""What a reader met on its way: tolerated quirks, unknown names, ignored values."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

MOST_NAMES: Final = 100
LONGEST_NAME: Final = 200


@dataclass(slots=True)
class Notes:
    """A small collector, filled while one request body is read.

    ``quirks`` counts the rows of ``dialects.QUIRKS`` that were needed. The request is
    hostile, so at most 100 unknown and 100 ignored names are kept, each cut at 200
    characters.
    """

    quirks: Counter[str] = field(default_factory=Counter)
    _unknown: dict[str, None] = field(default_factory=dict)
    _ignored: dict[str, str] = field(default_factory=dict)

    @property
    def unknown(self) -> tuple[str, ...]:
        """The attribute and extension names no schema declares, in order met."""
        return tuple(self._unknown)

    @property
    def ignored(self) -> tuple[tuple[str, str], ...]:
        """Known attributes whose value was not taken over, each with the reason."""
        return tuple(self._ignored.items())

    def add_quirk(self, name: str) -> None:
        """Count one use of the tolerance *name*."""
        self.quirks[name] += 1

    def add_unknown(self, name: str) -> None:
        """Remember that nothing declares *name*."""
        if len(self._unknown) < MOST_NAMES:
            self._unknown[name[:LONGEST_NAME]] = None

    def add_ignored(self, name: str, why: str) -> None:
        """Remember that the value of *name* was not taken over, and *why*."""
        if len(self._ignored) < MOST_NAMES:
            self._ignored.setdefault(name[:LONGEST_NAME], why)

    def __bool__(self) -> bool:
        """Say whether anything was noted at all."""
        return bool(self.quirks or self._unknown or self._ignored)
