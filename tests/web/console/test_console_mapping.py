"""The mapping in the console: tried on one, planned for all, applied; and again."""

from __future__ import annotations

import json
import re
from html import unescape

from tests.browser import Page
from tests.console import Desk, Office
from tests.digest import digest_of_server

SHOUT = "value = 'ToUpper([name.familyName])'"


def _digest(office: Office) -> str:
    return digest_of_server(office.scim.folder)


def _connection(office: Office, name: str) -> tuple[str, str]:
    """A connection of its own; returns its number and its token."""
    fields = {"kind": "generic", "name": name, "link_existing": "never"}
    page = office.admin.post("/admin/connections", fields)
    assert page.status == 200, page.words
    token = re.findall(r"scimc_\w{12}_[\w-]{43}", page.text)[0]
    return re.findall(r"/admin/connections/(\d+)", page.text)[-1], token


def _text(page: Page) -> str:
    whole = page.text.split('name="text"')[1]
    return unescape(whole.partition(">")[2].partition("</textarea>")[0]).strip("\n")


def _person(name: str) -> dict[str, object]:
    return {
        "userName": f"{name}@contoso.com",
        "name": {"givenName": "Kim", "familyName": name},
        "emails": [{"type": "work", "value": f"{name}@contoso.com"}],
    }


def test_a_dry_run_writes_nothing(office: Office) -> None:
    """Pasted JSON and a stored user take the same six steps; the database stays."""
    number, token = _connection(office, "dry")
    office.scim.send("POST", "/Users", _person("drywell"), token=token)
    text = _text(office.admin.get(f"/admin/mapping?connection={number}"))
    fields = {"connection": number, "text": text, "body": json.dumps(_person("newly"))}
    before = _digest(office)

    pasted = office.admin.post("/admin/mapping/try", fields)
    stored = office.admin.post(
        "/admin/mapping/try", fields | {"username": "drywell@contoso.com"}
    )
    changed = office.admin.post(
        "/admin/mapping/try",
        fields
        | {
            "username": "drywell@contoso.com",
            "text": text.replace("value = '[name.familyName]'", SHOUT),
        },
    )

    assert "Create newly@contoso.com, would be answered 201" in pasted.words
    assert "would be answered 200" in stored.words
    assert "Dry run with the changed mapping" in changed.words
    assert "DRYWELL" in changed.words
    assert _digest(office) == before


def test_a_mistake_is_told_with_its_place(office: Office) -> None:
    """Line, column and what was meant; what was typed stays."""
    number, _ = _connection(office, "mistaken")
    text = _text(office.admin.get(f"/admin/mapping?connection={number}"))
    wrong = text.replace("CleanUsername([userName])", "CleanUsernam([userName])")
    fields = {"connection": number, "text": wrong, "body": "{}"}

    for act in ("try", "plan"):
        page = office.admin.post(f"/admin/mapping/{act}", fields)
        assert page.status == 400
        assert 'did you mean "CleanUsername"?' in page.words
        assert "CleanUsernam(" in _text(page)
    fields = {"connection": number, "text": text, "body": "{broken"}
    assert office.admin.post("/admin/mapping/try", fields).status == 400
    fields = {"connection": number, "text": text, "username": "nobody.at.all"}
    page = office.admin.post("/admin/mapping/try", fields)
    assert 'There is no user "nobody.at.all"' in page.words


def test_plan_apply_and_apply_an_older_version_again(office: Office) -> None:
    """The plan names everybody; applied they follow; the first version brings them back."""
    number, token = _connection(office, "mapping-planned")
    office.scim.send("POST", "/Users", _person("Ann"), token=token)
    text = _text(office.admin.get(f"/admin/mapping?connection={number}"))
    new = text.replace("value = '[name.familyName]'", SHOUT)
    fields = {"connection": number, "text": new}

    plan = office.admin.post("/admin/mapping/plan", fields)
    assert "1 user of 1 would change" in plan.words
    assert "last name Now Ann Then ANN" in plan.words or "ANN" in plan.words
    assert "Ann" in office.scim.cli("user", "show", "ann@contoso.com")
    unnamed = office.admin.post("/admin/mapping/apply", fields)
    assert "Nothing was changed; plan again" in unnamed.words
    applied = office.admin.post("/admin/mapping/apply", fields | {"changes": "1"})
    assert (
        "Version 2 is in force for mapping-planned; 1 user of 1 changed"
        in applied.words
    )
    assert "ANN" in office.scim.cli("user", "show", "ann@contoso.com")

    old = office.admin.get(f"/admin/mapping?connection={number}&version=1")
    back = office.admin.post(
        "/admin/mapping/apply",
        {"connection": number, "text": _text(old), "changes": "1"},
    )

    assert "Version 3 is in force" in back.words
    assert "ANN" not in office.scim.cli("user", "show", "ann@contoso.com")


def test_an_expression_is_tried(office: Office) -> None:
    """What it gives on the example, and what is wrong with one that does not work."""
    fields = {"expression": 'ToLower(Before([userName], "@"))'}

    good = office.admin.post("/admin/mapping/functions", fields)
    bad = office.admin.post("/admin/mapping/functions", {"expression": "Tolowr(1)"})

    assert "It gives anne-marie.oconnor" in good.words
    assert bad.status == 400
    assert "unknown function" in bad.words


def test_who_may_only_look_tries_and_plans_nothing(
    office: Office, auditor: Desk
) -> None:
    """A dry run is a look; a plan and an application are not."""
    number, _ = _connection(office, "looked")
    text = _text(auditor.get(f"/admin/mapping?connection={number}"))
    fields = {"connection": number, "text": text, "body": json.dumps(_person("seen"))}

    assert auditor.post("/admin/mapping/try", fields).status == 200
    for act in ("plan", "apply"):
        assert auditor.post(f"/admin/mapping/{act}", fields).status == 403
