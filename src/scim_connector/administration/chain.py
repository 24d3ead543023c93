"""The chain of audit: its signed head, and what is wrong with it, in sentences.

The seals find an edit, a deletion, an insertion and a change of order by themselves.
That the end was cut off, or an older copy put back, is found by a head that was signed
then and kept elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from scim_connector.administration.errors import NotPossible
from scim_connector.directory import audit
from scim_connector.scim.rendering import timestamp
from scim_connector.tokens.signing import NotSigned

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader
    from scim_connector.tokens.signing import SigningKeys

_SECOND = 1_000_000


def signed_head(reader: Reader, signing: SigningKeys, *, issuer: str, now: int) -> str:
    """The newest seal, signed (JWS, ES256); raises NotPossible before the first.

    Its key is published at ``/.well-known/jwks.json``.  *now* in microseconds.
    """
    found = audit.head(reader)
    if found is None:
        raise NotPossible("Nothing is sealed yet; the first event is, within a second.")
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


def findings(
    reader: Reader,
    signing: SigningKeys,
    heads: list[str],
    *,
    progress: Callable[[int], None] = lambda events: None,
) -> list[str]:
    """What is wrong with audit, each with its place; empty when all is well."""
    found = [_against(reader, signing, text) for text in heads]
    broken = audit.first_broken(reader, progress=progress)
    return [*([broken] if broken else []), *(each for each in found if each)]


def _against(reader: Reader, signing: SigningKeys, text: str) -> str | None:
    """What differs from a head that was kept."""
    try:
        claims: dict[str, Any] = signing.opened_head(text.strip())
    except NotSigned:
        return "the head was not signed by a key of this installation"
    last, when = claims["last_event"], claims["sealed_at"]
    present = audit.seal_of(reader, last)
    if present == claims["hash"]:
        return None
    if present is None:
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
