"""One office for the tests of the Admin API, and an API user that may do everything."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import admin_api, console
from tests.admin_api import Caller
from tests.console import Office


@pytest.fixture(scope="session")
def api_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A real server, set up by the printed link."""
    folder = tmp_path_factory.mktemp("api-office")
    with console.running(folder, SCIM_CONNECTOR_RATE_LIMIT="0") as running:
        yield running


@pytest.fixture(scope="session")
def machine(api_office: Office) -> Caller:
    """An API user with the Administrator role."""
    return admin_api.program(api_office, "machine.one", role="Administrator")
