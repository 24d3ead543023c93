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
    from scim_connector.directory.database import Reader, Transaction
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


@dataclass(frozen=True, slots=True)
class Numbered:
    """The next free value behind a base, and the number that the counter is at then."""

    value: str
    base: str
    number: int


def settle(
    tx: Transaction,
    field: Field,
    choices: Choices,
    *,
    present: str | None = None,
    of_user: int = 0,
) -> Settled:
    """Choose the value of *field*; *present* is the user's own and counts as free.

    On update a present value that is still among the candidates is kept (decision 19),
    and a former one that is kept for *of_user* is free for them.
    """
    if choices.stated is not None:
        return Settled(choices.stated, "stated")
    if present is not None and is_candidate(field, present, choices):
        return Settled(present, "derived")
    settled, numbered = _chosen(tx, field, choices, of_user)
    if numbered is not None:
        names.remember_number(tx, field, numbered.base, numbered.number + 1)
    return settled


def glance(reader: Reader, field: Field, choices: Choices) -> str | None:
    """What somebody new would get now; nothing is reserved or counted by looking."""
    if choices.stated is not None:
        return choices.stated
    return _chosen(reader, field, choices, 0)[0].value


def _chosen(
    reader: Reader, field: Field, choices: Choices, of_user: int
) -> tuple[Settled, Numbered | None]:
    """The first value that is free, and the number behind it where it has one."""
    ladder = [candidate.value for candidate in choices.ladder]
    free = _free(reader, field, ladder, of_user)
    for position, value in enumerate(ladder):
        if FOLD[field](value) in free:
            return Settled(value, "derived", tuple(ladder[:position])), None
    if choices.when_taken == "refuse":
        return Settled(ladder[0] if ladder else None, "derived", tuple(ladder)), None
    numbered = next_numbered(reader, field, choices, of_user=of_user)
    found = None if numbered is None else numbered.value
    return Settled(found, "derived", tuple(ladder)), numbered


def is_candidate(field: Field, value: str, choices: Choices) -> bool:
    """Say whether *value* is one this mapping could have given."""
    key = FOLD[field](value)
    if key in {FOLD[field](candidate.value) for candidate in choices.ladder}:
        return True
    return any(base.covers(value) for base in numbering.plans(field, choices))


def next_numbered(
    reader: Reader, field: Field, choices: Choices, *, of_user: int = 0
) -> Numbered | None:
    """The first free numbered value behind the bases of *choices*; counts nothing."""
    for base in numbering.plans(field, choices):
        found = _numbered_behind(reader, field, base, of_user)
        if found is not None:
            return found
    return None


def _free(
    reader: Reader, field: Field, values: Sequence[str], of_user: int
) -> set[str]:
    keys = [FOLD[field](value) for value in values]
    return names.free_values(reader, field, keys, of_user=of_user)


def _numbered_behind(
    reader: Reader, field: Field, base: numbering.Base, of_user: int
) -> Numbered | None:
    start = names.next_number(reader, field, base.key) or base.first
    while True:
        handful = [
            (number, value)
            for number in range(start, start + HANDFUL)
            if (value := base.value(number)) is not None
        ]
        if not handful:
            return None
        free = _free(reader, field, [value for _, value in handful], of_user)
        for number, value in handful:
            if FOLD[field](value) in free:
                return Numbered(value, base.key, number)
        start += HANDFUL
