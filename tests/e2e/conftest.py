"""One site for all end-to-end tests; each test brings its own people."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e import site as sites
from tests.e2e.site import Site


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The gate and an application behind nginx, and a certified provider."""
    with sites.running(tmp_path_factory.mktemp("site")) as running:
        yield running
