"""The authorization code flow with PKCE, state and nonce (OpenID Connect Core §3.1)."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from scim_connector.tokens import fetching

if TYPE_CHECKING:
    from scim_connector.tokens.discovery import Metadata

_OK: Final = 200
_LONGEST_CODE: Final = 4096


class CodeRefused(Exception):
    """The provider gives no ID token for a code; the text says what it said."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What binds an answer to its question: kept by the browser, sealed."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def fresh(cls) -> Attempt:
        """A new one: 256 bits each."""
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))


def address(
    metadata: Metadata,
    *,
    client_id: str,
    redirect_uri: str,
    scopes: str,
    attempt: Attempt,
) -> str:
    """Where the browser goes to sign in."""
    digest = sha256(attempt.verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    query = urlencode(
        {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": redirect_uri,
            "scope": scopes,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
    )
    joint = "&" if "?" in metadata.authorization_endpoint else "?"
    return f"{metadata.authorization_endpoint}{joint}{query}"


def redeem(
    metadata: Metadata,
    *,
    client_id: str,
    client_secret: str | None,
    redirect_uri: str,
    code: str,
    verifier: str,
) -> str:
    """The ID token for a code; raises CodeRefused, CannotFetch."""
    if len(code) > _LONGEST_CODE:
        raise CodeRefused("the code is too long to be one")
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    basic = None
    if client_secret is not None and metadata.takes_basic:
        basic = (client_id, client_secret)
    else:
        fields["client_id"] = client_id
        if client_secret is not None:
            fields["client_secret"] = client_secret
    answer = fetching.post_form(metadata.token_endpoint, fields, basic=basic)
    told = answer.body or {}
    if answer.status != _OK:
        error = " ".join(
            str(told.get(name, ""))[:300] for name in ("error", "error_description")
        )
        raise CodeRefused(f"it answered {answer.status} {error}".strip())
    token = told.get("id_token")
    if not isinstance(token, str):
        raise CodeRefused(
            "its answer holds no ID token; is the scope openid asked for?"
        )
    return token
