"""Making names of the local system out of names of people.

Every letter is brought to plain ASCII first: accents fall off, other scripts are
transliterated, so that everybody has initials and a username.
"""

from __future__ import annotations

import re
from functools import lru_cache
from unicodedata import combining, normalize

from anyascii import anyascii

_NOT_LETTERS = re.compile(r"[^A-Za-z]+")
_NOT_USERNAME = re.compile(r"[^A-Za-z0-9@._-]+")
_LEADING = re.compile(r"^[^A-Za-z]+")
_GUEST = "#ext#"
LONGEST_INITIALS = 5


@lru_cache(maxsize=4096)
def ascii_text(text: str) -> str:
    """*text* in plain ASCII: "Ánne" is "Anne", "Иванов" is "Ivanov"."""
    if text.isascii():
        return text
    return anyascii(without_diacritics(text))


def without_diacritics(text: str) -> str:
    """*text* without accents, in its own script."""
    parts = normalize("NFKD", text)
    return normalize("NFC", "".join(c for c in parts if not combining(c)))


def home_address(user_name: str) -> str:
    """The own address of a guest: ``anna_home.example#EXT#@tenant`` is anna@home.example.

    Entra writes the "@" of a guest's home address as the last "_" before "#EXT#".
    """
    at = user_name.lower().find(_GUEST)
    if at < 0:
        return user_name
    local, underscore, domain = user_name[:at].rpartition("_")
    return f"{local}@{domain}" if underscore else user_name[:at]


def clean_username(text: str) -> str:
    """*text* as a username may look: ASCII, lower case, beginning with a letter.

    Length is not touched here.  When no letter is left, "u" stands in front.
    """
    plain = _NOT_USERNAME.sub("", ascii_text(home_address(text))).lower()
    begun = _LEADING.sub("", plain)
    return begun if begun or not plain else f"u{plain}"


def initials_of(given: str, family: str, of_given: int | None, of_family: int) -> str:
    """Initials in capitals: letters of the given name, then of the family name.

    *of_given* is how many letters to take; None takes the first of each of its words,
    so that "Anne-Marie O'Connor" is AMO.  At most 5 in all.
    """
    first = _leading(given, of_given)
    return f"{first}{_letters(family)[:of_family]}".upper()[:LONGEST_INITIALS]


def initials_of_one(text: str) -> str:
    """Initials of a name in one piece: the first letters of its first and last word."""
    words = _words(text)
    if not words:
        return ""
    last = words[-1][0] if len(words) > 1 else ""
    return f"{words[0][0]}{last}".upper()


def _leading(name: str, count: int | None) -> str:
    if count is None:
        return "".join(word[0] for word in _words(name))
    return _letters(name)[:count]


def _letters(name: str) -> str:
    return _NOT_LETTERS.sub("", ascii_text(name))


def _words(name: str) -> list[str]:
    return [word for word in _NOT_LETTERS.split(ascii_text(name)) if word]
