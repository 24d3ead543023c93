"""When two SCIM values count as the same one, and which of two comes first.

Filters, sorting, uniqueness and the search document use these keys and no others, so
a filter finds exactly what a 409 protects (decision 9). The keys of local fields live
in ``rules/folding.py``; the protocol core does not know local rules.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final
from unicodedata import normalize

_DATE_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})"
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def text_key(text: str) -> str:
    """Fold text whose ``caseExact`` is false (RFC 7643 section 2.2): casefold of NFC.

    Composed once more afterwards, because folding can leave text decomposed.
    """
    if text.isascii():
        return text.lower()
    return normalize("NFC", normalize("NFC", text).casefold())


def instant_key(text: str) -> int | None:
    """Return a dateTime as microseconds since 1970 in UTC; None when it is none.

    The form is xsd:dateTime with a zone (RFC 7643 section 2.3.5). What is finer than a
    microsecond is cut off: Microsoft writes seven digits.
    """
    if _DATE_TIME.fullmatch(text) is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (instant - _EPOCH) // _MICROSECOND
