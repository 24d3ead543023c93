"""Passwords: hashed with Argon2id, a few at a time, and judged against common ones.

One hash takes 64 MiB and a good part of a second of a processor, so hashing waits for
its turn (``tokens.turns``).
"""

from __future__ import annotations

import secrets
from typing import Final

from argon2 import PasswordHasher as Argon2
from argon2.exceptions import Argon2Error, InvalidHashError
from zxcvbn import zxcvbn

from scim_connector.tokens.turns import Turns

#: Longer ones are judged by their beginning: the work of the judge grows with length.
JUDGED: Final = 40
#: zxcvbn's scale goes from 0 to 4; 2 is "very guessable" when a site is not throttled.
WEAKEST_SCORE: Final = 2


class PasswordHasher:
    """Hashes and verifies passwords; built once per process."""

    def __init__(
        self, argon2: Argon2 | None = None, turns: Turns | None = None
    ) -> None:
        """Use RFC 9106's parameters for little memory, unless others are given."""
        self._argon2 = argon2 or Argon2()
        self._turns = turns or Turns()
        self._nobodys: str | None = None

    def hash(self, password: str) -> str:
        """The hash to store; raises TooBusy."""
        with self._turns.one():
            return self._argon2.hash(password)

    def verify(self, stored: str | None, password: str) -> bool:
        """Whether a password is the one; as much work where there is none to compare.

        Raises TooBusy.
        """
        with self._turns.one():
            try:
                self._argon2.verify(stored or self._of_nobody(), password)
            except (Argon2Error, InvalidHashError):
                return False
            return stored is not None

    def needs_rehash(self, stored: str) -> bool:
        """Whether a hash was made with other parameters than today's."""
        return self._argon2.check_needs_rehash(stored)

    def _of_nobody(self) -> str:
        if self._nobodys is None:
            self._nobodys = self._argon2.hash(secrets.token_urlsafe(32))
        return self._nobodys


def is_common(password: str) -> bool:
    """Whether a password is among those that are tried first."""
    return bool(zxcvbn(password[:JUDGED])["score"] < WEAKEST_SCORE)
