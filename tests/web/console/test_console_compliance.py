"""Compliance in the console: reports, samples, the review sheet and the evidence pack."""

from __future__ import annotations

import csv
import io
import json
from hashlib import sha256

import pytest

from scim_connector.compliance.reports import KINDS
from tests.console import EVIL, Desk, Office

PATH = "/admin/compliance"


@pytest.fixture(scope="module")
def ines(office: Office) -> Desk:
    """A compliance officer, who may see this and nothing else."""
    link = office.person("leaver@contoso.com", name={"givenName": EVIL})
    off = {"Operations": [{"op": "replace", "path": "active", "value": False}]}
    office.scim.send("PATCH", f"/Users/{link}", off)
    return office.somebody("ines", "compliance.view")


def test_every_report_is_offered(ines: Desk) -> None:
    """With what it shows, and what it is about."""
    page = ines.get(PATH)

    assert page.status == 200
    for kind in KINDS:
        assert f"{PATH}/reports/{kind.id}" in page.text
        assert kind.sentence in page.words


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.id)
def test_a_report_is_a_page_a_file_and_a_print(ines: Desk, kind: object) -> None:
    """All of the same rows; the page says what the report cannot see."""
    name, blind = kind.id, kind.blind  # type: ignore[attr-defined]
    page = ines.get(f"{PATH}/reports/{name}")
    sheet = ines.get(f"{PATH}/reports/{name}?format=csv").text
    whole = json.loads(ines.get(f"{PATH}/reports/{name}?format=json").text)
    paper = ines.get(f"{PATH}/reports/{name}?format=print")

    rows = list(csv.reader(io.StringIO(sheet, newline="")))
    assert len(rows) - 1 == len(whole["rows"])
    assert f"{len(whole['rows'])} rows." in page.words
    assert all(said in page.words and said in paper.words for said in blind)
    assert "<script>alert" not in page.text + paper.text
    assert "printed.css" in paper.text


def test_the_hash_on_the_page_is_that_of_the_file(ines: Desk) -> None:
    """As long as nothing happens between the two."""
    address = f"{PATH}/reports/leavers?period=2020..2035"
    sheet = ines.get(f"{address}&format=csv").text
    page = ines.get(address)

    assert "leaver@contoso.com" in sheet
    assert sha256(sheet.encode()).hexdigest() in page.text


def test_the_past_is_asked_for_by_its_day(ines: Desk) -> None:
    """Before anybody came there is nobody, and the page says so."""
    page = ines.get(f"{PATH}/reports/access?at=2020-01-01")

    assert "There are no rows" in page.words
    assert "as of 2020-01-01T23:59:59Z" in page.words


@pytest.mark.parametrize("asked", ["period=Q5", "at=yesterday", "target=x"])
def test_what_makes_no_sense_is_told(ines: Desk, asked: str) -> None:
    """With what to write instead."""
    page = ines.get(f"{PATH}/reports/leavers?{asked}")

    assert page.status == 400
    assert "write 2026" in page.words or "no number" in page.words


def test_a_sample_is_printed(ines: Desk) -> None:
    """Somebody who left, somebody unknown; what cannot be read is told in place."""
    persons = "email,left_on\nleaver@contoso.com,2026-01-31\nnobody@x.org,\n"
    paper = ines.post(f"{PATH}/sample", {"persons": persons})
    wrong = ines.post(f"{PATH}/sample", {"persons": "department\nIT\n"})

    assert "after that day" in paper.words
    assert "nobody@x.org: Nobody here has this email" in paper.words
    assert "<script>alert" not in paper.text
    assert wrong.status == 400
    assert "The first line must name one of the columns" in wrong.words
    assert "department" in wrong.text


def test_the_sheet_of_a_review_is_a_file(ines: Desk) -> None:
    """Of everybody who is active."""
    rows = list(csv.DictReader(io.StringIO(ines.get(f"{PATH}/review").text)))

    assert "ines@contoso.com" in {row["username"] for row in rows}
    assert "leaver@contoso.com" not in {row["username"] for row in rows}


def test_the_evidence_pack_is_downloaded(ines: Desk) -> None:
    """The archive that the command line writes."""
    page = ines.get(f"{PATH}/evidence?period=2020..2035")

    assert page.headers["Content-Type"] == "application/zip"
    assert "evidence-2020_2035.zip" in page.headers["Content-Disposition"]
    assert page.text.startswith("PK")
    assert "SHA256SUMS.sig" in page.text
    assert ines.get(f"{PATH}/evidence?period=soon").status == 400


def test_what_is_not_there(ines: Desk) -> None:
    """A report of another name."""
    assert ines.get(f"{PATH}/reports/everything").status == 404
