"""What a provider sends beside the standard, and what becomes of it here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scim_connector.directory import quirks
from scim_connector.scim.dialects import QUIRKS, Quirk

if TYPE_CHECKING:
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader

_UNKNOWN: Final = "unknown:"


@dataclass(frozen=True, slots=True)
class Habit:
    """One habit: how often it was met, when last, and whether it was switched off."""

    quirk: Quirk
    times: int
    last_seen_at: int | None
    is_off: bool

    @property
    def becomes(self) -> str:
        """What becomes of it at this connection."""
        return self.quirk.strict if self.is_off else self.quirk.handled


@dataclass(frozen=True, slots=True)
class Undeclared:
    """An attribute that nobody declared, so that it is ignored."""

    name: str
    times: int
    last_seen_at: int


def habits(reader: Reader, connection: Connection) -> list[Habit]:
    """Every habit that is known, those that were met most often first."""
    seen = _seen(reader, connection)
    off = connection.quirks_off
    found = [_habit(quirk, seen.get(quirk.name), quirk.name in off) for quirk in QUIRKS]
    return sorted(found, key=lambda habit: -habit.times)


def _habit(quirk: Quirk, seen: tuple[int, int] | None, is_off: bool) -> Habit:
    times, last = seen or (0, None)
    return Habit(quirk, times, last, is_off)


def undeclared(reader: Reader, connection: Connection) -> list[Undeclared]:
    """The attributes that came and were ignored, by name."""
    return [
        Undeclared(name.removeprefix(_UNKNOWN), *found)
        for name, found in sorted(_seen(reader, connection).items())
        if name.startswith(_UNKNOWN)
    ]


def _seen(reader: Reader, connection: Connection) -> dict[str, tuple[int, int]]:
    return {
        name: (times, last)
        for of, name, times, last in quirks.every(reader)
        if of == connection.id
    }
