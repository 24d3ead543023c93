"""What we sign ourselves, with a key that is made from the secret key.

The signing key is derived, not stored: whoever has the secret key has it, and rotating
the one rotates the other.  Public halves of older keys stay published.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm

if TYPE_CHECKING:
    from scim_connector.tokens.secrets import SecretKeys

ALGORITHM: Final = "ES256"
LOGOUT_TYPE: Final = "logout+jwt"
HEAD_TYPE: Final = "audit-head+jwt"
SET_TYPE: Final = "secevent+jwt"
LOGOUT_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
#: Seconds a logout token is good for, as OpenID Connect Back-Channel Logout 1.0 advises.
LIVES: Final = 120
_PURPOSE: Final = "signing ES256"
_ORDER: Final = int(
    "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551", 16
)


class NotSigned(Exception):
    """Something that no key of this installation has signed."""


class SigningKeys:
    """The keys of this installation that others can check our signatures with."""

    def __init__(self, keys: SecretKeys) -> None:
        """Derive them from *keys*, the current first."""
        self._keys = [_derived(key) for key in keys.sub_keys(_PURPOSE)]

    def published(self) -> dict[str, Any]:
        """The public halves as a JWK set (RFC 7517)."""
        return {"keys": [_public(key) for key in self._keys]}

    def logout_token(
        self,
        *,
        issuer: str,
        audience: str,
        subject: str,
        session_id: str | None,
        token_id: str,
        now: int,
    ) -> str:
        """A logout token (OpenID Connect Back-Channel Logout 1.0 §2.4); never a nonce.

        *now* in seconds since 1970.  Without *session_id* it means every session of the
        subject.
        """
        claims: dict[str, Any] = {
            "iss": issuer,
            "aud": audience,
            "sub": subject,
            "iat": now,
            "exp": now + LIVES,
            "jti": token_id,
            "events": {LOGOUT_EVENT: {}},
        }
        if session_id is not None:
            claims["sid"] = session_id
        return self._signed(claims, LOGOUT_TYPE)

    def signature(self, data: bytes) -> bytes:
        """A signature of a file (ECDSA, P-256, SHA-256, DER), as openssl checks it."""
        return self._keys[0].sign(data, ec.ECDSA(SHA256()))

    def public_pem(self) -> bytes:
        """The public half of the key that signs now, as PEM."""
        public = self._keys[0].public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def audit_head(self, claims: dict[str, Any]) -> str:
        """The newest seal of audit, signed: what somebody keeps to check us by later."""
        return self._signed(claims, HEAD_TYPE)

    def security_event(self, claims: dict[str, Any]) -> str:
        """A security event token (RFC 8417 section 2)."""
        return self._signed(claims, SET_TYPE)

    def opened_head(self, text: str) -> dict[str, Any]:
        """What a signed head says; raises NotSigned unless a key of ours signed it."""
        for key in self._keys:
            try:
                header = jwt.get_unverified_header(text)
                claims: dict[str, Any] = jwt.decode(
                    text,
                    key.public_key(),
                    algorithms=[ALGORITHM],
                    options={"verify_aud": False, "verify_iat": False},
                )
            except jwt.InvalidTokenError:
                continue
            if header.get("typ") == HEAD_TYPE:
                return claims
        raise NotSigned

    def _signed(self, claims: dict[str, Any], kind: str) -> str:
        current = self._keys[0]
        headers = {"typ": kind, "kid": _public(current)["kid"]}
        return jwt.encode(claims, current, algorithm=ALGORITHM, headers=headers)


def _derived(seed: bytes) -> ec.EllipticCurvePrivateKey:
    """A private key of P-256 from 32 bytes; 1 to order - 1, as the curve asks."""
    number = int.from_bytes(seed + sha256(seed).digest(), "big") % (_ORDER - 1) + 1
    return ec.derive_private_key(number, ec.SECP256R1())


def _public(key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    described = json.loads(ECAlgorithm.to_jwk(key.public_key()))
    described.pop("key_ops", None)
    members = {name: described[name] for name in ("crv", "kty", "x", "y")}
    # RFC 7638: the members in their order, without spaces.
    text = json.dumps(members, separators=(",", ":"), sort_keys=True)
    kid = sha256(text.encode()).hexdigest()[:16]
    return {**members, "kid": kid, "use": "sig", "alg": ALGORITHM}
