"""ID tokens: who has signed in at a provider (OpenID Connect Core §3.1.3.7).

Form, size, header, times and signature are judged as those of assertions are; what is
an ID token's own is judged here: audience, authorized party, nonce, and that it is no
token of another kind.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from scim_connector.tokens import assertions
from scim_connector.tokens.assertions import BadAssertion, Terms

if TYPE_CHECKING:
    from scim_connector.scim.types import Json
    from scim_connector.tokens.assertions import KeyOf

_LONGEST_SUBJECT: Final = 255
_OF_OTHER_TOKENS: Final = ("events", "scp", "scope", "client_id", "appid", "cnf", "act")
_SECOND: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Expected:
    """What an ID token must say.

    *nonce* is None where the token was not asked for by us (token exchange); *oldest*
    is then how many seconds ago it may have been issued.
    """

    issuer: str
    client_id: str
    jwks_url: str
    algorithm: str = "RS256"
    nonce: str | None = None
    oldest: int | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signed in, and what the provider says of them.

    *digest* knows the token again, *expires* is in seconds since 1970.
    """

    issuer: str
    subject: str
    claims: Json
    digest: str
    expires: int


def verify(text: str, expected: Expected, key_of: KeyOf, *, now: int) -> Identity:
    """Check everything; *now* in microseconds.  Raises BadAssertion, KeysUnavailable.

    A provider with one key need not name it (OpenID Connect Core §10.1).
    """
    said = assertions.claimed(text)
    claims = said.claims
    terms = Terms(
        issuer=expected.issuer,
        jwks_url=expected.jwks_url,
        subject=None,
        audiences=frozenset({expected.client_id}),
        algorithm=expected.algorithm,
    )
    assertions.check_header(said.header, terms)
    kid = assertions.kid_of(said.header) if "kid" in said.header else None
    _check_issuer(claims, expected)
    _check_audience(claims, expected)
    subject = _subject(claims)
    _check_kind(claims)
    expires = _check_times(claims, expected, now // _SECOND)
    _check_nonce(claims, expected)
    assertions.check_signature(text, terms, key_of(expected.jwks_url, kid))
    digest = assertions.digest_of(text, claims)
    return Identity(expected.issuer, subject, claims, digest, expires)


def _check_issuer(claims: Json, expected: Expected) -> None:
    if claims.get("iss") != expected.issuer:
        said = str(claims.get("iss"))[:120]
        raise BadAssertion(
            "issuer", f"Its issuer is {said!r}, not {expected.issuer!r}."
        )


def _check_audience(claims: Json, expected: Expected) -> None:
    """Our client id alone, or among others where we are the authorized party."""
    audience = claims.get("aud")
    named = [audience] if isinstance(audience, str) else audience
    if not isinstance(named, list) or expected.client_id not in named:
        said = str(audience)[:120]
        message = f"It is meant for {said!r}, not for {expected.client_id!r}."
        raise BadAssertion("audience", message)
    party = claims.get("azp")
    if (len(named) > 1 or party is not None) and party != expected.client_id:
        message = f"Its authorized party (azp) is {str(party)[:120]!r}, not us."
        raise BadAssertion("authorized_party", message)


def _subject(claims: Json) -> str:
    subject = claims.get("sub")
    if (
        not isinstance(subject, str)
        or not 0 < len(subject) <= _LONGEST_SUBJECT
        or not subject.isascii()
    ):
        raise BadAssertion("subject", "It names no subject of up to 255 ASCII letters.")
    return subject


def _check_kind(claims: Json) -> None:
    for name in _OF_OTHER_TOKENS:
        if name in claims:
            message = f"It has the claim {name!r}, so it is a token of another kind."
            raise BadAssertion("other_token", message)


def _check_times(claims: Json, expected: Expected, now: int) -> int:
    expires = assertions.check_times(claims, now)
    issued = claims.get("iat")
    if not isinstance(issued, int | float) or isinstance(issued, bool):
        raise BadAssertion("no_issue_time", "It does not say when it was issued (iat).")
    if expected.oldest is not None and now - issued > expected.oldest:
        message = f"It was issued {int(now - issued)} seconds ago; that is too long."
        raise BadAssertion("too_old", message)
    return expires


def _check_nonce(claims: Json, expected: Expected) -> None:
    if expected.nonce is None:
        return
    nonce: Any = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(
        nonce.encode(), expected.nonce.encode()
    ):
        message = "Its nonce is not the one of this sign-in."
        raise BadAssertion("nonce", message)
