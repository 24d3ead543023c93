"""Signed assertions of a provider: who may have an access token (RFC 7523).

PyJWT checks the signature with the one algorithm that was agreed on.  Everything a
library leaves to its caller is judged here: form, size, type, issuer, audience, subject,
tenant, times.  Each refusal has a short reason that an administrator reads in the log.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import jwt

from scim_connector.scim import gate
from scim_connector.scim.errors import InvalidSyntax

if TYPE_CHECKING:
    from scim_connector.scim.types import Json

LONGEST: Final = 16 * 1024
LEEWAY: Final = 60
LONGEST_LIFE: Final = 24 * 3600
"""Seconds that an assertion may live; Entra's live for an hour."""

ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
)
_SECOND: Final = 1_000_000
_PARTS: Final = 3
_LONGEST_KID: Final = 200
_TYPES: Final = frozenset({"jwt", "application/jwt"})
_EMBEDDED: Final = ("jwk", "jku", "x5u", "x5c")
_OF_OTHER_TOKENS: Final = ("nonce", "at_hash", "c_hash", "events", "scope", "client_id")

KeyOf = Callable[[str, str | None], Any]
"""The public key of (JWKS URL, kid); raises BadAssertion or KeysUnavailable.

None for a token that names no key.
"""


class BadAssertion(Exception):
    """An assertion is refused; ``reason`` is one word, the text says what is wrong."""

    def __init__(self, reason: str, text: str) -> None:
        """Keep the reason for the log."""
        super().__init__(text)
        self.reason = reason


class KeysUnavailable(Exception):
    """The keys of the issuer cannot be had now; ``retry_after`` in seconds."""

    retry_after = 30


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed on with the issuer of assertions.

    *subject* and *tenant* are None where any will do (Entra's own token alone).
    """

    issuer: str
    jwks_url: str
    subject: str | None
    audiences: frozenset[str]
    tenant: str | None = None
    algorithm: str = "RS256"


@dataclass(frozen=True, slots=True)
class Claimed:
    """What an assertion says of itself before anything is checked."""

    header: Json
    claims: Json

    @property
    def issuer(self) -> str:
        """The issuer it names, empty without one."""
        issuer = self.claims.get("iss")
        return issuer if isinstance(issuer, str) else ""


@dataclass(frozen=True, slots=True)
class Proof:
    """A verified assertion: a sum to know it by, and when it ends (seconds, 1970)."""

    digest: str
    subject: str
    expires: int


def claimed(text: str) -> Claimed:
    """Read an assertion without believing it; raises BadAssertion."""
    if len(text) > LONGEST:
        raise BadAssertion("too_large", f"It is longer than {LONGEST} characters.")
    parts = text.split(".")
    if len(parts) != _PARTS:
        raise BadAssertion("no_jwt", "It is no signed JWT of three parts.")
    return Claimed(_object(parts[0], "header"), _object(parts[1], "payload"))


def verify(text: str, terms: Terms, key_of: KeyOf, *, now: int) -> Proof:
    """Check everything; *now* in microseconds.  Raises BadAssertion, KeysUnavailable."""
    said = claimed(text)
    check_header(said.header, terms)
    kid = kid_of(said.header)
    _check_parties(said.claims, terms)
    _check_kind(said.claims)
    expires = check_times(said.claims, now // _SECOND)
    check_signature(text, terms, key_of(terms.jwks_url, kid))
    return Proof(digest_of(text, said.claims), said.claims["sub"], expires)


def _object(part: str, name: str) -> Json:
    try:
        raw = base64.b64decode(
            part + "=" * (-len(part) % 4), altchars=b"-_", validate=True
        )
        return gate.loads_object(raw)
    except (binascii.Error, ValueError, InvalidSyntax) as error:
        message = f"Its {name} cannot be read: {error}"
        raise BadAssertion("unreadable", message) from None


# --------------------------------------------------------------------------- the checks


def check_header(header: Json, terms: Terms) -> None:
    """Refuse a header that is not of a plain token signed as agreed (BadAssertion)."""
    algorithm = header.get("alg")
    if algorithm != terms.algorithm:
        message = (
            f"It is signed with {str(algorithm)[:20]!r}, not with {terms.algorithm}."
        )
        raise BadAssertion("algorithm", message)
    if "crit" in header or "b64" in header:
        raise BadAssertion("critical", "It asks for extensions of the header (crit).")
    embedded = [name for name in _EMBEDDED if name in header]
    if embedded:
        message = f"It brings its own key ({embedded[0]}), which is never believed."
        raise BadAssertion("embedded_key", message)
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        message = f"It is a token of another type: {str(kind)[:40]!r}."
        raise BadAssertion("type", message)


def kid_of(header: Json) -> str:
    """The id of the key that a header names; raises BadAssertion."""
    kid = header.get("kid")
    if not isinstance(kid, str) or not 0 < len(kid) <= _LONGEST_KID:
        raise BadAssertion("kid", "It names no key (kid).")
    return kid


def _check_parties(claims: Json, terms: Terms) -> None:
    if claims.get("iss") != terms.issuer:
        message = (
            f"Its issuer is {str(claims.get('iss'))[:120]!r}, not {terms.issuer!r}."
        )
        raise BadAssertion("issuer", message)
    _check_audience(claims.get("aud"), terms)
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        raise BadAssertion("subject", "It names no subject.")
    if terms.subject is not None and subject != terms.subject:
        message = f"Its subject is {subject[:120]!r}, not {terms.subject!r}."
        raise BadAssertion("subject", message)
    if terms.tenant is not None and claims.get("tid") != terms.tenant:
        message = (
            f"Its tenant is {str(claims.get('tid'))[:60]!r}, not {terms.tenant!r}."
        )
        raise BadAssertion("tenant", message)


def _check_audience(audience: Any, terms: Terms) -> None:
    """Every audience is one of ours: a token for others as well may be theirs."""
    named = [audience] if isinstance(audience, str) else audience
    if not isinstance(named, list) or not named:
        raise BadAssertion("audience", "It names no audience.")
    for each in named:
        if not isinstance(each, str) or each not in terms.audiences:
            message = f"Its audience is {str(each)[:120]!r}; expected one of"
            raise BadAssertion(
                "audience", f"{message}: {', '.join(sorted(terms.audiences))}."
            )


def _check_kind(claims: Json) -> None:
    """Refuse tokens that were made for another use (an ID token, a logout token)."""
    for name in _OF_OTHER_TOKENS:
        if name in claims:
            message = f"It has the claim {name!r}, so it is a token of another kind."
            raise BadAssertion("other_token", message)


def check_times(claims: Json, now: int) -> int:
    """Refuse what has ended or not begun; returns its end.  *now* in seconds."""
    expires = _instant(claims, "exp")
    if expires is None:
        raise BadAssertion("no_expiry", "It has no expiry (exp).")
    begins, issued = _instant(claims, "nbf"), _instant(claims, "iat")
    if now >= expires + LEEWAY:
        raise BadAssertion("expired", f"It ended {now - expires} seconds ago.")
    for name, instant in (("nbf", begins), ("iat", issued)):
        if instant is not None and instant > now + LEEWAY:
            message = f"It begins {instant - now} seconds from now ({name})."
            raise BadAssertion("not_yet", f"{message} Compare the clocks.")
    if expires - (issued if issued is not None else now) > LONGEST_LIFE + LEEWAY:
        raise BadAssertion("lives_too_long", "It lives longer than a day.")
    return expires


def _instant(claims: Json, name: str) -> int | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadAssertion("time", f"Its {name} is no number.")
    return int(value)


def check_signature(text: str, terms: Terms, key: Any) -> None:
    """Refuse what the key has not signed with the one agreed algorithm."""
    try:
        jwt.api_jws.decode_complete(text, key, algorithms=[terms.algorithm])
    except (jwt.PyJWTError, TypeError, ValueError):
        message = "Its signature is not that of the issuer's key."
        raise BadAssertion("signature", message) from None


def digest_of(text: str, claims: Json) -> str:
    """Know an assertion again: by its jti or uti, else by its text."""
    for name in ("jti", "uti"):
        value = claims.get(name)
        if isinstance(value, str) and value:
            return sha256(f"{claims['iss']}\n{name}\n{value}".encode()).hexdigest()
    return sha256(text.encode()).hexdigest()
