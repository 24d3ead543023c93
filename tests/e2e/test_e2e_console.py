"""The console as an administrator sees it: in Chromium, each screen and its main path.

Every screen is looked at wide and narrow, light and dark, by axe, and without scripts.
One of the people has a name that would be a script; nothing of it may ever run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests import console
from tests.console import PASSWORD, Office
from tests.e2e.chromium import Watched

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SCREENS = {
    "overview": "/admin",
    "users": "/admin/users",
    "users-none": "/admin/users?words=nobody.at.all",
    "users-panel": "/admin/users>[popovertarget]",
    "users-together": "/admin/users/together/deactivate?user=2&user=3",
    "users-wrong": "/admin/users?source=nowhere",
    "user": "/admin/users/2",
    "user-identity": "/admin/users/2/identity",
    "user-access": "/admin/users/1/access",
    "user-history": "/admin/users/2/history",
    "user-names": "/admin/users/2/names",
    "user-deactivate": "/admin/users/2/deactivate",
    "user-new": "/admin/users/new",
    "user-import": "/admin/users/import",
    "log": "/admin/log",
    "log-refused": "/admin/log?outcome=Failure",
    "request": "/admin/log?outcome=Failure&reason=email_taken>tbody th a",
    "conflicts": "/admin/conflicts",
    "conflict": "/admin/conflicts>tbody th a",
    "mapping": "/admin/mapping",
    "functions": "/admin/mapping/functions",
    "undo": "/admin/undo",
    "undo-plan": "/admin/undo/plan?since=2020-01-01",
    "connections": "/admin/connections",
    "connection-new": "/admin/connections/new",
    "connection": "/admin/connections/1",
    "connection-tokens": "/admin/connections/1/tokens",
    "connection-trusts": "/admin/connections/1/trusts",
    "connection-settings": "/admin/connections/1/settings",
    "connection-change": "/admin/connections/1/change",
    "connection-test": "/admin/connections/1/test",
    "connection-guard": "/admin/connections/1/guard",
    "connection-compatibility": "/admin/connections/1/compatibility",
    "connection-sign-in": "/admin/connections/1/sign-in",
    "connection-rehearsal": "/admin/connections/2/rehearsal",
    "compliance": "/admin/compliance",
    "report-access": "/admin/compliance/reports/access",
    "report-leavers": "/admin/compliance/reports/leavers",
    "report-rule-proof": "/admin/compliance/reports/rule-proof",
    "receipts": "/admin/receipts",
    "receivers": "/admin/applications/receivers",
    "webhooks": "/admin/applications/webhooks",
    "applications": "/admin/applications",
    "application-new": "/admin/applications/new",
    "application": "/admin/applications>tbody th a",
    "api-app": "/admin/applications/api-app",
    "roles": "/admin/roles",
    "groups": "/admin/roles/groups",
    "settings": "/admin/settings",
    "mails": "/admin/settings/mail",
    "alerts": "/admin/settings/alerts",
    "alert": "/admin/settings/alerts/credential_expires",
    "account": "/account",
    "glossary": "/admin/glossary",
    "missing": "/admin/log/none",
}
#: Words of the engineers, which stay in the code and the reference.
NOT_HERE = ("outbox", "quirk", "epoch", "dead letter", "ladder", "revive")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A house in which something of everything has happened."""
    with console.running(tmp_path_factory.mktemp("office")) as running:
        console.live(running)
        yield running


@pytest.fixture
def admin(office: Office, someone: Watched) -> Watched:
    """The administrator at a fresh browser, signed in."""
    someone.page.on("dialog", lambda said: someone.complaints.append(said.message))
    _sign_in(office, someone.page)
    return someone


def _sign_in(office: Office, page: Page) -> None:
    page.goto(f"{office.address}/login?return_to=/admin")
    page.get_by_label("Username or email address").fill("ada@contoso.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{office.address}/admin")


def _open(office: Office, page: Page, place: str) -> None:
    path, _, then = place.partition(">")
    page.goto(office.address + path)
    if then:
        page.locator(then).first.click()
        page.wait_for_load_state()


def test_each_screen(office: Office, admin: Watched) -> None:
    """No barrier, nothing sticks out, no word of the engineers, nothing complains."""
    faults = []
    for name, place in SCREENS.items():
        _open(office, admin.page, place)
        try:
            admin.look(f"console-{name}")
        except AssertionError as fault:
            faults.append(str(fault)[:600])
        said = admin.page.inner_text("body").lower()
        faults += [f"{name}: {w}" for w in NOT_HERE if re.search(rf"\b{w}", said)]
        faults += [f"{name}: no h1"] * (admin.page.locator("h1").count() != 1)
    assert not faults, "\n".join(faults)


def test_each_screen_without_scripts(office: Office, browser: Browser) -> None:
    """Everything is there, and the filter works, where nothing can run."""
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(10_000)
    page = context.new_page()
    _sign_in(office, page)
    for name, place in SCREENS.items():
        _open(office, page, place)
        assert page.locator("h1").count() == 1, name
    page.goto(f"{office.address}/admin/log")
    page.get_by_label("Status", exact=True).select_option("Failure")
    page.get_by_role("button", name="Filter").click()
    page.wait_for_url("**/admin/log?**outcome=Failure**")
    assert page.get_by_text("anna.other@contoso.com").count() == 1
    context.close()


def test_the_keyboard_reaches_the_content(office: Office, admin: Watched) -> None:
    """The first tab leads past the navigation; what has the focus is seen."""
    page = admin.page
    page.goto(f"{office.address}/admin/users")
    page.keyboard.press("Tab")
    link = page.locator(":focus")
    assert link.inner_text() == "To the content"
    assert (link.bounding_box() or {"x": -1})["x"] >= 0

    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    assert page.locator("main :focus").count() == 1


def test_a_list_follows_what_is_typed(office: Office, admin: Watched) -> None:
    """The table is narrowed while somebody types, and the address says how."""
    page = admin.page
    page.goto(f"{office.address}/admin/users")
    page.get_by_label("Name, initials, username or email").type("virtanen")

    page.wait_for_url("**words=virtanen**")

    page.get_by_text("1 on this page").wait_for()
    assert page.locator("tbody tr").count() == 1


def test_an_act_on_one_of_the_list_is_reached_by_keyboard(
    office: Office, admin: Watched
) -> None:
    """The panel opens, its first act has the next tab, Escape closes it."""
    page = admin.page
    page.goto(f"{office.address}/admin/users?words=anna.virtanen")
    page.get_by_role("button", name="Act on anna.virtanen").focus()
    page.keyboard.press("Enter")
    panel = page.locator("section.panel:popover-open")
    panel.wait_for()
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Edit"

    page.keyboard.press("Escape")

    panel.wait_for(state="hidden")
    assert "Act on" in (page.locator(":focus").get_attribute("aria-label") or "")


def test_a_list_is_checked_and_imported(office: Office, admin: Watched) -> None:
    """Pasted rows, what would become of each, and what became: no barrier on the way."""
    page = admin.page
    page.goto(f"{office.address}/admin/users/import")
    page.get_by_label("Or its rows, pasted here").fill(
        "username,email,initials,roles\n"
        "list.one,list.one@contoso.com,LON,\nlist.two,nothing,LTW,nobody\n"
    )
    page.get_by_role("button", name="Check the list").click()
    page.get_by_text("1 to create, 0 to change, 0 unchanged, 1 refused.").wait_for()
    admin.look("console-import-checked")
    page.get_by_label("Import the good rows all the same").check()

    page.get_by_role("button", name="Import 1 user").click()

    page.get_by_text("1 created, 0 changed, 0 as they were, 1 refused.").wait_for()
    admin.look("console-import-done")


def test_names_are_proposed_while_somebody_types(
    office: Office, admin: Watched
) -> None:
    """Initials and username appear before anything is sent; then the user is made."""
    page = admin.page
    page.goto(f"{office.address}/admin/users/new")
    page.get_by_label("First name").type("Olga")
    page.get_by_label("Last name").type("Petrova")
    page.get_by_label("Email").type("olga.petrova@contoso.com")
    page.get_by_text("initials OP").wait_for()
    admin.look("console-user-new-typed")

    page.get_by_role("button", name="Create").click()

    page.get_by_role("heading", name="Olga Petrova").wait_for()
    assert "its link works for one hour" in page.get_by_role("status").inner_text()


def test_a_refused_form_keeps_what_was_typed(office: Office, admin: Watched) -> None:
    """The fault stands at its field, and axe finds it well said."""
    page = admin.page
    page.goto(f"{office.address}/admin/users/new")
    page.get_by_label("Email").fill("ada@contoso.com")
    page.get_by_label("Username").fill("1a")
    page.get_by_role("button", name="Create").click()

    page.get_by_role("alert").wait_for()
    admin.look("console-user-new-refused")
    assert page.get_by_label("Username").input_value() == "1a"
    assert "(R6)" in page.locator("#username-said").inner_text()


def test_a_refusal_is_understood_decided_and_solved(
    office: Office, admin: Watched
) -> None:
    """From the overview to the request, to the conflict, to the provider's next try."""
    page = admin.page
    page.goto(f"{office.address}/admin")
    page.get_by_role("link", name="old.sent@contoso.com").click()
    page.get_by_role("heading", name="What to do").wait_for()
    page.get_by_role("button", name="Try again as a dry run").click()
    page.get_by_text("The dry run, as things stand now").wait_for()
    admin.look("console-request-tried")
    page.get_by_role("link", name="Decide").click()
    page.get_by_role("heading", name="The question").wait_for()
    admin.look("console-conflict-to-decide")
    page.get_by_role("button").filter(has_text=re.compile("link", re.I)).first.click()
    page.get_by_role("status").wait_for()
    page.goto(f"{office.address}/admin/log?outcome=Failure&words=old.sent")
    page.locator("tbody th a").first.click()

    page.get_by_role("button", name="Apply again").click()

    page.get_by_text("Link from").wait_for()
    assert "old.sent" in office.scim.cli("user", "show", "old@contoso.com")


def test_somebody_leaves(office: Office, admin: Watched) -> None:
    """Consequences first; then the proof of it."""
    office.scim.cli("user", "add", "--email", "lea@contoso.com", "--last", "Lea")
    page = admin.page
    page.goto(f"{office.address}/admin/users?words=lea@contoso.com")
    page.get_by_role("link", name="lea@contoso.com").click()
    page.get_by_role("link", name="Deactivate…").click()
    page.get_by_role("heading", name="What happens at once").wait_for()
    page.get_by_role("button", name="Deactivate lea@contoso.com").click()
    page.get_by_text("Held inactive by ada@contoso.com").wait_for()
    admin.look("console-user-held")

    page.get_by_role("link", name="Proof of cut-off").click()

    page.get_by_role("link", name="lea@contoso.com").wait_for()


def test_a_mapping_is_tried_planned_and_applied(office: Office, admin: Watched) -> None:
    """A mistake with its place, a dry run, the plan of everybody, and its number."""
    page = admin.page
    page.goto(f"{office.address}/admin/mapping")
    text = page.locator("#text").input_value()
    page.locator("#text").fill(f"{text}\nbroken = true\n")
    page.get_by_role("button", name="Plan for everybody").click()
    page.get_by_role("alert").wait_for()
    admin.look("console-mapping-wrong")
    new = text.replace(
        "value = '[name.familyName]'", "value = 'ToUpper([name.familyName])'"
    )
    page.locator("#text").fill(new)
    page.get_by_label("Somebody stored").fill("anna.virtanen@contoso.com")
    page.get_by_role("button", name="Dry run").click()
    page.get_by_role("heading", name="Dry run with the changed mapping").wait_for()
    admin.look("console-mapping-tried")
    page.get_by_role("button", name="Plan for everybody").click()
    page.get_by_role("button", name="Apply to").wait_for()
    admin.look("console-mapping-plan")

    page.get_by_role("button", name="Apply to").click()

    page.get_by_text("Version 2 is in force").wait_for()


def test_a_connection_is_made_and_its_token_copied(
    office: Office, admin: Watched
) -> None:
    """From the empty form to the guide; the token stands on one page alone."""
    page = admin.page
    page.goto(f"{office.address}/admin/connections/new?kind=okta")
    page.get_by_label("Name", exact=True).fill("okta-e2e")
    page.get_by_role("button", name="Make the connection").click()
    page.get_by_text("It is shown only now").wait_for()
    admin.look("console-token")
    admin.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the secret").click()
    page.get_by_role("button", name="Copy the secret").get_by_text("Copied").wait_for()
    token = page.evaluate("navigator.clipboard.readText()")
    assert token.startswith("scimc_")

    page.get_by_role("link", name="On to the setup guide").click()

    page.get_by_role("heading", name="Setup guide: Okta").wait_for()
    admin.look("console-guide-okta")
    assert token not in page.content()


def test_nobody_frames_the_console(office: Office, admin: Watched) -> None:
    """Clickjacking: a page elsewhere cannot hold ours."""
    page = admin.page
    page.route(
        "**/elsewhere",
        lambda route: route.fulfill(
            body=f'<iframe src="{office.address}/admin"></iframe>',
            content_type="text/html",
        ),
    )
    page.goto(f"{office.address}/elsewhere")

    frame = page.frames[-1]
    page.wait_for_timeout(500)

    assert "Overview" not in frame.content()
    admin.complaints.clear()  # the browser says that it refused, as it should


def test_sign_in_leads_nowhere_else(office: Office, someone: Watched) -> None:
    """Open redirect: an address elsewhere becomes our own page."""
    page = someone.page
    page.goto(f"{office.address}/login?return_to=https://evil.example/")
    page.get_by_label("Username or email address").fill("ada@contoso.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")

    page.wait_for_url(re.compile(rf"{office.address}/(account|admin)"))
