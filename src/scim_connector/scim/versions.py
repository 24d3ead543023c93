"""Versions of a resource: weak entity tags and the conditions on them.

RFC 7644 section 3.14, RFC 9110 section 8.8.3 and 13.1. All comparisons are weak.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from scim_connector.scim.errors import VersionMismatch

_TAG: Final = re.compile(r'(?:W/)?"(?P<quoted>[^"]*)"|(?P<bare>[^\s"]+)')
_LONGEST_HEADER: Final = 4_096


def etag(version: int) -> str:
    """Return the weak entity tag of a version, as in the ETag header."""
    return f'W/"{version}"'


def of_text(text: str) -> int:
    """A version for what is rendered anew each time: a number made of its text."""
    return int.from_bytes(sha256(text.encode()).digest()[:6], "big")


@dataclass(frozen=True, slots=True)
class Tags:
    """The entity tags of one If-Match or If-None-Match header.

    *any_version* stands for ``*``. Tags that are not ours are kept and match nothing.
    """

    any_version: bool
    names: frozenset[str]

    def include(self, version: int) -> bool:
        """Say whether the resource with this version is among them."""
        return self.any_version or str(version) in self.names


def tags(header: str | None) -> Tags | None:
    """Read an If-Match or If-None-Match header; None when there is none."""
    if header is None or not header.strip():
        return None
    if header.strip() == "*":
        return Tags(any_version=True, names=frozenset())
    items = [item.strip() for item in header[:_LONGEST_HEADER].split(",")]
    found = [match for item in items if (match := _TAG.fullmatch(item))]
    names = frozenset(match["quoted"] or match["bare"] or "" for match in found)
    return Tags(any_version=False, names=names)


def require_match(if_match: str | None, version: int) -> None:
    """Raise VersionMismatch when If-Match is given and names other versions."""
    wanted = tags(if_match)
    if wanted is not None and not wanted.include(version):
        message = (
            f"The resource has changed: it is at version {etag(version)} now. "
            "Read it again, then repeat the change."
        )
        raise VersionMismatch(message)


def is_known(if_none_match: str | None, version: int) -> bool:
    """Say whether the client has this version already, so that 304 is the answer."""
    known = tags(if_none_match)
    return known is not None and known.include(version)
