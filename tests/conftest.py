"""Databases for the tests: every directory test runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings

from scim_connector.directory import upgrade
from scim_connector.directory.database import Database
from tests import postgres

# How long an example takes says something of the machine, and nothing of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

#: Databases of this process alone: a server that is given may serve several.
_MINE = f"scim_connector_{os.getpid()}"
_NUMBERS = count(1)


@pytest.fixture(autouse=True)
def _no_settings_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("SCIM_CONNECTOR_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with every table and no row, to be copied."""
    path = tmp_path_factory.mktemp("template") / "empty.db"
    database = Database(f"sqlite:///{path}")
    upgrade.upgrade(database)
    copy = path.with_name("copy.db")
    upgrade.back_up(path, copy)
    database.close()
    return copy


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Postgres]:
    """A PostgreSQL server of our own, with a migrated template database."""
    with postgres.running() as server:
        database = Database(server.create(f"{_MINE}_template"))
        upgrade.upgrade(database)
        database.close()
        yield server
        server.drop(f"{_MINE}_template")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        path = tmp_path / "test.db"
        path.write_bytes(request.getfixturevalue("empty_sqlite").read_bytes())
        made = Database(f"sqlite:///{path}")
        yield made
        made.close()
        return
    server: postgres.Postgres = request.getfixturevalue("postgres_server")
    name = f"{_MINE}_{next(_NUMBERS)}"
    made = Database(server.create(name, template=f"{_MINE}_template"))
    yield made
    made.close()
    server.drop(name)


@pytest.fixture
def place(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[[str], str]]:
    """Name a place where no database is yet, of one kind; its URL."""
    made: list[tuple[postgres.Postgres, str]] = []

    def new(kind: str) -> str:
        name = f"{_MINE}_{next(_NUMBERS)}"
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / name}.db"
        server: postgres.Postgres = request.getfixturevalue("postgres_server")
        made.append((server, name))
        return server.create(name)

    yield new
    for server, name in made:
        server.drop(name)
