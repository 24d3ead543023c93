"""One list of everything a connection sees: users first, then groups."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from scim_connector.provisioning.calls import MixedPage
from scim_connector.scim.errors import InvalidValue
from scim_connector.scim.paging import DEFAULT_COUNT
from scim_connector.scim.schemas import among

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scim_connector.directory.connections import Connection
    from scim_connector.provisioning.calls import Call, Page, SearchQuery
    from scim_connector.provisioning.exchange import Exchange
    from scim_connector.scim.projection import Projection
    from scim_connector.scim.schemas import ResourceType


class Kind(Protocol):
    """A kind of resource that can be searched beside others."""

    def resource_type(self, connection: Connection) -> ResourceType:
        """The resource type as this connection sees it."""

    def found(self, call: Call, query: SearchQuery, known: ResourceType) -> Page:
        """Find a page without logging it; names are those of *known*."""


class Everything:
    """What a provider can ask of the root; built once per process."""

    def __init__(self, exchange: Exchange, kinds: Mapping[str, Kind]) -> None:
        """Search *kinds*, by the name of their endpoint, one after the other."""
        self._exchange = exchange
        self._kinds = kinds

    def search(
        self, call: Call, query: SearchQuery, shown: Mapping[str, Projection]
    ) -> MixedPage:
        """List resources of every kind, each as *shown* says for its endpoint.

        An attribute that a kind does not declare has no value there; InvalidFilter
        when none does (RFC 7644 section 3.4.2.1).
        """
        return self._exchange.listed(call, lambda: self._found(call, query, shown))

    def _found(
        self, call: Call, query: SearchQuery, shown: Mapping[str, Projection]
    ) -> MixedPage:
        if query.cursor is not None:
            raise InvalidValue(
                "A cursor walks one kind of resource: ask /Users/.search or"
                " /Groups/.search, or page by startIndex here."
            )
        types = {n: k.resource_type(call.connection) for n, k in self._kinds.items()}
        left = DEFAULT_COUNT if query.count is None else query.count
        total, texts = 0, list[tuple[str, str]]()
        for name, kind in self._kinds.items():
            others = [known for other, known in types.items() if other != name]
            start = max(query.start - total, 1)
            page = kind.found(
                replace(call, shown=shown[name]),
                replace(query, start=start, count=left),
                among(types[name], *others),
            )
            total += page.total
            left -= len(page.texts)
            texts += [(name, text) for text in page.texts]
        return MixedPage(total, query.start, texts)
