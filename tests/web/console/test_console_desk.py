"""The desk of the console: who gets in, what they see, and what is refused."""

from __future__ import annotations

import re

import pytest

from scim_connector.rules.permissions import AUDITOR
from tests.browser import Browser
from tests.console import Desk, Office

PAGES = {
    "/admin": None,
    "/admin/log": "provisioning.view",
    "/admin/receipts": "compliance.view",
    "/admin/glossary": None,
}


def test_the_setup_link_works_once(office: Office) -> None:
    """Once there is an administrator it makes no other; nor does a made-up one."""
    for link in (office.setup_link(), f"{office.address}/setup/scimc_no_link"):
        page = Browser().get(link)

        assert page.status == 404
        assert "does not work" in page.words
        again = Browser().post(link, {"email": "eve@contoso.com"})
        assert again.status == 404


def test_nobody_gets_in_without_a_session(office: Office) -> None:
    """A stranger is sent to sign in, and back to where they were going."""
    page = Desk(office.address).get("/admin/log?outcome=Failure")

    assert page.path == "/login"
    assert page.fields["return_to"] == "/admin/log?outcome=Failure"


def test_a_part_of_a_page_goes_whole_to_sign_in(office: Office) -> None:
    """Where htmx asks and the session is over, the browser is led to sign in."""
    desk = Desk(office.address)
    answer = desk.browser.get(f"{office.address}/admin/log", follow=False)

    assert answer.status == 303
    assert answer.headers["Location"].startswith("/login?return_to=")


def test_somebody_without_a_role_is_at_their_own_account(office: Office) -> None:
    """Who may do nothing here has an account all the same."""
    desk = office.somebody("plain")

    assert desk.get("/admin/log").path == "/account"


@pytest.mark.parametrize("path", PAGES)
def test_the_auditor_sees_every_page(auditor: Desk, path: str) -> None:
    """The built-in role reads everything."""
    assert auditor.get(path).status == 200
    assert PAGES[path] in {None, *AUDITOR}


def test_a_missing_permission_is_named(office: Office) -> None:
    """The page says which permission is missing, and does not show the data."""
    desk = office.somebody("uma", "users.view")

    page = desk.get("/admin/log")

    assert page.status == 403
    assert '"View provisioning"' in page.words
    assert "Provisioning log" not in page.words


def test_pages_are_held_together_by_headers(office: Office) -> None:
    """Only our own scripts and styles run, nobody frames us, nothing is kept."""
    page = office.admin.get("/admin")

    policy = page.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["X-Frame-Options"] == "DENY"


def test_a_form_of_another_site_does_nothing(office: Office) -> None:
    """CSRF: the browser says where a form is from, and only ours count."""
    for origin in ("https://evil.example", None):
        page = office.admin.post("/admin/roles", {"name": "Evil"}, origin=origin)
        assert page.status in {403, 404, 405}
    assert "Evil" not in office.scim.cli("role", "list")


def test_what_is_not_there(office: Office) -> None:
    """An unknown request is a page that says so."""
    page = office.admin.get("/admin/log/no-such-request")

    assert page.status == 404
    assert "No such request" in page.words


def test_the_overview_shows_what_a_role_allows(office: Office) -> None:
    """Whoever may look at applications alone reads nothing about people here."""
    refused = {"userName": "hidden.person", "name": {"familyName": "Doe"}}
    assert office.scim.send("POST", "/Users", refused).status == 400
    office.somebody("cutter", "users.view")
    cut = office.user_id("cutter@")
    office.admin.post(f"/admin/users/{cut}/deactivate")
    looks = office.somebody("apper", "apps.view").get("/admin")
    provisions = office.somebody("prover", "provisioning.view").get("/admin")
    complies = office.somebody("complier", "compliance.view").get("/admin")
    everything = office.admin.get("/admin")

    assert looks.status == 200
    assert not re.search("hidden.person|cutter@|need.? you|requests in 24", looks.text)
    assert "hidden.person" in provisions.text
    assert "cutter@" not in provisions.text
    assert "cutter@" in complies.text
    assert "hidden.person" not in complies.text
    assert {"hidden.person", "cutter@"} <= set(
        re.findall(r"hidden\.person|cutter@", everything.text)
    )
