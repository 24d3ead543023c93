"""What the web hands to provisioning, and what it gets back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scim_connector.directory.connections import Connection
    from scim_connector.scim.types import Json


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request of an identity provider.

    ``now`` is the arrival in microseconds since 1970 UTC; ``started`` is the arrival on
    the monotonic clock in nanoseconds, for the duration in the request log.
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


@dataclass(frozen=True, slots=True)
class Answer:
    """A status with a resource in its stored form (see ``scim.rendering``)."""

    status: int
    text: str | None = None
    version: int | None = None
    link_id: str | None = None


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A list request: ``start`` is 1-based (RFC 7644 §3.4.2.4)."""

    filter: str | None = None
    start: int = 1
    count: int = 100
    sort_by: str | None = None
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One page of resources in their stored form, and how many there are in all."""

    total: int
    start: int
    texts: list[str]
