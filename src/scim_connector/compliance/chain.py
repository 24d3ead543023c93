"""The chain of audit: its signed head, and what is wrong with it, in sentences.

The seals find an edit, a deletion, an insertion and a change of order by themselves.
That the end was cut off, or an older copy put back, is found by a head that was signed
then and kept elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from scim_connector.administration.errors import NotPossible
from scim_connector.directory import audit, seals
from scim_connector.scim.rendering import timestamp
from scim_connector.tokens.signing import NotSigned

if TYPE_CHECKING:
    from scim_connector.directory.database import Database, Reader
    from scim_connector.directory.seals import Head
    from scim_connector.tokens.signing import SigningKeys

_SECOND = 1_000_000
#: What an event is exported with.
FIELDS: Final = (
    *("id", "at", "name", "actor", "connection_id", "user_id", "request_id", "facts"),
)


def seal_all(database: Database, *, now: int) -> None:
    """Seal what the server has not sealed yet, as it does within a second."""
    while seals.has_unsealed(database.reader()):
        if not seals.seal(database, now=now):
            return


def signed_head(reader: Reader, signing: SigningKeys, *, issuer: str, now: int) -> str:
    """The newest seal, signed (JWS, ES256); raises NotPossible before the first.

    Its key is published at ``/.well-known/jwks.json``.  *now* in microseconds.
    """
    found = seals.head(reader)
    if found is None:
        raise NotPossible("Nothing is sealed yet; the first event is, within a second.")
    return signed(found, signing, issuer=issuer, now=now)


def signed(found: Head, signing: SigningKeys, *, issuer: str, now: int) -> str:
    """A seal, signed; *now* in microseconds."""
    return signing.audit_head(
        {
            "iss": issuer,
            "iat": now // _SECOND,
            "last_event": found.last_event,
            "events": found.events,
            "hash": found.hash,
            "sealed_at": timestamp(found.sealed_at),
        }
    )


@dataclass(frozen=True, slots=True)
class Kept:
    """A head that somebody kept: the signed text, and where it was read."""

    text: str
    place: str = ""


def findings(
    reader: Reader,
    signing: SigningKeys,
    heads: Sequence[Kept],
    *,
    progress: Callable[[int], None] = lambda events: None,
) -> list[str]:
    """What is wrong with audit, each with its place; empty when all is well."""
    present = seals.hashes(reader) if heads else {}
    found = [
        f"{head.place}: {wrong}" if head.place else wrong
        for head in heads
        if (wrong := _against(present, signing, head.text)) is not None
    ]
    return [*seals.findings(reader, progress=progress), *found]


def _against(present: Mapping[int, str], signing: SigningKeys, text: str) -> str | None:
    """What differs from a head that was kept; *present* are hashes by the last event."""
    try:
        claims: dict[str, Any] = signing.opened_head(text.strip())
    except NotSigned:
        return "the head was not signed by a key of this installation"
    last, when = claims["last_event"], claims["sealed_at"]
    if present.get(last) == claims["hash"]:
        return None
    if last not in present:
        return (
            f"event {last}, sealed {when}, is the end of no seal any more: what came"
            " after an earlier one was cut off, or an older copy was put back"
        )
    return f"the chain up to event {last}, sealed {when}, was written anew since"


def lines(reader: Reader) -> Iterator[audit.AuditEvent]:
    """Every event, the oldest first, a batch at a time."""
    last = 0
    while batch := audit.after(reader, last):
        yield from batch
        last = batch[-1].id


def row(each: audit.AuditEvent) -> dict[str, Any]:
    """An event as members of JSON; the instant as text, the facts as an object."""
    values = {name: getattr(each, name) for name in FIELDS}
    return values | {"at": timestamp(each.at), "facts": orjson.loads(each.facts)}
