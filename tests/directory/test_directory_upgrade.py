"""Migrations, the state of a schema, and copies of a database."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import orjson
import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect, select, text
from sqlalchemy.pool import NullPool

from scim_connector.directory import (
    audit,
    counters,
    pruning,
    seals,
    triggers,
    upgrade,
)
from scim_connector.directory.constraints import ConstraintBroken
from scim_connector.directory.database import Database, DatabaseUnavailable
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import audit_events, metadata
from scim_connector.directory.upgrade import Schema
from scim_connector.rules.actors import Actor
from scim_connector.rules.events import Event
from tests import postgres
from tests.house import patch_of, person, provider

_POSTGRES_CATALOG = (
    "SELECT table_name, column_name, ordinal_position, column_default, is_nullable,"
    " data_type, character_maximum_length, collation_name"
    " FROM information_schema.columns WHERE table_schema = 'public'",
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)"
    " FROM pg_constraint WHERE connamespace = 'public'::regnamespace",
    "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "SELECT obj_description(oid) FROM pg_class WHERE relkind = 'r'"
    " AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'",
)


def _engine(database: Database) -> Engine:
    url = database.url
    if database.dialect == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    return create_engine(url, poolclass=NullPool)


@pytest.fixture(params=["sqlite", "postgresql"])
def bare(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without any table."""
    if request.param == "sqlite":
        made = Database(f"sqlite:///{tmp_path}/bare.db")
        yield made
        made.close()
        return
    server: postgres.Postgres = request.getfixturevalue("postgres_server")
    name = f"scim_connector_{os.getpid()}_{tmp_path.name}"
    made = Database(server.create(name))
    yield made
    made.close()
    server.drop(name)


def _catalog(database: Database) -> list[list[str]]:
    """Everything the database knows of its tables, in its own words."""
    if database.path is not None:
        with closing(sqlite3.connect(database.path)) as raw:
            rows = raw.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
        return [sorted(_plain(row) for row in rows if "alembic" not in row[1])]
    url = database.url.render_as_string(hide_password=False)
    with psycopg.connect(url) as raw:
        return [
            sorted(str(r) for r in raw.execute(query) if "alembic" not in str(r))
            for query in _POSTGRES_CATALOG
        ]


def _plain(row: tuple[str, str, str | None]) -> str:
    """One statement, its parts in order: alembic writes some later than we do.

    SQLite quotes the name of a table that was made anew to be changed.
    """
    plain = (row[2] or "").replace(",", " ").replace('"', "")
    return f"{row[0]} {row[1]} {sorted(plain.split())}"


def test_the_migrations_make_what_tables_says_to_the_letter(bare: Database) -> None:
    """Columns, defaults, checks, keys, indexes, collations and triggers are the same.

    Alembic's own comparison knows nothing of checks, server defaults and triggers.
    """
    upgrade.upgrade(bare)
    migrated = _catalog(bare)
    with _engine(bare).begin() as connection:
        if bare.dialect == "postgresql":
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    bare.close()
    if bare.path is not None:
        bare.path.unlink()
    with _engine(bare).begin() as connection:
        metadata.create_all(connection)
        made = (*triggers.TRIGGERS[bare.dialect], *triggers.AUDIT[bare.dialect])
        for trigger in made:
            connection.exec_driver_sql(trigger.replace("%", "%%"))

    assert _catalog(bare) == migrated


def test_an_upgrade_that_fails_leaves_nothing(
    bare: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step that fails takes the others with it; the next upgrade begins anew."""
    with monkeypatch.context() as patched:
        broken = [*triggers.TRIGGERS[bare.dialect], "CREATE NONSENSE"]
        patched.setitem(triggers.TRIGGERS, bare.dialect, broken)  # type: ignore[arg-type]
        with pytest.raises(Exception, match="NONSENSE"):
            upgrade.upgrade(bare)

    assert upgrade.schema(bare) is Schema.EMPTY
    upgrade.upgrade(bare)
    assert upgrade.schema(bare) is Schema.CURRENT


#: What refused every deletion before there was pruning.
_OLD_TRIGGER = {
    "sqlite": "CREATE TRIGGER audit_events_delete BEFORE DELETE ON audit_events"
    " BEGIN SELECT RAISE(ABORT, 'audit is append only'); END",
    "postgresql": "CREATE TRIGGER audit_events_delete BEFORE DELETE ON audit_events"
    " FOR EACH ROW EXECUTE FUNCTION refuse('audit is append only')",
}


def test_an_older_record_of_audit_is_pruned_too(bare: Database) -> None:
    """Its trigger gives way to the one that knows the boundary; its seals hold."""
    before_pruning = "0007"
    with _engine(bare).begin() as connection:
        command.upgrade(upgrade._config(connection), before_pruning)
        connection.exec_driver_sql(_OLD_TRIGGER[bare.dialect])
        connection.execute(
            text(
                "INSERT INTO audit_events (at, name, actor, facts)"
                " VALUES (1, 'user:held', 'cli:ann', '{}')"
            )
        )
    upgrade.upgrade(bare)
    seals.seal(bare, now=2)
    gone = Statement(text("DELETE FROM audit_events"))
    with pytest.raises(ConstraintBroken):
        bare.write(lambda tx: tx.run(gone))

    days = 2 * pruning.STEP
    bare.write(lambda tx: pruning.move_boundary(tx, before=days, now=days))
    bare.write(pruning.drop_events)
    seals.seal(bare, now=days)

    assert list(seals.findings(bare.reader())) == []
    assert [event.name for event in audit.after(bare.reader(), 0)] == ["audit:pruned"]


def test_migrations_only_add(bare: Database) -> None:
    """Whatever the version before reads and writes stays as it is, and suffices.

    So its processes go on beside the new schema (see test_wiring_previous).
    """
    before: dict[str, dict[str, tuple[str, bool]]] = {}
    for revision in _revisions():
        with _engine(bare).begin() as connection:
            command.upgrade(upgrade._config(connection), revision)
            found = inspect(connection)
            after = {t: found.get_columns(t) for t in found.get_table_names()}
        for table, columns in before.items():
            present = {c["name"]: (str(c["type"]), c["nullable"]) for c in after[table]}
            assert columns.items() <= present.items(), (revision, table)
            added = [c for c in after[table] if c["name"] not in columns]
            assert all(c["nullable"] or c["default"] for c in added), (revision, table)
        before = {
            table: {c["name"]: (str(c["type"]), c["nullable"]) for c in columns}
            for table, columns in after.items()
        }


def _revisions() -> list[str]:
    """The revisions from the one on from which this is promised, the first first."""
    script = ScriptDirectory.from_config(upgrade._config())
    every = [each.revision for each in script.walk_revisions()]
    return sorted(each for each in every if each >= "0006")


def test_a_seal_of_an_older_process_holds(database: Database) -> None:
    """It knows no digest: what it sealed while an upgrade went on is as it was written."""
    event = Event(
        "user:email:changed", {"before": "a@b.example", "after": "c@d.example"}
    )
    actor = Actor.operator("ann")
    for _ in range(2):
        database.write(lambda tx: audit.record(tx, [event], at=1, actor=actor))
    names = (
        *("id", "at", "name", "actor"),
        *("connection_id", "user_id", "request_id", "facts"),
    )
    columns = [audit_events.c[name] for name in names]
    kept = Statement(select(*columns).order_by(audit_events.c.id))
    rows = database.reader().rows(kept)
    previous = "0" * 64
    for row in rows:
        sealed = dict(zip(names, row, strict=True))
        line = orjson.dumps(sealed) + b"\n"
        hashed = sha256(previous.encode() + line).hexdigest()
        values = {"first": row[0], "hash": hashed, "previous": previous}
        database.write(lambda tx, v=values: tx.run(_OLD_SEAL, **v))
        previous = hashed

    assert len(rows) == 2
    assert list(seals.findings(database.reader())) == []


_OLD_SEAL = Statement(
    text(
        "INSERT INTO audit_seals"
        " (first_event, last_event, count, hash, previous, sealed_at)"
        " VALUES (:first, :first, 1, :hash, :previous, 3)"
    )
)


def test_many_upgrade_at_once(bare: Database) -> None:
    """One does it, the others find it done."""

    def run(_: int) -> Schema:
        database = Database(bare.url.render_as_string(hide_password=False))
        upgrade.upgrade(database)
        state = upgrade.schema(database)
        database.close()
        return state

    with ThreadPoolExecutor(3) as pool:
        assert set(pool.map(run, range(3))) == {Schema.CURRENT}


_COPIES = """
import os, stat, sys
from pathlib import Path
from scim_connector.directory import upgrade

source, copy = map(Path, sys.argv[1:])
def look(event, arguments):
    if event == "sqlite3.connect" and Path(arguments[0]) == copy:
        print(oct(stat.S_IMODE(copy.stat().st_mode)))
sys.addaudithook(look)
os.umask(0)
upgrade.back_up(source, copy)
"""


@pytest.mark.parametrize("there_before", [False, True])
def test_a_copy_is_private_before_anything_is_in_it(
    tmp_path: Path, there_before: bool
) -> None:
    """Nobody else can read the copy while it is being written (0600)."""
    path, copy = tmp_path / "x.db", tmp_path / "copy.db"
    database = Database(f"sqlite:///{path}")
    database.reader()
    database.close()
    if there_before:
        copy.touch(0o644)

    done = subprocess.run(
        [sys.executable, "-c", _COPIES, path, copy],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )

    assert done.stdout == "0o600\n"


def test_a_damaged_file_is_found(tmp_path: Path) -> None:
    """A row that points at nothing is told with its table; PostgreSQL has its own."""
    path = tmp_path / "x.db"
    database = Database(f"sqlite:///{path}")
    upgrade.upgrade(database)
    assert upgrade.damage(database) == []
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("INSERT INTO link_emails VALUES (7, 0, 1, 'a')")

    (finding,) = upgrade.damage(database)

    database.close()
    assert "link_emails" in finding
    assert upgrade.damage(Database("postgresql://nobody@127.0.0.1:1/x")) == []


def test_the_migrations_make_the_tables(database: Database) -> None:
    """Upgrading from nothing gives exactly the tables of tables.py."""
    with _engine(database).connect() as connection:
        context = MigrationContext.configure(connection)
        differences = compare_metadata(context, metadata)

    # The comparison does not know that an index may be of one database alone.
    here = {"sqlite": [], "postgresql": ["ix_users_words"]}[database.dialect]
    assert [each[1].name for each in differences] == here


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
    made = [str(entra.post(person(f"user{n}@contoso.com")).id) for n in range(6)]
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
    for name in ("é", "a", "B", "\uffff", "\U0001f600"):
        database.write(
            lambda tx, n=name: tx.run(
                Statement(text("INSERT INTO name_counters VALUES ('x', :base, 1)")),
                base=n,
            )
        )

    order = database.reader().rows(
        Statement(text("SELECT base FROM name_counters ORDER BY base"))
    )

    assert [base for (base,) in order] == ["B", "a", "é", "\uffff", "\U0001f600"]
