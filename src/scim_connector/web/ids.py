"""Request ids: UUIDs that grow with time (RFC 9562, version 7).

The log is indexed by them.  Random ones would touch another page of the index with
every entry; these are written one behind the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from secrets import randbits
from typing import Any, Final
from uuid import UUID

#: The id that a request has been given before it reached its door.
GIVEN: Final = "scim_connector.request_id"

_VERSION = 7 << 76
_VARIANT = 2 << 62


def request_id(now: int) -> str:
    """A new id for a request that arrived at *now* (microseconds since 1970 UTC)."""
    random = randbits(74)
    high, low = random >> 62, random & ((1 << 62) - 1)
    return str(UUID(int=(now // 1000) << 80 | _VERSION | high << 64 | _VARIANT | low))


def of(environ: Mapping[str, Any], now: int) -> str:
    """The id that a request was given, or a new one."""
    given: str | None = environ.get(GIVEN)
    return given or request_id(now)
