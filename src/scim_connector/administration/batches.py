"""Many conflicts decided at once: looked at first, then each on its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scim_connector.administration import conflicts, remedies
from scim_connector.administration.errors import NotPossible
from scim_connector.rules.users import RulesViolated

if TYPE_CHECKING:
    from scim_connector.accounts import Act
    from scim_connector.administration.conflicts import Listed
    from scim_connector.administration.remedies import Remedy
    from scim_connector.directory.database import Reader, Transaction

#: What may be done to many at once: nothing that takes a value for each.
BATCHED: Final[Mapping[str, Remedy]] = {
    each.id: each
    for each in (
        remedies.LINK,
        remedies.REACTIVATE_AND_LINK,
        remedies.SAME_PERSON,
        remedies.IGNORE,
    )
}


def remedy_of(remedy_id: str) -> Remedy:
    """The remedy of a batch; raises NotPossible for any other."""
    if remedy_id not in BATCHED:
        raise NotPossible("Choose what is to be done with them.")
    return BATCHED[remedy_id]


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One entry before a batch is carried out; ``why_not`` says why it would stay."""

    listed: Listed
    why_not: str | None


def review(reader: Reader, remedy: Remedy, ids: Iterable[int]) -> list[Reviewed]:
    """What would become of each entry; raises NotPossible for one that is not there."""
    chosen = [conflicts.find(reader, each) for each in ids]
    return [
        Reviewed(
            conflicts.shown(reader, entry), conflicts.why_not(reader, entry, remedy.id)
        )
        for entry in chosen
    ]


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of a reviewed batch: which entry, which remedy, with which values."""

    conflict_id: int
    remedy_id: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one line: ``done`` in a sentence, or ``why_not``."""

    choice: Choice
    done: str | None = None
    why_not: str | None = None


def decide(tx: Transaction, choices: Sequence[Choice], act: Act) -> list[Outcome]:
    """Decide many entries; one that cannot be decided leaves the others alone."""
    return [_tried(tx, choice, act) for choice in choices]


def _tried(tx: Transaction, choice: Choice, act: Act) -> Outcome:
    try:
        with tx.savepoint():
            done = conflicts.decide(
                tx, choice.conflict_id, choice.remedy_id, choice.values, act
            )
    except (NotPossible, RulesViolated) as refusal:
        return Outcome(choice, why_not=str(refusal))
    return Outcome(choice, done=done.sentence)
