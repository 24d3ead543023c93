"""A mail room on each database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scim_connector.directory.database import Database
from tests import house, mailroom
from tests.mailroom import MailRoom


@pytest.fixture
def room(database: Database) -> Iterator[MailRoom]:
    """A provider whose people are mailed by a real server."""
    provider = house.provider(database)
    provider.set(allow_api_users=True)
    with mailroom.opened(house.Provider(database, provider.connection)) as opened:
        yield opened
