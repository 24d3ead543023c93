"""The runner of the third-party suites judges rightly, and scim2-tester is content."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests import server
from tests.conformance import lawful_tester, run, suites
from tests.conformance.suites import Outcome, Refusal

REQUEST = "8cf6e322-b387-4e89-8af9-ed819c13829e"


def test_scim2_tester_finds_nothing_with_lawful_values(tmp_path: Path) -> None:
    """Every check of scim2-tester passes and none is skipped (RFC 7643, RFC 7644)."""
    with server.running(tmp_path) as scim:
        token = scim.connection("tester", "--kind", "generic", "--allow-api-users")
        results = lawful_tester.check(scim.base_url, token)

    left = [r for r in results if r.status.name in suites.BAD | {"SKIPPED"}]
    assert len(results) > 100
    assert [f"{r.status.name} {r.title}: {r.reason}" for r in left] == []


def test_without_suites_it_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 2 and the name of the variable, before any server is started."""
    monkeypatch.setenv("SCIM_SUITES", str(tmp_path))

    status = run.main(["okta-spec"])

    assert status == 2
    assert "SCIM_SUITES" in capsys.readouterr().err


def test_an_unknown_suite_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt suite does not pass as one that found nothing."""
    assert run.main(["okta-spek"]) == 2
    assert "okta-spek" in capsys.readouterr().err


def test_both_runs_of_the_tester_are_one_name() -> None:
    """Who names scim2-tester gets it unmodified and with lawful values."""
    names = [suite.name for suite in suites.chosen(["scim2-tester"])]

    assert names == ["scim2-tester", "scim2-tester-lawful"]


@pytest.mark.parametrize(
    ("passed", "failed", "good"), [(52, 0, True), (51, 1, False), (51, 0, False)]
)
def test_a_suite_must_pass_whole(
    tmp_path: Path, passed: int, failed: int, good: bool
) -> None:
    """Fewer checks than expected are as bad as failed ones."""
    outcome = Outcome(passed, failed, 0, "", tmp_path / "none.json")

    assert suites.exactly(52)(outcome).good is good


@pytest.mark.parametrize(
    ("refusal", "good"),
    [
        (Refusal(400, frozenset({"initials_length"})), True),
        (Refusal(400, frozenset({"initials_length", "username_first"})), True),
        (Refusal(400, frozenset({"api_flag_immutable"})), True),
        (Refusal(400, frozenset({"initials_length", "email_invalid"})), False),
        (Refusal(409, frozenset({"initials_taken"})), False),
        (Refusal(500, frozenset({"initials_length"})), False),
        (None, False),
    ],
)
def test_only_random_values_excuse_a_failure(
    tmp_path: Path, refusal: Refusal | None, good: bool
) -> None:
    """A failure counts as ours only if the server logged the rule that explains it."""
    outcome = _failed(tmp_path, {REQUEST: refusal} if refusal else {})

    verdict = suites.only_our_two(outcome)

    assert verdict.good is good
    assert len(verdict.failures) == 1


@pytest.mark.parametrize("status", ["ERROR", "DEVIATION", "CRITICAL", "SKIPPED"])
def test_lawful_run_excuses_nothing(tmp_path: Path, status: str) -> None:
    """Failed and skipped checks both count against the lawful run."""
    assert not suites.nothing_left(_failed(tmp_path, {}, status)).good


def test_an_empty_report_is_no_success(tmp_path: Path) -> None:
    """A tester that wrote nothing has not found nothing."""
    outcome = Outcome(0, 0, 0, "", tmp_path / "none.json")

    assert not suites.nothing_left(outcome).good
    assert not suites.only_our_two(outcome).good


def _failed(
    folder: Path, refusals: dict[str, Refusal], status: str = "ERROR"
) -> Outcome:
    row: dict[str, Any] = {
        "status": status,
        "title": "object_creation",
        "reason": f'Initials "x" have 36 characters (R1). [request {REQUEST}]',
    }
    report = folder / "report.json"
    report.write_text(json.dumps({"rows": [row]}))
    return Outcome(100, 1, 0, "", report, refusals)
