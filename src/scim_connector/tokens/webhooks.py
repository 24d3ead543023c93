"""Signing what a webhook is sent, as Standard Webhooks has it (HMAC-SHA-256)."""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

PREFIX: Final = "whsec_"
_BYTES: Final = 32


def mint() -> str:
    """A new secret, as its holder is shown it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def headers(
    held: Iterable[str], message_id: str, timestamp: int, body: bytes
) -> dict[str, str]:
    """What a message is sent with, signed with each of the secrets *held*.

    *timestamp* is of this attempt, in seconds, so that an old one can be told.
    """
    signed = [_signature(each, message_id, timestamp, body) for each in held]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signed),
    }


def _signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    content = f"{message_id}.{timestamp}.".encode() + body
    return f"v1,{base64.b64encode(hmac.digest(key, content, sha256)).decode()}"
