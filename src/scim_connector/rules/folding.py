"""When two values count as the same one: the single home of folding (decision 9).

Uniqueness, filters on local fields, matching and import all compare these keys, so a
filter finds exactly what a 409 protects.
"""

from __future__ import annotations

from string import ascii_lowercase, ascii_uppercase
from unicodedata import normalize

from email_validator import EmailNotValidError, validate_email

_ASCII_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


def username_key(username: str) -> str:
    """Fold a username: ASCII lower case (the rule R6 admits nothing else).

    Text that no username can be stays apart: were a Kelvin sign folded to k, a userName
    of a provider could adopt the local user it looks like.
    """
    return username.translate(_ASCII_LOWER)


def email_key(email: str) -> str:
    """Fold an email address: NFC and casefold before the "@", A-label lower behind it."""
    local, at, domain = email.strip().rpartition("@")
    return f"{_text(local)}{at}{_a_label(domain)}"


def initials_key(initials: str) -> str:
    """Fold initials: NFKC, then casefold, so that a full-width letter is the plain one."""
    return normalize("NFKC", normalize("NFKC", initials).casefold())


def name_key(name: str) -> str:
    """Fold the name of a role, a profile or a connection."""
    return _text(name.strip())


def _text(text: str) -> str:
    return normalize("NFC", normalize("NFC", text).casefold())


def _a_label(domain: str) -> str:
    """The ASCII form of a domain (IDNA 2008).

    Case folding must not come first: it turns sharp s into ss, another owner's domain.
    A domain without such a form breaks R4 and is never stored; it equals only itself.
    """
    if domain.isascii():
        return domain.lower()
    try:
        checked = validate_email(
            f"a@{domain}", check_deliverability=False, test_environment=True
        )
    except (EmailNotValidError, UnicodeError):
        return domain.translate(_ASCII_LOWER)
    return checked.ascii_domain.lower()
