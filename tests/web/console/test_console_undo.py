"""Undo in the console: planned, done, told, and what each role sees of it."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest

from tests.browser import Page
from tests.console import EVIL, Desk, Office
from tests.house import patch_of


def _changed(office: Office, name: str) -> tuple[str, int]:
    """Somebody whose last name a provider changed; the SCIM id and the number."""
    scim_id = office.person(f"{name}@contoso.com", name={"givenName": "Kim"})
    body = patch_of(**{"name.familyName": f"Wrong {name}"})
    assert office.scim.send("PATCH", f"/Users/{scim_id}", body).status == 200
    return scim_id, office.user_id(f"{name}@contoso.com")


def _link(page: Page) -> str:
    """The plan behind the newest change of a history."""
    found = re.search(r'href="(/admin/undo/plan\?user=[^"]+)"', page.text)
    assert found is not None, page.words
    return found[1].replace("&amp;", "&")


def _last_name(office: Office, user_id: int) -> str:
    return office.admin.get(f"/admin/users/{user_id}").fields["last_name"]


def test_one_change_is_undone_from_the_history(office: Office) -> None:
    """The plan names both values; the report is a file; undone again is no change."""
    _, number = _changed(office, "undo.one")
    link = _link(office.admin.get(f"/admin/users/{number}/history"))

    plan = office.admin.get(link)
    done = office.admin.browser.fill(plan, "/admin/undo/run", how="")
    again = office.admin.get(link)
    address = re.findall(r'href="(/admin/undo/report[^"]+format=csv)"', done.text)[0]
    report = office.admin.get(address.replace("&amp;", "&"))
    rows = list(csv.DictReader(io.StringIO(report.text)))

    assert "1 person of 1 would have 1 value put back." in plan.words
    assert "Wrong undo.one" in plan.words
    assert "1 value of 1 person put back" in done.words
    assert _last_name(office, number) == ""
    assert "0 people of 1 would have 0 values put back." in again.words
    assert "would be restored" not in again.words
    assert [(r["field"], r["before"], r["after"], r["result"]) for r in rows] == [
        ("last name", "Wrong undo.one", "", "restored")
    ]
    listed = office.admin.get("/admin/undo")
    assert "Undone before" in listed.words


def test_the_report_outlives_a_username(office: Office) -> None:
    """The username itself is put back; the report still finds the person."""
    office.person("undo.named@contoso.com")
    number = office.user_id("undo.named@contoso.com")
    fields = {"username": "other.name", "override": "yes"}
    office.admin.post(f"/admin/users/{number}/edit", fields)
    link = _link(office.admin.get(f"/admin/users/{number}/history"))

    done = office.admin.browser.fill(office.admin.get(link), "/admin/undo/run", how="")
    address = re.findall(r'href="(/admin/undo/report[^"]+format=json)"', done.text)[0]
    rows = json.loads(office.admin.get(address.replace("&amp;", "&")).text)

    assert [(r["username"], r["before"], r["after"]) for r in rows] == [
        ("undo.named@contoso.com", "other.name", "undo.named@contoso.com")
    ]


def test_a_batch_is_chosen_by_the_form(office: Office) -> None:
    """Everything a connection changed since a time, but one kind alone."""
    _changed(office, "undo.two")
    _changed(office, "undo.three")
    query = "connection=default&since=2026-01-01T00:00&only=last_name"

    page = office.admin.get(f"/admin/undo/plan?{query}")
    rows = json.loads(office.admin.get(f"/admin/undo/plan?{query}&format=json").text)

    assert "The history of everybody is read." in page.words
    would = [row for row in rows if row["result"] == "would be restored"]
    assert {"undo.two@contoso.com", "undo.three@contoso.com"} <= {
        row["username"] for row in would
    }
    assert {row["field"] for row in would} == {"last name"}


def test_what_applying_a_version_changed_is_one_click_away(office: Office) -> None:
    """The page of the mapping leads to the form, filled in for the version."""
    text = office.admin.mapping_text(1)
    shout = text.replace("'[name.familyName]'", "'ToUpper([name.familyName])'")
    _, number = _changed(office, "undo.mapping")
    planned = {"connection": "1", "text": shout}
    plan = office.admin.post("/admin/mapping/plan", planned)
    count = plan.fields["changes"]
    office.admin.post("/admin/mapping/apply", planned | {"changes": count})
    loud = _last_name(office, number)
    page = office.admin.get("/admin/mapping?connection=1")
    link = re.findall(r'href="(/admin/undo\?connection=[^"]+)"', page.text)[-1]

    form = office.admin.get(link.replace("&amp;", "&"))
    version = form.fields["mapping"]
    query = f"connection=default&mapping={version}"
    done = office.admin.browser.fill(
        office.admin.get(f"/admin/undo/plan?{query}"), "/admin/undo/run", how=""
    )
    repaired = planned | {"text": text}
    back = office.admin.post("/admin/mapping/plan", repaired).fields["changes"]
    office.admin.post("/admin/mapping/apply", repaired | {"changes": back})

    assert loud == "WRONG UNDO.MAPPING"
    assert '<option value="default" selected>' in form.text
    assert f"{count} values of {count} people put back" in done.words
    assert _last_name(office, number) == "Wrong undo.mapping"


def test_a_deactivation_is_left_with_the_way_to_undo_it(office: Office) -> None:
    """Not undone, with a link to the page whose button does it."""
    scim_id = office.person("undo.leaver@contoso.com")
    office.scim.send("PATCH", f"/Users/{scim_id}", patch_of(active=False))
    number = office.user_id("undo.leaver@contoso.com")

    page = office.admin.get("/admin/undo/plan?user=undo.leaver@contoso.com&by=default")

    assert "Deactivated; nobody is reactivated unless named." in page.words
    assert f'<a href="/admin/users/{number}">Do it on their page</a>' in page.text


def test_what_the_provider_would_write_again_can_be_kept(office: Office) -> None:
    """The name the provider sends differs: kept here it is shown as changed here."""
    _, number = _changed(office, "undo.kept")
    plan = office.admin.get(_link(office.admin.get(f"/admin/users/{number}/history")))

    office.admin.browser.fill(plan, "/admin/undo/run", how="keep")

    assert "would be written over by default" in plan.words
    assert "Pause default first" in plan.words
    page = office.admin.get(f"/admin/users/{number}")
    assert "Changed here; it lasts until default sends another value" in page.text


def test_who_may_only_look_plans_and_undoes_nothing(
    office: Office, auditor: Desk
) -> None:
    """An auditor sees the plan without a button; the button refuses them."""
    _, number = _changed(office, "undo.auditor")
    link = _link(office.admin.get(f"/admin/users/{number}/history"))

    plan = auditor.get(link)
    refused = auditor.post("/admin/undo/run", plan.fields | {"user": "x"})

    assert "1 value put back" in plan.words
    assert "/admin/undo/run" not in plan.text
    assert refused.status == 403
    assert "/admin/undo/plan" not in auditor.get(f"/admin/users/{number}/history").text


def test_pausing_needs_its_own_permission(office: Office) -> None:
    """Who may update users and not provision is offered no pause, and refused one."""
    _, number = _changed(office, "undo.helper")
    helper = office.somebody("undohelper", "users.view", "users.update")
    link = _link(helper.get(f"/admin/users/{number}/history"))

    plan = helper.get(link)
    refused = helper.browser.fill(plan, "/admin/undo/run", how="pause")
    done = helper.browser.fill(plan, "/admin/undo/run", how="")

    assert "Pause default first" not in plan.words
    assert "which your roles do not carry" in refused.words
    assert "put back" in done.words


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "Say which changes"),
        ("since=yesterday", "is no time"),
        ("mapping=two&connection=default", "is no number"),
        ("connection=nowhere", "There is no connection"),
        ("user=nobody", "There is no user"),
        ("since=2026-01-01&only=shoes", "these can: username"),
        ("event=1&by=x", "one of a person"),
        (f"user={'9' * 400}", "There is no user"),
    ],
)
def test_a_batch_that_is_none_is_told_at_the_form(
    office: Office, query: str, said: str
) -> None:
    """400 with the sentence, and the form again."""
    page = office.admin.get(f"/admin/undo/plan?{query}")

    assert page.status == 400
    assert said in page.words
    assert "Show what would be put back" in page.words


def test_values_that_would_be_scripts_are_text(office: Office) -> None:
    """A name of a provider is shown, never run, on each page of an undo."""
    scim_id = office.person("undo.evil@contoso.com", name={"familyName": EVIL})
    body = patch_of(**{"name.familyName": "Harmless"})
    office.scim.send("PATCH", f"/Users/{scim_id}", body)
    number = office.user_id("undo.evil@contoso.com")
    plan = office.admin.get(_link(office.admin.get(f"/admin/users/{number}/history")))

    done = office.admin.browser.fill(plan, "/admin/undo/run", how="")

    for page in (plan, done):
        assert EVIL not in page.text
        assert EVIL in page.words
