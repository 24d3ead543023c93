"""The provisioning log as an administrator reads it."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
from html import unescape
from typing import Any
from urllib.parse import quote

from tests.browser import Page
from tests.console import Desk, Office

EVIL = '"><script>alert(1)</script>'


def _refused(office: Office, name: str) -> str:
    """Somebody whose address is taken; returns the userName that was refused."""
    office.person(f"{name}@contoso.com")
    user_name = f"{name}.other@contoso.com"
    body = {
        "userName": user_name,
        "name": {"givenName": EVIL, "familyName": "Doe"},
        "emails": [{"type": "work", "value": f"{name}@contoso.com"}],
    }
    assert office.scim.send("POST", "/Users", body).status == 409
    return user_name


def _detail(office: Office, user_name: str) -> Page:
    page = office.admin.get(f"/admin/log?words={user_name}&format=json")
    entry = json.loads(page.text)[0]
    return office.admin.get(f"/admin/log/{entry['request_id']}")


def test_a_refusal_says_what_to_change(office: Office) -> None:
    """The six steps, the fields, the rule, and what to do at the provider."""
    user_name = _refused(office, "rita")

    page = _detail(office, user_name)

    assert page.status == 200
    assert "is taken by an active user" in page.words
    assert "Not reached Write" in page.words
    assert "Email is unique R5" in page.words
    assert "correct the mail attribute in Entra" in page.words
    assert "Waits for a decision" in page.words


def test_the_request_is_a_command_to_copy(office: Office) -> None:
    """Its address is the one that was asked, and nothing sent ends a quotation."""
    user_name = _refused(office, "o'neil")
    office.scim.send("DELETE", "/Users/x';id;'", {})
    command = _command(_detail(office, user_name))
    (entry,) = _logged(office, "method=DELETE&reads=yes&status=404")
    odd = _command(office.admin.get(f"/admin/log/{entry['request_id']}"))

    base = office.scim.base_url
    assert command[:4] == ["curl", "-X", "POST", f"{base}/Users"]
    assert json.loads(command[-1])["userName"] == user_name
    assert odd[:4] == ["curl", "-X", "DELETE", f"{base}/Users/x%27%3Bid%3B%27"]


def _command(page: Page) -> list[str]:
    """The words that a shell makes of the command on a page."""
    (text,) = re.findall(r'<pre id="curl"[^>]*>(.*?)</pre>', page.text, re.DOTALL)
    return shlex.split(unescape(text))


def _logged(office: Office, query: str) -> list[dict[str, Any]]:
    """What the list has, as soon as it has something: reads appear in a moment."""
    found: list[dict[str, Any]] = []
    while not found:
        found = json.loads(office.admin.get(f"/admin/log?{query}&format=json").text)
    return found


def test_what_a_provider_sends_is_only_text(office: Office) -> None:
    """A name that is a script is shown and does nothing."""
    page = _detail(office, _refused(office, "xena"))

    assert EVIL not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text


def test_the_filter_stands_in_the_address(office: Office) -> None:
    """Each field narrows the list; what does not fit is not there."""
    user_name = _refused(office, "nora")
    begin = quote(user_name.upper())
    for query, there in (
        (f"words={begin}", True),
        (f"words={begin}&outcome=Failure&reason=email_taken&status=409", True),
        (f"words={begin}&outcome=Success", False),
        (f"words={begin}&until=2020-01-01", False),
        (f"words={begin}&since=2020-01-01&method=POST&action=Create", True),
        (f"words={begin}&connection=default", True),
    ):
        page = office.admin.get(f"/admin/log?{query}")
        assert (user_name in page.text) is there, query


def test_a_filter_that_makes_no_sense_is_told(office: Office) -> None:
    """A plain error state: what is wrong and what would be right."""
    for query, told in (
        ("connection=nowhere", 'connection cannot be "nowhere"; there are: default'),
        ("since=yesterday", "write it as 2026-12-31"),
        ("status=many", 'status "many" is no number'),
    ):
        page = office.admin.get(f"/admin/log?{query}")
        assert page.status == 400
        assert told in page.words


def test_pages_follow_each_other_and_files_hold_all(office: Office) -> None:
    """Every entry is met once by the next pages, and is a row of the file."""
    for number in range(60):
        office.scim.send("DELETE", f"/Users/none-{number}")
    seen: list[str] = []
    path = "/admin/log?outcome=Failure&action=Delete"
    while path:
        page = office.admin.get(path)
        ids = [part.split('"')[0] for part in page.text.split('href="/admin/log/')[1:]]
        seen += ids
        on = page.text.partition('" rel="next"')[0].rpartition('href="')[2]
        path = on.replace("&amp;", "&") if 'rel="next"' in page.text else ""

    rows = office.admin.get("/admin/log?outcome=Failure&action=Delete&format=csv")
    table = list(csv.DictReader(io.StringIO(rows.text)))
    assert len(seen) == len(set(seen)) >= 60
    assert [row["request_id"] for row in table] == seen


def test_a_cell_is_never_a_formula(office: Office) -> None:
    """What a spreadsheet would calculate is quoted (CSV injection)."""
    body = {"userName": '=cmd|"/c calc"!A1', "name": {"familyName": "Doe"}}
    office.scim.send("POST", "/Users", body)

    rows = office.admin.get("/admin/log?outcome=Failure&words==cmd&format=csv")

    cells = [row["identity"] for row in csv.DictReader(io.StringIO(rows.text))]
    assert cells == ['\'=cmd|"/c calc"!A1']


def test_the_overview_counts_who_needs_somebody(office: Office) -> None:
    """A refused person stands there until a later request about them succeeds."""
    user_name = _refused(office, "olaf")
    assert user_name in office.admin.get("/admin").text

    office.person(user_name)

    assert user_name not in office.admin.get("/admin").text


def test_the_receipt_of_a_deactivation(office: Office) -> None:
    """Who was cut off, and how fast, as a page and as a file."""
    scim_id = office.person("rolf@contoso.com")
    office.scim.send("DELETE", f"/Users/{scim_id}")

    page = office.admin.get("/admin/receipts")
    rows = json.loads(office.admin.get("/admin/receipts?format=json").text)

    assert "rolf@contoso.com" in page.words
    mine = next(row for row in rows if row["username"] == "rolf@contoso.com")
    assert mine["took_ms"] < 5_000


def test_a_refusal_is_tried_again_and_applied_again(office: Office) -> None:
    """Dry first, which changes nothing; then for real, once the cause is gone."""
    user_name = _refused(office, "hilda")
    entry = json.loads(
        office.admin.get(f"/admin/log?words={user_name}&format=json").text
    )[0]
    path = f"/admin/log/{entry['request_id']}"

    dry = office.admin.post(f"{path}/try")
    assert "The dry run, as things stand now Failure" in dry.words
    office.scim.cli(
        *("user", "edit", "hilda@contoso.com", "--email", "h@contoso.com"),
        *("--override",),
    )
    better = office.admin.post(f"{path}/try")
    assert "It would be answered 201" in better.words
    assert user_name not in office.scim.cli("user", "list")
    done = office.admin.post(f"{path}/again")

    assert "This is the request applied again" in done.words
    assert user_name in office.scim.cli("user", "list")
    assert user_name not in office.admin.get("/admin").text


def test_only_who_manages_applies_again(office: Office, auditor: Desk) -> None:
    """The auditor tries, and does not apply; a read is never applied."""
    user_name = _refused(office, "ilse")
    entry = json.loads(
        office.admin.get(f"/admin/log?words={user_name}&format=json").text
    )[0]
    path = f"/admin/log/{entry['request_id']}"

    assert auditor.post(f"{path}/try").status == 200
    assert auditor.post(f"{path}/again").status == 403


def test_what_arrives_can_be_followed(office: Office) -> None:
    """The list asks for itself anew, and where nothing runs the page does."""
    page = office.admin.get("/admin/log?outcome=Failure&tail=yes")

    assert 'hx-trigger="every 2s"' in page.text
    assert "/admin/log?outcome=Failure&amp;tail=yes" in page.text
    assert '<noscript><meta http-equiv="refresh"' in page.text
    assert "every 2s" not in office.admin.get("/admin/log?outcome=Failure").text
