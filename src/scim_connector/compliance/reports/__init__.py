"""Reports for whoever has to prove who had access, who lost it, and how fast."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from scim_connector.administration.errors import NotPossible
from scim_connector.compliance.reports import (
    access,
    changes,
    differences,
    exceptions,
    joiners,
    leavers,
    rule_proof,
)
from scim_connector.compliance.reports.report import (
    LONGEST_TARGET,
    TARGET,
    Asked,
    Kind,
    Report,
    instant,
)
from scim_connector.directory import seals

if TYPE_CHECKING:
    from scim_connector.directory.database import Database, Reader

__all__ = [
    "KINDS",
    "LONGEST_TARGET",
    "TARGET",
    "Asked",
    "Kind",
    "Report",
    "kind_of",
    "made",
]

Rows = Callable[
    ["Reader", Asked, Callable[[int], None]],
    tuple[list[tuple[Any, ...]], tuple[str, ...]],
]
_MAKERS: Final[Mapping[str, tuple[Kind, Rows]]] = {
    kind.id: (kind, rows)
    for kind, rows in (
        (access.ACCESS, access.rows),
        (leavers.LEAVERS, leavers.rows),
        (joiners.JOINERS, joiners.rows),
        (exceptions.EXCEPTIONS, exceptions.rows),
        (rule_proof.RULE_PROOF, rule_proof.rows),
        (differences.DIFFERENCES, differences.rows),
        (changes.CHANGES, changes.rows),
    )
}
#: Every kind of report, in the order they are offered.
KINDS: Final = tuple(kind for kind, _ in _MAKERS.values())


def kind_of(report_id: str) -> Kind:
    """The kind of this id; raises NotPossible with those there are."""
    if report_id not in _MAKERS:
        known = ", ".join(_MAKERS)
        raise NotPossible(f'There is no report "{report_id}"; there are: {known}.')
    return _MAKERS[report_id][0]


def made(
    database: Database,
    report_id: str,
    asked: Asked,
    *,
    progress: Callable[[int], None] = lambda done: None,
) -> Report:
    """Make a report from one state of the database; raises NotPossible for no report.

    *progress* is told how many users or events were read.
    """
    kind = kind_of(report_id)
    if asked.at > asked.now:
        raise NotPossible("That instant lies in the future; nobody knows it yet.")
    with database.snapshot() as reader:
        gone = _gone(reader, kind, asked)
        rows, summary = _MAKERS[report_id][1](reader, asked, progress)
    return Report(kind, asked.said(kind), asked.now, rows, (*summary, *gone))


def _gone(reader: Reader, kind: Kind, asked: Asked) -> tuple[str, ...]:
    """What retention has let go of; raises NotPossible where it is all of it."""
    since = seals.since(reader)
    if since is None or kind.asks == "now":
        return ()
    told = f"Audit keeps its events from {instant(since)} on"
    if kind.asks == "instant" and asked.at < since:
        raise NotPossible(f"{told}; who had access before cannot be told any more.")
    if kind.asks == "period" and asked.period.start < since:
        return (f"{told}; what happened before is not in here.",)
    return ()
