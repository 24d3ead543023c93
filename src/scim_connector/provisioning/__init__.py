"""The use cases of an identity provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scim_connector.provisioning.calls import (
    Answer,
    Call,
    Page,
    SearchQuery,
    UseCases,
)
from scim_connector.provisioning.exchange import Exchange
from scim_connector.provisioning.groups import Groups
from scim_connector.provisioning.reads import FLUSH_SECONDS, RequestGatherer
from scim_connector.provisioning.users import Users

if TYPE_CHECKING:
    from scim_connector.directory.database import Database

__all__ = [
    "FLUSH_SECONDS",
    "Answer",
    "Call",
    "Page",
    "Provisioning",
    "RequestGatherer",
    "SearchQuery",
    "UseCases",
]


class Provisioning:
    """What a provider can ask for, by kind of resource; built once per process."""

    def __init__(self, database: Database, gatherer: RequestGatherer) -> None:
        """Work on *database*; reads are logged through *gatherer*."""
        exchange = Exchange(database, gatherer)
        self.users = Users(exchange)
        self.groups = Groups(exchange)
