"""Where a request comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, Final

#: No text of an address is longer.
_LONGEST: Final = 45


class Proxies:
    """The proxies that are named in the settings."""

    def __init__(self, named: Iterable[str]) -> None:
        """Believe the addresses, and ranges of them, that *named* holds."""
        self._networks = tuple(map(ip_network, named))
        self._known = lru_cache(maxsize=1024)(self._is_one)

    def __contains__(self, address: str) -> bool:
        """Whether *address*, of either version, is one of them."""
        return bool(self._networks) and self._known(address)

    def _is_one(self, text: str) -> bool:
        try:
            address = ip_address(text)
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped  # as a socket of both versions has it
        return any(address in network for network in self._networks)


def source_of(environ: Mapping[str, Any], proxies: Proxies) -> str:
    """The address of the client; a proxy that is named in the settings is believed.

    Each proxy adds at the end whom it was asked by, so the last address is the client's
    that is not a proxy's; whatever stands before it the client may have written.
    """
    peer: str = environ.get("REMOTE_ADDR") or ""
    if peer not in proxies:
        return peer
    source = peer
    for forwarded in reversed(environ.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        source = forwarded.strip()[:_LONGEST] or source
        if source not in proxies:
            break
    return source
