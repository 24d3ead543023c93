"""Which suites there are, on what connection each runs, and what each must find."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

OWN_ADDRESSES: Final = str(Path(__file__).resolve().with_name("own-addresses.toml"))
"""It makes the address from the userName; Microsoft's data gives several people one."""

BAD: Final = frozenset({"ERROR", "CRITICAL", "DEVIATION"})
"""The outcomes of scim2-tester that are failures."""

RANDOM_TEXT: Final = frozenset(
    {"initials_length", "username_length", "username_charset", "username_first"}
)
"""Why we refuse a UUID as initials (R1) or as a username (R6)."""

RANDOM_FLAG: Final = "api_flag_immutable"
"""Why we refuse to make a program of a person, or the other way round (R11)."""

REQUEST: Final = re.compile(r"\[request ([0-9a-f-]{36})\]")


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the server itself noted about a request it refused."""

    status: int
    codes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run of a suite found.

    *report* is the path of its JSON; *refusals* are, by request id, the requests that
    its failures name, as the server logged them.
    """

    passed: int | None
    failed: int | None
    skipped: int | None
    said: str
    report: Path
    refusals: dict[str, Refusal] = field(default_factory=dict)

    @property
    def ran(self) -> bool:
        """False when the suite could not be run at all."""
        return self.passed is not None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an outcome is what it must be, in words, with each failure named."""

    good: bool
    words: str
    failures: tuple[str, ...] = ()


Judge = Callable[[Outcome], Verdict]


@dataclass(frozen=True, slots=True)
class Suite:
    """One suite: its name in ``run_all.sh``, the connection, and the judge."""

    name: str
    connection: tuple[str, ...]
    judge: Judge
    lawful: bool = field(default=False)


def exactly(count: int) -> Judge:
    """Everything passes, and it is *count* checks."""

    def judge(outcome: Outcome) -> Verdict:
        good = (outcome.passed, outcome.failed) == (count, 0)
        failures = tuple(_assertions(outcome.report))
        return Verdict(good, f"expected {count} of {count}", failures)

    return judge


def at_least(count: int, *, of: int) -> Judge:
    """As many pass, each failure is named; docs/conformance.md has the reasons."""

    def judge(outcome: Outcome) -> Verdict:
        passed, failed = outcome.passed or 0, outcome.failed or 0
        good = passed >= count and passed + failed == of
        failures = tuple(_assertions(outcome.report))
        return Verdict(good, f"expected {count} of {of} at least", failures)

    return judge


def only_our_two(outcome: Outcome) -> Verdict:
    """Each failure is our 400 to a random value that a local rule forbids.

    Judged by what the server logged about the request, not by the words of a report.
    """
    bad = failed_rows(outcome.report)
    causes = [_cause(row, outcome.refusals) for row in bad]
    strange = causes.count(None)
    told = tuple(
        f"{cause or '! another cause'}: {_told(row)}"
        for row, cause in zip(bad, causes, strict=True)
    )
    words = f"{len(bad)} failures are our 400 to random initials, usernames and flags"
    if strange:
        words = f"{strange} failures have another cause"
    return Verdict(bool(outcome.passed) and not strange, words, told)


def _cause(row: dict[str, Any], refusals: dict[str, Refusal]) -> str | None:
    named = REQUEST.search(row["reason"] or "")
    refusal = refusals.get(named[1]) if named else None
    if refusal is None or refusal.status != 400:
        return None
    if refusal.codes <= RANDOM_TEXT:
        return "400 invalidValue, random text"
    if refusal.codes <= RANDOM_TEXT | {RANDOM_FLAG}:
        return "400, random apiUser"
    return None


def failed_rows(report: Path) -> list[dict[str, Any]]:
    """Return the failures in a report of scim2-tester."""
    return [row for row in _rows(report) if row["status"] in BAD]


def nothing_left(outcome: Outcome) -> Verdict:
    """With lawful values nothing fails and nothing is skipped."""
    rows = _rows(outcome.report)
    left = [row for row in rows if row["status"] in BAD | {"SKIPPED"}]
    failures = tuple(f"! {_told(row)}" for row in left)
    return Verdict(bool(rows) and not left, "nothing fails, none skipped", failures)


SUITES: Final = {
    suite.name: suite
    for suite in (
        Suite("okta-spec", ("--kind", "okta"), exactly(52)),
        Suite("okta-crud", ("--kind", "okta"), exactly(21)),
        Suite(
            "ms-inbound", ("--kind", "entra", "--mapping", OWN_ADDRESSES), exactly(7)
        ),
        Suite("okta-entitlements", ("--kind", "okta"), exactly(6)),
        Suite("ms-postman", ("--kind", "entra"), exactly(107)),
        Suite(
            "ms-postman-raw",
            ("--kind", "entra", "--mapping", OWN_ADDRESSES),
            at_least(105, of=107),
        ),
        Suite("scim2-tester", ("--kind", "generic", "--allow-api-users"), only_our_two),
        Suite(
            "scim2-tester-lawful",
            ("--kind", "generic", "--allow-api-users"),
            nothing_left,
            lawful=True,
        ),
    )
}


def chosen(names: list[str]) -> list[Suite]:
    """Return the suites of *names*, all without any; ValueError for an unknown one.

    ``scim2-tester`` stands for both of its runs.
    """
    for name in names:
        if name not in SUITES:
            raise ValueError(f"there is no suite {name!r}; choose from {_known()}")
    wanted = set(names) | (
        {"scim2-tester-lawful"} if "scim2-tester" in names else set()
    )
    return [suite for name, suite in SUITES.items() if not names or name in wanted]


def _known() -> str:
    return ", ".join(SUITES)


def _rows(report: Path) -> list[dict[str, Any]]:
    """Read the rows of a report; every suite writes its own kind."""
    try:
        stated = json.loads(report.read_text("utf-8"))
    except (OSError, ValueError):
        return []
    rows: list[dict[str, Any]] = stated["rows"] if isinstance(stated, dict) else stated
    return rows


def _told(row: dict[str, Any]) -> str:
    reason = " ".join(str(row["reason"]).split())
    return f"{row['title']}: {reason[:240]}"


def _assertions(report: Path) -> Iterator[str]:
    """Name each assertion that failed, in either report of the published suites."""
    for row in _rows(report):
        if row.get("error"):
            yield f"{row['name']} ({row['code']}): {row['assert']}: {row['error']}"
        elif row.get("status") == "fail":
            answer = row.get("response", "")
            yield f"{row['step']}: {row['assert']}; got {row['got']!r}: {answer}"
