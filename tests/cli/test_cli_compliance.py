"""Proof on the command line: reports, samples, evidence, reviews and findings."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import Result

Run = Callable[..., Result]


@pytest.fixture
def staffed(run: Run) -> Run:
    """An installation with two Administrators and somebody who left."""
    run("role", "add", "Registrar")
    for name in ("ann", "bob"):
        mail = f"{name}@x.org"
        run("user", "add", "--email", mail, "--last", name, "--role", "Administrator")
    run("user", "add", "--email", "cy@x.org", "--last", "Cy", "--role", "Registrar")
    run("user", "add", "--email", "left@x.org", "--last", "Left")
    run("user", "deactivate", "left@x.org", "--yes")
    return run


def test_the_reports_are_listed_and_shown(staffed: Run) -> None:
    """Rows, the summary, the hash, and what cannot be seen."""
    listed = staffed("report").stdout
    shown = staffed("report", "leavers").stdout

    assert "access" in listed
    assert "rule-proof" in listed
    assert "left@x.org" in shown
    assert "1 of 1 (100.0%) were cut off within 1440 minutes" in shown
    assert "Not seen: Suspending somebody in Okta sends nothing" in shown


def test_a_report_is_written_as_its_name_ends(staffed: Run, tmp_path: Path) -> None:
    """CSV, JSON and HTML of the same rows; never over a file that is there."""
    for form in ("csv", "json", "html"):
        staffed("report", "access", str(tmp_path / f"a.{form}"))
    sheet = (tmp_path / "a.csv").read_bytes()
    whole = json.loads((tmp_path / "a.json").read_text())
    page = (tmp_path / "a.html").read_text()

    assert len(list(csv.DictReader(io.StringIO(sheet.decode())))) == 4
    assert whole["population"]["csv_sha256"] == sha256(sheet).hexdigest()
    assert "<style>" in page
    assert "cy@x.org" in page
    again = staffed("report", "access", str(tmp_path / "a.csv"), code=2)
    assert "exists already" in again.stderr


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("access --period 2026", "access is not about a period"),
        ("leavers --at 2026-06-30", "leavers is not about an instant"),
        ("rule-proof --at 2026-06-30", "rule-proof is not about an instant"),
        ("leavers list.pdf", "A report is no .pdf file"),
    ],
)
def test_what_a_report_cannot_answer_is_refused(
    staffed: Run, asked: str, said: str
) -> None:
    """Nobody gets the list of another time than they named."""
    assert said in staffed("report", *asked.split(), code=2).stderr


def test_what_is_asked_wrongly_is_refused(staffed: Run) -> None:
    """An unknown report, a period that is none."""
    assert "there are: access" in staffed("report", "all", code=2).stderr
    wrong = staffed("report", "leavers", "--period", "Q4", code=2)
    assert "write 2026, 2026Q4" in wrong.stderr


def test_a_sample_names_who_was_not_found(staffed: Run, tmp_path: Path) -> None:
    """On the terminal, as JSON and as pages to print."""
    persons = tmp_path / "persons.csv"
    persons.write_text("email,left_on\nleft@x.org,2026-01-31\nno@x.org,\n")

    shown = staffed("sample", str(persons))
    staffed("sample", str(persons), str(tmp_path / "s.html"))
    whole = json.loads(staffed("sample", str(persons), "--json").stdout)

    assert "after that day" in shown.stdout
    assert "1 were not found" in shown.stderr
    assert "no@x.org: Nobody here" in (tmp_path / "s.html").read_text()
    assert (whole["found"], whole["not_found"][0]["asked_for"]) == (1, "no@x.org")
    assert "email,left_on" in staffed("sample", "--template").stdout


def test_the_evidence_is_one_archive(staffed: Run, tmp_path: Path) -> None:
    """Named after its period unless it is named."""
    file = tmp_path / "e.zip"
    said = staffed("evidence", str(file), "--period", "2020..2035").stdout

    assert f"Written to {file}." in said
    with zipfile.ZipFile(file) as archive:
        leavers = archive.read("reports/leavers.csv").decode()
    assert "left@x.org" in leavers


def test_evidence_that_cannot_be_written_ends_with_2(staffed: Run) -> None:
    """1 would say that audit is not whole."""
    refused = staffed("evidence", "nofolder/e.zip", code=2)

    assert "nofolder/e.zip cannot be written: No such file" in refused.stderr


def test_a_review_goes_out_and_comes_back(staffed: Run, tmp_path: Path) -> None:
    """A role is taken; what cannot be done is named, and the exit says so."""
    file = tmp_path / "review.csv"
    staffed("review", "export", str(file))
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    for row in rows:
        if row["item"] == "Registrar":
            row |= {"reviewer": "Head", "decision": "revoke"}
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, rows[0])
        writer.writeheader()
        writer.writerows(rows)

    looked = staffed("review", "import", str(file), "--dry-run")
    done = staffed("review", "import", str(file), "--yes")
    again = staffed("review", "import", str(file), "--yes", code=1)

    assert "Nothing was written" in looked.stdout
    assert "0 confirmed, 1 revoked, 0 refused" in done.stdout
    assert "does not hold Registrar" in again.stdout


def test_findings_end_with_1(staffed: Run) -> None:
    """And a sound house with 0."""
    sound = staffed("compliance", "check")
    staffed("user", "deactivate", "bob@x.org", "--yes")
    found = staffed("compliance", "check", "--json", code=1)
    left_out = staffed("compliance", "check", "--but", "administrator")

    assert "Nothing was found" in sound.stdout
    assert [row["kind"] for row in json.loads(found.stdout)] == ["administrator"]
    assert left_out.exit_code == 0
