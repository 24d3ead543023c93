"""Cookies of the gate: bound to this host, hidden from scripts, sent over https."""

from __future__ import annotations

from typing import Final

#: Browsers take a cookie of this prefix only for the very host, path / and https.
PREFIX: Final = "__Host-"
SIGN_IN: Final = f"{PREFIX}sign-in"
#: Settings of single sign-on that an administrator tries.
TRIED: Final = f"{PREFIX}tried"
KNOWN: Final = f"{PREFIX}known"
YEAR: Final = 365 * 24 * 3600


def session_name(application: str) -> str:
    """The name of the cookie that holds a session at an application."""
    return f"{PREFIX}session-{application}"


def session_cookie(header: str, application: str) -> str | None:
    """The token in a Cookie header; None when there is no such cookie, or two.

    Two of one name are a sign of somebody else's hand.
    """
    return named(header, session_name(application))


def named(header: str, name: str) -> str | None:
    """The value of one cookie of a Cookie header; None for none, or for two."""
    found = [
        value.strip()
        for part in header.split(";")
        for key, _, value in [part.partition("=")]
        if key.strip() == name
    ]
    return found[0] if len(found) == 1 else None
