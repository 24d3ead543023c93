"""Second factors: codes of an authenticator app (RFC 6238) and recovery codes."""

from __future__ import annotations

import base64
import hmac
import os
import secrets
from hashlib import sha256
from typing import Final
from urllib.parse import quote, urlencode

import segno
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

DIGITS: Final = 6
STEP: Final = 30
#: Clocks of telephones are off by less than this many steps.
WINDOW: Final = 1
CODES: Final = 10
_SECRET_BYTES: Final = 20
_SECOND: Final = 1_000_000
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 3, 4


def new_secret() -> bytes:
    """A secret of 160 bits, as RFC 4226 section 4 advises."""
    return os.urandom(_SECRET_BYTES)


def shown(secret: bytes) -> str:
    """The secret for typing into an app: base32 in groups of four."""
    text = base64.b32encode(secret).decode()
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def provisioning_uri(secret: bytes, username: str, issuer: str) -> str:
    """What an authenticator app reads from the picture."""
    query = urlencode(
        {
            "secret": base64.b32encode(secret).decode().rstrip("="),
            "issuer": issuer,
            "digits": DIGITS,
            "period": STEP,
        },
        quote_via=quote,
    )
    return f"otpauth://totp/{quote(issuer)}:{quote(username)}?{query}"


def qr_svg(uri: str) -> str:
    """The picture of a URI as SVG that a strict Content-Security-Policy lets through."""
    return segno.make(uri, micro=False).svg_inline(
        scale=4, border=4, dark="#000", light="#fff", omitsize=True
    )


def accepted_step(
    secret: bytes, code: str, now: int, *, last_step: int | None
) -> int | None:
    """The step of time a code is of, or None for a wrong or used one.

    *now* in microseconds UTC.  A step at or before *last_step* is refused, so that a
    code works once.
    """
    generator = TOTP(secret, DIGITS, SHA1(), STEP)  # noqa: S303 - RFC 6238's default
    typed = normalised(code)
    present = now // _SECOND // STEP
    found = None
    for step in range(max(0, present - WINDOW), present + WINDOW + 1):
        made = generator.generate(step * STEP).decode()
        if hmac.compare_digest(made.encode(), typed.encode("utf-8", "replace")):
            found = step
    if found is None or (last_step is not None and found <= last_step):
        return None
    return found


def recovery_codes(count: int = CODES) -> list[str]:
    """Codes that open once in place of the app; about 59 bits each."""
    return [_code() for _ in range(count)]


def _code() -> str:
    letters = [secrets.choice(_LETTERS) for _ in range(_GROUPS * _GROUP)]
    groups = (letters[at : at + _GROUP] for at in range(0, len(letters), _GROUP))
    return "-".join("".join(group) for group in groups)


def normalised(code: str) -> str:
    """A code as it is compared, however it was typed."""
    return "".join(sign for sign in code.lower() if sign.isalnum())


def hashed_code(code: str, user_id: int, key: bytes) -> str:
    """The keyed hash of a recovery code of one user."""
    text = f"{user_id}\n{normalised(code)}"
    return hmac.new(key, text.encode("utf-8", "replace"), sha256).hexdigest()
