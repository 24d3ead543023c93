"""What a plan comes to, in sentences for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scim_connector.compliance.undo.values import Plan

_LEFT = {
    "user:deactivated": "deactivated; an undo reactivates nobody who is not named",
    "user:reactivated": "made active; an undo deactivates nobody",
    "user:created": "created; no user is ever deleted",
}


def sentences(plan: Plan) -> list[str]:
    """How many values would be put back, what would not, and what follows."""
    return [*_restored(plan), *_refused(plan), *_again(plan), *_left(plan)]


def _restored(plan: Plan) -> Iterator[str]:
    total = plan.by_field.total()
    yield (
        f"{_people(plan.restorable)} of {len(plan.people):,} would have"
        f" {total:,} {_values(total)} put back."
    )
    for name, count in plan.by_field.most_common():
        yield f"{name.replace('_', ' ').capitalize()}: {count:,}."
    if plan.done:
        yield f"{plan.done:,} {_values(plan.done)} are as they were already."
    if plan.notices:
        yield (
            f"{_people(plan.notices)} would get a notice, at the address they have now,"
            " that it changed. Nothing else is mailed."
        )


def _refused(plan: Plan) -> Iterator[str]:
    if plan.refused:
        count = len(plan.refused)
        yield f"{count:,} {_values(count)} cannot be put back; the list says why."


def _again(plan: Plan) -> Iterator[str]:
    if not plan.again:
        return
    names = " and ".join(each.name for each in plan.connections)
    count = len(plan.again)
    yield (
        f"{count:,} of the {_values(count)} differ from what the mapping in force"
        f" derives: at its next change of such a person {names} would write over them."
        " Pause it until its mapping is repaired, or keep them as values changed here."
    )


def _left(plan: Plan) -> Iterator[str]:
    found = Counter(event.name for _, event in plan.left)
    for name, said in _LEFT.items():
        if found[name]:
            yield f"{_people(found[name])} had been {said}."


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count:,} people"


def _values(count: int) -> str:
    return "value" if count == 1 else "values"
