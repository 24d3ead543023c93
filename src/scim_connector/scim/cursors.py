"""Cursors: where a walk through a list stands, sealed (RFC 9865).

Nothing is kept on the server. A cursor says which question it belongs to, when it was
made and what the last row was, and is sealed: who has it can neither read nor change
it, because it stands in addresses and addresses are logged. It grants nothing; every
page is authorised like the first one.

Sealing comes in from outside, so that this module knows no key.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Protocol

import orjson

from scim_connector.scim.errors import ExpiredCursor, InvalidCount, InvalidCursor

LIFETIME: Final = 3_600
"""Seconds from one page to the next; published as ``cursorTimeout``."""

_LONGEST_VALUE: Final = 400  # bytes, so that a cursor stays below 1 KB
_LONGEST: Final = 1_024
_FORM: Final = re.compile(r"[A-Za-z0-9_-]+")
_UNKNOWN: Final = (
    "This cursor belongs to no list of this token with these parameters. Begin again"
    " with an empty cursor, and send filter, sortBy and sortOrder with every page as"
    " with the first."
)
_LATE: Final = "Begin again with an empty cursor."

Value = str | int | float | bool | None


class Seal(Protocol):
    """Makes bytes unreadable and unchangeable, and opens what it made itself."""

    def close(self, plain: bytes) -> bytes:
        """Seal bytes."""

    def open(self, sealed: bytes) -> bytes | None:
        """Return what was sealed, None for anything else."""


@dataclass(frozen=True, slots=True)
class Question:
    """What must be the same on every page: who asks, and for what."""

    connection_id: int
    credential_id: str
    kind: str
    filter: str | None = None
    sort_by: str | None = None
    descending: bool = False

    def digest(self) -> str:
        """Return a short sum of it."""
        asked = [
            *(self.connection_id, self.credential_id, self.kind),
            *(self.filter, self.sort_by, self.descending),
        ]
        return sha256(orjson.dumps(asked)).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a walk stands: behind the row *seq*, which was sorted by *value*.

    A long value is only known by its *digest*: ``is_at`` says whether a value is the
    one. *count* and *total* are those of the first page.
    """

    seq: int
    value: Value
    count: int
    total: int
    digest: str | None = None

    def is_at(self, value: Value) -> bool:
        """Say whether *value* is what the row was sorted by."""
        return self.digest is None or _digest(value) == self.digest


def write(cursor: Cursor, question: Question, *, seal: Seal, now: int) -> str:
    """Return the text of a cursor; *now* in seconds. At most 1,024 characters."""
    value, digest = cursor.value, None
    if isinstance(value, str) and len(value.encode()) > _LONGEST_VALUE:
        value, digest = None, _digest(value)
    plain = [question.digest(), now, cursor.seq, value, digest]
    sealed = seal.close(orjson.dumps([*plain, cursor.count, cursor.total]))
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def read(
    text: str, question: Question, *, count: int | None, seal: Seal, now: int
) -> Cursor:
    """Open a cursor that came back, with the *count* of this request (None: not given).

    Raises InvalidCursor, always in the same words, for what was not made for this
    question; ExpiredCursor after ``LIFETIME``; InvalidCount for another count.
    """
    asked, made, seq, value, digest, most, total = _opened(text, seal)
    if asked != question.digest():
        raise unknown()
    if now - made > LIFETIME:
        message = f"This cursor is older than {LIFETIME} seconds."
        raise ExpiredCursor(f"{message} {_LATE}")
    if count is not None and count != most:
        raise InvalidCount(
            f"This walk began with count={most}; send the same count with every page,"
            " or leave it out."
        )
    return Cursor(seq, value, most, total, digest)


def unknown() -> InvalidCursor:
    """Return the refusal of anything that is no cursor of this question."""
    return InvalidCursor(_UNKNOWN)


def moved() -> ExpiredCursor:
    """Return the refusal of a walk whose last row, with a long value, has changed."""
    message = "The resource at which this cursor stands was changed meanwhile."
    return ExpiredCursor(f"{message} {_LATE}")


def _opened(text: str, seal: Seal) -> list[Any]:
    if len(text) > _LONGEST or not _FORM.fullmatch(text):
        raise unknown()
    try:
        sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise unknown() from None
    plain = seal.open(sealed)
    if plain is None:
        raise unknown()
    opened: list[Any] = orjson.loads(plain)
    return opened


def _digest(value: Value) -> str:
    return sha256(str(value).encode()).hexdigest()
