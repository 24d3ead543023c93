"""Tickets: what a browser carries from one page of signing in to the next, sealed.

Nothing is stored for somebody who is not signed in: the ticket is encrypted with the
secret key, says what it is for, and is good for a few minutes.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, Final

import orjson

from scim_connector.tokens.secrets import WrongKey

if TYPE_CHECKING:
    from scim_connector.tokens.secrets import SecretKeys

LIVES: Final = 10 * 60 * 1_000_000
_LONGEST: Final = 8 * 1024


class Tickets:
    """Seals and opens tickets of one purpose."""

    def __init__(self, keys: SecretKeys, purpose: str, *, lives: int = LIVES) -> None:
        """A ticket of another purpose is none of ours; it *lives* microseconds."""
        self._keys = keys
        self._purpose = f"ticket {purpose}"
        self._lives = lives

    def seal(self, facts: dict[str, Any], now: int) -> str:
        """A ticket that says *facts* for the next minutes, from *now* in microseconds."""
        plain = orjson.dumps({**facts, "until": now + self._lives})
        sealed = self._keys.encrypt(plain, self._purpose)
        return base64.urlsafe_b64encode(sealed).decode()

    def open(self, text: str | None, now: int) -> dict[str, Any] | None:
        """What a ticket says; None for one that is not ours, or too old."""
        if text is None or len(text) > _LONGEST:
            return None
        try:
            sealed = base64.urlsafe_b64decode(text.encode())
            facts: dict[str, Any] = orjson.loads(
                self._keys.decrypt(sealed, self._purpose)
            )
        except (binascii.Error, ValueError, WrongKey):
            return None
        return facts if now < facts.pop("until") else None
