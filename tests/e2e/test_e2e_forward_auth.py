"""An application behind a real nginx, with the configuration that lies in deploy/."""

from __future__ import annotations

import json
import re
from html import unescape
from urllib.parse import SplitResult, quote

from tests.browser import Page
from tests.e2e.site import PASSWORD, Site, SiteBrowser


def headers(page: Page) -> dict[str, str]:
    """The headers that reached the application, as its page shows them."""
    found = re.search(r"<pre>(.*)</pre>", page.text, re.DOTALL)
    assert found is not None, page.words
    shown: dict[str, str] = json.loads(unescape(found[1]))
    return shown


class Forging(SiteBrowser):
    """A browser that says of itself who it is, in every spelling."""

    def _headers(
        self, place: SplitResult, origin: str | None, kind: str
    ) -> dict[str, str]:
        return super()._headers(place, origin, kind) | dict.fromkeys(FORGED, "admin")


FORGED = (
    *("X-Auth-User", "x-auth-roles", "X-Auth-Subject", "X-Auth-Email"),
    *("X-Auth-Name", "X-Auth-Initials", "X-Auth-Session"),
    *("X_Auth_User", "X-Auth_User", "X_AUTH_ROLES"),
)


def test_nobody_is_sent_to_the_sign_in_page(site: Site) -> None:
    """Without a session a browser reaches the sign-in page, and not the application."""
    before = len(site.application.seen)

    page = SiteBrowser().get(f"{site.there}/courses?year=2&sort=name")

    assert page.url.startswith(f"{site.gate}/login?")
    assert page.fields["return_to"] == "/courses?year=2&sort=name"
    assert "Sign in to nextgen" in page.words
    assert len(site.application.seen) == before


def test_a_program_is_answered_401(site: Site) -> None:
    """A program that asks for JSON gets 401 instead of a page."""
    browser = SiteBrowser()
    browser.accepts = "application/json"

    page = browser.get(f"{site.there}/api/courses")

    assert (page.status, page.url) == (401, f"{site.there}/api/courses")


def test_single_sign_on_reaches_the_page_with_the_user_in_headers(site: Site) -> None:
    """After the provider the very page is reached, query and all, and knows whose."""
    site.person("anna")
    browser = SiteBrowser()

    page = site.through_provider(browser, "anna", "/courses?year=2&sort=name")

    assert page.url == f"{site.there}/courses?year=2&sort=name"
    got = headers(page)
    assert got["X-Auth-User"] == "anna@contoso.com"
    assert got["X-Auth-Name"] == "Anna Virtanen"
    assert got["X-Auth-Email"] == "anna@contoso.com"
    assert got["X-Forwarded-For"] == "127.0.0.1"


def test_a_password_reaches_the_page_too(site: Site) -> None:
    """The mailed link, a password, and the page behind the proxy (D34)."""
    site.person("paula")
    browser = SiteBrowser()
    chosen = site.choose_password(browser, "paula")
    assert "Your password is set" in chosen.words
    choice = browser.get(f"{site.there}/marks")

    page = browser.fill(
        choice, "/login/password", username="paula@contoso.com", password=PASSWORD
    )

    assert page.url == f"{site.there}/marks"
    assert headers(page)["X-Auth-User"] == "paula@contoso.com"


def test_a_name_outside_ascii_arrives_whole(site: Site) -> None:
    """Names travel percent-encoded, so that no header breaks."""
    name = {"givenName": "Åsa", "familyName": "Größe, 李"}
    site.person("asa", name=name)

    page = site.through_provider(SiteBrowser(), "asa")

    sent = headers(page)["X-Auth-Name"]
    assert sent.isascii()
    assert sent.endswith(quote("Größe, 李", safe=" "))


def test_forged_headers_do_not_arrive(site: Site) -> None:
    """What a client says of itself in X-Auth-* is thrown away, in every spelling."""
    site.person("mallory")

    page = site.through_provider(Forging(), "mallory")

    got = headers(page)
    assert got["X-Auth-User"] == "mallory@contoso.com"
    assert "admin" not in got.values()


def test_a_return_address_elsewhere_is_not_believed(site: Site) -> None:
    """After signing in nobody lands on another site, whatever the link said."""
    site.person("rita")
    for evil in ("https://evil.example", "//evil.example/x", "/\\evil.example"):
        browser = SiteBrowser()
        choice = browser.get(
            f"{site.there}/auth/begin?application=nextgen&return_to={quote(evil)}"
        )
        assert choice.fields["return_to"] == "/"

    path = "//evil.example/x"
    page = site.through_provider(SiteBrowser(), "rita", path)

    assert page.url == f"{site.there}/"


def test_the_next_request_after_a_deactivation_is_refused(site: Site) -> None:
    """D26: once active=false is answered, the very next request does not pass."""
    scim_id = site.person("dora")
    browser = SiteBrowser()
    inside = site.through_provider(browser, "dora")
    assert headers(inside)["X-Auth-User"] == "dora@contoso.com"
    reached = len(site.application.seen)
    site.application.told.clear()

    site.deactivate(scim_id)
    page = browser.get(f"{site.there}/courses")

    assert page.url.startswith(f"{site.gate}/login?")
    assert len(site.application.seen) == reached
    assert site.application.told.wait(20), "the application was not told"
    assert site.application.logouts[-1]["aud"] == "nextgen"


def test_signing_out_at_the_application_is_final(site: Site) -> None:
    """/auth/logout at the host of the application ends the session kept there."""
    site.person("lena")
    browser = SiteBrowser()
    site.through_provider(browser, "lena")
    held = browser.cookie(site.there, "__Host-session-nextgen")
    asked = browser.get(f"{site.there}/auth/logout?application=nextgen")

    browser.fetch_site = "same-origin"
    out = browser.fill(asked, "/auth/logout")
    browser.jar[asked.url.split("/")[2]] = {"__Host-session-nextgen": str(held)}
    page = browser.get(f"{site.there}/courses")

    assert "You are signed out" in out.words
    assert page.url.startswith(f"{site.gate}/login?")
