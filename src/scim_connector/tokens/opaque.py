"""Opaque bearer tokens: ``scimc_<id>_<secret>``.

The id finds the stored row, the secret opens it.  Only a keyed hash is stored, so a
stolen database opens nothing; the prefix lets secret scanners find a leaked token.
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets
from dataclasses import dataclass
from hashlib import sha256, sha512

PREFIX = "scimc"
_FORM = re.compile(r"scimc_(?P<id>[a-z2-7]{12})_(?P<secret>[A-Za-z0-9_-]{43})")
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


@dataclass(frozen=True, slots=True)
class Token:
    """A token as its holder has it; never stored and never logged."""

    id: str
    secret: str

    def __str__(self) -> str:
        """The text a person pastes into the provider."""
        return f"{PREFIX}_{self.id}_{self.secret}"

    def __repr__(self) -> str:
        """The token without its secret, for logs and tracebacks."""
        return f"Token({self.id!r})"


def mint() -> Token:
    """A new token: 60 bits of id, 256 bits of secret."""
    name = "".join(secrets.choice(_LETTERS) for _ in range(12))
    return Token(name, secrets.token_urlsafe(32))


def derived(key: bytes, name: str) -> Token:
    """The token of a name: the same each time, and nobody's to guess without the key."""
    digest = hmac.new(key, name.encode(), sha512).digest()
    letters = "".join(_LETTERS[byte % 32] for byte in digest[:12])
    secret = base64.urlsafe_b64encode(digest[12:44]).rstrip(b"=").decode()
    return Token(letters, secret)


def parse(text: str) -> Token | None:
    """Read a token; None for anything that cannot be one."""
    found = _FORM.fullmatch(text)
    return None if found is None else Token(found["id"], found["secret"])


def hashed(token: Token, pepper: bytes) -> str:
    """The keyed hash that is stored: HMAC-SHA-256 in hexadecimal."""
    return hmac.new(pepper, str(token).encode(), sha256).hexdigest()


def opens(token: Token, stored: str, pepper: bytes) -> bool:
    """Whether the token is the one whose hash is stored; takes constant time."""
    return hmac.compare_digest(hashed(token, pepper), stored)
