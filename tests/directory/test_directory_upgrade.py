"""Migrations, the state of a schema, and copies of a database."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

from scim_connector.directory import counters, upgrade
from scim_connector.directory.database import Database, DatabaseUnavailable
from scim_connector.directory.tables import metadata
from scim_connector.directory.upgrade import Schema
from tests.house import patch_of, person, provider


def test_the_migrations_make_the_tables(database: Database) -> None:
    """Upgrading from nothing gives exactly the tables of tables.py."""
    url = database.url
    if database.dialect == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        differences = compare_metadata(context, metadata)
    engine.dispose()

    assert differences == []


def test_a_schema_is_recognised(tmp_path: Path) -> None:
    """Empty, current, newer and foreign databases are told apart."""
    path = tmp_path / "x.db"
    database = Database(f"sqlite:///{path}")
    states = [upgrade.schema(database)]
    upgrade.upgrade(database)
    states.append(upgrade.schema(database))
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    states.append(upgrade.schema(database))
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("DROP TABLE alembic_version")
    states.append(upgrade.schema(database))
    database.close()

    assert states == [Schema.EMPTY, Schema.CURRENT, Schema.NEWER, Schema.FOREIGN]


def test_garbage_is_no_database(tmp_path: Path) -> None:
    """A file that is no database is unavailable, and stays as it is."""
    path = tmp_path / "x.db"
    path.write_bytes(b"not a database" * 100)

    with pytest.raises(DatabaseUnavailable):
        upgrade.schema(Database(f"sqlite:///{path}"))

    assert path.read_bytes() == b"not a database" * 100


def test_a_copy_is_whole_while_others_write(tmp_path: Path) -> None:
    """The online copy of a database in use is sound and private (0600)."""
    path, copy = tmp_path / "x.db", tmp_path / "copy.db"
    database = Database(f"sqlite:///{path}")
    upgrade.upgrade(database)
    entra = provider(database)
    entra.post(person("kim.doe@contoso.com"))

    upgrade.back_up(path, copy)
    entra.post(person("later@contoso.com"))

    restored = Database(f"sqlite:///{copy}")
    assert upgrade.damage(restored) == []
    assert counters.totals(restored.reader(), entra.connection.id) == (1, 1)
    assert copy.stat().st_mode & 0o777 == 0o600
    assert path.stat().st_mode & 0o777 == 0o600
    restored.close()
    database.close()


def test_the_counters_tell_the_truth(database: Database) -> None:
    """After creates, deactivations, returns and removals the counts are right (D42)."""
    entra = provider(database)
    made = [str(entra.post(person(f"user{n}@contoso.com")).link_id) for n in range(6)]
    entra.patch(made[0], patch_of(active=False))
    entra.patch(made[1], patch_of(active=False))
    entra.patch(made[1], patch_of(active=True))
    entra.delete(made[2])
    entra.delete(made[0])

    reader = database.reader()
    assert counters.totals(reader, entra.connection.id) == (4, 4)
    assert counters.wrong(reader) == []
    if counters.is_crowded(reader):
        database.write(counters.fold)
    assert counters.totals(database.reader(), entra.connection.id) == (4, 4)
    assert not counters.is_crowded(database.reader())


def test_text_is_ordered_by_code_point(database: Database) -> None:
    """Upper case before lower case on both databases: order is by code point (D40)."""
    if database.dialect == "sqlite":
        return
    engine = create_engine(database.url.set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        order = connection.execute(
            text(
                "SELECT collation_name FROM information_schema.columns"
                " WHERE table_name = 'links' AND column_name = 'user_name_key'"
            )
        ).scalar()
    engine.dispose()

    assert order == "C"
