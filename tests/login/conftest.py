"""A mail room and a provider to sign in at, on each database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scim_connector.directory.database import Database
from tests import house, mailroom
from tests.login.single import Single
from tests.mailroom import MailRoom
from tests.tokens import issuer


@pytest.fixture
def room(database: Database) -> Iterator[MailRoom]:
    """A provider whose people are mailed by a real server."""
    provider = house.provider(database)
    provider.set(allow_api_users=True)
    with mailroom.opened(house.Provider(database, provider.connection)) as opened:
        yield opened


@pytest.fixture
def single(database: Database) -> Iterator[Single]:
    """A connection of Entra on each database, and its provider."""
    made = house.provider(database)
    made.set(allow_api_users=True)
    with issuer.running() as openid:
        yield Single(house.Provider(database, made.connection), openid)
