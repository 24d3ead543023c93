"""What is done from the list of users: to one by its panel, to the ticked together."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest

from tests.browser import Page
from tests.console import Desk, Office

TOGETHER = "/admin/users/together"


def _panel(page: Page, user_id: int) -> str:
    """What the panel of one user holds."""
    return page.text.split(f'id="acts-{user_id}" popover')[1].partition("</section>")[0]


def _acts(page: Page, user_id: int) -> set[str]:
    """The acts of a panel, by the last part of their addresses."""
    here = rf"/admin/users/{user_id}(/[\w/]+)?[\"?]"
    return {each.strip("/") for each in re.findall(here, _panel(page, user_id))}


def _ticked(desk: Desk, act: str, *ids: int, back: str = "") -> Page:
    users = "&".join(f"user={each}" for each in ids)
    return desk.get(f"{TOGETHER}/{act}?{users}&back={quote(back, safe='')}")


def _do(desk: Desk, act: str, *ids: int) -> Page:
    """Press the button of the review."""
    fields = {"user": [str(each) for each in ids], "back": "/admin/users"}
    return desk.browser.post(f"{desk.address}{TOGETHER}/{act}", fields)


def test_a_panel_offers_what_fits(office: Office) -> None:
    """An active person, one who is held, and an API user: each what can be done."""
    office.person("tog.active@contoso.com")
    office.scim.cli_batch(
        [
            ["user", "add", "--email", "tog.held@contoso.com", "--last", "H"],
            ["user", "deactivate", "tog.held@contoso.com"],
            ["user", "add", "--email", "tog.api@contoso.com", "--last", "A", "--api"],
        ]
    )
    page = office.admin.get("/admin/users?words=tog.")
    active, held, api = (
        office.user_id(f"tog.{name}@contoso.com") for name in ("active", "held", "api")
    )

    assert _acts(page, active) == {"", "deactivate", "welcome", "sessions/end"}
    assert _acts(page, held) == {"", "reactivate"}
    assert _acts(page, api) == {"", "deactivate"}
    assert "held inactive by" in _panel(page, held)


@pytest.mark.parametrize(
    ("allowed", "acts"),
    [
        ("users.update", {"", "deactivate"}),
        ("passwords.reset", {"", "welcome"}),
        ("sessions.end", {"", "sessions/end"}),
    ],
)
def test_a_panel_offers_what_its_reader_may_do(
    office: Office, allowed: str, acts: set[str]
) -> None:
    """No more than their permissions carry, for one and for the ticked."""
    name = allowed.partition(".")[0]
    office.person(f"of.{name}@contoso.com")
    desk = office.somebody(f"by.{name}", "users.view", allowed)
    user_id = office.user_id(f"of.{name}@contoso.com")

    page = desk.get(f"/admin/users?words=of.{name}")

    assert _acts(page, user_id) == acts
    assert page.text.count(f'formaction="{TOGETHER}') == 1


def test_who_only_looks_has_no_panel(office: Office, auditor: Desk) -> None:
    """No ticks, no panel: the list is to read."""
    page = auditor.get("/admin/users")

    assert "popover" not in page.text
    assert 'type="checkbox"' not in page.text


def test_an_act_of_the_panel_leads_back_to_the_list(office: Office) -> None:
    """Where it was left; an address elsewhere leads to the list from its beginning."""
    office.person("tog.back@contoso.com")
    path = f"/admin/users/{office.user_id('tog.back@contoso.com')}"
    there = "/admin/users?words=tog.back"

    asked = office.admin.get(f"{path}/deactivate?back={quote(there, safe='')}")
    done = office.admin.post(f"{path}/deactivate", {"back": asked.fields["back"]})
    assert done.url.endswith(there)
    assert "tog.back@contoso.com is inactive" in done.words

    for evil in ("https://evil.example/", "//evil.example", "/admin/roles", "/logout"):
        asked = office.admin.get(f"{path}/deactivate?back={quote(evil, safe='')}")
        assert asked.fields["back"] == "/admin/users"
        done = office.admin.post(f"{path}/reactivate", {"back": evil})
        assert done.url == f"{office.address}/admin/users"


def test_the_ticked_are_named_then_deactivated(office: Office) -> None:
    """Each with what follows; one who is inactive leaves the others alone."""
    for name in ("one", "two", "gone"):
        office.person(f"tog.{name}@contoso.com")
    office.scim.cli("user", "deactivate", "tog.gone@contoso.com")
    names = ("one", "two", "gone")
    ids = [office.user_id(f"tog.{name}@contoso.com") for name in names]
    where = "/admin/users?words=tog.o"

    review = _ticked(office.admin, "deactivate", *ids, back=where)
    before = office.admin.get(f"/admin/users/{ids[0]}")
    done = _do(office.admin, "deactivate", *ids)
    after = office.admin.get(f"/admin/users/{ids[0]}")

    assert "Deactivate: 2 users" in review.words
    assert "default cannot bring them back by repeating it" in review.words
    assert "tog.gone@contoso.com is inactive already." in review.words
    assert review.text.count('name="user"') == 2
    assert review.fields["back"] == where
    assert "What can be done Deactivate" in before.words
    assert "Done for 2 of 3 users." in done.words
    assert "Held inactive by ada@contoso.com" in after.words


def test_the_ticked_are_signed_out(office: Office) -> None:
    """Every session of theirs ends; who has none is told as such."""
    desk = office.somebody("tog.seated", "users.view")
    office.person("tog.absent@contoso.com")
    names = ("tog.seated@contoso.com", "tog.absent@contoso.com")
    ids = [office.user_id(name) for name in names]

    review = _ticked(office.admin, "sessions", *ids)
    still = desk.get("/admin/users").path
    done = _do(office.admin, "sessions", *ids)

    assert "1 session at account ends at once." in review.words
    assert "tog.absent@contoso.com is signed in nowhere." in review.words
    assert still == "/admin/users"
    assert "Signed out: 1 session ended." in done.words
    assert desk.get("/admin/users").path == "/login"


def test_a_link_for_the_ticked_keeps_the_rules_of_one(office: Office) -> None:
    """Whoever has no second factor mails nobody (R17); nothing waits to be sent."""
    office.somebody("tog.mailed", "users.view")
    user_id = office.user_id("tog.mailed@contoso.com")

    review = _ticked(office.admin, "reset", user_id)
    done = _do(office.admin, "reset", user_id)

    assert "Mail a password link: 0 users" in review.words
    assert "Set up a second factor on your own account. (R17)" in review.words
    assert "<button" not in review.text.split('class="card flush"')[1]
    assert "Done for 0 of 1 user." in done.words


def test_the_last_administrator_is_not_among_them(office: Office) -> None:
    """What the rules refuse for one is refused here, seen before it is done (R22)."""
    ada = office.user_id("ada@contoso.com")
    page = _ticked(office.admin, "deactivate", ada)

    assert "This is the last active Administrator" in page.words
    assert "This is the last active" in _do(office.admin, "deactivate", ada).words
    assert office.admin.get("/admin").status == 200


@pytest.mark.parametrize("query", ["", "user=", "user=x", "user=99999999", "user=²"])
def test_nobody_ticked_is_told(office: Office, query: str) -> None:
    """Nothing, and what is nobody: one sentence."""
    page = office.admin.get(f"{TOGETHER}/deactivate?{quote(query, safe='=')}")

    assert (page.status, "Tick the users" in page.words) == (400, True)
