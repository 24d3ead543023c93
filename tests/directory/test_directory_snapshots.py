"""A database held still: nobody writes, everybody reads."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from time import monotonic

import pytest

from scim_connector.directory import installation, snapshots
from scim_connector.directory.database import Database, Transaction
from scim_connector.directory.locking import BeingCopied, DatabaseBusy


def _another(database: Database) -> Database:
    """The same database, as another process has it."""
    url = database.url.render_as_string(hide_password=False)
    return Database(url, lock_timeout=0.3)


def _write(tx: Transaction) -> None:
    installation.write(tx, "test", "written")


def test_whoever_has_looked_is_refused_at_once(database: Database) -> None:
    """Writers do not wait, readers are answered, and afterwards all is as before."""
    other = _another(database)
    with snapshots.still(database, notice=0):
        told = snapshots.look(other)
        began = monotonic()
        with pytest.raises(BeingCopied):
            other.write(_write)
        took = monotonic() - began
        read = installation.read(other.reader(), "test")
    after = snapshots.look(other)
    other.write(_write)
    written = installation.read(other.reader(), "test")
    other.close()

    assert (told, after) == (True, False)
    assert took < 0.1
    assert (read, written) == (None, "written")


def test_whoever_has_not_looked_writes_nothing(database: Database) -> None:
    """They wait as long as they may, and are told that it is busy."""
    other = _another(database)
    with snapshots.still(database, notice=0) as tx:
        with pytest.raises(DatabaseBusy):
            other.write(_write)
        seen = installation.read(tx, "test")
    other.close()

    assert seen is None


def test_a_writer_that_was_first_is_in_it(database: Database) -> None:
    """It waits for who is writing, and sees what they wrote."""
    other = _another(database)

    def slow(tx: Transaction) -> None:
        _write(tx)
        holding.set_result(None)
        assert not started.result(5)

    with ThreadPoolExecutor(1) as pool:
        holding: Future[None] = Future()
        started: Future[None] = Future()
        writing = pool.submit(other.write, slow)
        holding.result(5)
        started.set_result(None)
        with snapshots.still(database, notice=0) as tx:
            seen = installation.read(tx, "test")
        writing.result(5)
    other.close()

    assert seen == "written"


def test_two_copies_at_once_are_one_too_many(database: Database) -> None:
    """The second is told to try again; the first goes on."""
    other = _another(database)
    with (
        snapshots.still(database, notice=0) as tx,
        pytest.raises(DatabaseBusy),
        snapshots.still(other, notice=0),
    ):
        pass
    other.close()

    assert tx.raw is not None
    assert not snapshots.look(database)
