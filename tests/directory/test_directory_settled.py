"""Numbers are not given in the order of commits: what is sealed leaves nobody behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from scim_connector.directory import audit, installation, seals, settled
from scim_connector.directory.database import Database, Transaction
from scim_connector.directory.statements import Statement
from scim_connector.rules.actors import Actor
from scim_connector.rules.events import Event
from tests import postgres

_NUMBERED = Statement(text("SELECT pg_current_xact_id()::text"))


#: On SQLite there is one writer at a time.
pytestmark = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


def _record(tx: Transaction, at: int = 1) -> None:
    event = Event("user:created", {"type": "person"})
    audit.record(tx, [event], at=at, actor=Actor.operator("test"))


def _begun(database: Database) -> Transaction:
    """A transaction with its number; it ends by COMMIT or ROLLBACK."""
    tx = database.apart()
    tx.raw.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    tx.value(_NUMBERED)
    return tx


@contextmanager
def _running(database: Database) -> Iterator[Transaction]:
    tx = _begun(database)
    yield tx
    tx.raw.execute("COMMIT")
    tx.raw.close()


def _gap(database: Database) -> None:
    """A number that nobody will ever have, and an event behind it."""
    database.preview(_record)
    database.write(_record)


def _findings(database: Database) -> list[str]:
    return list(seals.findings(database.reader()))


def test_an_older_transaction_with_a_later_number(database: Database) -> None:
    """Who began first and recorded last waits for who has the number before theirs."""
    older = _begun(database)
    with _running(database) as younger:
        _record(younger)
        _record(older)
        older.raw.execute("COMMIT")
        older.raw.close()
        early = seals.seal(database, now=2)
    later = seals.seal(database, now=3)

    assert (early, later) == (0, 2)
    assert _findings(database) == []


def test_numbers_without_a_gap_wait_for_nobody(database: Database) -> None:
    """What stands in a row is sealed while somebody writes for long."""
    with _running(database):
        database.write(_record)
        database.write(_record)
        assert seals.seal(database, now=2) == 2


def test_a_gap_waits_for_whoever_ran_when_it_was_seen(database: Database) -> None:
    """And for nobody who began later, or a busy house would never seal."""
    with _running(database):
        _gap(database)
        waits = seals.seal(database, now=2), seals.seal(database, now=3)
        other = _begun(database)
    _gap(database)
    then = seals.seal(database, now=4)
    other.raw.execute("COMMIT")
    other.raw.close()

    assert waits == (0, 0)
    assert then == 1
    assert seals.seal(database, now=5) == 1
    assert _findings(database) == []


def test_what_stands_before_a_gap_is_sealed(database: Database) -> None:
    """A gap holds back only what stands behind it."""
    with _running(database):
        database.write(_record)
        _gap(database)
        assert seals.seal(database, now=2) == 1


def test_another_database_is_not_waited_for(
    database: Database, postgres_server: postgres.Postgres
) -> None:
    """A long transaction of another database on the same server holds nothing back."""
    url = postgres_server.create("settled_elsewhere")
    with psycopg.connect(url) as elsewhere:
        elsewhere.execute("SELECT pg_current_xact_id()")
        _gap(database)
        sealed = seals.seal(database, now=2)
    postgres_server.drop("settled_elsewhere")

    assert sealed == 1


def test_a_role_without_rights_sees_who_runs(database: Database) -> None:
    """The transactions of other roles count for one that may read no statistics."""
    database.write(_record)
    with _running(database):
        mine = settled.look(database.reader())
        url = database.url.render_as_string(hide_password=False)
        with psycopg.connect(url) as plain:
            plain.execute("CREATE ROLE settled_plain; SET ROLE settled_plain")
            sql, _ = settled._RUNNING.bound("postgresql", {})
            row = plain.execute(sql).fetchone()
            plain.rollback()

    assert mine.oldest < mine.next
    assert row is not None
    assert row[1] == mine.oldest


def test_a_number_from_another_server_is_forgotten(database: Database) -> None:
    """What was seen before a restore elsewhere would never come true there."""
    far = f"9 {2**62}"
    database.write(lambda tx: installation.write(tx, settled.SEEN, far))
    with _running(database):
        _gap(database)
        early = seals.seal(database, now=2)
        other = _begun(database)
    then = seals.seal(database, now=3)
    other.raw.execute("COMMIT")
    other.raw.close()

    assert (early, then) == (0, 1)


class _Writers:
    """Some who begin, record, commit and roll back in any order, and a sealer."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.running: dict[int, Transaction] = {}
        self.committed = 0
        self.sealed = 0
        self.recorded = [0, 0, 0]

    def do(self, who: int, what: str) -> None:
        if what == "seal":
            self.sealed += seals.seal(self.database, now=2)
        elif what == "record":
            if who not in self.running:
                self.running[who] = _begun(self.database)
            _record(self.running[who])
            self.recorded[who] += 1
        elif who in self.running:
            self.end(who, what)

    def end(self, who: int, what: str) -> None:
        tx = self.running.pop(who)
        tx.raw.execute(what)
        tx.raw.close()
        self.committed += self.recorded[who] if what == "COMMIT" else 0
        self.recorded[who] = 0

    def end_all(self) -> None:
        for who in list(self.running):
            self.end(who, "COMMIT")
        self.do(0, "seal")


_STEPS = st.lists(
    st.tuples(
        st.integers(0, 2), st.sampled_from(["record", "COMMIT", "ROLLBACK", "seal"])
    ),
    min_size=12,
    max_size=40,
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=_STEPS)
def test_every_order_makes_a_sound_chain(
    database: Database, steps: list[tuple[int, str]]
) -> None:
    """However three writers and a sealer take turns, each event is in one seal."""
    writers = _Writers(database)
    for who, what in steps:
        writers.do(who, what)
    writers.end_all()

    assert writers.sealed == writers.committed
    assert not seals.has_unsealed(database.reader())
    assert _findings(database) == []
