"""The public keys of issuers: fetched with bounds, kept, and used a while if they fail.

Keys are kept by their id for an hour.  An unknown id fetches once more, at most once a
minute; while the issuer cannot be reached, old keys serve for a day.  Nothing is
fetched while a transaction is open: callers verify before they write.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from scim_connector.tokens import fetching
from scim_connector.tokens.assertions import BadAssertion, KeysUnavailable
from scim_connector.tokens.fetching import CannotFetch
from scim_connector.tokens.kept import Kept

if TYPE_CHECKING:
    from scim_connector.scim.types import Json

MOST_KEYS: Final = 100
SMALLEST_RSA: Final = 2048
LARGEST_RSA: Final = 16_384
SMALLEST_CURVE: Final = 256
#: An algorithm that makes a key of each type; which one verifies is agreed on elsewhere.
_ANY: Final = {"RSA": "RS256", "EC": None}


def refuse_address(url: str) -> str | None:
    """Why a JWKS URL is not taken: https, or http to this machine itself."""
    return fetching.refuse_address(url, "The JWKS URL")


def fetch(url: str) -> dict[str, Any]:
    """The usable keys at *url* by their id; raises CannotFetch."""
    return _keys(fetching.get_json(url))


def _keys(document: Json) -> dict[str, Any]:
    listed = document.get("keys")
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        raise CannotFetch(f"the key set has no list of {MOST_KEYS} keys at most")
    found = {}
    for number, each in enumerate(listed):
        key = _usable(each)
        if key is not None:
            found[each.get("kid", f"unnamed {number}")] = key
    return found


def _usable(described: Any) -> Any:
    """The public key of a JWK for signatures, None for any other."""
    if not _is_for_signatures(described):
        return None
    try:
        key = jwt.PyJWK(described, algorithm=_ANY[described["kty"]]).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    return key if _is_of_a_good_size(key) else None


def _is_of_a_good_size(key: Any) -> bool:
    """Neither weak, nor so large that checking a signature takes long."""
    if isinstance(key, RSAPublicKey):
        return SMALLEST_RSA <= key.key_size <= LARGEST_RSA
    is_curve = isinstance(key, EllipticCurvePublicKey)
    return is_curve and key.curve.key_size >= SMALLEST_CURVE


def _is_for_signatures(described: Any) -> bool:
    return (
        isinstance(described, dict)
        and described.get("kty") in list(_ANY)  # it may be a list, which has no hash
        and described.get("use", "sig") == "sig"
        and isinstance(described.get("kid", ""), str)
        and "d" not in described  # a private key that was published is nobody's
    )


def _only(keys: dict[str, Any]) -> Any:
    if len(keys) != 1:
        message = f"It names no key (kid), and its issuer has {len(keys)}."
        raise BadAssertion("kid", message)
    return next(iter(keys.values()))


class KeySource:
    """The keys of every issuer, as one process keeps them."""

    def __init__(
        self,
        clock: Callable[[], float] = monotonic,
        fetching: Callable[[str], dict[str, Any]] = fetch,
    ) -> None:
        """Begin with no key."""
        self._kept = Kept("keys", clock, fetching)

    def key(self, url: str, kid: str | None) -> Any:
        """The key of this id, or the only one there is where a token names none.

        Raises BadAssertion for an unknown one, KeysUnavailable.  Whether an unnamed key
        was exchanged for another is only seen by fetching, at most once a minute.
        """
        try:
            keys = self._kept.value(url, lambda held: kid in held)
        except CannotFetch as error:
            raise KeysUnavailable(str(error)) from None
        if kid is None:
            return _only(keys)
        if kid not in keys:
            message = f"Its key {kid[:60]!r} is not among the keys of the issuer."
            raise BadAssertion("unknown_key", message)
        return keys[kid]
