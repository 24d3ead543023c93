"""One state of the whole database, read for as long as it takes.

A snapshot lets others write on.  A database that is held still lets them read on: who
writes is refused at once, because whoever waited would hold a thread that readers need.
So it is announced first, every process looks once a second (:func:`look`), and only
then the lock is taken.  The kernel, or the server, ends both with their owner.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Final

from sqlalchemy import select, text

from scim_connector.directory.failures import translated
from scim_connector.directory.locking import DatabaseBusy, WriterLock
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import installation, metadata

if TYPE_CHECKING:
    from scim_connector.directory.database import Database, Transaction

#: Every process has looked after so many seconds; it looks each second.
NOTICE_SECONDS: Final = 2.0
#: So long a second copy waits for those who only look.
_PATIENCE: Final = 1.0
#: The advisory lock of PostgreSQL that announces a copy; any fixed number does.
_ANNOUNCED: Final = 76_437_645

_READ = {
    "sqlite": "BEGIN",
    "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
}
_FIRST = Statement(select(installation.c.name).limit(1))
_ANNOUNCE = Statement(text(f"SELECT pg_try_advisory_xact_lock({_ANNOUNCED})"))
_IS_ANNOUNCED = Statement(
    text(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"  # noqa: S608
        f" AND classid = 0 AND objid = {_ANNOUNCED} AND database ="
        " (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
)


@contextmanager
def snapshot(database: Database) -> Iterator[Transaction]:
    """Read one state of the database; others go on writing, unseen."""
    with _begun(database, _READ[database.dialect]) as tx:
        tx.row(_FIRST)  # the state is that of the first read
        yield tx


@contextmanager
def still(
    database: Database, *, notice: float = NOTICE_SECONDS
) -> Iterator[Transaction]:
    """Read a database in which nobody writes; raises DatabaseBusy, changes nothing."""
    hold = _still_file if database.path is not None else _still_server
    with hold(database, notice) as tx:
        yield tx


def look(database: Database) -> bool:
    """Find out whether the database is being copied away, and refuse writers then."""
    if database.path is not None:
        database.closed = _is_locked(_announcement(database.path))
    else:
        database.closed = bool(database.reader().value(_IS_ANNOUNCED))
    return database.closed


@contextmanager
def _begun(database: Database, *begin: str) -> Iterator[Transaction]:
    """A transaction of which nothing is kept, on a connection of its own."""
    tx = database.apart()
    try:
        for each in begin:
            tx.raw.execute(each)
        yield tx
    except Exception as error:
        known = translated(error)
        if known is error:
            raise
        raise known from error
    finally:
        with suppress(Exception):  # a server frees a closed connection's locks later
            tx.raw.execute("ROLLBACK")
        tx.raw.close()


# -------------------------------------------------------------------------- SQLite


@contextmanager
def _still_file(database: Database, notice: float) -> Iterator[Transaction]:
    path = database.path
    assert path is not None  # noqa: S101 - the caller asked for it
    with _announced(_announcement(path)):
        sleep(notice)
        lock = WriterLock(Path(f"{path}.lock"))
        try:
            with (
                lock.held(database.lock_timeout),
                _begun(database, "BEGIN IMMEDIATE") as tx,
            ):
                yield tx
        finally:
            lock.close()


def _announcement(path: Path) -> Path:
    return Path(f"{path}.copying")


@contextmanager
def _announced(file: Path) -> Iterator[None]:
    """Hold the file that the others look at; it is gone afterwards."""
    descriptor = os.open(file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        _lock_soon(descriptor)
        try:
            yield
        finally:
            file.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _lock_soon(descriptor: int) -> None:
    """Lock it, though somebody may be looking at this moment; raises DatabaseBusy."""
    until = monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if monotonic() > until:
                raise DatabaseBusy from None
            sleep(0.01)
        else:
            return


def _is_locked(file: Path) -> bool:
    with suppress(FileNotFoundError), file.open("rb") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


# ---------------------------------------------------------------------- PostgreSQL


@contextmanager
def _still_server(database: Database, notice: float) -> Iterator[Transaction]:
    """Nobody writes under these locks, so every statement sees the same state."""
    names = ", ".join(f'"{table.name}"' for table in metadata.sorted_tables)
    with _begun(database, "BEGIN") as tx:
        if not tx.value(_ANNOUNCE):
            raise DatabaseBusy
        sleep(notice)
        tx.raw.execute(f"LOCK TABLE {names} IN SHARE MODE")
        yield tx
