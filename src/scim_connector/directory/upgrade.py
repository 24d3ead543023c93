"""Bringing a database to the schema of this program, and copying it away first."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, event, inspect, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from scim_connector.directory.database import DatabaseUnavailable, Transaction

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from scim_connector.directory.database import Database


#: The advisory lock of PostgreSQL that upgrades take; any fixed number does.
_UPGRADING: Final = 76_437_644


#: Filling many indexes at once writes each page again and again with SQLite's 2 MB.
_MUCH_MEMORY: Final = "PRAGMA cache_size = -262144"


class NotEmpty(Exception):
    """There are tables already where a database was to be made."""


class Schema(StrEnum):
    """How the schema of a database stands to that of this program."""

    EMPTY = "empty"
    CURRENT = "current"
    OLDER = "older"
    NEWER = "newer"
    FOREIGN = "foreign"


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def _engine(database: Database) -> Engine:
    url = database.url
    if database.dialect == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    return create_engine(url, poolclass=NullPool)


def schema(database: Database) -> Schema:
    """Say how the database stands; raises DatabaseUnavailable, changes nothing."""
    if database.path is not None and not database.path.exists():
        return Schema.EMPTY
    try:
        with _engine(database).connect() as connection:
            revision = MigrationContext.configure(connection).get_current_revision()
            tables = inspect(connection).get_table_names()
    except SQLAlchemyError as error:
        message = str(getattr(error, "orig", error)).splitlines()[0]
        raise DatabaseUnavailable(message) from error
    return _judged(revision, tables)


def _judged(revision: str | None, tables: list[str]) -> Schema:
    if revision is None:
        return Schema.FOREIGN if tables else Schema.EMPTY
    script = ScriptDirectory.from_config(_config())
    if revision == script.get_current_head():
        return Schema.CURRENT
    known = {step.revision for step in script.walk_revisions()}
    return Schema.OLDER if revision in known else Schema.NEWER


def upgrade(database: Database) -> None:
    """Bring the schema to that of this program: all of it, or nothing.

    Of several who upgrade at once, one does, and the others find it done.
    """
    engine = _engine(database)
    if database.path is not None:
        database.reader()  # makes the file with its mode and its journal
        _begin_by_hand(engine)
    with engine.begin() as connection:
        if database.path is None:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_UPGRADING})"))
        command.upgrade(_config(connection), "head")


def head() -> str:
    """The revision of the schema of this program."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def is_known(revision: str) -> bool:
    """Whether this program can bring a schema of *revision* to its own."""
    script = ScriptDirectory.from_config(_config())
    return revision in {step.revision for step in script.walk_revisions()}


def found(
    database: Database,
    revision: str,
    fill: Callable[[Transaction, frozenset[str]], None],
    prove: Callable[[Transaction], None],
) -> None:
    """Make the tables of *revision*, fill them, bring them to this program's schema.

    *fill* is told which tables there are; *prove* looks at the end and raises what is
    wrong.  All of it, or nothing; raises NotEmpty where tables are.  The file of a
    SQLite database is the caller's to make.
    """
    engine = _engine(database)
    if database.path is not None:
        _begin_by_hand(engine)
    with engine.begin() as connection:
        if database.path is None:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_UPGRADING})"))
        else:
            connection.exec_driver_sql(_MUCH_MEMORY)
        if inspect(connection).get_table_names():
            raise NotEmpty
        tx = Transaction(database, connection.connection.driver_connection)
        command.upgrade(_config(connection), revision)
        made = frozenset(inspect(connection).get_table_names())
        fill(tx, made - {"alembic_version"})
        command.upgrade(_config(connection), "head")
        prove(tx)


def _begin_by_hand(engine: Engine) -> None:
    """Begin before the first statement; Python's driver waits for the first INSERT."""

    @event.listens_for(engine, "connect")
    def _(raw: sqlite3.Connection, _: object) -> None:
        raw.isolation_level = None

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def back_up(path: Path, to: Path) -> None:
    """Copy a SQLite database, consistently, while others write to it."""
    os.close(os.open(to, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    to.chmod(0o600)  # before anything is in it; there may have been a file
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(to)) as copy:
        source.backup(copy)


def damage(database: Database) -> list[str]:
    """What a check of the database file finds; empty when all is well."""
    if database.path is None:
        return []
    with closing(sqlite3.connect(database.path)) as raw:
        rows = raw.execute("PRAGMA integrity_check").fetchall()
        broken = raw.execute("PRAGMA foreign_key_check").fetchall()
    found = [str(row[0]) for row in rows if row[0] != "ok"]
    return found + [f"{row[0]} row {row[1]} points at no {row[2]}" for row in broken]
