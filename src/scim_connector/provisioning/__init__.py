"""The use cases of an identity provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scim_connector.directory import search
from scim_connector.provisioning import catalogue
from scim_connector.provisioning.bulk import Bulk
from scim_connector.provisioning.calls import (
    Answer,
    Call,
    MixedPage,
    Page,
    Readable,
    SearchQuery,
    UseCases,
)
from scim_connector.provisioning.everything import Everything, Kind
from scim_connector.provisioning.exchange import Exchange
from scim_connector.provisioning.groups import Groups
from scim_connector.provisioning.listing import CursorSeal, Listing
from scim_connector.provisioning.me import Me
from scim_connector.provisioning.people import People
from scim_connector.provisioning.reads import FLUSH_SECONDS, RequestGatherer
from scim_connector.provisioning.users import Users

if TYPE_CHECKING:
    from scim_connector.directory.stores import Store
    from scim_connector.tokens.secrets import SecretKeys

__all__ = [
    "FLUSH_SECONDS",
    "Answer",
    "Call",
    "Everything",
    "MixedPage",
    "Page",
    "Provisioning",
    "Readable",
    "RequestGatherer",
    "SearchQuery",
    "UseCases",
]


class Provisioning:
    """What a provider can ask for, by kind of resource; built once per process."""

    def __init__(
        self, database: Store, gatherer: RequestGatherer, keys: SecretKeys
    ) -> None:
        """Work on *database*; reads are logged through *gatherer*.

        Cursors are sealed with *keys*.
        """
        exchange, seal = Exchange(database, gatherer), CursorSeal(keys)
        self.users = Users(exchange, Listing(database, search.USERS, seal))
        self.groups = Groups(exchange, Listing(database, search.GROUPS, seal))
        kinds: dict[str, Kind] = {"Users": self.users, "Groups": self.groups}
        self.everything = Everything(exchange, kinds)
        self.people = People(exchange)
        self.me = Me(database)
        self.roles = catalogue.roles_of(exchange)
        self.entitlements = catalogue.entitlements_of(exchange)
        self.bulk = Bulk(exchange, {"Users": self.users, "Groups": self.groups})
