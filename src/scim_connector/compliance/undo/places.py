"""Values only one can have: who holds what the people of a plan are to have back.

Somebody who is given their own former value back frees the present one, so two people
of one batch may well trade places.  Whoever depends on another is carried out with them
in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scim_connector.directory import names, users
from scim_connector.directory.names import Held
from scim_connector.rules import folding
from scim_connector.scim.rendering import timestamp

if TYPE_CHECKING:
    from scim_connector.compliance.undo.values import Change, Planned
    from scim_connector.directory.database import Reader

FOLD: Final[Mapping[str, Callable[[str], str]]] = {
    "username": folding.username_key,
    "initials": folding.initials_key,
    "email": folding.email_key,
}


@dataclass(frozen=True, slots=True)
class _Claim:
    """One person who is to have one value back, and whose it is now."""

    planned: Planned
    change: Change
    key: str
    held: Held | None

    @property
    def field(self) -> str:
        return self.change.field


def settle(reader: Reader, people: Sequence[Planned]) -> list[list[int]]:
    """Mark what others hold and keep; returns who is carried out with whom."""
    claims = _claims(reader, people)
    _refuse_rivals(claims)
    there = {planned.user.id: planned for planned in people}
    waiting = [claim for claim in claims if claim.held is not None]
    while _refuse_taken(reader, waiting, there):
        waiting = [claim for claim in waiting if claim.change.is_open]
    return _groups(people, waiting)


def _claims(reader: Reader, people: Sequence[Planned]) -> list[_Claim]:
    return [
        _Claim(planned, change, key, _held(reader, planned.user.id, change.field, key))
        for planned in people
        for change in planned.open
        if change.field in FOLD
        for key in [FOLD[change.field](change.then)]
    ]


def _held(reader: Reader, user_id: int, field: str, key: str) -> Held | None:
    """Who else has a value, or is kept it; None when it is to be had."""
    if field == "email":
        user = users.by_email_key(reader, key)
        held = None if user is None else Held(key, user.id)
    else:
        place: names.Field = "username" if field == "username" else "initials"
        held = names.holders(reader, place, [key]).get(key)
    return None if held is None or held.user_id == user_id else held


def _refuse_rivals(claims: Sequence[_Claim]) -> None:
    """Where two had the same value before, the one who lost it last has it back."""
    best: dict[tuple[str, str], _Claim] = {}
    for claim in claims:
        place = (claim.field, claim.key)
        rival = best.get(place)
        if rival is None or rival.change.move.events[0] < claim.change.move.events[0]:
            best[place] = claim
    for claim in claims:
        winner = best[claim.field, claim.key]
        if winner is not claim:
            name = winner.planned.user.username
            claim.change.why_not = f"{name} had it later, and has it back."


def _refuse_taken(
    reader: Reader, waiting: Sequence[_Claim], there: Mapping[int, Planned]
) -> bool:
    """Mark values whose holders do not give them up; whether any was found."""
    found = False
    for claim in waiting:
        if claim.held is None or not claim.change.is_open:
            continue
        if claim.held.until is None and _gives_up(claim, _holder(claim.held, there)):
            continue
        claim.change.why_not = _said(reader, claim.held)
        found = True
    return found


def _holder(held: Held, there: Mapping[int, Planned]) -> Planned | None:
    """Who has a value now, where they are in the same undo; nobody who was erased."""
    return None if held.user_id is None else there.get(held.user_id)


def _gives_up(claim: _Claim, holder: Planned | None) -> bool:
    """Whether the holder is given another value back in the same undo."""
    if holder is None:
        return False
    fold = FOLD[claim.field]
    moving = [c for c in holder.open if c.field == claim.field]
    return any(fold(change.then) != claim.key for change in moving)


def _said(reader: Reader, held: Held) -> str:
    if held.user_id is None:
        return "Somebody who was erased had it; nobody is given it again."
    holder = users.required(reader, held.user_id)
    if held.until is not None:
        return f"It is kept for {holder.username} until {timestamp(held.until)[:10]}."
    activity = "" if holder.active else ", who is inactive"
    return f"{holder.username} has it now{activity}."


def _groups(people: Sequence[Planned], waiting: Sequence[_Claim]) -> list[list[int]]:
    """People by themselves, and those who hold each other's values together."""
    group = {planned.user.id: [planned.user.id] for planned in people if planned.open}
    for claim in waiting:
        if claim.held is None or not claim.change.is_open:
            continue
        if claim.held.user_id is None:
            continue
        one, other = group[claim.planned.user.id], group[claim.held.user_id]
        if one is not other:
            one += other
            for user_id in other:
                group[user_id] = one
    return list({id(each): each for each in group.values()}.values())
