"""What an examination found: one line for each thing that was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How something stands."""

    OK = "OK"
    LOOK = "look"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; *advice* says what to do unless it is OK.

    *command* are the words after ``scim-connector`` that do it, or show more.
    """

    area: str
    verdict: Verdict
    sentence: str
    advice: str = ""
    command: str | None = None


def good(area: str, sentence: str) -> Finding:
    """Something that is as it should be."""
    return Finding(area, Verdict.OK, sentence)


def look(area: str, sentence: str, advice: str, command: str | None = None) -> Finding:
    """Something that works, and that somebody should look at."""
    return Finding(area, Verdict.LOOK, sentence, advice, command)


def wrong(area: str, sentence: str, advice: str, command: str | None = None) -> Finding:
    """Something that does not work, or lets in whom it should not."""
    return Finding(area, Verdict.WRONG, sentence, advice, command)
