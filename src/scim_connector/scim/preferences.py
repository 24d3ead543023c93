"""What a client would like of its answer: the header ``Prefer`` (RFC 7240)."""

from __future__ import annotations

import re
from typing import Final

RESPOND_ASYNC: Final = "respond-async"
#: One preference (section 2); a comma in quotes parts nothing.
_ONE: Final = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^,"])+')
_LONGEST_HEADER: Final = 1_024
_LONGEST_NUMBER: Final = 9


def preferences(header: str) -> dict[str, str]:
    """The preferences by their names in lower case, each with its value or "".

    Of two with one name the first counts, and parameters behind a semicolon do not
    matter here.
    """
    found: dict[str, str] = {}
    for each in _ONE.finditer(header[:_LONGEST_HEADER]):
        name, _, value = re.split(";", each[0], maxsplit=1)[0].partition("=")
        found.setdefault(name.strip().lower(), value.strip().strip('"'))
    return found


def wait_of(wanted: dict[str, str]) -> int:
    """The seconds a client would wait for an answer; 0 when it does not say."""
    text = wanted.get("wait", "")
    is_number = text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER
    return int(text) if is_number else 0
