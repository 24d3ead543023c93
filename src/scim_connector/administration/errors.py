"""What an operator or admin asked for and cannot have."""

from __future__ import annotations


class NotPossible(Exception):
    """Something that cannot be done; the text says what to do instead."""
