"""Where reads and changes go: a database, or one transaction that stands in for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction

T = TypeVar("T")


class Store(Protocol):
    """What a use case needs of a database."""

    def reader(self) -> Reader:
        """A reader of what is there now."""

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Run *work* as one change: all of it, or nothing when it raises."""


class Within:
    """A store inside a transaction: what is written ends as that transaction ends.

    With :meth:`Database.preview` around it a use case runs as it always does, reads
    what it wrote, and nothing of it stays.
    """

    def __init__(self, tx: Transaction) -> None:
        """Read and write in *tx*."""
        self._tx = tx

    def reader(self) -> Reader:
        """The transaction itself."""
        return self._tx

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Run *work*; when it raises, only what it did is undone."""
        with self._tx.savepoint():
            return work(self._tx)
