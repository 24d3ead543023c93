"""Numbered values, for when every candidate of the ladder is taken.

A base gives its n-th value without looking at the others, so the directory keeps one
counter per base and asks about a handful of values in one query, however many people
share a name.  Initials go to numbers on up to three bases (AO2 … AO999), then to a
letter and two further characters of base 36 (AOA00 … AOZZZ), then to single letters
before four (AA000 …): 1.2 million people of one initial before anybody is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol

if TYPE_CHECKING:
    from scim_connector.mapping.choices import Choices

LONGEST_USERNAME: Final = 30
SHORTEST_USERNAME: Final = 5
LONGEST_INITIALS: Final = 5
MOST_BASES: Final = 3
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LETTERS: Final = _DIGITS[10:]


class Base(Protocol):
    """Something that gives values by number, from :attr:`first` on."""

    @property
    def key(self) -> str:
        """The name of the counter of this base."""

    @property
    def first(self) -> int:
        """The first number."""

    def value(self, number: int) -> str | None:
        """The value of this number; None behind the last one."""

    def covers(self, present: str) -> bool:
        """Whether *present* is a value of this base."""


@dataclass(frozen=True, slots=True)
class NumberedUsername:
    """A username with a number behind it, never longer than 30 characters."""

    text: str
    first: int = 2

    @property
    def key(self) -> str:
        """The folded text."""
        return self.text.lower()

    def value(self, number: int) -> str | None:
        """``k.doe2``; short ones are filled up with zeros: ``bo002``."""
        digits = str(number).zfill(max(SHORTEST_USERNAME - len(self.text), 1))
        return f"{self.text[: LONGEST_USERNAME - len(digits)]}{digits}"

    def covers(self, present: str) -> bool:
        """Whether *present* is this text, perhaps cut, and a number."""
        found = re.fullmatch(r"(?P<text>.*?)0*(?P<number>[1-9]\d*)", present.lower())
        return found is not None and self.value(int(found["number"])) == present.lower()


@dataclass(frozen=True, slots=True)
class NumberedInitials:
    """Initials with a number behind them: AO2 to AO999."""

    text: str
    first: int = 2

    @property
    def key(self) -> str:
        """The folded text."""
        return self.text.lower()

    def value(self, number: int) -> str | None:
        """``AO2``; None when the number no longer fits into 5 characters."""
        made = f"{self.text}{number}"
        return made if len(made) <= LONGEST_INITIALS else None

    def covers(self, present: str) -> bool:
        """Whether *present* is this text and a number."""
        tail = present[len(self.text) :]
        same = present[: len(self.text)].lower() == self.text.lower()
        return same and tail.isdigit() and not tail.startswith("0")


@dataclass(frozen=True, slots=True)
class LetteredInitials:
    """Initials filled up to 5 characters in base 36, a letter first: AOA00 to AOZZZ."""

    text: str
    first: int = 0

    @property
    def key(self) -> str:
        """The folded text; the mark keeps its counter apart from the numbers'."""
        return f"{self.text.lower()}*"

    @property
    def _width(self) -> int:
        return LONGEST_INITIALS - len(self.text)

    def value(self, number: int) -> str | None:
        """The n-th filling; None behind the last one."""
        places = []
        for _ in range(self._width - 1):
            number, digit = divmod(number, len(_DIGITS))
            places.append(_DIGITS[digit])
        if number >= len(_LETTERS):
            return None
        return "".join([self.text, _LETTERS[number], *reversed(places)])

    def covers(self, present: str) -> bool:
        """Whether *present* is such a filling."""
        upper = present.upper()
        tail = upper[len(self.text) :]
        return (
            len(upper) == LONGEST_INITIALS
            and upper.startswith(self.text.upper())
            and tail[0] in _LETTERS
            and all(c in _DIGITS for c in tail)
        )


def plans(field: Literal["username", "initials"], choices: Choices) -> Sequence[Base]:
    """The bases to try in order, once every candidate of the ladder is taken."""
    if field == "username":
        return [NumberedUsername(text) for text in choices.bases[-1:]]
    return list(_initials_plans(choices.bases))


def _initials_plans(bases: Sequence[str]) -> Iterator[Base]:
    room = [b for b in dict.fromkeys(bases) if len(b) < LONGEST_INITIALS]
    for text in room[:MOST_BASES]:
        yield NumberedInitials(text)
    for text in room[:1]:
        if LONGEST_INITIALS - len(text) > 1:
            yield LetteredInitials(text)
        if len(text) > 1:
            yield LetteredInitials(text[:1])
