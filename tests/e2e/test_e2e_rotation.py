"""A provider that goes away and comes back with other keys.

Its file is the last by name: keys are fetched again at most once a minute, and by now
they are older, so that nothing has to wait.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from scim_connector.tokens.kept import COOL_DOWN
from tests.browser import Page
from tests.e2e.site import Site, SiteBrowser, way_to_provider


@pytest.fixture
def site(site: Site) -> Iterator[Site]:
    """The site, whose provider answers again afterwards."""
    yield site
    if site.provider.process is None:
        site.provider.start()


def sign_in_soon(site: Site, name: str) -> Page:
    """Sign in, and again until the keys may have been fetched anew."""
    deadline = time.monotonic() + COOL_DOWN + 10
    while True:
        page = site.through_provider(SiteBrowser(), name)
        if page.url == f"{site.there}/" or time.monotonic() > deadline:
            return page
        time.sleep(2)


def test_a_provider_that_is_down_is_said_plainly(site: Site) -> None:
    """Nobody hangs and nobody meets an error page of a program: they may try again."""
    site.person("dana")
    browser = SiteBrowser()
    choice = browser.get(f"{site.there}/")
    begun = browser.get(way_to_provider(choice))
    at_provider = browser.post(begun.url, {"login": "dana"}, follow=False)
    back = browser.get(str(at_provider.headers["Location"]), follow=False)
    site.provider.stop()

    page = browser.get(str(back.headers["Location"]))

    assert page.status == 502
    assert "does not answer" in page.words
    assert browser.get(f"{site.there}/").path == "/login"


def test_rotated_keys_are_fetched(site: Site) -> None:
    """A provider with new keys is believed within a minute, without a restart here."""
    site.person("kira")
    assert sign_in_soon(site, "kira").url == f"{site.there}/"

    site.provider.stop()
    site.provider.start()
    page = sign_in_soon(site, "kira")

    assert page.url == f"{site.there}/"
