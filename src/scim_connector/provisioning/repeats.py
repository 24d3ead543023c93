"""Requests that come again with the Idempotency-Key they came with before (D29).

What was carried out under a key is kept in the transaction of the change, so whoever
never saw the answer gets it again, and nothing happens twice.  A refused request has
changed nothing and is judged anew.  A key lives a day and belongs to one credential.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final, Protocol

import orjson

from scim_connector.directory import idempotency
from scim_connector.directory.idempotency import FirstAnswer
from scim_connector.provisioning.calls import Answer
from scim_connector.scim.errors import KeyUsed

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction
    from scim_connector.provisioning.calls import Call

_NO_CONTENT: Final = 204
ANOTHER: Final = (
    "This Idempotency-Key came with another request before. Give each request"
    " a key of its own, and repeat a request word for word."
)


class Made(Protocol):
    """What a change leaves: a row with the text that is answered."""

    @property
    def id(self) -> str:
        """The SCIM id."""

    @property
    def version(self) -> int:
        """The version."""

    @property
    def served(self) -> str:
        """The resource in its stored form."""


class Repeated(Exception):
    """A request was carried out before; ``answer`` is what it was answered."""

    def __init__(self, answer: Answer) -> None:
        """Keep the first answer."""
        super().__init__()
        self.answer = answer


def answered(reader: Reader, call: Call) -> Answer | None:
    """The first answer to a call with this key; KeyUsed when it asked for another thing."""
    found = idempotency.find(reader, call.credential_id, hashed(call))
    if found is None:
        return None
    if found.fingerprint != fingerprint(call):
        raise KeyUsed(ANOTHER)
    return Answer(found.status, found.served, found.version, found.resource_id)


def keep(tx: Transaction, call: Call, status: int, made: Made) -> None:
    """Keep what is answered; ConstraintBroken when the same key is first elsewhere."""
    has_body = status != _NO_CONTENT
    first = FirstAnswer(
        fingerprint=fingerprint(call),
        status=status,
        resource_id=made.id,
        version=made.version if has_body else None,
        served=made.served if has_body else None,
    )
    idempotency.keep(tx, call.credential_id, hashed(call), first, now=call.now)


def hashed(call: Call) -> str:
    """The key of a call as it is kept."""
    return sha256((call.idempotency_key or "").encode()).hexdigest()


def fingerprint(call: Call) -> str:
    """What the request asks for: its method, its path and its body."""
    body = orjson.dumps(call.body, option=orjson.OPT_SORT_KEYS)
    asked = f"{call.method} {call.path}\n".encode() + body
    return sha256(asked).hexdigest()
