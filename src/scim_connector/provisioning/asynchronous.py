"""Requests that are taken now and carried out later (RFC 9967 section 2.5.1.1).

What can be judged at once is, so that a provider learns at once of a body that says
nothing; the rest depends on what is there when the request is carried out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scim_connector.directory import async_requests
from scim_connector.provisioning import repeats
from scim_connector.provisioning.exchange import dialect_of
from scim_connector.scim import messages, resources
from scim_connector.scim.errors import KeyUsed, Unavailable
from scim_connector.scim.values import Reading

if TYPE_CHECKING:
    from scim_connector.directory.database import Database, Reader, Transaction
    from scim_connector.provisioning.calls import Call
    from scim_connector.scim.schemas import ResourceType

#: The most bytes that may wait of one connection.
MOST_BYTES: Final = 64 * 1024 * 1024
#: A full queue has room again after so many seconds.
_RETRY_AFTER: Final = 5


@dataclass(frozen=True, slots=True)
class Kept:
    """A request as it waits: what was sent, encrypted, and of how many bytes."""

    sealed: str
    size: int


def check(call: Call, known: ResourceType) -> None:
    """Refuse a body that would be refused whatever is stored; raises ScimError."""
    dialect, strict = dialect_of(call.connection), call.connection.strict
    match call.method:
        case "POST" | "PUT":
            resources.read(known, call.body or {}, dialect=dialect, strict=strict)
        case "PATCH":
            messages.operations(call.body or {}, Reading(dialect, strict))


def take(database: Database, call: Call, kept: Kept, *, most: int) -> str:
    """Store a request before it is promised; returns the id it is known by.

    A request that comes again with its Idempotency-Key is known by its first id.  Raises
    KeyUsed, or Unavailable when *most* wait already.
    """

    def work(tx: Transaction) -> str:
        known = _asked_before(tx, call)
        if known is not None:
            return known
        _refuse_too_many(tx, call, kept, most)
        has_key = call.idempotency_key is not None
        async_requests.add(
            tx,
            txn=call.request_id,
            connection_id=call.connection.id,
            credential_id=call.credential_id,
            method=call.method,
            path=call.path,
            source=call.source,
            sealed=kept.sealed,
            size=kept.size,
            key_hash=repeats.hashed(call) if has_key else None,
            fingerprint=repeats.fingerprint(call) if has_key else None,
            taken_at=call.now,
        )
        return call.request_id

    return database.write(work)


def _asked_before(reader: Reader, call: Call) -> str | None:
    """The id of the request that came with this key, if it waits or was carried out."""
    if call.idempotency_key is None:
        return None
    repeats.answered(reader, call)
    found = async_requests.of_key(reader, call.credential_id, repeats.hashed(call))
    if found is None:
        return None
    if found.fingerprint != repeats.fingerprint(call):
        raise KeyUsed(repeats.ANOTHER)
    return found.txn


def _refuse_too_many(reader: Reader, call: Call, kept: Kept, most: int) -> None:
    queue = async_requests.queue(reader, call.connection.id)
    if queue.count < most and queue.size + kept.size <= MOST_BYTES:
        return
    raise Unavailable(
        f"{queue.count} requests of connection {call.connection.name} wait to be carried"
        f" out ({queue.size} bytes), and no more are taken. Try again in a moment, or"
        " send this one without Prefer: respond-async.",
        retry_after=_RETRY_AFTER,
    )
