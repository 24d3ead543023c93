"""What is looked at on the machine itself: settings, files, space, the clock."""

from __future__ import annotations

import ctypes
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING, Final

from scim_connector.administration import certificates
from scim_connector.administration.connections import address_warnings
from scim_connector.administration.findings import Finding, good, look, wrong
from scim_connector.administration.overview import DAY, WARN_DAYS
from scim_connector.settings import PREFIX, is_loopback

if TYPE_CHECKING:
    from scim_connector.settings import Settings

_OTHERS: Final = 0o077
_GIGABYTE: Final = 1024**3
#: Below this much free space an operator should look, and below that nothing is sure.
LITTLE_SPACE: Final = 2 * _GIGABYTE
NO_SPACE: Final = _GIGABYTE // 5
#: What adjtimex(2) answers where nothing keeps the clock.
_NOT_KEPT: Final = 5
_FIX_MODE: Final = "Run: chmod 600 {}"


def served(settings: Settings) -> Iterator[Finding]:
    """How the server is reached: its address, and whether others can listen."""
    if settings.public_url is None:
        yield look(
            "address",
            f"No public address is set; links name {settings.address}.",
            f"Set {PREFIX}PUBLIC_URL to the address that providers and people use.",
        )
    warnings = address_warnings(settings.base_url) if settings.public_url else []
    for warning in warnings:
        yield look("address", warning, f"Set {PREFIX}PUBLIC_URL; see docs/https.md.")
    plain = settings.tls_cert is None and not is_loopback(settings.host)
    if not plain:
        yield good("https", "Nothing is served unencrypted to other machines.")
    elif settings.address.startswith("https:") and settings.trusted_proxies:
        yield look(
            "https",
            f"Plain HTTP is served on {settings.host}; a proxy adds https.",
            "Let nobody but the proxy reach this port.",
        )
    else:
        yield wrong(
            "https",
            f"Plain HTTP is served on {settings.host}: who listens reads every token.",
            f"Serve on 127.0.0.1 behind a proxy, or set {PREFIX}TLS_CERT and"
            f" {PREFIX}TLS_KEY; see docs/https.md.",
        )
    yield from _certificate(settings)


def _certificate(settings: Settings) -> Iterator[Finding]:
    if settings.tls_cert is None:
        return
    ends = certificates.ends_at(settings.tls_cert)
    renew = f"Renew {settings.tls_cert}, then restart."
    if ends is None:
        yield wrong("https", f"{settings.tls_cert} cannot be read.", renew)
        return
    days = (ends - time_ns() // 1000) // DAY
    if days < 0:
        yield wrong("https", "The certificate has expired.", renew)
    elif days <= WARN_DAYS[0]:
        yield look("https", f"The certificate expires in {days} days.", renew)
    else:
        yield good("https", f"The certificate is good for {days:,} days.")


def private(area: str, file: Path) -> Finding:
    """Whether a file is its owner's alone."""
    mode = file.stat().st_mode
    if mode & _OTHERS:
        sentence = f"Others may use {file} (mode {mode & 0o777:o})."
        return wrong(area, sentence, _FIX_MODE.format(file))
    return good(area, f"{file} is for its owner alone.")


def space(folder: Path) -> Finding:
    """Whether there is room where the database lies."""
    found = shutil.disk_usage(folder)
    shown = f"{found.free / _GIGABYTE:,.1f} GB are free beside the database."
    advice = "Make room, or move the database; without room nothing is written."
    if found.free < NO_SPACE:
        return wrong("disk", shown, advice)
    if found.free < LITTLE_SPACE:
        return look("disk", shown, advice)
    return good("disk", shown)


def clock() -> Finding:
    """Whether something keeps the clock of this machine; Linux tells."""
    kept = _kept_clock()
    if kept:
        return good("clock", "The clock of this machine is kept by the network.")
    sentence = "This machine does not say that anything keeps its clock."
    return look(
        "clock",
        sentence,
        "Run a time service (chrony, systemd-timesyncd): tokens, second factors and"
        " sign-ins of providers fail where clocks differ.",
    )


def _kept_clock() -> bool:
    room = ctypes.create_string_buffer(512)  # all zero: it is asked, nothing is set
    try:
        answer = int(ctypes.CDLL(None, use_errno=True).adjtimex(room))
    except (OSError, AttributeError):
        return False
    return 0 <= answer < _NOT_KEPT


def writable(folder: Path) -> bool:
    """Whether files can be made in a folder."""
    return os.access(folder, os.W_OK | os.X_OK)
