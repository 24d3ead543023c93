"""From the text of a setting to its value; ValueError says what to write instead."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_network
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from scim_connector.settings.hosts import on_the_wire

_MAILBOX: Final = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w.-]+", re.ASCII)
#: The fewest characters of a token that a person chooses.
SHORTEST_TOKEN: Final = 20
#: What Entra ID asks of a server, for each tenant.
LEAST_RATE: Final = 25


def number(text: str) -> int:
    """A whole number above 0."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        message = "write a whole number above 0"
        raise ValueError(message)
    return int(text)


def count(text: str) -> int:
    """A whole number; 0 switches off what it bounds."""
    if not text.isascii() or not text.isdigit():
        message = "write a whole number, or 0 to switch it off"
        raise ValueError(message)
    return int(text)


def yes_or_no(text: str) -> bool:
    """Yes or no, also as TOML and shells write it."""
    if text.lower() not in {"yes", "no", "true", "false"}:
        message = "write yes or no"
        raise ValueError(message)
    return text.lower() in {"yes", "true"}


def one_of(*words: str) -> Callable[[str], str]:
    """One of *words*, as it is written."""

    def read(text: str) -> str:
        if text not in words:
            message = f"write one of {', '.join(words)}"
            raise ValueError(message)
        return text

    return read


def seconds(text: str) -> float:
    """Seconds, less than an hour."""
    value = float(text)
    if not 0 < value < 3600:  # noqa: PLR2004 - an hour is no deadline any more
        message = "write seconds, between 0 and 3600"
        raise ValueError(message)
    return value


def address(text: str) -> str:
    """A public URL without a slash at its end."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        message = "write an address such as https://scim.example.com"
        raise ValueError(message)
    if parts.query or parts.fragment or parts.username:
        message = "write the address alone, without ?, # or a user"
        raise ValueError(message)
    on_the_wire(parts.hostname)
    return text.rstrip("/")


def proxies(text: str) -> tuple[str, ...]:
    """Addresses and ranges with commas between them; never everybody."""
    named = [ip_network(part.strip()) for part in text.split(",") if part.strip()]
    for each in named:
        if each.prefixlen == 0:
            message = f"{each} is everybody; name the range that the proxies come from"
            raise ValueError(message)
    return tuple(str(each) for each in named)


def rate(text: str) -> int:
    """Requests a second, enough for a provider; 0 is no limit."""
    value = int(text)
    if value and value < LEAST_RATE:
        message = f"a provider needs {LEAST_RATE} requests a second; 0 is no limit"
        raise ValueError(message)
    return value


def host(text: str) -> str:
    """The name of a host, as it goes over the wire."""
    if not text or any(sign in text for sign in "/@ ") or not text.isprintable():
        message = "write the name of the host alone, such as smtp.example.com"
        raise ValueError(message)
    return on_the_wire(text.strip("."))


def credential(text: str) -> str:
    """What goes into a mail session as it is: printable ASCII."""
    if not text or not text.isascii() or not text.isprintable():
        message = "write printable ASCII characters, one or more"
        raise ValueError(message)
    return text


def long_secret(text: str) -> str:
    """A secret that cannot be guessed."""
    if len(credential(text)) < SHORTEST_TOKEN:
        message = f"write {SHORTEST_TOKEN} characters or more, by chance"
        raise ValueError(message)
    return text


def mailbox(text: str) -> str:
    """An address alone, its domain as it goes over the wire."""
    local, _, domain = text.rpartition("@")
    address = f"{local}@{on_the_wire(domain)}"
    if "=?" in local or not _MAILBOX.fullmatch(address):
        message = "write an address alone, such as no-reply@example.com"
        raise ValueError(message)
    return address


def line(text: str) -> str:
    """One line of text."""
    if not text.strip() or not text.isprintable():
        message = "write one line of text"
        raise ValueError(message)
    return text.strip()


def zone(text: str) -> str:
    """A time zone that this machine knows."""
    if text == "UTC":  # known without any data
        return text
    try:
        return ZoneInfo(text).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = (
            "write a name such as Europe/Berlin; if it is one, this machine has no time"
            " zones: install its tzdata package"
        )
        raise ValueError(message) from None
