"""Keeps what clients ask and see, in the order in which it happens."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic_ns
from typing import TypeVar

from tests.history.checker import OK, REFUSED, UNKNOWN, Operation

T = TypeVar("T")


class Unclear(Exception):
    """An answer that says neither yes nor no."""


@dataclass
class Recorder:
    """One history, written by many clients."""

    history: list[Operation] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def ask(
        self,
        kind: str,
        user: str,
        act: Callable[[], T | None],
        *,
        road: str = "",
        using: Operation | None = None,
    ) -> tuple[Operation, T | None]:
        """Carry out *act* and keep it: granted where it gives something, refused for None.

        Whatever is Unclear, or breaks the connection, is unknown.
        """
        asked, given = monotonic_ns(), None
        try:
            given = act()
            outcome = REFUSED if given is None else OK
        except (Unclear, OSError, http.client.HTTPException):
            outcome = UNKNOWN
        seen = Operation(kind, user, asked, monotonic_ns(), outcome, road, using)
        with self._lock:
            self.history.append(seen)
        return seen, given

    def count(self) -> int:
        """How many operations there are that ask to be let in."""
        with self._lock:
            return sum(not each.changes_standing for each in self.history)
