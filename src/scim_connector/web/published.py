"""What anybody may read about us: metadata and the keys of our signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from flask import Flask, Response

from scim_connector.web.oauth import JWKS_PATH, metadata

if TYPE_CHECKING:
    from scim_connector.tokens.signing import SigningKeys

#: Seconds that others may keep our keys.
KEPT = 3600


class Published:
    """The documents below /.well-known."""

    def __init__(self, issuer: str, signing: SigningKeys) -> None:
        """Speak as *issuer*, whose signatures are made by *signing*."""
        self._metadata = orjson.dumps(metadata(issuer))
        self._jwks = orjson.dumps(signing.published())

    def put_on(self, app: Flask) -> None:
        """Serve them."""
        place = "/.well-known/oauth-authorization-server"
        app.add_url_rule(place, "metadata", self._answer_metadata)
        app.add_url_rule(JWKS_PATH, "jwks", self._answer_jwks)

    def _answer_metadata(self) -> Response:
        return _json(self._metadata, "no-store")

    def _answer_jwks(self) -> Response:
        return _json(self._jwks, f"public, max-age={KEPT}")


def _json(body: bytes, kept: str) -> Response:
    made = Response(body, mimetype="application/json")
    made.headers["Cache-Control"] = kept
    made.headers["X-Content-Type-Options"] = "nosniff"
    return made
