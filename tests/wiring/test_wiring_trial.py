"""*Test sign-in* of the console: to a real provider and back, and nobody is signed in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import pytest

from tests import console, provider, server
from tests.browser import Browser, Page
from tests.console import Office
from tests.provider import OpenIdProvider

HERE = "/admin/connections/1/sign-in"


@dataclass(frozen=True, slots=True)
class Trials:
    """A console, and a provider at which its sign-in is tried."""

    office: Office
    openid: OpenIdProvider

    def fields(self, **changes: str) -> dict[str, str]:
        """The form of the settings, as somebody fills it in."""
        return {
            "issuer": self.openid.issuer,
            "client_id": "gate",
            "client_secret": "of the gate",
            "claim": "sub",
            "equals": "externalId",
            **changes,
        }

    def begin(self, desk: console.Desk, **changes: str) -> str:
        """Press *Test sign-in*; returns where that leads."""
        page = desk.post(f"{HERE}/try", self.fields(**changes))
        found = re.search(r'class="button first" href="([^"]+)"', page.text)
        assert found is not None, page.words
        return unescape(found[1])

    def back(self, desk: console.Desk, subject: str, **changes: str) -> str:
        """Sign in at the provider; returns the way back."""
        there = self.begin(desk, **changes)
        answer = Browser().post(there, {"sub": subject}, follow=False)
        return answer.headers["Location"]

    def tried(
        self, subject: str, desk: console.Desk | None = None, **changes: str
    ) -> Page:
        """The whole way, as the administrator or at another *desk*."""
        desk = desk or self.office.admin
        return desk.browser.get(self.back(desk, subject, **changes))

    def somebody(self, name: str) -> str:
        """A person who may sign in; returns what names them at the provider."""
        self.office.person(f"{name}@contoso.com")
        return f"{name}@contoso.com"

    def manager(self, name: str) -> console.Desk:
        """A second one who may set up how people sign in."""
        return self.office.somebody(name, role="Administrator")


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trials]:
    """Signing in is not set up yet."""
    with (
        provider.running(tmp_path_factory.mktemp("provider")) as openid,
        console.running(tmp_path_factory.mktemp("office")) as office,
    ):
        yield Trials(office, openid)


def test_somebody_who_may_sign_in(trials: Trials) -> None:
    """Each step is told with the claims; no session, no bond, no line of the log."""
    trials.office.person("tess@contoso.com")
    sessions = trials.office.scim.cli("session", "list", "tess@contoso.com")

    page = trials.tried("tess@contoso.com")

    assert page.status == 200
    assert "They would be signed in" in page.words
    assert "The ID token is genuine" in page.words
    assert "It stands for tess@contoso.com" in page.words
    assert f"iss {trials.openid.issuer}" in page.words
    assert trials.office.scim.cli("session", "list", "tess@contoso.com") == sessions
    assert "tess" not in trials.office.scim.cli("sign-in", "log", "--json")
    told = trials.office.scim.cli("user", "history", "tess@contoso.com")
    assert "sign_in:bound" not in told


def test_who_would_be_refused_and_why(trials: Trials) -> None:
    """Nobody of that claim, somebody inactive: the exact reason, and what to change."""
    scim_id = trials.office.person("theo@contoso.com")
    trials.office.scim.send("DELETE", f"/Users/{scim_id}")
    trials.office.person("thea@contoso.com")
    trials.office.scim.cli("user", "deactivate", "thea@contoso.com")

    unknown = trials.tried("stranger")
    inactive = trials.tried("thea@contoso.com")

    assert "They would be refused" in unknown.words
    assert "Nobody has the externalId" in unknown.words
    assert "stands for thea@contoso.com" in inactive.words
    assert "The user is inactive" in inactive.words


def test_a_trial_is_told_to_whoever_began_it(trials: Trials) -> None:
    """Another browser that is given the way back learns nothing, and nor does nobody."""
    trials.office.person("tim@contoso.com")
    admin, other = trials.office.admin, trials.office.somebody("ulf", role="Auditor")
    way = trials.back(admin, "tim@contoso.com")
    ticket = admin.browser.cookie(trials.office.address, "__Host-sign-in") or ""

    for desk in (other, console.Desk(trials.office.address)):
        host = trials.office.address.removeprefix("http://")
        desk.browser.jar.setdefault(host, {})["__Host-sign-in"] = ticket
        page = desk.browser.get(way)
        assert page.status == 400
        assert "begun by somebody else" in page.words
        assert "tim@contoso.com" not in page.text


def test_the_auditor_tries_nothing(trials: Trials) -> None:
    """A trial goes out to a provider: it takes the permission to manage."""
    desk = trials.office.somebody("uta", role="Auditor")

    assert desk.post(f"{HERE}/try", trials.fields()).status == 403


def test_a_provider_that_does_not_answer(trials: Trials) -> None:
    """The page of the settings says so, and keeps what was typed."""
    nobody = f"http://127.0.0.1:{server.free_port()}"

    page = trials.office.admin.post(f"{HERE}/try", trials.fields(issuer=nobody))

    assert page.status == 502
    assert "does not answer" in page.words
    assert f'value="{nobody}"' in page.text


def test_only_what_has_passed_is_saved(trials: Trials) -> None:
    """Untried, refused and changed settings are not; those that passed are, and lead on.

    The secret need not be typed again, and what is kept is switched on without a trial.
    """
    admin, who = trials.office.admin, trials.somebody("vera")
    trials.tried("stranger")
    refused = admin.post(HERE, trials.fields())
    shown = admin.get(HERE)
    trials.tried(who)
    open_now = admin.get(HERE)
    changed = admin.post(HERE, trials.fields(claim="email_verified"))
    saved = admin.post(HERE, trials.fields(client_secret=""))
    on = admin.post(f"{HERE}/on")
    off = admin.post(f"{HERE}/off")
    again = admin.post(f"{HERE}/on")

    assert (refused.status, changed.status) == (400, 400)
    assert "have not passed a trial of yours" in refused.words
    assert "they have not passed, and are not kept" in shown.words
    assert "disabled aria-describedby" in shown.text
    assert "As they are, they can be saved" in open_now.words
    assert "Saved, and off" in saved.words
    assert "of the gate" not in open_now.text + saved.text
    for page in (on, again):
        assert "People sign in through" in page.words
    assert "Nobody signs in through" in off.words
    admin.post(f"{HERE}/off")


def test_a_trial_opens_nothing_to_anybody_else(trials: Trials) -> None:
    """Another manager has to try for themselves, even with the ticket of the first."""
    admin, other = trials.office.admin, trials.manager("wim")
    who = trials.somebody("xenia")
    fields = {"scopes": "openid email"}
    trials.tried(who, **fields)
    host = trials.office.address.removeprefix("http://")
    ticket = admin.browser.cookie(trials.office.address, "__Host-tried") or ""
    other.browser.jar.setdefault(host, {})["__Host-tried"] = ticket

    refused = other.post(HERE, trials.fields(**fields))
    trials.tried(who, other, **fields)
    saved = other.post(HERE, trials.fields(**fields))

    assert refused.status == 400
    assert "Saved, and off" in saved.words


def test_what_was_saved_untried_is_tried_before_it_is_switched_on(
    trials: Trials, tmp_path: Path
) -> None:
    """The command line keeps what it is given; the page asks for a trial of just that."""
    admin, who = trials.office.admin, trials.somebody("yara")
    secret = tmp_path / "secret.txt"
    secret.write_text("of the gate")
    connection = trials.office.scim.cli("connection", "list", "--json")
    name = json.loads(connection)[0]["name"]
    trials.office.scim.cli(
        *("sign-in", "set", name, "--issuer", trials.openid.issuer, "--claim", "sub"),
        *("--client-id", "gate", "--client-secret-file", str(secret)),
    )

    shown = admin.get(f"{HERE}?kept=yes")
    refused = admin.post(f"{HERE}/on")
    trials.tried(who, client_secret="")
    on = admin.post(f"{HERE}/on")
    admin.post(f"{HERE}/off")
    forgotten = admin.get(f"{HERE}?kept=yes")

    assert "has not passed a trial" in shown.words
    assert refused.status == 400
    assert "People sign in through" in on.words
    assert "has not passed a trial" not in forgotten.words


def test_what_cannot_work_is_not_tried(trials: Trials) -> None:
    """The same refusals as at saving, before anybody is asked."""
    for changes, told in (
        ({"issuer": "http://evil.example"}, "must be an https address"),
        ({"claim": "email"}, "An email address binds nobody"),
        ({"client_id": " "}, "The client id is missing"),
        ({"scopes": "openid " + "long" * 2000}, "too long to be tried"),
    ):
        page = trials.office.admin.post(f"{HERE}/try", trials.fields(**changes))
        assert page.status == 400, changes
        assert told in page.words
