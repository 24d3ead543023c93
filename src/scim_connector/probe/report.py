"""What is told at the end: rows, findings, a summary; and the page of all checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from textwrap import shorten
from typing import TYPE_CHECKING, Any, Final

from scim_connector.probe.checks import Outcome, Result
from scim_connector.probe.running import SCRIPTS

if TYPE_CHECKING:
    from scim_connector.probe.checks import Check

NAMES: Final = {"entra": "Entra ID", "okta": "Okta"}
WIDEST: Final = 80
_TROUBLE: Final = {Outcome.FAILS, Outcome.WARNING}


def rows(results: Sequence[Result]) -> list[list[str]]:
    """The table: trace, check, result, and the finding in a few words."""
    return [
        [
            r.check.trace,
            r.check.id,
            str(r.outcome),
            shorten(r.finding, WIDEST, placeholder="..."),
        ]
        for r in results
    ]


def findings(results: Sequence[Result], provider: str) -> list[str]:
    """For each failure and warning: sent, answered, needed, and what it means."""
    lines = []
    for result in results:
        if result.outcome not in _TROUBLE:
            continue
        check = result.check
        lines += [
            "",
            f"{check.trace} {check.id}: {result.finding}",
            f"  does:     {check.sends}",
            f"  needs:    {check.needs}",
            f"  in {NAMES[provider]}: {check.means}",
        ]
        if result.sent:
            lines += [f"  sent:     {result.sent}", f"  answered: {result.got}"]
    return lines


def counts(results: Sequence[Result]) -> dict[str, int]:
    """How many of each result."""
    seen = Counter(result.outcome for result in results)
    return {str(outcome): seen[outcome] for outcome in Outcome}


def summary(results: Sequence[Result], provider: str) -> str:
    """The last line."""
    said = ", ".join(f"{count} {word}" for word, count in counts(results).items())
    if any(r.outcome is Outcome.FAILS for r in results):
        return f"{said}. {NAMES[provider]} will meet the failures above."
    if any(r.outcome is Outcome.SKIPPED for r in results):
        return f"{said}. Nothing failed; what was skipped is not known to work."
    return f"{said}. {NAMES[provider]} can work with this server."


def record(result: Result) -> dict[str, Any]:
    """A result for programs."""
    check = result.check
    return {
        "trace": check.trace,
        "check": check.id,
        "result": str(result.outcome),
        "finding": result.finding,
        "sent": result.sent,
        "answered": result.got,
        "does": check.sends,
        "needs": check.needs,
        "means": check.means,
    }


def documentation() -> str:
    """The page of all checks, for ``docs/probe.md``."""
    parts = [
        "# What the probe checks",
        "",
        "`scim-connector probe URL --as entra|okta` sends what the provider sends to any"
        " SCIM server, ours or another, and judges the answers by what the provider"
        " needs. How to run it: [operations.md](operations.md). This page is generated:"
        " `scim-connector probe --markdown`.",
    ]
    for provider, checks in SCRIPTS.items():
        parts += ["", f"## {NAMES[provider]}", ""]
        parts += [
            "| trace | check | it sends | it needs | else the administrator sees |"
        ]
        parts += ["| --- | --- | --- | --- | --- |"]
        parts += [_line(check) for check in checks]
    return "\n".join(parts) + "\n"


def _line(check: Check) -> str:
    cells = (check.trace, f"`{check.id}`", check.sends, check.needs, check.means)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
