"""An authenticator app, by an RFC 6238 that is not ours."""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP


def code(secret: bytes, now: int) -> str:
    """What the app shows at an instant, microseconds UTC."""
    app = TOTP(secret, 6, SHA1(), 30)  # noqa: S303 - what authenticator apps do
    return app.generate(now // 1_000_000).decode()


def typed(key: str) -> bytes:
    """The secret of a key that was typed from a page."""
    text = key.replace(" ", "")
    return base64.b32decode(text + "=" * (-len(text) % 8))
