"""Probes for whoever keeps the process running; they tell no details."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response
from sqlalchemy import literal, select

from scim_connector.directory.database import DatabaseUnavailable
from scim_connector.directory.statements import Statement

if TYPE_CHECKING:
    from scim_connector.directory.database import Database

_ASK = Statement(select(literal(1)))


class Health:
    """Says whether the process lives, and whether its database answers."""

    def __init__(self, database: Database) -> None:
        """Ask *database*."""
        self._database = database

    def live(self) -> Response:
        """200 as long as the process answers."""
        return Response("alive\n", mimetype="text/plain")

    def ready(self) -> Response:
        """200 when a request could be served, 503 when the database does not answer."""
        try:
            self._database.reader().value(_ASK)
        except DatabaseUnavailable:
            return Response("no database\n", 503, mimetype="text/plain")
        return Response("ready\n", mimetype="text/plain")
