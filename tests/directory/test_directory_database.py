"""Statements and connections: what performance.md §2.5 warns of, and what may fail."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from time import monotonic

import pytest
from sqlalchemy import bindparam, insert, select, text
from sqlalchemy.exc import ArgumentError

from scim_connector.directory import installation, links, roles, users
from scim_connector.directory.constraints import ConstraintBroken
from scim_connector.directory.database import (
    TRIES,
    Database,
    DatabaseUnavailable,
    LostRace,
    StatementTimeout,
    Transaction,
)
from scim_connector.directory.locking import DatabaseBusy
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import roles as roles_table
from scim_connector.rules.users import Draft

#: Works for about a minute unless it is stopped.
_ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
    " WHERE i < 1000000000) SELECT count(*) FROM n",
    "postgresql": "SELECT pg_sleep(60)",
}


def _sql(words: str) -> Statement:
    return Statement(text(words))


def _add(tx: Transaction, name: str) -> users.User:
    draft = Draft(name, name[0] + name[-2:], f"{name}@x.example")
    return users.add(tx, draft, {}, trusted=True, now=1)


def _url(database: Database) -> str:
    return database.url.render_as_string(hide_password=False)


# ----------------------------------------------------------------------- statements


def test_a_percent_sign_is_only_itself(database: Database) -> None:
    """LIKE patterns and literals reach both drivers as they were written."""
    found = database.reader().value(_sql("SELECT '50%' WHERE 'xay' LIKE '%a%'"))
    with_value = select(text("'50%'")).where(bindparam("given") == "q")

    assert found == "50%"
    assert database.reader().value(Statement(with_value), given="q") == "50%"


def test_an_insert_leaves_the_number_to_the_database(database: Database) -> None:
    """Without column names an INSERT would name the counting column (hazard 2)."""
    named = Statement(
        insert(roles_table).returning(roles_table.c.id), ("name", "name_key")
    )

    ids = [
        database.write(lambda tx, n=n: tx.insert(named, name=n, name_key=n))
        for n in ("one", "two")
    ]

    assert ids[1] == ids[0] + 1
    assert "VALUES (:name, :name_key)" in named.sql("sqlite")


def test_a_statement_is_compiled_once() -> None:
    """The second use takes the text of the first; a constant may be overridden."""
    statement = Statement(select(roles_table.c.id).where(roles_table.c.name == "Staff"))

    assert statement.sql("sqlite") is statement.sql("sqlite")
    assert statement.bound("sqlite", {})[1] == {"name_1": "Staff"}
    assert statement.bound("sqlite", {"name_1": "Other"})[1] == {"name_1": "Other"}


# ---------------------------------------------------------------------- connections


def test_nothing_is_opened_before_it_is_used(tmp_path: Path) -> None:
    """A Database may be built before a fork: no file, no connection (D44)."""
    database = Database(f"sqlite:///{tmp_path}/x.db")

    assert list(tmp_path.iterdir()) == []
    database.write(lambda tx: None)
    modes = {p.name: p.stat().st_mode & 0o777 for p in tmp_path.iterdir()}
    database.close()
    assert {modes["x.db"], modes["x.db.lock"]} == {0o600}


def test_sqlite_is_set_up_to_be_safe(tmp_path: Path) -> None:
    """WAL, FULL, foreign keys and an untrusted schema on each connection (D5)."""
    database = Database(f"sqlite:///{tmp_path}/x.db", lock_timeout=2.5)
    reader = database.reader()
    expected = {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "trusted_schema": 0,
        "busy_timeout": 2500,
    }

    found = {name: reader.value(_sql(f"PRAGMA {name}")) for name in expected}

    database.close()
    assert found == expected


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://x/y"])
def test_another_database_is_refused_in_words(url: str) -> None:
    """Memory and unknown kinds are refused before anything is opened."""
    with pytest.raises(DatabaseUnavailable, match="sqlite"):
        Database(url)


def test_a_text_that_is_no_url_is_no_database() -> None:
    """SQLAlchemy says what it could not parse."""
    with pytest.raises(ArgumentError):
        Database("scim.db")


def test_a_reader_holds_no_transaction_open(database: Database) -> None:
    """Reads see what others wrote meanwhile, and hold nothing back (hazard 1)."""
    other = Database(_url(database))
    reader = database.reader()
    assert reader.value(_sql("SELECT count(*) FROM users")) == 0

    other.write(lambda tx: [_add(tx, f"person0{n}") for n in range(3)])

    assert reader.row(_sql("SELECT id FROM users ORDER BY id")) is not None
    assert reader.value(_sql("SELECT count(*) FROM users")) == 3
    if database.dialect == "sqlite":
        blocked, *_ = other.reader().rows(_sql("PRAGMA wal_checkpoint(TRUNCATE)"))[0]
        assert blocked == 0
    else:
        idle = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%'"
        assert other.reader().value(_sql(idle)) == 0
    other.close()


def test_a_thread_that_ends_leaves_nothing_open(database: Database) -> None:
    """Connections and lock files are closed with their thread."""

    def use() -> None:
        thread = threading.Thread(target=lambda: database.write(lambda tx: None))
        thread.start()
        thread.join()

    use()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        use()

    assert len(os.listdir("/proc/self/fd")) <= before


def test_a_closed_database_can_be_used_again(database: Database) -> None:
    """Closing ends what is open; the next use opens anew."""
    database.write(lambda tx: _add(tx, "person"))
    database.close()
    database.close()

    assert users.by_username_key(database.reader(), "person") is not None


_FORKS = """
import os, sys
from scim_connector.directory import installation
from scim_connector.directory.database import Database

database = Database(sys.argv[1])
database.write(lambda tx: installation.write(tx, "from", "parent"))
child = os.fork()
if not child:
    database.close()
    for number in range(20):
        database.write(lambda tx: installation.write(tx, "child", str(number)))
    database.close()
    os._exit(0)
for number in range(20):
    database.write(lambda tx: installation.write(tx, "parent", str(number)))
assert os.waitpid(child, 0)[1] == 0
print(*(installation.read(database.reader(), n) for n in ("from", "parent", "child")))
"""


def test_a_fork_may_use_and_close_without_harm(database: Database) -> None:
    """After a fork the child opens its own, and ends nothing of the parent (D44)."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _FORKS, _url(database)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert (done.stdout.split(), done.stderr) == (["parent", "19", "19"], "")


# -------------------------------------------------------------------------- failures


def _end_connections(database: Database) -> None:
    """Do what a restarted server does to those who are connected."""
    other = Database(_url(database))
    other.reader().rows(
        _sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    )
    other.close()


def test_an_ended_connection_is_opened_anew(database: Database) -> None:
    """After a restart of PostgreSQL neither read nor write fails for ever, or once."""
    if database.dialect == "sqlite":
        return
    reader = database.reader()
    reader.rows(_sql("SELECT 1"))
    _end_connections(database)
    assert reader.value(_sql("SELECT 7")) == 7

    _end_connections(database)
    database.write(lambda tx: _add(tx, "person"))

    assert users.by_username_key(reader, "person") is not None


def test_a_connection_that_ends_in_a_transaction_takes_all_of_it(
    database: Database,
) -> None:
    """Half a transaction is never carried on by another connection."""
    if database.dialect == "sqlite":
        return

    def work(tx: Transaction) -> None:
        _add(tx, "first")
        _end_connections(database)
        _add(tx, "second")

    with pytest.raises(DatabaseUnavailable):
        database.write(work)

    reader = database.reader()
    assert users.by_username_key(reader, "first") is None
    assert users.by_username_key(reader, "second") is None


def test_a_statement_past_its_deadline_is_stopped(database: Database) -> None:
    """The deadline ends a statement; nothing of its transaction stays (D32)."""
    hasty = Database(_url(database), statement_timeout=0.2)

    def work(tx: Transaction) -> None:
        _add(tx, "person")
        tx.rows(_sql(_ENDLESS[tx.dialect]))

    started = monotonic()
    with pytest.raises(StatementTimeout):
        hasty.write(work)
    with pytest.raises(StatementTimeout):
        hasty.reader().rows(_sql(_ENDLESS[hasty.dialect]))

    assert monotonic() - started < 5
    assert users.by_username_key(hasty.reader(), "person") is None
    hasty.close()


def test_an_unreachable_server_is_unavailable() -> None:
    """Nobody listens: one sentence at the first use, not a driver's traceback."""
    database = Database("postgresql://nobody@127.0.0.1:1/none")

    with pytest.raises(DatabaseUnavailable, match="refused"):
        database.reader()


def test_our_own_mistake_is_not_called_unavailable(database: Database) -> None:
    """A missing value is a bug to be seen, not a 503 to be retried."""
    nameless = Statement(
        select(roles_table.c.id).where(roles_table.c.id == bindparam("of_id"))
    )

    with pytest.raises(Exception, match="of_id") as mistake:
        database.reader().rows(nameless)

    assert not isinstance(mistake.value, DatabaseUnavailable)


def test_nul_in_an_id_finds_nobody(database: Database) -> None:
    """PostgreSQL refuses NUL in text; an id that holds one is simply not there."""
    reader = database.reader()

    assert links.by_id(reader, 1, "a\0b") is None
    assert links.served(reader, 1, "a\0b") is None


def test_a_write_within_a_write_is_refused(database: Database) -> None:
    """It could not be rolled back with the outer one, which goes on undisturbed."""

    def outer(tx: Transaction) -> None:
        _add(tx, "outer")
        with pytest.raises(RuntimeError, match="within a write"):
            database.write(lambda inner: _add(inner, "inner"))
        _add(tx, "after")
        raise KeyError

    with pytest.raises(KeyError):
        database.write(outer)

    reader = database.reader()
    found = [users.by_username_key(reader, n) for n in ("outer", "inner", "after")]
    assert found == [None] * 3


def test_a_lost_race_is_run_again_so_often(database: Database) -> None:
    """Whoever loses starts anew, and is told that the house is busy in the end."""
    tries = []

    def work(tx: Transaction) -> int:
        tries.append(_add(tx, "person").id)
        if len(tries) < 3:
            raise LostRace
        return len(tries)

    assert database.write(work) == 3
    assert users.by_username_key(database.reader(), "person") is not None

    def unlucky(_: Transaction) -> None:
        tries.append(0)
        raise LostRace

    with pytest.raises(DatabaseBusy):
        database.write(unlucky)
    assert tries.count(0) == TRIES


def test_what_no_race_explains_is_tried_once(database: Database) -> None:
    """A broken CHECK stays broken however often it is tried."""
    tries = []

    def work(tx: Transaction) -> None:
        tries.append(1)
        users.change(tx, _add(tx, "person").id, {"initials": "too many"})

    with pytest.raises(ConstraintBroken) as broken:
        database.write(work)

    assert broken.value.name == "ck_users_initials"
    assert len(tries) == 1


def test_an_interrupted_write_leaves_nothing(database: Database) -> None:
    """Ctrl-C in the middle rolls back and frees the lock."""

    def work(tx: Transaction) -> None:
        _add(tx, "person")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        database.write(work)

    assert users.by_username_key(database.reader(), "person") is None
    database.write(lambda tx: roles.add(tx, "Staff"))


def test_a_batch_is_written_whole_or_not_at_all(database: Database) -> None:
    """One bad row of many takes the others with it."""
    add = Statement(insert(roles_table), ("name", "name_key"))
    rows = [{"name": n, "name_key": n} for n in ("one", "two", "one")]

    with pytest.raises(ConstraintBroken) as broken:
        database.write(lambda tx: tx.run_each(add, rows))
    database.write(lambda tx: tx.run_each(add, []))

    assert broken.value.name == "role"
    assert roles.every(database.reader()) == []


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    """The sentence has the path, for whoever mistyped it."""
    database = Database(f"sqlite:///{tmp_path}/missing/x.db")

    with pytest.raises(DatabaseUnavailable, match="missing"):
        database.reader()


def test_a_locked_file_is_busy(tmp_path: Path) -> None:
    """A foreign program that holds the file makes us busy, not broken."""
    path = tmp_path / "x.db"
    database = Database(f"sqlite:///{path}", lock_timeout=0.05)
    database.write(lambda tx: tx.run(_sql("CREATE TABLE t (a)")))
    with closing(sqlite3.connect(path, isolation_level=None)) as foreign:
        foreign.execute("BEGIN IMMEDIATE")

        with pytest.raises(DatabaseBusy):
            database.write(lambda tx: None)

    database.write(lambda tx: None)
    database.close()


def test_facts_of_the_installation_are_kept(database: Database) -> None:
    """A fact is written, overwritten and read back; an unknown one is None."""
    for value in ("first", "second"):
        database.write(
            lambda tx, value=value: installation.write(
                tx, installation.KEY_CHECK, value
            )
        )

    reader = database.reader()
    assert installation.read(reader, installation.KEY_CHECK) == "second"
    assert installation.read(reader, "other") is None
