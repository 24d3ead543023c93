"""One site for all end-to-end tests; each test brings its own people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.e2e import chromium
from tests.e2e import site as sites
from tests.e2e.chromium import Watched
from tests.e2e.site import Site

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The gate and an application behind nginx, and a certified provider."""
    with sites.running(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with chromium.running() as running:
        yield running


@pytest.fixture
def someone(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watched]:
    """Somebody at a fresh browser, which in the end has complained about nothing."""
    base = tmp_path_factory.getbasetemp()
    person = Watched(browser, chromium.pictures_of(base / "pictures"))
    yield person
    complaints = list(person.complaints)
    person.context.close()
    assert complaints == [], "the console is not silent (CSP, scripts, resources)"
