"""How long the certificate of a file is good."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509


def ends_at(file: Path) -> int | None:
    """When its first certificate ends, in microseconds UTC; None where there is none."""
    try:
        held = x509.load_pem_x509_certificates(file.read_bytes())
    except (OSError, ValueError):
        return None
    return int(held[0].not_valid_after_utc.timestamp()) * 1_000_000
