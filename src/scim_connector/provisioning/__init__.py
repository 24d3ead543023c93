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
from scim_connector.scim.errors import NotFound

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
        self._changed: dict[str, UseCases] = {
            "Users": self.users,
            "Groups": self.groups,
        }
        self.bulk = Bulk(exchange, self._changed)

    def carry_out(self, call: Call) -> Answer:
        """Carry out a change whose address is in its path, ``/Users/ID``.

        Raises ScimError or RulesViolated; what is refused is logged like the rest.
        """
        place = call.path.removeprefix("/scim/v2").strip("/")
        name, _, resource_id = place.partition("/")
        kind = self._changed.get(name)
        if kind is not None and call.method == "POST" and not resource_id:
            return kind.create(call)
        if kind is not None and resource_id:
            match call.method:
                case "PUT":
                    return kind.replace(call, resource_id, if_match=None)
                case "PATCH":
                    return kind.patch(call, resource_id, if_match=None)
                case "DELETE":
                    return kind.delete(call, resource_id, if_match=None)
        raise NotFound(f"There is nothing to change at {call.path[:100]}.")
