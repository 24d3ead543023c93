"""*Test sign-in* of the console: to a real provider and back, and nobody is signed in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests import console, provider, server
from tests.browser import Browser, Page
from tests.console import Office
from tests.provider import OpenIdProvider


@dataclass(frozen=True, slots=True)
class Trials:
    """A console, and a provider at which its sign-in is tried."""

    office: Office
    openid: OpenIdProvider

    def begin(self, desk: console.Desk) -> str:
        """Press *Test sign-in*; returns where that leads."""
        page = desk.get("/admin/connections/1/sign-in/try", follow=False)
        return page.headers["Location"]

    def back(self, desk: console.Desk, subject: str) -> str:
        """Sign in at the provider; returns the way back."""
        there = self.begin(desk)
        answer = Browser().post(there, {"sub": subject}, follow=False)
        return answer.headers["Location"]

    def tried(self, subject: str) -> Page:
        """The whole way, as the administrator."""
        admin = self.office.admin
        return admin.browser.get(self.back(admin, subject))


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trials]:
    """Signing in is set up on the page, and still off."""
    with (
        provider.running(tmp_path_factory.mktemp("provider")) as openid,
        console.running(tmp_path_factory.mktemp("office")) as office,
    ):
        fields = {"issuer": openid.issuer, "client_id": "gate", "claim": "sub"}
        fields |= {"client_secret": "of the gate", "equals": "externalId"}
        saved = office.admin.post("/admin/connections/1/sign-in", fields)
        assert "Saved, and off" in saved.words
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

    assert desk.get("/admin/connections/1/sign-in/try").status == 403


def test_a_provider_that_does_not_answer(trials: Trials) -> None:
    """The page of the settings says so, and keeps what is set up."""
    fields = {"issuer": f"http://127.0.0.1:{server.free_port()}", "client_id": "gate"}
    trials.office.admin.post("/admin/connections/1/sign-in", fields)

    page = trials.office.admin.get("/admin/connections/1/sign-in/try")

    assert page.status == 502
    assert "does not answer" in page.words
