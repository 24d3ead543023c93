"""Where a request comes from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any


def source_of(environ: Mapping[str, Any], proxies: Collection[str]) -> str:
    """The address of the client; a proxy that is named in the settings is believed."""
    peer: str = environ.get("REMOTE_ADDR") or ""
    if peer in proxies:
        forwarded: str = environ.get("HTTP_X_FORWARDED_FOR", "")
        return forwarded.rpartition(",")[2].strip()[:45] or peer
    return peer
