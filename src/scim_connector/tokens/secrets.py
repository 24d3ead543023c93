"""One secret key per installation, and the sub-keys made from it (decision 6).

The key file holds one key a line, the newest first; the others are kept for reading what
they once encrypted.  Every purpose has a sub-key of its own, derived with HKDF-SHA-256,
so that no two uses share a key.
"""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
NONCE_BYTES = 12
PEPPER = "bearer tokens"
CHECK = "check value"


class WrongKey(Exception):
    """The key is missing, malformed, or not the one this database was made with."""


@dataclass(frozen=True, slots=True)
class SecretKeys:
    """The current key first, then the older ones."""

    keys: tuple[bytes, ...]

    @classmethod
    def parse(cls, text: str) -> SecretKeys:
        """Read keys, one a line, each 32 bytes in base64; raises WrongKey."""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if not lines:
            raise WrongKey("The secret key is empty.")
        return cls(tuple(_decoded(line) for line in lines))

    @classmethod
    def fresh(cls) -> SecretKeys:
        """One new key."""
        return cls((os.urandom(KEY_BYTES),))

    def rotated(self) -> SecretKeys:
        """The same keys behind a new one."""
        return SecretKeys((os.urandom(KEY_BYTES), *self.keys))

    def text(self) -> str:
        """The keys as the key file holds them."""
        lines = (base64.urlsafe_b64encode(key).decode() for key in self.keys)
        return "".join(f"{line}\n" for line in lines)

    def __repr__(self) -> str:
        """How many keys there are, and nothing of them."""
        return f"SecretKeys({len(self.keys)})"

    # --------------------------------------------------------------------- uses

    def peppers(self) -> tuple[bytes, ...]:
        """The sub-keys of token hashes, the current first; older ones still open."""
        return tuple(_sub_key(key, PEPPER) for key in self.keys)

    def sub_key(self, purpose: str) -> bytes:
        """The current key of one purpose."""
        return _sub_key(self.keys[0], purpose)

    def sub_keys(self, purpose: str) -> tuple[bytes, ...]:
        """Every key of one purpose, the current first."""
        return tuple(_sub_key(key, purpose) for key in self.keys)

    def check_values(self) -> tuple[str, ...]:
        """What a database remembers of a key, to recognise a wrong one; one per key."""
        return tuple(sha256(_sub_key(key, CHECK)).hexdigest() for key in self.keys)

    def encrypt(self, plain: bytes, purpose: str) -> bytes:
        """Encrypt with the current key (AES-256-GCM); *purpose* is bound to it."""
        nonce = os.urandom(NONCE_BYTES)
        cipher = AESGCM(_sub_key(self.keys[0], purpose))
        return nonce + cipher.encrypt(nonce, plain, purpose.encode())

    def decrypt(self, sealed: bytes, purpose: str) -> bytes:
        """Decrypt with whichever key fits; raises WrongKey when none does."""
        nonce, text = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        for key in self.keys:
            try:
                cipher = AESGCM(_sub_key(key, purpose))
                return cipher.decrypt(nonce, text, purpose.encode())
            except (InvalidTag, ValueError):  # ValueError: cut short
                continue
        raise WrongKey("No key opens this value.")


def _decoded(line: str) -> bytes:
    try:
        key = base64.urlsafe_b64decode(line.encode())
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        message = f"A secret key is {KEY_BYTES} bytes in base64"
        raise WrongKey(f"{message}; make one with: scim-connector keys new")
    return key


@lru_cache(maxsize=64)
def _sub_key(key: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, None, f"scim_connector {purpose}".encode()).derive(
        key
    )
