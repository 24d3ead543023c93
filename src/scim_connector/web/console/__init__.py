"""The console: what an administrator sees, decides and tries, in pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Flask

    from scim_connector.web.console.desk import Desk


class Room(Protocol):
    """Pages that belong together."""

    def put_on(self, app: Flask) -> None:
        """Add the routes."""


class Console:
    """Every page of the console, put on the application together."""

    def __init__(self, desk: Desk, rooms: Sequence[Room]) -> None:
        """Take the rooms; *desk* is in each of them."""
        self._desk = desk
        self._rooms = tuple(rooms)

    @property
    def late(self) -> frozenset[str]:
        """The pages that take a large body, and read it when they know who sends it."""
        return frozenset(self._desk.late)

    def put_on(self, app: Flask) -> None:
        """Add the words that templates use, and the routes."""
        self._desk.put_on(app)
        for room in self._rooms:
            room.put_on(app)
