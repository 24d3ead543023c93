"""Instants as people read them."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(microseconds: int) -> str:
    """An instant in UTC, to the minute."""
    when = datetime.fromtimestamp(microseconds // 1_000_000, UTC)
    return f"{when:%Y-%m-%d %H:%M} UTC"
