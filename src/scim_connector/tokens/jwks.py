"""The public keys of issuers: fetched with bounds, kept, and used a while if they fail.

Keys are kept by their id for an hour.  An unknown id fetches once more, at most once a
minute; while the issuer cannot be reached, old keys serve for a day.  Nothing is
fetched while a transaction is open: callers verify before they write.
"""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from scim_connector.scim import gate
from scim_connector.scim.errors import InvalidSyntax
from scim_connector.settings import is_loopback
from scim_connector.tokens.assertions import BadAssertion, KeysUnavailable

DEADLINE: Final = 3.0
LARGEST: Final = 1024 * 1024
MOST_KEYS: Final = 100
FRESH: Final = 3600.0
COOL_DOWN: Final = 60.0
STALE: Final = 24 * 3600.0
SMALLEST_RSA: Final = 2048
SMALLEST_CURVE: Final = 256
_OK: Final = 200
#: An algorithm that makes a key of each type; which one verifies is agreed on elsewhere.
_ANY: Final = {"RSA": "RS256", "EC": None}

_log = structlog.get_logger("jwks")


class CannotFetch(Exception):
    """A key set cannot be had; the text says why."""


def refuse_address(url: str) -> str | None:
    """Why a JWKS URL is not taken: https, or http to this machine itself."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return None
    if parts.scheme == "http" and is_loopback(parts.hostname or ""):
        return None
    return "The JWKS URL must be an https address."


def fetch(url: str) -> dict[str, Any]:
    """The usable keys at *url* by their id; raises CannotFetch.

    No redirect is followed and no proxy asked; the whole takes three seconds at most.
    """
    refusal = refuse_address(url)
    if refusal is not None:
        raise CannotFetch(refusal)
    ends = monotonic() + DEADLINE
    parts = urlsplit(url)
    connection = _connection(parts)
    try:
        target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        connection.request("GET", target, headers={"Accept": "application/json"})
        answer = connection.getresponse()
        if answer.status != _OK:
            raise CannotFetch(f"{url} answered {answer.status}")
        return _keys(_body(answer, ends))
    except (OSError, http.client.HTTPException, ssl.SSLError) as error:
        raise CannotFetch(f"{url}: {error}") from None
    finally:
        connection.close()


def _connection(parts: SplitResult) -> http.client.HTTPConnection:
    host = parts.hostname or ""
    if parts.scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(
            host, parts.port, timeout=DEADLINE, context=context
        )
    return http.client.HTTPConnection(host, parts.port, timeout=DEADLINE)


def _body(answer: http.client.HTTPResponse, ends: float) -> bytes:
    read = bytearray()
    while part := answer.read1(65_536):
        read += part
        if len(read) > LARGEST:
            raise CannotFetch(f"the key set is larger than {LARGEST} bytes")
        if monotonic() > ends:
            raise CannotFetch(f"the key set took longer than {DEADLINE:.0f} seconds")
    return bytes(read)


def _keys(body: bytes) -> dict[str, Any]:
    try:
        listed = gate.loads_object(body).get("keys")
    except InvalidSyntax as error:
        raise CannotFetch(f"the key set cannot be read: {error}") from None
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        raise CannotFetch(f"the key set has no list of {MOST_KEYS} keys at most")
    found = {}
    for each in listed:
        key = _usable(each)
        if key is not None:
            found[each["kid"]] = key
    return found


def _usable(described: Any) -> Any:
    """The public key of a JWK for signatures, None for any other."""
    if not _is_for_signatures(described):
        return None
    try:
        key = jwt.PyJWK(described, algorithm=_ANY[described["kty"]]).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    is_strong = (isinstance(key, RSAPublicKey) and key.key_size >= SMALLEST_RSA) or (
        isinstance(key, EllipticCurvePublicKey) and key.curve.key_size >= SMALLEST_CURVE
    )
    return key if is_strong else None


def _is_for_signatures(described: Any) -> bool:
    return (
        isinstance(described, dict)
        and described.get("kty") in _ANY
        and described.get("use", "sig") == "sig"
        and isinstance(described.get("kid"), str)
        and "d" not in described  # a private key that was published is nobody's
    )


@dataclass(slots=True)
class _Kept:
    """The keys of one address; instants on the monotonic clock."""

    keys: dict[str, Any] = field(default_factory=dict)
    fetched: float | None = None
    tried: float | None = None
    why_not: str = ""


class KeySource:
    """The keys of every issuer, as one process keeps them."""

    def __init__(
        self,
        clock: Callable[[], float] = monotonic,
        fetching: Callable[[str], dict[str, Any]] = fetch,
    ) -> None:
        """Begin with no key."""
        self._clock = clock
        self._fetching = fetching
        self._kept: dict[str, _Kept] = {}
        self._lock = Lock()

    def key(self, url: str, kid: str) -> Any:
        """The key of this id; raises BadAssertion for an unknown one, KeysUnavailable."""
        with self._lock:
            kept = self._kept.setdefault(url, _Kept())
            now = self._clock()
            if self._needs_fetching(kept, kid, now):
                self._fetch(url, kept, now)
            if kept.fetched is None or now - kept.fetched > STALE:
                raise KeysUnavailable(kept.why_not)
            if kid not in kept.keys:
                message = f"Its key {kid[:60]!r} is not among the keys of the issuer."
                raise BadAssertion("unknown_key", message)
            return kept.keys[kid]

    def _needs_fetching(self, kept: _Kept, kid: str, now: float) -> bool:
        if kept.tried is not None and now - kept.tried < COOL_DOWN:
            return False
        is_fresh = kept.fetched is not None and now - kept.fetched < FRESH
        return not is_fresh or kid not in kept.keys

    def _fetch(self, url: str, kept: _Kept, now: float) -> None:
        kept.tried = now
        try:
            kept.keys = self._fetching(url)
            kept.fetched = now
        except CannotFetch as error:
            kept.why_not = str(error)
            _log.warning("keys cannot be fetched", url=url, reason=str(error))
