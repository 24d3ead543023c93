"""Compliance by the Admin API: the reports, a sample, and the rows of a review."""

from __future__ import annotations

import csv
import io

import pytest

from scim_connector.compliance.reports import KINDS
from tests.admin_api import Caller
from tests.console import Office
from tests.house import patch_of


@pytest.fixture(scope="module")
def leaver(api_office: Office) -> str:
    """Somebody whom the provider has deactivated."""
    name = "leaver.proof@contoso.com"
    scim_id = api_office.person(name)
    off = patch_of(active=False)
    assert api_office.scim.send("PATCH", f"/Users/{scim_id}", off).status == 200
    return name


def test_every_report_is_listed_and_made(machine: Caller, leaver: str) -> None:
    """Its rows have the columns that its kind names, as many as it says."""
    listed = machine.get("/reports")["items"]

    assert [each["id"] for each in listed] == [each.id for each in KINDS]
    for kind in listed:
        told = machine.get(f"/reports/{kind['id']}")
        assert told["cannot_see"] == kind["cannot_see"]
        assert told["population"]["rows"] == len(told["rows"])
        assert all(list(row) == kind["columns"] for row in told["rows"])


def test_a_report_is_of_the_time_it_is_asked_for(machine: Caller, leaver: str) -> None:
    """A period with the leaver and one before; an instant before anybody was there."""
    now = machine.get("/reports/leavers", period="2020..2035", target=1)["rows"]
    before = machine.get("/reports/leavers", period="2020")
    access = machine.get("/reports/access", at="2020-01-01")

    assert leaver in {row["username"] for row in now}
    assert before["rows"] == access["rows"] == []
    assert access["population"]["filter"] == "as of 2020-01-01T23:59:59Z"


@pytest.mark.parametrize(
    "asked",
    [
        *({"at": "yesterday"}, {"at": "9999-12-31"}, {"period": "2026Q5"}),
        *({"period": "9999-12-31"}, {"target": 0}, {"target": "long"}),
        *({"at": "0001-01-01T00:00+23:00"}, {"format": "csv"}),
    ],
)
def test_what_makes_no_sense_is_refused(
    machine: Caller, asked: dict[str, object]
) -> None:
    """400, also at the ends of the calendar."""
    assert machine.ask("GET", "/reports/access", **asked).status == 400


def test_a_report_that_is_not_there_is_missing(machine: Caller) -> None:
    """404, with those there are."""
    told = machine.refused(404, "GET", "/reports/none")

    assert all(each.id in told["detail"] for each in KINDS)


def test_a_sample_proves_each_person(
    api_office: Office, machine: Caller, leaver: str
) -> None:
    """By whichever name; the cut-off beside the day HR names; who is not here."""
    number = api_office.user_id(leaver)
    people = [
        {"email": leaver, "left_on": "2026-01-31"},
        {"id": number},
        {"username": "nobody.here"},
    ]

    told = machine.done("POST", "/sample", {"people": people})

    first, second = told["pages"]
    assert (told["asked_for"], told["found"]) == (3, 2)
    assert first["user_id"] == second["user_id"] == number
    assert (first["active"], len(first["cut_offs"])) == (False, 1)
    assert "after that day" in first["finding"]
    assert second["left_on"] is None
    assert told["not_found"] == [
        {
            "line": 3,
            "asked_for": "nobody.here",
            "why": "Nobody here has this username, active or not.",
        }
    ]


@pytest.mark.parametrize(
    "people",
    [[], [{}], [{"email": " "}], [{"email": "a@b.example", "left_on": "soon"}]],
)
def test_a_sample_names_people(machine: Caller, people: list[object]) -> None:
    """400 for nobody, and for a day that is none."""
    machine.refused(400, "POST", "/sample", {"people": people})


def test_the_rows_to_review_are_those_of_the_sheet(
    api_office: Office, machine: Caller, leaver: str
) -> None:
    """Every active user and each role, as the file of the console has them."""
    sheet = api_office.admin.get("/admin/compliance/review").text
    rows = machine.get("/review")["rows"]

    lines = list(csv.DictReader(io.StringIO(sheet, newline="")))
    assert [(str(r["user_id"]), r["item"]) for r in rows] == [
        (line["user_id"], line["item"]) for line in lines
    ]
    assert ("machine.one", "Administrator") in {
        (r["username"], r["item"]) for r in rows
    }
    assert leaver not in {r["username"] for r in rows}
