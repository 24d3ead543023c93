"""Signing in at a certified OpenID provider, and everything that goes wrong there."""

from __future__ import annotations

from copy import deepcopy
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from tests.browser import Page
from tests.e2e.site import Site, SiteBrowser, way_to_provider


def asked(site: Site, browser: SiteBrowser) -> str:
    """Where the gate sends a browser that chooses the provider."""
    choice = browser.get(f"{site.there}/")
    begun = browser.get(way_to_provider(choice), follow=False)
    return str(begun.headers["Location"])


def with_query(address: str, **changes: str) -> str:
    """An address with other values in its query."""
    parts = urlsplit(address)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return urlunsplit(parts._replace(query=urlencode(query | changes)))


def callback(browser: SiteBrowser, page: Page, name: str) -> str:
    """Sign in at the provider, and stop at the address it sends the browser back to."""
    page = browser.post(page.url, {"login": name}, follow=False)
    while "/login/callback" not in str(page.headers["Location"]):
        page = browser.get(str(page.headers["Location"]), follow=False)
    return str(page.headers["Location"])


def test_the_question_binds_its_answer(site: Site) -> None:
    """The gate asks with PKCE S256, state and nonce, each long and never the same."""
    first, second = (
        parse_qs(urlsplit(asked(site, SiteBrowser())).query) for _ in range(2)
    )

    assert first["response_type"] == ["code"]
    assert first["code_challenge_method"] == ["S256"]
    assert first["redirect_uri"] == [f"{site.gate}/login/callback"]
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name][0]) >= 43
        assert first[name] != second[name]


def test_the_provider_wants_pkce(site: Site) -> None:
    """It is the provider that insists on PKCE: with a changed verifier it gives nothing.

    A challenge of somebody else's stands in the question, so the gate's verifier does
    not fit it.
    """
    site.person("pia")
    browser = SiteBrowser()
    page = browser.get(with_query(asked(site, browser), code_challenge="A" * 43))

    refused = browser.sign_in_at(page, "pia")

    assert refused.status == 403
    assert "invalid_grant" in site.last_reason()


def test_an_answer_with_another_nonce_is_refused(site: Site) -> None:
    """An ID token that was made for another question opens nothing."""
    site.person("nora")
    browser = SiteBrowser()
    page = browser.get(with_query(asked(site, browser), nonce="of somebody else"))

    refused = browser.sign_in_at(page, "nora")

    assert refused.status == 403
    assert "You cannot sign in" in refused.words
    assert "nonce" in site.last_reason()
    assert browser.get(f"{site.there}/").path == "/login"


def test_an_answer_with_another_state_is_refused(site: Site) -> None:
    """Somebody else's answer, slipped under a browser, signs nobody in (login CSRF)."""
    site.person("stan")
    mine, theirs = SiteBrowser(), SiteBrowser()
    stolen = callback(theirs, theirs.get(asked(site, theirs)), "stan")
    asked(site, mine)

    refused = mine.get(stolen)

    assert refused.status == 400
    assert "belongs to another sign-in" in refused.words


def test_a_code_works_once(site: Site) -> None:
    """A code that is brought again, with every cookie of the first time, is refused."""
    site.person("rosa")
    browser = SiteBrowser()
    back = callback(browser, browser.get(asked(site, browser)), "rosa")
    thief = deepcopy(browser)
    first = browser.get(back)
    assert first.url == f"{site.there}/"

    again = thief.get(back)

    assert again.status == 403
    assert "invalid_grant" in site.last_reason()
    assert thief.get(f"{site.there}/").path == "/login"


def test_a_stranger_learns_nothing(site: Site) -> None:
    """Whom nobody provisioned is refused in the same words; the log says who it was."""
    refused = site.through_provider(SiteBrowser(), "stranger")

    assert refused.status == 403
    assert "stranger" not in refused.text
    assert "Nobody has the externalId 'stranger'" in site.last_reason()
