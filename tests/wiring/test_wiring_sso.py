"""Signing in at a real OpenID provider, and coming back to the real server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from scim_connector.rules.access import OUTWARD
from scim_connector.scim.types import LOCAL
from tests import provider, server
from tests.browser import Browser, Page
from tests.house import patch_of, person
from tests.provider import OpenIdProvider
from tests.server import Reply, Server

_NUMBERS = count(1)


@dataclass(frozen=True, slots=True)
class Gate:
    """A server with an application, and a provider its people sign in at."""

    scim: Server
    provider: OpenIdProvider

    @property
    def address(self) -> str:
        """Where the pages are."""
        return self.scim.base_url.removesuffix(self.scim.prefix)

    def add(self, **more: object) -> tuple[str, str]:
        """Provision somebody new; returns their SCIM id and who they are there."""
        subject = f"subject-{next(_NUMBERS)}"
        body = person(f"{subject}@contoso.com", externalId=subject, **more)
        made = self.scim.send("POST", "/Users", body)
        assert made.status == 201, made.content
        return made.body["id"], subject

    def begin(self, browser: Browser, application: str = "nextgen") -> str:
        """Choose the provider on the sign-in page; returns where that leads."""
        query = urlencode({"application": application, "return_to": "/courses?x=1"})
        page = browser.get(f"{self.address}/login?{query}")
        assert "Sign in with default" in page.words
        at = f"{self.address}/login/at/default?{query}"
        return browser.get(at, follow=False).headers["Location"]

    def agree(self, browser: Browser, there: str, subject: str) -> str:
        """Sign in at the provider as *subject*; returns the way back."""
        return browser.post(there, {"sub": subject}, follow=False).headers["Location"]

    def sign_in(self, browser: Browser, subject: str) -> Page:
        """The whole way; stops before the application's own page."""
        back = self.agree(browser, self.begin(browser), subject)
        return browser.get(back, follow=False)

    def verify(self, browser: Browser) -> Reply:
        """Ask as a proxy does with what the browser holds."""
        token = browser.cookie(self.address, "__Host-session-nextgen") or ""
        headers = {"Cookie": f"__Host-session-nextgen={token}"}
        path = "/auth/verify?application=nextgen"
        return self.scim.send_raw("GET", path, headers, None)

    def last(self) -> dict[str, str]:
        """The newest line of the log of signing in."""
        lines = self.scim.cli("sign-in", "log", "--limit", "1", "--json")
        found: dict[str, str] = json.loads(lines)[0]
        return found


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A server whose people sign in at a provider by their externalId."""
    folder = tmp_path_factory.mktemp("gate")
    with (
        provider.running(tmp_path_factory.mktemp("provider")) as openid,
        server.running(folder) as scim,
    ):
        (folder / "secret").write_text("of the gate\n")
        at = ("--issuer", openid.issuer, "--client-secret-file", "secret")
        scim.cli_batch(
            [
                ["sign-in", "set", "default", *at, "--client-id", "gate"],
                ["sign-in", "check", "default"],
                ["sign-in", "on", "default"],
                ["connection", "set", "default", "--allow-api-users"],
                ["application", "add", "nextgen"],
            ]
        )
        yield Gate(scim, openid)


def test_a_provisioned_person_signs_in(gate: Gate) -> None:
    """Where they were going is where they come out; the proxy learns who they are."""
    browser, (_, subject) = Browser(), gate.add()

    page = gate.sign_in(browser, subject)

    assert (page.status, page.headers["Location"]) == (303, "/courses?x=1")
    asked = gate.verify(browser)
    assert asked.status == 200
    assert asked.headers["x-auth-email"] == f"{subject}@contoso.com"
    assert asked.headers["x-auth-name"] == "Kim Doe"
    assert gate.last()["outcome"] == "signed in"


def test_what_goes_to_the_provider_is_fresh_each_time(gate: Gate) -> None:
    """State, nonce and PKCE challenge are long, and never the same twice."""
    asked = [dict(parse_qsl(urlsplit(gate.begin(Browser())).query)) for _ in range(2)]

    for name in ("state", "nonce", "code_challenge"):
        first, second = (each[name] for each in asked)
        assert first != second
        assert len(first) >= 43
    assert asked[0]["code_challenge_method"] == "S256"


def test_an_identity_is_bound_at_its_first_sign_in(gate: Gate) -> None:
    """Later the provider may send another externalId: it is still the same person."""
    link_id, subject = gate.add()
    gate.sign_in(Browser(), subject)
    changed = patch_of(externalId="something else")
    assert gate.scim.send("PATCH", f"/Users/{link_id}", changed).status == 200
    browser = Browser()

    gate.sign_in(browser, subject)

    assert gate.verify(browser).status == 200


# --------------------------------------------------------------------- who is refused


def _nobody(gate: Gate) -> str:
    """Somebody nobody provisioned, whose email is that of somebody who is."""
    _, subject = gate.add()
    stranger = f"stranger-{next(_NUMBERS)}"
    gate.provider.knows(stranger, email=f"{subject}@contoso.com", email_verified=True)
    return stranger


def _api_user(gate: Gate) -> str:
    return gate.add(**{LOCAL: {"apiUser": True}})[1]


def _inactive(gate: Gate) -> str:
    link_id, subject = gate.add()
    gate.scim.send("PATCH", f"/Users/{link_id}", patch_of(active=False))
    return subject


def _removed(gate: Gate) -> str:
    link_id, subject = gate.add()
    gate.sign_in(Browser(), subject)
    gate.scim.send("DELETE", f"/Users/{link_id}")
    return subject


def _unlinked(gate: Gate) -> str:
    _, subject = gate.add()
    gate.sign_in(Browser(), subject)
    gate.scim.cli("user", "unlink", f"{subject}@contoso.com")
    return subject


@pytest.mark.parametrize(
    ("who", "reason"),
    [
        (_nobody, "unknown_user"),
        (_api_user, "api_user_no_login"),
        (_inactive, "inactive"),
        (_removed, "inactive"),
        (_unlinked, "unlinked"),
    ],
)
def test_everybody_else_reads_the_same(
    gate: Gate, who: Callable[[Gate], str], reason: str
) -> None:
    """One sentence for every reason; the log of an administrator has the exact one."""
    browser, subject = Browser(), who(gate)

    page = gate.sign_in(browser, subject)

    assert page.status == 403
    assert OUTWARD in page.words
    assert gate.verify(browser).status == 401
    assert gate.last()["outcome"] == reason


def test_an_email_binds_nobody_and_makes_no_account(gate: Gate) -> None:
    """An unknown identity leaves as many users as there were, and says what to compare."""
    stranger = _nobody(gate)
    before = gate.scim.cli("user", "list", "--json")

    gate.sign_in(Browser(), stranger)

    assert gate.scim.cli("user", "list", "--json") == before
    why = gate.last()["why"]
    assert f"Nobody has the externalId '{stranger}' (sub)." in why
    advice = "Let the provider send the id of the user as externalId."
    assert advice in why
    assert advice in gate.scim.cli("sign-in", "log", "--limit", "1")


# ------------------------------------------------------------------ what proves nothing


def _altered(address: str, **changes: str) -> str:
    parts = urlsplit(address)
    query = {**dict(parse_qsl(parts.query)), **changes}
    return parts._replace(query=urlencode(query)).geturl()


def test_an_answer_to_something_else_is_refused(gate: Gate) -> None:
    """An ID token with the nonce of another sign-in proves nothing."""
    browser, (_, subject) = Browser(), gate.add()
    there = _altered(gate.begin(browser), nonce="of another sign-in")

    page = browser.get(gate.agree(browser, there, subject), follow=False)

    assert (page.status, OUTWARD in page.words) == (403, True)
    line = gate.last()
    assert line["outcome"] == "token_invalid"
    assert "Its nonce is not the one of this sign-in." in line["why"]


def test_a_code_is_of_use_once(gate: Gate) -> None:
    """The same answer, brought again by a browser that kept its ticket, is refused."""
    browser, (_, subject) = Browser(), gate.add()
    back = gate.agree(browser, gate.begin(browser), subject)
    ticket = browser.cookie(gate.address, "__Host-sign-in") or ""
    browser.get(back, follow=False)
    again = Browser(jar={urlsplit(gate.address).netloc: {"__Host-sign-in": ticket}})

    page = again.get(back, follow=False)

    assert page.status == 403
    assert "The provider refused the code" in gate.last()["why"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"state": "of somebody else"}, "This answer belongs to another sign-in."),
        ({"state": ""}, "This answer belongs to another sign-in."),
        ({"code": ""}, "The answer holds no code."),
    ],
)
def test_an_answer_of_another_sign_in_opens_nothing(
    gate: Gate, changes: dict[str, str], told: str
) -> None:
    """Another state and a missing code are answered in words, with a way back."""
    browser, (_, subject) = Browser(), gate.add()
    back = gate.agree(browser, gate.begin(browser), subject)

    page = browser.get(_altered(back, **changes), follow=False)

    assert page.status == 400
    assert told in page.words
    assert 'href="/login' in page.text
    assert gate.verify(browser).status == 401


def test_an_answer_without_a_beginning_opens_nothing(gate: Gate) -> None:
    """Whoever is sent to the callback with somebody else's code stays outside."""
    browser, victim, (_, subject) = Browser(), Browser(), gate.add()
    back = gate.agree(browser, gate.begin(browser), subject)

    page = victim.get(back, follow=False)

    assert page.status == 400
    assert "That took too long, or began elsewhere." in page.words
    assert gate.verify(victim).status == 401


def test_an_answer_of_another_issuer_is_refused(gate: Gate) -> None:
    """A mix-up of providers is seen by the issuer in the answer (RFC 9207)."""
    browser, (_, subject) = Browser(), gate.add()
    back = gate.agree(browser, gate.begin(browser), subject)

    page = browser.get(_altered(back, iss="https://evil.example"), follow=False)

    assert page.status == 403
    assert "The answer is of another issuer." in gate.last()["why"]


def test_what_the_provider_refuses_is_kept(gate: Gate) -> None:
    """Somebody who declines there is told here, and the log has the provider's words."""
    browser = Browser()
    state = dict(parse_qsl(urlsplit(gate.begin(browser)).query))["state"]
    said = urlencode({"error": "access_denied", "state": state})

    page = browser.get(f"{gate.address}/login/callback?{said}", follow=False)

    assert page.status == 403
    assert "The provider answered: access_denied" in gate.last()["why"]


def test_a_provider_that_is_down_is_named_and_nothing_is_lost(gate: Gate) -> None:
    """A page in words while it is down; afterwards people sign in again."""
    browser, (_, subject) = Browser(), gate.add()
    back = gate.agree(browser, gate.begin(browser), subject)
    gate.provider.pause()
    try:
        page = browser.get(back, follow=False)
    finally:
        gate.provider.resume()

    assert page.status == 502
    assert "The sign-in service of your organisation does not answer." in page.words
    again = Browser()
    gate.sign_in(again, subject)
    assert gate.verify(again).status == 200


# ------------------------------------------------------------------------------ cut off


def test_the_very_next_request_is_refused(gate: Gate) -> None:
    """A session ends with its user, and their return brings none back."""
    browser, (link_id, subject) = Browser(), gate.add()
    gate.sign_in(browser, subject)
    before = gate.verify(browser).status
    gate.scim.send("PATCH", f"/Users/{link_id}", patch_of(active=False))
    after = gate.verify(browser).status
    gate.scim.send("PATCH", f"/Users/{link_id}", patch_of(active=True))

    assert (before, after, gate.verify(browser).status) == (200, 401, 401)
    gate.sign_in(browser, subject)
    assert gate.verify(browser).status == 200
