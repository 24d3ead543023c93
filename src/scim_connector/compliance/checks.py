"""Findings: what must not be, for a scheduler that asks every night."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scim_connector.compliance import chain, reports
from scim_connector.compliance.reports import exceptions
from scim_connector.directory import receipts

if TYPE_CHECKING:
    from scim_connector.compliance.reports import Asked
    from scim_connector.directory.database import Database
    from scim_connector.tokens.signing import SigningKeys

#: What is looked at, each with what a finding of it means.
KINDS: Final = {
    "audit": "The record of changes was tampered with.",
    "rules": "Something is in the database that the local rules forbid.",
    "cut-off": "Somebody was cut off, and an application has not heard of it.",
    "administrator": "Only one Administrator is left, or none.",
    "credentials": "A live credential never ends, or was not used for long.",
    "never-signed-in": "Somebody has had access for long and never used it.",
}
_OF_EXCEPTION: Final = {
    exceptions.LAST: "administrator",
    exceptions.ENDLESS: "credentials",
    exceptions.UNUSED: "credentials",
    exceptions.NEVER: "never-signed-in",
}
#: An application has this long to hear of a cut-off; microseconds.
PATIENCE: Final = 5 * 60 * 1_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that must not be: its kind (:data:`KINDS`) and what it is."""

    kind: str
    sentence: str


def findings(
    database: Database,
    signing: SigningKeys,
    asked: Asked,
    *,
    but: Collection[str] = (),
    progress: Callable[[str], None] = lambda kind: None,
) -> list[Finding]:
    """Everything that is found, save the kinds in *but*.

    Cut-offs are those of the period asked for.  *progress* is told each part.
    """
    found: list[Finding] = []
    for kind, look in _LOOKS.items():
        if kind not in but:
            progress(kind)
            found += look(database, signing, asked)
    return [each for each in found if each.kind not in but]


def _audit(database: Database, signing: SigningKeys, asked: Asked) -> Iterator[Finding]:
    del asked
    with database.snapshot() as reader:
        for each in chain.findings(reader, signing, []):
            yield Finding("audit", f"{each[0].upper()}{each[1:]}.")


def _rules(database: Database, signing: SigningKeys, asked: Asked) -> Iterator[Finding]:
    del signing
    for what, count, holds in reports.made(database, "rule-proof", asked).rows:
        if holds != "yes":
            yield Finding("rules", f"{count} {what}.")


def _cut_off(
    database: Database, signing: SigningKeys, asked: Asked
) -> Iterator[Finding]:
    del signing
    start, end = asked.period.start, min(asked.period.end, asked.now - PATIENCE)
    for each in receipts.between(database.reader(), start, end):
        late = [c.application for c in each.calls if c.delivered_at is None]
        if late:
            told = ", ".join(late)
            yield Finding("cut-off", f"{each.username}: {told} has not heard of it.")


def _exceptions(
    database: Database, signing: SigningKeys, asked: Asked
) -> Iterator[Finding]:
    del signing
    for row in reports.made(database, "exceptions", asked).rows:
        exception, what, whose, *_, detail = row
        if exception in _OF_EXCEPTION:
            said = f"{what} ({whose})" if whose else what
            sentence = f"{exception}: {said}, {detail}."
            yield Finding(_OF_EXCEPTION[exception], sentence)


_LOOKS: Final = {
    "audit": _audit,
    "rules": _rules,
    "cut-off": _cut_off,
    "exceptions": _exceptions,
}
