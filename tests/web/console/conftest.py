"""One office for all tests of the console; each test brings its own people."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import console
from tests.console import Desk, Office


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A real server, set up by the printed link."""
    with console.running(tmp_path_factory.mktemp("office")) as running:
        yield running


@pytest.fixture(scope="session")
def auditor(office: Office) -> Desk:
    """Somebody with the built-in role that only looks."""
    return office.somebody("audrey", role="Auditor")
