"""The last backup that was made here, as far as this installation knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scim_connector.directory import installation

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction

#: The fact of the installation, microseconds UTC as text.
LAST: Final = "backup:last"


def last(reader: Reader) -> int | None:
    """When the last backup was made, in microseconds UTC; None when none is known."""
    found = installation.read(reader, LAST)
    return int(found) if found is not None and found.isdigit() else None


def made(tx: Transaction, *, now: int) -> None:
    """Remember that a backup was made, so that an old one is noticed."""
    installation.write(tx, LAST, str(now))
