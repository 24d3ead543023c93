"""A new administrator's first hour: 400 people are here, Entra comes, nobody is lost.

From the printed setup link to a deactivation that holds, in Chromium alone but for the
import; clicks, minutes and mails are counted and printed (``-s`` shows them).
"""

from __future__ import annotations

import csv
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import TimeoutError

from tests import server
from tests.e2e.chromium import Watched
from tests.server import Server

if TYPE_CHECKING:
    from playwright.sync_api import Locator

STAFF = 400
PASSWORD = "seven wooden herons at noon"
_COLUMNS = (
    *("username", "email", "first_name", "last_name", "initials", "type", "active"),
)
_SETTINGS = {
    "SCIM_CONNECTOR_SECOND_FACTOR": "off",
    "SCIM_CONNECTOR_ORGANISATION": "Contoso College",
}


@pytest.fixture
def scim(tmp_path: Path) -> Iterator[Server]:
    """A fresh server, with 400 people imported and no administrator."""
    with server.running(tmp_path, environment=_SETTINGS) as running:
        _import(running)
        yield running


def _import(scim: Server) -> None:
    file = scim.folder / "staff.csv"
    with file.open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(
            [
                "username",
                "email",
                "first_name",
                "last_name",
                "initials",
                "type",
                "active",
            ]
        )
        for number in range(STAFF):
            active = "no" if number in {1, 2, 3} else "yes"
            name = f"staff{number:03}"
            person = (name, f"{name}@contoso.com", "Kim", f"Doe{number}")
            rows.writerow((*person, f"S{number:03}", "administrative", active))
    scim.cli("import", str(file))


@dataclass
class Walk:
    """What the administrator does, counted."""

    watched: Watched
    clicks: int = 0
    fields: int = 0
    began: float = field(default_factory=time.monotonic)

    @property
    def page(self) -> Any:
        """Where they are."""
        return self.watched.page

    def click(self, what: Locator) -> None:
        """Press a button or follow a link, and wait for the page."""
        self.clicks += 1
        what.first.click()
        self.page.wait_for_load_state()

    def press(self, name: str) -> None:
        """Press the button of this name."""
        self.click(self.page.get_by_role("button", name=name))

    def follow(self, name: str) -> None:
        """Follow the link of this name."""
        self.click(self.page.get_by_role("link", name=name))

    def fill(self, label: str, text: str) -> None:
        """Type into a field."""
        self.fields += 1
        self.page.get_by_label(label, exact=True).fill(text)

    def reads(self, text: str) -> None:
        """Wait until a text is there."""
        found = self.page.get_by_text(text).first
        try:
            found.wait_for(timeout=20_000)
        except TimeoutError:
            raise AssertionError(self.page.inner_text("main")[:2000]) from None


def _entra(number: int, **more: Any) -> dict[str, Any]:
    name = f"staff{number:03}"
    return _body(f"{name}@contoso.com", f"{name}@contoso.com", f"Doe{number}", **more)


def _body(user_name: str, email: str | None, last: str, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "externalId": f"00000000-0000-4000-8000-{abs(hash(user_name)) % 10**12:012}",
        "userName": user_name,
        "active": True,
        "name": {"givenName": "Kim", "familyName": last},
        **more,
    }
    if email is not None:
        made["emails"] = [{"type": "work", "primary": True, "value": email}]
    return made


def _cycle() -> Iterator[dict[str, Any]]:
    """Everybody Entra sends: staff, 6 collisions, 3 guests, an administrator."""
    for number in range(STAFF):
        yield _entra(number)  # of whom 3 are inactive here: collisions
    for number in (10, 11, 12):  # and 3 whose address belongs to somebody else
        yield _body(f"new{number}@contoso.com", f"staff{number:03}@contoso.com", "New")
    for guest in ("anna", "bert", "cleo"):
        mail = f"{guest}@partner.example"
        sent = f"{guest}_partner.example#EXT#@contoso.onmicrosoft.com"
        yield _body(sent, mail, guest.capitalize(), userType="Guest")
    yield _body("ada@contoso.com", "ada@contoso.com", "Lindqvist")
    yield _body("nomail@contoso.com", None, "Nomail")


def test_the_first_hour(scim: Server, someone: Watched) -> None:
    """Setup link, import, rehearsal, go live, a refusal mended, a leaver who stays out."""
    walk = Walk(someone)
    _become_administrator(scim, walk)
    token = _connect(walk)
    answered = [scim.send("POST", "/Users", b, token=token) for b in _cycle()]
    assert {each.status for each in answered} == {201, 400, 409}
    leaver = next(
        e.body["id"]
        for e in answered
        if e.body.get("userName") == "staff020@contoso.com"
    )
    off = {"Operations": [{"op": "Replace", "path": "active", "value": "False"}]}
    assert scim.send("PATCH", f"/Users/{leaver}", off, token=token).status == 200
    _nobody_was_touched(scim)

    _go_live(walk)
    _mend_a_refusal(scim, walk)
    _hold_a_leaver(scim, walk, token)

    told = json.loads(scim.cli("mail", "list", "--limit", "1000", "--json"))
    mails = Counter(each["mail"] for each in told)
    minutes = (time.monotonic() - walk.began) / 60
    print(
        f"\nwalk: {walk.clicks} clicks, {walk.fields} fields, {minutes:.1f} minutes of"
        f" the machine, mails: {dict(mails)}"
    )


def _become_administrator(scim: Server, walk: Walk) -> None:
    said = (scim.folder / "server.out").read_text()
    found = re.search(r"http\S+/setup/\S+", said)
    assert found is not None
    walk.page.goto(found[0])
    walk.fill("First name", "Ada")
    walk.fill("Last name", "Lindqvist")
    walk.fill("Email address", "ada@contoso.com")
    walk.fill("Password", PASSWORD)
    walk.fill("The same again", PASSWORD)
    walk.press("Make me the administrator")
    walk.reads("You are the first administrator")
    walk.follow("Sign in")
    walk.fill("Username or email address", "ada@contoso.com")
    walk.fill("Password", PASSWORD)
    walk.press("Sign in")
    walk.reads("Begin here")


def _connect(walk: Walk) -> str:
    walk.follow("Add a connection")
    assert walk.page.get_by_label("Rehearse it first").is_checked()
    walk.click(walk.page.get_by_text("By an equal, confirmed email address"))
    walk.press("Make the connection")
    walk.reads("It is shown only now")
    token = walk.page.locator("#token").inner_text()
    walk.follow("On to the setup guide")
    walk.reads("In rehearsal")
    return str(token)


def _nobody_was_touched(scim: Server) -> None:
    assert "staff020" in scim.cli("user", "list", "staff020", "--active")
    assert scim.cli("mail", "list", "--json").strip() == "[]"
    assert scim.cli("user", "list", "--managed", "--json").strip() == "[]"


def _go_live(walk: Walk) -> None:
    walk.follow("Rehearsal")
    walk.reads("Would be linked (397)")
    walk.watched.look("walk-rehearsal")
    walk.press("See what going live would do")
    walk.reads("I have seen what will happen")
    walk.watched.look("walk-judged")
    said = walk.page.inner_text("dl.card")
    assert re.search(r"Would be linked\s+397", said), said
    assert re.search(r"Would be created\s+3\b", said), said
    assert "3 password links to new people" in said
    walk.click(walk.page.get_by_text("I have seen what will happen"))
    walk.press("Go live")
    walk.reads("is live: 397 linked, 3 created")
    walk.watched.look("walk-live")


def _mend_a_refusal(scim: Server, walk: Walk) -> None:
    """The one without an address: read why, change the mapping, plan, apply, again."""
    walk.follow("Overview")
    walk.follow("nomail@contoso.com")
    walk.reads("Email is missing")
    request = walk.page.url
    walk.follow("Mapping")
    text = walk.page.locator("#text").input_value()
    walk.fields += 1
    walk.page.locator("#text").fill(_with_user_name(text))
    walk.press("Plan for everybody")
    walk.reads("0 users of")
    walk.press("Apply to 0 users")
    walk.reads("is in force")
    walk.page.goto(request)
    walk.press("Try again as a dry run")
    walk.reads("It would be answered 201")
    walk.press("Apply again")
    walk.reads("This is the request applied again")
    assert "nomail@contoso.com" in scim.cli("user", "list", "nomail")


def _with_user_name(text: str) -> str:
    """The mapping with the userName as the last place to look for an address."""
    assert "[emails.value])" in text
    return text.replace("[emails.value])", "[emails.value], [userName])", 1)


def _hold_a_leaver(scim: Server, walk: Walk, token: str) -> None:
    walk.follow("Users")
    walk.fill("Name, initials, username or email", "staff030")
    walk.press("Search")
    walk.follow("staff030")
    walk.follow("Deactivate…")
    walk.press("Deactivate staff030")
    walk.reads("Held inactive by ada@contoso.com")
    found = scim.send(
        "GET", "/Users?filter=userName%20eq%20%22staff030@contoso.com%22", token=token
    )
    link = found.body["Resources"][0]["id"]
    on = {"Operations": [{"op": "Replace", "path": "active", "value": "True"}]}
    answer = scim.send("PATCH", f"/Users/{link}", on, token=token)
    assert answer.status == 200
    assert answer.body["active"] is False
