"""The guard in the console: set, seen on every page it concerns, and approved."""

from __future__ import annotations

import re

from tests.console import Desk, Office
from tests.house import patch_of


def _connection(office: Office, name: str) -> tuple[str, str]:
    """A connection of its own; returns its number and its token."""
    fields = {"kind": "generic", "name": name, "link_existing": "never"}
    page = office.admin.post("/admin/connections", fields)
    token = re.findall(r"scimc_\w{12}_[\w-]{43}", page.text)[0]
    return re.findall(r"/admin/connections/(\d+)", page.text)[-1], token


def _set(desk: Desk, number: str, **fields: str) -> str:
    shipped = {"kind": "deactivations", "most": "50", "share": "5", "hours": "1"}
    page = desk.post(f"/admin/connections/{number}/guard", {**shipped, **fields})
    return page.words


def _people(office: Office, token: str, name: str, count: int) -> list[str]:
    made = []
    for n in range(count):
        address = f"{name}{n}@contoso.com"
        body = {"userName": address, "emails": [{"type": "work", "value": address}]}
        answer = office.scim.send("POST", "/Users", body, token=token)
        assert answer.status == 201, answer.content
        made.append(str(answer.body["id"]))
    return made


def test_held_deactivations_are_loud_until_approved(
    office: Office, auditor: Desk
) -> None:
    """Overview, connection, log and API say it; an auditor sees it and has no button."""
    number, token = _connection(office, "guarded")
    said = _set(office.admin, number, does="hold")
    ids = _people(office, token, "guarded", 7)

    answers = [
        office.scim.send("PATCH", f"/Users/{each}", patch_of(active=False), token=token)
        for each in ids
    ]
    home = office.admin.get("/admin")
    guide = office.admin.get(f"/admin/connections/{number}")
    guard = office.admin.get(f"/admin/connections/{number}/guard")
    seen = auditor.get(f"/admin/connections/{number}/guard")
    path = f"/admin/connections/{number}/guard/approve"
    refused = auditor.post(path, {"kind": "deactivations"})
    approved = office.admin.post(path, {"kind": "deactivations"})
    again = office.scim.send(
        "PATCH", f"/Users/{ids[6]}", patch_of(active=False), token=token
    )

    assert "Deactivations: the guard is set." in said
    assert [each.status for each in answers] == [200] * 5 + [429] * 2
    assert answers[5].headers["retry-after"] == "300"
    assert answers[5].body["detail"].startswith("Held back by the guard of connection")
    assert "guarded holds deactivations back until somebody approves" in home.words
    assert "keeps all access until then" in home.words
    assert "Holds changes back" in home.words
    assert "Deactivations are held back since" in guide.words
    assert "Held back: 2 people" in guard.words
    assert "guarded5@contoso.com" in guard.words
    assert "Approve deactivations" in guard.words
    assert "Approve deactivations" not in seen.words
    assert "Held back: 2 people" in seen.words
    assert refused.status == 403
    assert "Approved: deactivations pass for 1 day" in approved.words
    assert again.status == 200
    assert "held back since" not in office.admin.get("/admin/connections").words


def test_an_alert_is_on_the_overview(office: Office) -> None:
    """Nothing is held; a day long the overview says how many and through whom."""
    _, token = _connection(office, "alerted")
    for each in _people(office, token, "alerted", 6):
        office.scim.send("DELETE", f"/Users/{each}", token=token)

    words = office.admin.get("/admin").words

    assert "More than 5 people were deactivated through alerted." in words


def test_numbers_that_cannot_be_are_told_at_the_form(office: Office) -> None:
    """400 with the sentence; the thresholds stay."""
    number, _ = _connection(office, "numbers")

    for fields, said in (
        ({"most": "many"}, '"many" is no number of people'),
        ({"most": "1"}, "most of deactivations is from 5 to 1,000,000"),
        ({"kind": "shoes"}, "shoes is not watched"),
        ({"hours": ""}, '"" is no number of hours'),
    ):
        assert said in _set(office.admin, number, **fields)
    path = f"/admin/connections/{number}/guard"
    page = office.admin.post(f"{path}/approve", {})
    assert (page.status, "holds nothing back" in page.words) == (400, True)
    assert office.admin.get(path).text.count('value="50"') == 3


def test_a_planned_change_is_approved_ahead(office: Office) -> None:
    """The button is there where it holds, and nobody is held by it."""
    number, token = _connection(office, "planned")
    _set(office.admin, number, does="hold")
    ids = _people(office, token, "planned", 6)
    page = office.admin.get(f"/admin/connections/{number}/guard")

    path = f"/admin/connections/{number}/guard/approve"
    office.admin.post(path, {"kind": "deactivations"})
    answers = [
        office.scim.send("PATCH", f"/Users/{each}", patch_of(active=False), token=token)
        for each in ids
    ]

    assert "Approve them ahead, for a day" in page.words
    assert {each.status for each in answers} == {200}
