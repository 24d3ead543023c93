"""Names of hosts, as they are written and as they go over the wire."""

from __future__ import annotations

from ipaddress import ip_address

import idna


def on_the_wire(host: str) -> str:
    """The name of a host in ASCII, as resolvers, certificates and mails have it.

    By IDNA 2008: the older rules of the standard library take ß for ss, which is
    another host.  Raises ValueError for what cannot be a name.
    """
    try:
        ascii_form = host if host.isascii() else idna.encode(host, uts46=True).decode()
        return ascii_form.encode("idna").decode("ascii")  # labels of 1 to 63 characters
    except UnicodeError:
        message = f'"{host}" cannot be the name of a host'
        raise ValueError(message) from None


def is_loopback(host: str) -> bool:
    """Whether *host* can be nothing but this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
