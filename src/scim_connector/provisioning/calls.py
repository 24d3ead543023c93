"""What the web hands to provisioning, and what it gets back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from scim_connector.scim import paging

if TYPE_CHECKING:
    from scim_connector.directory.connections import Connection
    from scim_connector.scim.messages import SearchRequest
    from scim_connector.scim.projection import Projection
    from scim_connector.scim.schemas import ResourceType
    from scim_connector.scim.types import Json


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request of an identity provider.

    ``now`` is the arrival in microseconds since 1970 UTC; ``started`` is the arrival on
    the monotonic clock in nanoseconds, for the duration in the request log.  ``shown``
    is what the caller wants to see (None: everything), so that the rest is not read.
    ``arrived`` is the arrival on that clock of the bulk request it is a part of.
    ``taken_at`` is when it was taken to be carried out later, which is ``now``.
    """

    request_id: str
    method: str
    path: str
    source: str
    now: int
    started: int
    connection: Connection
    credential_id: str
    body: Json | None = None
    shown: Projection | None = None
    idempotency_key: str | None = None
    arrived: int | None = None
    taken_at: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A status with a resource in its stored form (see ``scim.rendering``).

    Without a text the answer has no body (204).
    """

    status: int
    text: str | None = None
    version: int | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A list request: ``start`` is 1-based (RFC 7644 §3.4.2.4).

    With a ``cursor`` there is no start; an empty one asks for the first page
    (RFC 9865), and ``count`` is None when the request names none.
    """

    filter: str | None = None
    start: int = 1
    count: int | None = None
    sort_by: str | None = None
    descending: bool = False
    cursor: str | None = None

    @classmethod
    def of(cls, wanted: SearchRequest) -> SearchQuery:
        """What is asked for; by cursor there is no start, and count stays as it is.

        Raises InvalidValue or InvalidCount for what is no number.
        """
        start: int = 1
        count: int | None
        if wanted.cursor is None:
            page = paging.page(wanted.start_index, wanted.count)
            start, count = page.start, page.count
        else:
            paging.refuse_start(wanted.start_index)
            count = paging.cursor_count(wanted.count)
        return cls(
            filter=wanted.filter,
            start=start,
            count=count,
            sort_by=wanted.sort_by,
            descending=paging.is_descending(wanted.sort_order),
            cursor=wanted.cursor,
        )


@dataclass(frozen=True, slots=True)
class Page:
    """One page of resources in their stored form, and how many there are in all.

    ``start`` is None for a page by cursor; ``next_cursor`` is None on the last one.
    """

    total: int
    start: int | None
    texts: list[str]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class MixedPage:
    """One page of resources of every kind: each with the name of its endpoint."""

    total: int
    start: int | None
    texts: list[tuple[str, str]]
    next_cursor: str | None = None


class Typed(Protocol):
    """Anything that knows what its resources consist of."""

    def resource_type(self, connection: Connection) -> ResourceType:
        """The resource type as this connection sees it."""


class Readable(Typed, Protocol):
    """What a provider can read of one kind of resource."""

    def get(self, call: Call, resource_id: str) -> Answer:
        """Read one; raises NotFound for any id this connection cannot see."""

    def search(self, call: Call, query: SearchQuery) -> Page:
        """List some; raises InvalidFilter, InvalidValue or TooMany."""


class UseCases(Readable, Protocol):
    """What a provider can ask of one kind of resource.

    Every method logs its call, refused ones too, and raises ScimError or
    RulesViolated; a change that is refused has changed nothing.
    """

    def create(self, call: Call) -> Answer:
        """POST (201)."""

    def replace(self, call: Call, resource_id: str, *, if_match: str | None) -> Answer:
        """PUT (200)."""

    def patch(self, call: Call, resource_id: str, *, if_match: str | None) -> Answer:
        """PATCH: all operations or none (200, or 204 without a body)."""

    def delete(self, call: Call, resource_id: str, *, if_match: str | None) -> Answer:
        """DELETE (204)."""
