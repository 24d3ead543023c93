"""Alerts in the console: what holds, whom it is mailed to, and how it is told."""

from __future__ import annotations

import json
import re

import pytest

from scim_connector.administration.alert_conditions import CONDITIONS
from tests.console import Desk, Office

ALERTS = "/admin/settings/alerts"


@pytest.fixture(scope="module")
def sif(office: Office) -> Desk:
    """Somebody who sets this up."""
    return office.somebody("sif", "settings.view", "settings.manage")


def _row(desk: Desk, alert: str) -> dict[str, object]:
    rows = json.loads(desk.get(f"{ALERTS}?format=json").text)
    assert [row["alert"] for row in rows] == [each.id for each in CONDITIONS]
    return next(row for row in rows if row["alert"] == alert)


def test_every_alert_stands_there(sif: Desk) -> None:
    """By its title, with its threshold; each leads to a page of its own."""
    page = sif.get(ALERTS)

    for each in CONDITIONS:
        assert each.title in page.words
        one = sif.get(f"{ALERTS}/{each.id}")
        assert one.status == 200
        assert each.sentence in one.words
    assert "30,14,7,1 days" in page.words
    assert 'href="/admin/settings/alerts"' in sif.get("/admin/settings").text


def test_it_names_who_is_mailed(office: Office, sif: Desk) -> None:
    """Those whose roles carry the permission, and nobody else."""
    office.somebody("aud.only", "settings.view")

    mailed = sif.get(f"{ALERTS}/disk").words

    assert 'Active people whose roles carry "Manage settings".' in mailed
    assert "sif@contoso.com" in mailed
    assert "aud.only@contoso.com" not in mailed


def test_it_is_changed_and_changed_back(sif: Desk) -> None:
    """What is not ticked is off; the threshold it came with is no change to it."""
    done = sif.post(f"{ALERTS}/backup_old/change", {"threshold": "48", "on": "1"})
    row = _row(sif, "backup_old")
    assert "It was changed." in done.words
    assert (row["threshold"], row["on"], row["mail"]) == ("48", True, False)
    assert "nowhere" in sif.get(ALERTS).words

    ticks = {"on": "1", "mail": "1", "log": "1"}
    sif.post(f"{ALERTS}/backup_old/change", {"threshold": "26", **ticks})
    row = _row(sif, "backup_old")
    assert (row["threshold"], row["mail"], row["log"]) == ("26", True, True)


def test_a_threshold_that_is_none_stays_in_the_form(sif: Desk) -> None:
    """With what to write instead; nothing is changed."""
    page = sif.post(f"{ALERTS}/refusals/change", {"threshold": "many", "on": "1"})

    assert page.status == 400
    assert "Write a whole number of percent from 1 to 100, such as 20." in page.words
    assert 'value="many"' in page.text
    assert _row(sif, "refusals")["threshold"] == "20"


def test_it_is_silenced_and_told_again(sif: Desk) -> None:
    """For a day, a week or a month; another span is refused."""
    wrong = sif.post(f"{ALERTS}/disk/silence", {"span": "ever"})
    assert wrong.status == 400
    assert "Choose for how long." in wrong.words

    page = sif.post(f"{ALERTS}/disk/silence", {"span": "week"})
    assert "Silent for a week." in page.words
    assert _row(sif, "disk")["silent_until"]
    assert "silent" in sif.get(ALERTS).words

    page = sif.post(f"{ALERTS}/disk/silence", {"span": "end"})
    assert "It is told again." in page.words
    assert _row(sif, "disk")["silent_until"] is None


def test_a_test_is_mailed(office: Office, sif: Desk) -> None:
    """To each who would be mailed, and it says that it is one."""
    page = sif.post(f"{ALERTS}/disk/test")

    told = re.search(r"(\d+) mails? (?:is|are) being sent", page.words)
    assert told is not None
    assert int(told[1]) >= 1
    assert "Alert" in sif.get("/admin/settings/mail?show=all").words


def test_what_is_not_there(sif: Desk) -> None:
    """An alert of another name is told."""
    assert sif.get(f"{ALERTS}/pigeons").status == 404
    ended = sif.post(f"{ALERTS}/pigeons/change", {"threshold": "1"})
    assert ended.status == 404


def test_looking_is_not_changing(auditor: Desk) -> None:
    """The Auditor sees all of it and no button; a POST is 403."""
    for path in (ALERTS, f"{ALERTS}/disk"):
        page = auditor.get(path)
        assert page.status == 200
        assert '<form method="post" action="/admin' not in page.text
    for act in ("change", "silence", "test"):
        assert auditor.post(f"{ALERTS}/disk/{act}", {"span": "day"}).status == 403
