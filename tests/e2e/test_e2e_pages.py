"""The pages as people see them: in Chromium, wide and narrow, light and dark.

Each page is looked at by ``Watched.look``: nothing sticks out at 360 px, axe finds no
barrier of WCAG 2.2 AA in either scheme, and pictures are kept.  In the end the console
must be silent, so no page breaks its own Content-Security-Policy.
"""

from __future__ import annotations

import base64
import sqlite3
import time
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from tests.e2e.chromium import Watched
from tests.e2e.site import PASSWORD, Site, SiteBrowser

if TYPE_CHECKING:
    from playwright.sync_api import Page

OTHER = "nine quiet lamps by the river"


def code_of(typed: str, later: int = 0) -> str:
    """The code an authenticator app shows for a key, or *later* steps from now."""
    secret = base64.b32decode(typed.replace(" ", ""))
    app = TOTP(secret, 6, SHA1(), 30)  # noqa: S303 - RFC 6238's default
    return app.generate(int(time.time()) + 30 * later).decode()


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    """Fill in the sign-in form and press Enter."""
    page.get_by_label("Username or email address").fill(f"{name}@contoso.com")
    page.get_by_label("Password", exact=True).fill(password)
    page.keyboard.press("Enter")


def with_password(site: Site, name: str) -> str:
    """Provision somebody who has chosen a password; returns the SCIM id."""
    scim_id = site.person(name)
    site.choose_password(SiteBrowser(), name)
    return scim_id


def test_single_sign_on(site: Site, someone: Watched) -> None:
    """From the application to the provider and back, by the first button."""
    site.person("sofia")
    page = someone.page
    page.goto(f"{site.there}/courses?year=2&sort=name")
    someone.look("sign-in")

    page.get_by_role("link", name="Sign in with default").click()
    page.get_by_label("Name").fill("sofia")
    page.keyboard.press("Enter")

    page.wait_for_url(f"{site.there}/courses?year=2&sort=name")
    assert "sofia@contoso.com" in page.content()


def test_a_stranger_reads_what_to_do(site: Site, someone: Watched) -> None:
    """Who is refused after the provider meets a page with a way on."""
    page = someone.page
    page.goto(f"{site.there}/")
    page.get_by_role("link", name="Sign in with default").click()
    page.get_by_label("Name").fill("nobody")
    page.keyboard.press("Enter")

    page.get_by_role("heading", name="You cannot sign in").wait_for()
    someone.look("refused")
    page.get_by_role("link", name="Try again").click()
    page.get_by_role("heading", name="Sign in").wait_for()


def test_the_keyboard_alone_is_enough(site: Site, someone: Watched) -> None:
    """Tab reaches everything in reading order, and what has the focus is seen."""
    with_password(site, "kai")
    page = someone.page
    page.goto(f"{site.there}/marks")
    order = []
    for _ in range(5):
        page.keyboard.press("Tab")
        order.append(
            page.evaluate(
                "document.activeElement.innerText.trim() || document.activeElement.name"
            )
        )
        ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert ring == "solid"

    page.goto(f"{site.there}/marks")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("kai@contoso.com")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")

    page.wait_for_url(f"{site.there}/marks")
    provider, *form = order
    assert provider == "Sign in with default"
    assert form[:2] == ["username", "password"]
    assert set(form[2:]) == {"Sign in", "Forgot your password?"}


def test_a_wrong_password_is_said(site: Site, someone: Watched) -> None:
    """The error stands above the form, is read out, and keeps the name typed in."""
    page = someone.page
    page.goto(f"{site.gate}/login")
    sign_in(page, "whoever", "wrong wrong wrong")

    page.get_by_role("alert").wait_for()
    someone.look("sign-in-wrong")

    name = page.get_by_label("Username or email address").input_value()
    assert name == "whoever@contoso.com"


def test_choosing_a_password(site: Site, someone: Watched) -> None:
    """The mailed link, two fields that differ, a password, and the way to sign in."""
    site.person("clara")
    page = someone.page
    page.goto(site.link_of("clara"))
    someone.look("choose")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The same again").fill(OTHER)
    page.get_by_role("button", name="Set the password").click()
    page.get_by_role("alert").wait_for()
    someone.look("choose-wrong")

    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name="Set the password").click()

    page.get_by_role("heading", name="Your password is set").wait_for()
    someone.look("chosen")
    page.get_by_role("link", name="Sign in").click()
    sign_in(page, "clara")
    page.get_by_role("heading", name="Clara Virtanen").wait_for()


def test_dead_links_offer_a_new_one(site: Site, someone: Watched) -> None:
    """Nobody is stranded by the hour: one button on the page of a dead link."""
    site.person("emil")
    page = someone.page
    link = site.link_of("emil")
    with sqlite3.connect(site.folder / "scim-connector.db") as database:
        database.execute(
            "UPDATE password_resets SET expires_at = issued_at WHERE user_id ="
            " (SELECT id FROM users WHERE email = 'emil@contoso.com')"
        )
    database.close()
    page.goto(link)
    page.get_by_text("older than one hour").wait_for()
    someone.look("dead-link")

    page.get_by_role("button", name="Send me a new link").click()

    page.get_by_role("heading", name="Look into your mail").wait_for()
    someone.look("sent")
    page.goto(site.link_of("emil", 2))
    page.get_by_role("heading", name="Choose a password").wait_for()


def test_forgot_password(site: Site, someone: Watched) -> None:
    """From the sign-in page to a new password; the answer tells nobody who exists."""
    with_password(site, "fred")
    page = someone.page
    page.goto(f"{site.gate}/login")
    page.get_by_role("link", name="Forgot your password?").click()
    page.get_by_role("heading", name="Forgot your password?").wait_for()
    someone.look("forgot")
    page.get_by_label("Username or email address").fill("fred@contoso.com")
    page.get_by_role("button", name="Send me a link").click()
    told = page.get_by_role("main").inner_text()

    page.goto(f"{site.gate}/forgot")
    page.get_by_label("Username or email address").fill("nobody@contoso.com")
    page.keyboard.press("Enter")

    page.get_by_role("heading", name="Look into your mail").wait_for()
    assert page.get_by_role("main").inner_text() == told


def test_the_second_factor(site: Site, someone: Watched) -> None:
    """An administrator sets up an app by its picture, and is asked for it next time."""
    with_password(site, "adele")
    site.scim.cli("user", "role", "add", "adele@contoso.com", "Administrator")
    page = someone.page
    page.goto(f"{site.gate}/login")
    sign_in(page, "adele")
    page.get_by_role("heading", name="Set up a second factor").wait_for()
    typed = page.locator("code").inner_text()
    someone.look("set-up")
    page.get_by_label("Code").fill("000000")
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    someone.look("set-up-wrong")
    page.get_by_label("Code").fill(code_of(typed))
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Keep these codes").wait_for()
    assert page.locator("li").count() == 10
    someone.look("recovery")
    page.get_by_role("link", name="go on").click()
    page.get_by_role("heading", name="Adele Virtanen").wait_for()

    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="Sign in").click()
    sign_in(page, "adele")
    page.get_by_role("heading", name="One more step").wait_for()
    someone.look("code")
    page.get_by_label("Code").fill(code_of(typed, 1))
    page.keyboard.press("Enter")

    page.get_by_role("heading", name="Adele Virtanen").wait_for()


def test_an_expired_password_is_changed(site: Site, someone: Watched) -> None:
    """Whose password has expired chooses another and goes on where they were going."""
    with_password(site, "otto")
    site.scim.cli("user", "expire", "otto@contoso.com")
    page = someone.page
    page.goto(f"{site.there}/marks")
    sign_in(page, "otto")
    page.get_by_role("heading", name="Choose another password").wait_for()
    someone.look("change")

    page.get_by_label("Password", exact=True).fill(OTHER)
    page.get_by_label("The same again").fill(OTHER)
    page.keyboard.press("Enter")

    page.wait_for_url(f"{site.there}/marks")


def test_the_account_page(site: Site, someone: Watched) -> None:
    """One's sessions, each ended by a button; one's address, changed by a mailed link."""
    with_password(site, "mona")
    for _ in range(2):
        site.through_provider(SiteBrowser(), "mona")
    page = someone.page
    page.goto(f"{site.gate}/login")
    sign_in(page, "mona")
    page.get_by_role("heading", name="Mona Virtanen").wait_for()
    assert page.get_by_text("nextgen").count() == 2
    assert page.get_by_text("this one").count() == 1
    someone.look("account")
    page.get_by_label("New address").fill("mona@home.example")
    page.locator("#present-email").fill(PASSWORD)
    page.get_by_role("button", name="Send a link there").click()
    page.get_by_role("status").wait_for()
    someone.look("account-told")
    for name, left in (("End the session at nextgen", 1), ("End all others", 0)):
        page.get_by_role("button", name=name).first.click()
        page.wait_for_url(f"{site.gate}/account")
        assert page.get_by_text("nextgen").count() == left

    link = site.link_to("mona@home.example")
    page.goto(link)
    page.get_by_text("mona@home.example").wait_for()
    someone.look("confirm-email")
    page.get_by_role("button", name="Yes, send my mail there").click()

    page.get_by_role("heading", name="Your address is confirmed").wait_for()
    someone.look("confirmed")


def test_ones_own_password_and_second_factor(site: Site, someone: Watched) -> None:
    """Each takes the present password: changed, set up, renewed, removed."""
    with_password(site, "nils")
    page = someone.page
    page.goto(f"{site.gate}/login")
    sign_in(page, "nils")
    page.locator("#present").fill(PASSWORD)
    page.get_by_label("Another password").fill(OTHER)
    page.get_by_label("The same again").fill(OTHER)
    page.get_by_role("button", name="Change the password").click()
    page.get_by_role("status").wait_for()

    page.locator("#present-factor").fill(OTHER)
    page.get_by_role("button", name="Set up a second factor").click()
    typed = page.locator("code").inner_text()
    someone.look("own-set-up")
    page.get_by_label("Code").fill(code_of(typed))
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Keep these codes").wait_for()
    code = page.locator("li").first.inner_text()
    page.get_by_role("link", name="go on").click()
    page.get_by_role("heading", name="Your second factor").wait_for()
    someone.look("account-factor")
    page.locator("#present-codes").fill(OTHER)
    page.locator("#code").fill(code)
    page.get_by_role("button", name="Remove the second factor").click()

    page.get_by_role("status").wait_for()
    assert page.get_by_role("button", name="Set up a second factor").count() == 1


def test_signing_out(site: Site, someone: Watched) -> None:
    """One button at the host of the application, and the session there is over."""
    with_password(site, "luca")
    page = someone.page
    page.goto(f"{site.there}/")
    sign_in(page, "luca")
    page.wait_for_url(f"{site.there}/")
    page.goto(f"{site.there}/auth/logout?application=nextgen")
    page.get_by_role("heading", name="Sign out").wait_for()
    someone.look("logout")

    page.get_by_role("button", name="Sign out").click()

    page.get_by_role("heading", name="You are signed out").wait_for()
    someone.look("signed-out")
    page.goto(f"{site.there}/")
    page.get_by_role("heading", name="Sign in to nextgen").wait_for()


def test_an_unknown_application(site: Site, someone: Watched) -> None:
    """A wrong address is said in words."""
    page = someone.page
    page.goto(f"{site.gate}/login?application=nowhere")

    page.get_by_role("heading", name="No such application").wait_for()
    someone.look("no-such-application")
