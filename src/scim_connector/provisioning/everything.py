"""One list of everything a connection sees: users first, then groups."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from scim_connector.provisioning.calls import MixedPage
from scim_connector.scim import cursors
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
        search = _Search(call, query, shown, self._kinds)
        return search.page() if query.cursor is None else search.walked(query.cursor)


@dataclass(frozen=True, slots=True)
class _Search:
    """One search of every kind."""

    call: Call
    query: SearchQuery
    shown: Mapping[str, Projection]
    kinds: Mapping[str, Kind]

    def page(self) -> MixedPage:
        """Find a page by its place among all of them."""
        query = self.query
        left = DEFAULT_COUNT if query.count is None else query.count
        total, texts = 0, list[tuple[str, str]]()
        for name in self.kinds:
            start = max(query.start - total, 1)
            page = self._of(name, replace(query, start=start, count=left))
            total += page.total
            left -= len(page.texts)
            texts += _named(name, page)
        return MixedPage(total, query.start, texts)

    def walked(self, cursor: str) -> MixedPage:
        """Find a page by its cursor: the name of a kind, and the cursor of that.

        A page never has two kinds, so that each keeps the count it began with.
        """
        names = list(self.kinds)
        here, _, inner = cursor.partition(".") if cursor else (names[0], "", "")
        if here not in names:
            raise cursors.unknown()
        only_total = replace(self.query, cursor=None, count=0)
        total, texts, following = 0, list[tuple[str, str]](), None
        for name in names:
            is_here = not texts and names.index(name) >= names.index(here)
            asked = replace(self.query, cursor=inner if name == here else "")
            page = self._of(name, asked if is_here else only_total)
            total += page.total
            if is_here:
                texts = _named(name, page)
                following = page.next_cursor and f"{name}.{page.next_cursor}"
            elif texts and page.total and following is None:
                following = f"{name}."
        return MixedPage(total, None, texts, following)

    def _of(self, name: str, query: SearchQuery) -> Page:
        types = {
            other: kind.resource_type(self.call.connection)
            for other, kind in self.kinds.items()
        }
        own = types.pop(name)
        call = replace(self.call, shown=self.shown[name])
        return self.kinds[name].found(call, query, among(own, *types.values()))


def _named(name: str, page: Page) -> list[tuple[str, str]]:
    return [(name, text) for text in page.texts]
