"""The rule of passwords: long, not a common one, and nothing of the person in it."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection
from typing import Final

from scim_connector.rules.users import Kind, Rule, Violation

SHORTEST: Final = 12
LONGEST_BYTES: Final = 1024
#: A shorter part of a name may stand in any password.
SHORTEST_PART: Final = 4

_CHOOSE = "The person chooses another one on the page of the link; nothing to do here."
R32 = Rule(
    "R32",
    "Passwords",
    "A password has 12 characters or more and 1,024 bytes at most, is not a common one,"
    " and holds neither the person's name nor their username nor their email address.",
    Kind.INVALID,
    "password",
    _CHOOSE,
    _CHOOSE,
)


def prepared(text: str) -> str:
    """A password as it is hashed: NFC, so that two keyboards mean the same letter."""
    return unicodedata.normalize("NFC", text)


def check_password(
    text: str, *, personal: Collection[str], is_common: Callable[[str], bool]
) -> tuple[Violation, ...]:
    """Every clause of R32 that a password breaks; the password is in no message.

    *personal* are the names of the person, *is_common* knows the passwords that are
    tried first.
    """
    if len(text.encode("utf-8", "replace")) > LONGEST_BYTES:
        return (
            _broken("password_long", f"It is longer than {LONGEST_BYTES:,} bytes."),
        )
    found = []
    if any(unicodedata.category(sign) in {"Cc", "Cs"} for sign in text):
        found.append(_broken("password_characters", "It holds a control character."))
    if len(text) < SHORTEST:
        message = f"It has {len(text)} characters; it needs {SHORTEST} or more."
        found.append(_broken("password_short", message))
    elif is_common(text):
        message = (
            "It is easily guessed; take several words that do not belong together."
        )
        found.append(_broken("password_common", message))
    if _holds(text, personal):
        message = "It holds your name, your username or your email address."
        found.append(_broken("password_personal", message))
    return tuple(found)


def _holds(text: str, personal: Collection[str]) -> bool:
    folded = text.casefold()
    parts = (part.casefold() for part in personal)
    return any(len(part) >= SHORTEST_PART and part in folded for part in parts)


def _broken(code: str, message: str) -> Violation:
    return Violation(R32, code, f"{message} (R32)")
