"""The guard against mass changes: which are watched, and when there are too many.

Whom a provider deactivates loses access at once; so a guard warns and lets pass, unless
an administrator chose that it holds (decision 39).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

HOUR: Final = 3600 * 1_000_000
#: So many people are never too many: in a house of ten, each is a tenth.
LEAST: Final = 5

#: Each kind of change that is watched, and the events that tell of it.
KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "deactivations": ("user:deactivated",),
    "renames": (
        "user:username:changed",
        "user:initials:changed",
        "user:name:changed",
    ),
    "role_removals": ("user:role:revoked",),
}
#: What happened to so many people, in words.
HAPPENED: Final[Mapping[str, str]] = {
    "deactivations": "were deactivated",
    "renames": "got another name, username or initials",
    "role_removals": "lost a role",
}
EVENTS: Final = frozenset(name for names in KINDS.values() for name in names)
_KIND_OF: Final = {name: kind for kind, names in KINDS.items() for name in names}


@dataclass(frozen=True, slots=True)
class Threshold:
    """More than *most* people, or than *share* percent of all, within *hours*.

    With *holds* what goes beyond is refused until a person approves.  *share* 0 leaves
    the share out, *is_on* False the whole kind.
    """

    most: int = 50
    share: int = 5
    hours: int = 1
    holds: bool = False
    is_on: bool = True

    @property
    def span(self) -> int:
        """Within so many microseconds."""
        return self.hours * HOUR

    def limit(self, people: int) -> int:
        """How many of *people* may change within the span."""
        if not self.share:
            return self.most
        return min(self.most, max(LEAST, people * self.share // 100))

    def said(self) -> str:
        """The threshold in words."""
        if not self.is_on:
            return "not watched"
        share = f" or {self.share} % of its people" if self.share else ""
        act = "held until somebody approves" if self.holds else "an alert"
        hours = "an hour" if self.hours == 1 else f"{self.hours} hours"
        return f"more than {self.most}{share} within {hours}: {act}"


DEFAULT: Final = Threshold()
#: The whole numbers a threshold may have: at least, at most.
BOUNDS: Final[Mapping[str, tuple[int, int]]] = {
    "most": (LEAST, 1_000_000),
    "share": (0, 100),
    "hours": (1, 168),
}


def thresholds(stored: Mapping[str, Mapping[str, Any]]) -> dict[str, Threshold]:
    """Each kind with its threshold: what is *stored* of it, else the default."""
    return {kind: replace(DEFAULT, **stored.get(kind, {})) for kind in KINDS}


def kinds_of(events: Iterable[str]) -> list[str]:
    """The kinds that events tell of, in their order."""
    found = {_KIND_OF[name] for name in events if name in _KIND_OF}
    return [kind for kind in KINDS if kind in found]


def title(kind: str) -> str:
    """What a kind is called."""
    return kind.replace("_", " ").capitalize()
