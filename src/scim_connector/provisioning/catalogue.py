"""What a provider may assign: ``/Roles`` and ``/Entitlements``, to be read alone.

They are few, made from the mapping and the local names when they are asked for, and
searched in memory with the filters of everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import NAMESPACE_URL, uuid5
from zlib import crc32

from scim_connector.accounts.compiled import mapping_of
from scim_connector.directory import profiles, roles
from scim_connector.provisioning.calls import Answer, Page
from scim_connector.scim import filters, rendering, search_documents
from scim_connector.scim.catalogue_schemas import (
    ENTITLEMENT,
    OKTA_ENTITLEMENT,
    OKTA_ROLE,
    ROLE,
)
from scim_connector.scim.errors import InvalidValue, NotFound
from scim_connector.scim.rendering import Facts

if TYPE_CHECKING:
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader
    from scim_connector.provisioning.calls import Call, SearchQuery
    from scim_connector.provisioning.exchange import Exchange
    from scim_connector.scim.schemas import ResourceType
    from scim_connector.scim.types import Json

_DEFAULT: Final = 100


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that can be assigned: the provider's word, and the local name."""

    value: str
    display: str


@dataclass(frozen=True, slots=True)
class _Made:
    """An entry as it is served: its stored text, and the document it is found by."""

    id: str
    version: int
    text: str
    searched: Json


Listing = Callable[["Reader", "Connection"], list[Entry]]


def of_roles(reader: Reader, connection: Connection) -> list[Entry]:
    """The role values the mapping knows; without any, the local roles themselves."""
    table = mapping_of(reader, connection).roles.table
    if table:
        return [Entry(value, role) for value, role in sorted(table.items())]
    return [Entry(role.name, role.name) for role in roles.every(reader)]


def of_profiles(reader: Reader, _: Connection) -> list[Entry]:
    """The local profiles: what a person may do is told by one of them."""
    return [Entry(profile.name, profile.name) for profile in profiles.every(reader)]


class Catalogue:
    """One read-only kind of resource; built once per process."""

    def __init__(
        self,
        exchange: Exchange,
        listing: Listing,
        types: Mapping[str, ResourceType],
        otherwise: ResourceType,
    ) -> None:
        """List by *listing*; *types* by the kind of connection, else *otherwise*."""
        self._exchange = exchange
        self._listing = listing
        self._types = types
        self._otherwise = otherwise

    def resource_type(self, connection: Connection) -> ResourceType:
        """The resource type, under the URN that this kind of connection reads."""
        return self._types.get(connection.kind, self._otherwise)

    def get(self, call: Call, resource_id: str) -> Answer:
        """Read one by its id; raises NotFound."""
        for made in self._all(call.connection):
            if made.id == resource_id:
                self._exchange.was_read(call)
                return Answer(200, made.text, made.version, made.id)
        address = self.resource_type(call.connection).endpoint
        message = f"There is nothing with id {resource_id[:60]} at {address}; list it."
        raise self._exchange.refused_read(call, NotFound(message))

    def search(self, call: Call, query: SearchQuery) -> Page:
        """List some; raises InvalidFilter, or InvalidValue for an order or a cursor."""
        return self._exchange.listed(call, lambda: self._found(call, query))

    def _found(self, call: Call, query: SearchQuery) -> Page:
        if query.sort_by or query.cursor is not None:
            message = (
                "This list is short and has one order; leave sortBy and cursor out."
            )
            raise InvalidValue(message)
        known = self.resource_type(call.connection)
        wanted = filters.parse(query.filter, known) if query.filter else None
        texts = [
            made.text
            for made in self._all(call.connection)
            if wanted is None or filters.matches(wanted, made.searched)
        ]
        count = _DEFAULT if query.count is None else query.count
        page = texts[query.start - 1 :][:count]
        return Page(total=len(texts), start=query.start, texts=page)

    def _all(self, connection: Connection) -> list[_Made]:
        known = self.resource_type(connection)
        reader = self._exchange.database.reader()
        made = []
        for entry in self._listing(reader, connection):
            name = f"{connection.id}/{known.name}/{entry.value}"
            facts = Facts(
                id=str(uuid5(NAMESPACE_URL, name)),
                version=_version(connection, entry),
                created=connection.created_at,
                last_modified=connection.created_at,
            )
            document = {
                "value": entry.value,
                "display": entry.display,
                "supported": True,
            }
            text = rendering.served(known, document, facts)
            resource = rendering.resource_of(text)
            searched = search_documents.build(known, resource)
            made.append(_Made(facts.id, facts.version, text, searched))
        return made


def _version(connection: Connection, entry: Entry) -> int:
    """A number that changes with what is shown: nobody counts the changes of these."""
    shown = (connection.kind, entry.value, entry.display)
    return crc32("\0".join(shown).encode())


def roles_of(exchange: Exchange) -> Catalogue:
    """What ``/Roles`` serves."""
    return Catalogue(exchange, of_roles, {"okta": OKTA_ROLE}, ROLE)


def entitlements_of(exchange: Exchange) -> Catalogue:
    """What ``/Entitlements`` serves: here a profile is what entitles a person."""
    return Catalogue(exchange, of_profiles, {"okta": OKTA_ENTITLEMENT}, ENTITLEMENT)
