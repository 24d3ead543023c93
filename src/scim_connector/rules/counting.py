"""Numbers with their nouns, as people say them."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun: 1 user, 2 users, 1,200 people."""
    name = noun if number == 1 else plural or f"{noun}s"
    return f"{number:,} {name}"
