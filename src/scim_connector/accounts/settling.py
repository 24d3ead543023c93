"""Choosing a free value: the mapping proposes, the directory says what is taken.

A stated wish is taken as it is and judged by the rules.  A derived value moves on to
the next candidate, then to numbers (decision 18): one query for the ladder, and, when
that is used up, one query for each base, because a counter remembers where the numbers
of a base ended (``name_counters``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from scim_connector.directory import names
from scim_connector.mapping import numbering
from scim_connector.rules import folding

if TYPE_CHECKING:
    from scim_connector.directory.database import Transaction
    from scim_connector.mapping.choices import Choices

Field = Literal["username", "initials"]

#: How many numbered values are proposed to the directory in one query.
HANDFUL = 8

FOLD: dict[Field, Callable[[str], str]] = {
    "username": folding.username_key,
    "initials": folding.initials_key,
}


@dataclass(frozen=True, slots=True)
class Settled:
    """The value a field gets: None when no candidate is possible at all.

    ``taken`` are the candidates passed over because somebody holds them.
    """

    value: str | None
    origin: str
    taken: tuple[str, ...] = ()


def settle(
    tx: Transaction, field: Field, choices: Choices, *, present: str | None = None
) -> Settled:
    """Choose the value of *field*; *present* is the user's own and counts as free.

    On update a present value that is still among the candidates is kept (decision 19).
    """
    if choices.stated is not None:
        return Settled(choices.stated, "stated")
    ladder = [candidate.value for candidate in choices.ladder]
    if present is not None and _keeps(field, present, ladder, choices):
        return Settled(present, "derived")
    free = _free(tx, field, ladder)
    for position, value in enumerate(ladder):
        if FOLD[field](value) in free:
            return Settled(value, "derived", tuple(ladder[:position]))
    if choices.when_taken == "refuse":
        return Settled(ladder[0] if ladder else None, "derived", tuple(ladder))
    return Settled(_numbered(tx, field, choices), "derived", tuple(ladder))


def _keeps(field: Field, present: str, ladder: Sequence[str], choices: Choices) -> bool:
    """Say whether the present value is one this mapping could have given."""
    key = FOLD[field](present)
    if key in {FOLD[field](value) for value in ladder}:
        return True
    return any(base.covers(present) for base in numbering.plans(field, choices))


def _free(tx: Transaction, field: Field, values: Sequence[str]) -> set[str]:
    keys = [FOLD[field](value) for value in values]
    return names.free_values(tx, field, keys) if keys else set()


def _numbered(tx: Transaction, field: Field, choices: Choices) -> str | None:
    """The first free numbered value behind the bases of *choices*, counted up."""
    for base in numbering.plans(field, choices):
        value = _numbered_behind(tx, field, base)
        if value is not None:
            return value
    return None


def _numbered_behind(tx: Transaction, field: Field, base: numbering.Base) -> str | None:
    start = names.next_number(tx, field, base.key) or base.first
    while True:
        handful = [
            (number, value)
            for number in range(start, start + HANDFUL)
            if (value := base.value(number)) is not None
        ]
        if not handful:
            return None
        free = _free(tx, field, [value for _, value in handful])
        for number, value in handful:
            if FOLD[field](value) in free:
                names.remember_number(tx, field, base.key, number + 1)
                return value
        start += HANDFUL
