"""What a person does to receivers and to webhooks alike: named, found, addressed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from scim_connector.administration.errors import NotPossible
from scim_connector.tokens import fetching

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader
    from scim_connector.directory.told import Told


class _Named(Protocol):
    @property
    def name(self) -> str:
        """What people call it."""


T = TypeVar("T", bound=_Named)
_LONGEST: Final = 200
_LONGEST_URL: Final = 2000


def found(rows: Told[T], reader: Reader, name: str, noun: str) -> T:
    """The one of this name; raises NotPossible with those there are."""
    one = rows.by_name(reader, name)
    if one is None:
        names = ", ".join(each.name for each in rows.every(reader)) or "none yet"
        raise NotPossible(f'There is no {noun} "{name}"; there are: {names}.')
    return one


def named(name: str, noun: str) -> str:
    """A name as it is kept; raises NotPossible."""
    name = name.strip()
    if not name or not name.isprintable() or len(name) > _LONGEST:
        message = f"Give the {noun} a name of 1 to {_LONGEST} printable characters"
        raise NotPossible(f"{message}.")
    return name


def refuse_address(url: str, noun: str) -> None:
    """Raise NotPossible for an address that nothing can be sent to."""
    what = f"The address of the {noun}"
    refusal = fetching.refuse_address(url, what)
    if refusal is not None:
        raise NotPossible(refusal)
    if not url.isascii() or not url.isprintable() or len(url) > _LONGEST_URL:
        message = f"{what} must be printable ASCII characters, {_LONGEST_URL} at most"
        raise NotPossible(f"{message}; write other letters in their encoded form.")
