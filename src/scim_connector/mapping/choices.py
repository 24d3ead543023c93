"""What a field with candidates may become; the directory chooses among it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Apply = Literal["on_create", "always"]
WhenTaken = Literal["number", "refuse"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value that keeps the rules, and the expression it came from."""

    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Passed:
    """A candidate that cannot be used, and why; ``value`` may be empty."""

    value: str
    why: str


@dataclass(frozen=True, slots=True)
class Choices:
    """What a field with candidates may become.

    ``stated`` is the provider's own wish, which is taken or refused as it is.
    """

    stated: str | None
    ladder: tuple[Candidate, ...]
    passed: tuple[Passed, ...]
    bases: tuple[str, ...]
    when_taken: WhenTaken = "number"
    apply: Apply = "on_create"
