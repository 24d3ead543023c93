"""Lets a source fail so often; what it counts stays in this process."""

from __future__ import annotations

from typing import Final

from scim_connector.login.client_credentials import Refused

_SOURCES: Final = 10_000


class Throttle:
    """Counts the failures of each source."""

    def __init__(self, most: int = 60, per: float = 60.0) -> None:
        """Allow *most* failures within *per* seconds."""
        self._most = most
        self._per = per
        self._failed: dict[str, tuple[float, int]] = {}

    def wait(self, source: str, now: float) -> int:
        """Seconds until *source* may try again, 0 for now."""
        began, count = self._failed.get(source, (now, 0))
        if now - began >= self._per or count < self._most:
            return 0
        return max(1, int(self._per - (now - began)))

    def failed(self, source: str, now: float) -> None:
        """Count a failure."""
        began, count = self._failed.get(source, (now, 0))
        if now - began >= self._per:
            began, count = now, 0
        if len(self._failed) >= _SOURCES:
            self._failed.clear()
        self._failed[source] = (began, count + 1)

    def refuse_flood(self, source: str, now: float) -> None:
        """Raise Refused (429) while *source* has to wait."""
        wait = self.wait(source, now)
        if wait:
            message = f"Too many refused requests from {source}; wait {wait} seconds."
            raise Refused("slow_down", "flood", message, status=429, wait=wait)
