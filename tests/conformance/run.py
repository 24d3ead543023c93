"""Runs the third-party SCIM suites: ``./dev conformance [suite...]``.

Each suite gets a server of its own in an empty temporary folder, on SQLite and once
more on PostgreSQL. The suites lie in the
folder named by SCIM_SUITES, or in ``../shared/conformance`` beside the checkout. Their
tools are installed on first use into ``.cache/conformance``, the reports go there too.
Exit status: 0 when every suite found what it must, 1 when not, 2 when it cannot run.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests import postgres, server
from tests.conformance.suites import (
    REQUEST,
    SUITES,
    Outcome,
    Refusal,
    Suite,
    Verdict,
    chosen,
    failed_rows,
)

if TYPE_CHECKING:
    from tests.server import Server

ROOT: Final = Path(__file__).resolve().parents[2]
CACHE: Final = ROOT / ".cache"
TOOLS: Final = CACHE / "conformance" / "tools"
REPORTS: Final = CACHE / "conformance" / "reports"
DATABASES: Final = ("sqlite", "postgresql")
LONGEST: Final = 1_200  # seconds one suite may take, the installation included


class CannotRun(Exception):
    """The suites cannot be run here; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table."""

    suite: Suite
    database: str
    outcome: Outcome
    verdict: Verdict
    seconds: float


def main(arguments: list[str] | None = None) -> int:
    """Run the suites that are named, all without names; returns the exit status."""
    asked = _parser().parse_args(arguments)
    try:
        suites = chosen(asked.suite)
        folder = _folder()
        _prepare(folder, suites)
        results = list(_results(folder, suites, asked.database or DATABASES))
    except (CannotRun, ValueError) as problem:
        print(f"conformance: {problem}", file=sys.stderr)
        return 2
    _print_table(results)
    _print_failures(results)
    return 0 if all(result.verdict.good for result in results) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./dev conformance",
        description="Third-party SCIM suites against throw-away servers of ours.",
        epilog="What each suite checks, and what it finds: docs/conformance.md.",
    )
    parser.add_argument(
        "suite", nargs="*", help=f"all without any; of: {', '.join(SUITES)}"
    )
    parser.add_argument(
        "--database",
        action="append",
        choices=DATABASES,
        help="one of them alone (default: both)",
    )
    return parser


# ---------------------------------------------------------------------- what is there


def _folder() -> Path:
    """Return the folder of the suites; raises CannotRun when there is none."""
    named = os.environ.get("SCIM_SUITES")
    folder = Path(named) if named else ROOT.parent / "shared" / "conformance"
    if (folder / "run_all.sh").is_file():
        return folder.resolve()
    raise CannotRun(
        f"there are no suites at {folder}. Set SCIM_SUITES to the folder that holds"
        " run_all.sh (docs/conformance.md says what it is)."
    )


def _prepare(folder: Path, suites: list[Suite]) -> None:
    """Make the cache folders, which git ignores, and what run_all.sh cannot make."""
    TOOLS.mkdir(parents=True, exist_ok=True)
    (CACHE / ".gitignore").write_text("*\n")
    if any(suite.name == "scim2-tester" for suite in suites):
        _make_environment(folder / "requirements-tester.txt")


def _make_environment(requirements: Path) -> None:
    """Install scim2-tester with uv where Python has no ensurepip (Debian without venv).

    run_all.sh finds its environment by the checksum of the requirements.
    """
    environment = TOOLS / "venv-tester"
    stamp = environment / ".req"
    if importlib.util.find_spec("ensurepip") or stamp.exists():
        return
    uv = shutil.which("uv") or str(ROOT / ".tools" / "bin" / "uv")
    python = environment / "bin" / "python"
    try:
        subprocess.run([uv, "venv", "--quiet", environment], check=True)
        install = [uv, "pip", "install", "--quiet", "--python", python, "-r"]
        subprocess.run([*install, requirements], check=True)
    except (OSError, subprocess.CalledProcessError) as problem:
        raise CannotRun(f"scim2-tester cannot be installed: {problem}") from problem
    with requirements.open() as content:
        summed = subprocess.run(
            ["cksum"], stdin=content, capture_output=True, check=True
        )
    stamp.write_bytes(summed.stdout)


# -------------------------------------------------------------------------- one suite


def _results(
    folder: Path, suites: list[Suite], databases: Sequence[str]
) -> Iterator[Result]:
    """Run every suite on every database."""
    if "sqlite" in databases:
        for suite in suites:
            yield _run(folder, suite, "sqlite", {})
    if "postgresql" in databases:
        with postgres.running() as own:
            for suite in suites:
                url = own.create(f"conformance_{suite.name}")
                environment = {"SCIM_CONNECTOR_DATABASE_URL": url}
                yield _run(folder, suite, "postgresql", environment)
                own.drop(f"conformance_{suite.name}")


def _run(
    folder: Path, suite: Suite, database: str, environment: Mapping[str, str]
) -> Result:
    """Run one suite against a server of its own."""
    told = f"conformance: {suite.name} on {database} ..."
    print(told, file=sys.stderr, flush=True)
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="scim-conformance-") as empty,
        server.running(Path(empty), environment=environment) as scim,
    ):
        token = scim.connection(suite.name, *suite.connection)
        if suite.lawful:
            outcome = _lawful(suite, scim.base_url, token)
        else:
            outcome = _published(folder, suite, scim.base_url, token)
        if suite.name == "scim2-tester" and outcome.ran:
            outcome = replace(outcome, refusals=_refusals(scim, outcome.report))
    verdict = suite.judge(outcome)
    if not outcome.ran:
        verdict = Verdict(False, "could not run", (outcome.said,))
    return Result(suite, database, outcome, verdict, time.monotonic() - began)


def _published(folder: Path, suite: Suite, base_url: str, token: str) -> Outcome:
    """Run a suite through run_all.sh, and read its one line."""
    reports = REPORTS / suite.name
    reports.mkdir(parents=True, exist_ok=True)
    report = reports / f"{suite.name}.json"
    report.unlink(missing_ok=True)
    run = subprocess.run(
        ["bash", str(folder / "run_all.sh"), base_url, token, suite.name],
        env={
            **os.environ,
            "OKTA_ENTITLEMENTS": "/Roles",
            "CONF_WORK": str(TOOLS),
            "CONF_OUT": str(reports),
            "PYTHON": sys.executable,
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    for line in run.stdout.splitlines():
        name, *cells = line.split("\t")
        if name == suite.name:
            return _outcome(cells, report)
    return Outcome(None, None, None, f"{run.stdout}{run.stderr}".strip(), report)


def _outcome(cells: list[str], report: Path) -> Outcome:
    passed, failed, skipped, said = cells
    if not passed.isdigit():
        return Outcome(None, None, None, said, report)
    return Outcome(int(passed), int(failed), int(skipped), said, report)


def _lawful(suite: Suite, base_url: str, token: str) -> Outcome:
    """Run scim2-tester from our own environment with two lawful generators."""
    from tests.conformance import lawful_tester  # noqa: PLC0415 - needs its libraries

    report = REPORTS / suite.name / f"{suite.name}.json"
    report.parent.mkdir(parents=True, exist_ok=True)
    counts = lawful_tester.write_report(base_url, token, report)
    return Outcome(counts.passed, counts.failed, counts.skipped, "", report)


def _refusals(scim: Server, report: Path) -> dict[str, Refusal]:
    """Ask the server's request log about every request that a failure names."""
    named = [REQUEST.search(row["reason"] or "") for row in failed_rows(report)]
    ids = sorted({match[1] for match in named if match})
    shown = scim.cli_batch(
        [("log", "show", request_id, "--json") for request_id in ids]
    )
    entries = map(json.loads, shown)
    return {
        request_id: Refusal(entry["status"], frozenset(entry["reason"].split(",")))
        for request_id, entry in zip(ids, entries, strict=True)
    }


# ------------------------------------------------------------------------- the report


def _print_table(results: list[Result]) -> None:
    print(
        f"{'suite':20} {'database':10} {'passed':>7} {'failed':>7} {'skipped':>8}"
        f" {'s':>5}  verdict"
    )
    for result in results:
        outcome = result.outcome
        numbers = (outcome.passed, outcome.failed, outcome.skipped)
        passed, failed, skipped = ("-" if n is None else n for n in numbers)
        mark = "ok" if result.verdict.good else "NOT MET"
        print(
            f"{result.suite.name:20} {result.database:10} {passed:>7} {failed:>7}"
            f" {skipped:>8} {result.seconds:>5.0f}  {mark}: {result.verdict.words}"
        )


def _print_failures(results: list[Result]) -> None:
    for result in results:
        if result.verdict.failures:
            print(f"\n{result.suite.name} on {result.database}:")
            for failure in result.verdict.failures:
                print(f"  {failure}")
    print(f"\nFull reports: {REPORTS.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
