"""Connections and transactions on SQLite and on PostgreSQL.

Every thread keeps one driver connection in autocommit mode: a read is one statement on
it, a write is a transaction begun by hand.  Nothing is opened before it is used, so a
process may fork after building a :class:`Database` (decision 44).
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar
from weakref import WeakSet, finalize, ref

from sqlalchemy.engine import make_url

from scim_connector.directory.constraints import ConstraintBroken
from scim_connector.directory.failures import (
    DatabaseUnavailable,
    LostRace,
    StatementTimeout,
    translated,
)
from scim_connector.directory.locking import BeingCopied, DatabaseBusy, WriterLock

if TYPE_CHECKING:
    from scim_connector.directory.statements import Statement

__all__ = [
    "Database",
    "DatabaseUnavailable",
    "LostRace",
    "Reader",
    "StatementTimeout",
    "Transaction",
]

T = TypeVar("T")

#: On PostgreSQL a transaction sees one snapshot, so that what was free when a value was
#: chosen is free when it is checked; a race is found by the index and run again.
_BEGIN = {
    "sqlite": "BEGIN IMMEDIATE",
    "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ",
}

#: The first statement behind it fixes what is seen.
_LOOK = {
    "sqlite": "BEGIN DEFERRED",
    "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
}

#: Those who lost a race on PostgreSQL come again one at a time, or the same many would
#: meet again.  LOCK is the one way to wait before the snapshot is taken; nothing else
#: takes this lock, and the database frees it with the transaction.
_QUEUE = "LOCK TABLE installation IN SHARE UPDATE EXCLUSIVE MODE"

#: Whoever lost to those who have not lost yet (a program that exchanges its key without
#: pause, while it is deactivated) holds everybody else back: nobody is let in and no
#: user changes until they are done.  The order is that of whoever lets somebody in.
_ALONE = (
    "LOCK TABLE sessions, api_tokens, api_keys, password_resets, users"
    " IN EXCLUSIVE MODE"
)
#: So many times in the queue before that.
PATIENCE = 5

#: A transaction that lost a race is run again, so often in all.
TRIES = 12
#: A server that does not answer within these seconds is unavailable.
CONNECT_SECONDS = 5
#: SQLite's virtual machine looks at the clock after so many instructions.
PROGRESS_STEPS = 20_000


class Reader:
    """Runs statements on the connection of one thread."""

    def __init__(self, database: Database, raw: Any) -> None:
        """Use the driver connection *raw*."""
        self.database = database
        self.dialect = database.dialect
        self.deadline = 0.0
        self.raw = raw
        self.writing = False
        self._seconds = database.statement_timeout

    def rows(self, statement: Statement, **values: Any) -> list[tuple[Any, ...]]:
        """Every row, as tuples."""
        try:
            return self._execute(statement, values).fetchall()  # type: ignore[no-any-return]
        except Exception as error:
            raise translated(error) from error

    def row(self, statement: Statement, **values: Any) -> tuple[Any, ...] | None:
        """The first row, or None."""
        try:
            return self._execute(statement, values).fetchone()  # type: ignore[no-any-return]
        except Exception as error:
            raise translated(error) from error

    def value(self, statement: Statement, **values: Any) -> Any:
        """The first column of the first row, or None."""
        row = self.row(statement, **values)
        return None if row is None else row[0]

    def batches(self, statement: Statement, size: int) -> Iterator[list[Any]]:
        """Every row, some at a time; on PostgreSQL inside a transaction alone."""
        sql, parameters = statement.bound(self.dialect, {})
        named = {} if self.dialect == "sqlite" else {"name": "batches"}
        cursor = self.raw.cursor(**named)
        try:
            cursor.execute(sql, parameters)
            while batch := cursor.fetchmany(size):
                yield batch
        except Exception as error:
            raise translated(error) from error
        finally:
            cursor.close()

    def _execute(self, statement: Statement, values: Mapping[str, Any]) -> Any:
        sql, parameters = statement.bound(self.dialect, values)
        self.deadline = monotonic() + self._seconds
        try:
            return self.raw.execute(sql, parameters)
        except Exception:
            if self.writing or not self.database.renewed(self):
                raise
            return self.raw.execute(sql, parameters)

    def overdue(self) -> bool:
        """Whether the running statement is past its deadline; SQLite asks (True stops)."""
        return monotonic() > self.deadline


class Transaction(Reader):
    """A reader that may also write; ends by commit or rollback of the whole work."""

    def run(self, statement: Statement, **values: Any) -> int:
        """Run a change; returns how many rows it met."""
        try:
            return self._execute(statement, values).rowcount  # type: ignore[no-any-return]
        except Exception as error:
            raise translated(error) from error

    def run_each(
        self, statement: Statement, batch: Sequence[Mapping[str, Any]]
    ) -> None:
        """Run a change once for each mapping of *batch*."""
        if not batch:
            return
        sql = statement.sql(self.dialect)
        bound = [statement.bound(self.dialect, values)[1] for values in batch]
        self.deadline = monotonic() + self._seconds
        try:
            self.raw.cursor().executemany(sql, bound)
        except Exception as error:
            raise translated(error) from error

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo only what the block did when it raises; the transaction goes on."""
        self.raw.execute("SAVEPOINT step")
        try:
            yield
        except BaseException:
            self.raw.execute("ROLLBACK TO SAVEPOINT step")
            self.raw.execute("RELEASE SAVEPOINT step")
            raise
        self.raw.execute("RELEASE SAVEPOINT step")

    def insert(self, statement: Statement, **values: Any) -> int:
        """Run an INSERT … RETURNING; returns the new id."""
        return int(self.value(statement, **values))


class _LookedAtOnly(Exception):
    """Ends a transaction of which nothing is to be kept."""


class _Opened:
    """What was opened for one thread: its connection, and on SQLite the lock file."""

    def __init__(self, raw: Any, lock: WriterLock | None) -> None:
        self.raw = raw
        self.lock = lock
        self.pid = os.getpid()

    def close(self) -> None:
        """Close both; after a fork they are the parent's, and are left alone."""
        if self.pid == os.getpid():
            self.raw.close()
            if self.lock is not None:
                self.lock.close()
        else:  # even its end would speak to the server in the parent's name
            _OF_THE_PARENT.append(self.raw)


_OF_THE_PARENT: Final[list[Any]] = []


class _Kept:
    """What one thread keeps; when the thread ends, what was opened is closed."""

    def __init__(self, reader: Transaction, opened: _Opened) -> None:
        self.reader = reader
        self.opened = opened
        finalize(self, opened.close)


class Database:
    """One database, by its URL: ``sqlite:///file.db`` or ``postgresql://…``."""

    #: What runs its statements; whoever watches them has one of their own.
    transactions: ClassVar[type[Transaction]] = Transaction

    def __init__(
        self,
        url: str,
        *,
        statement_timeout: float = 5.0,
        lock_timeout: float = 5.0,
    ) -> None:
        """Open nothing yet; times in seconds."""
        self.url = make_url(url)
        self.dialect = self.url.get_backend_name()
        if self.dialect not in {"sqlite", "postgresql"}:
            message = f"{self.dialect} is not supported; use sqlite or postgresql"
            raise DatabaseUnavailable(message)
        if self.dialect == "sqlite" and self.url.database in {None, "", ":memory:"}:
            message = "a database in memory is lost; name a file: sqlite:///NAME.db"
            raise DatabaseUnavailable(message)
        self.statement_timeout = statement_timeout
        self.lock_timeout = lock_timeout
        #: Whether writers are told to come again, because it is being copied away.
        self.closed = False
        self._forget()

    @property
    def path(self) -> Path | None:
        """The file of a SQLite database; None for PostgreSQL."""
        name = self.url.database
        return Path(name) if self.dialect == "sqlite" and name else None

    # ------------------------------------------------------------------ public use

    def reader(self) -> Reader:
        """A reader on this thread's connection."""
        return self._mine().reader

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Run *work* in one transaction, again from the start when it lost a race.

        Raises whatever *work* raises, with everything rolled back; DatabaseBusy when
        the writer lock is not had in time; ConstraintBroken for a broken constraint;
        RuntimeError when called from within another write of this thread.
        """
        if self.closed:
            raise BeingCopied
        lost: Exception = DatabaseBusy()
        for attempt in range(TRIES):
            try:
                return self._write_once(work, lost=attempt)
            except LostRace:
                lost = DatabaseBusy()
            except ConstraintBroken as broken:
                # Perhaps a value was taken between the check and the write.
                if not broken.may_be_race:
                    raise
                lost = broken
        raise lost from None

    def preview(self, work: Callable[[Transaction], T]) -> T:
        """Run *work* like :meth:`write`, and keep nothing of what it did."""
        results: list[T] = []

        def look(tx: Transaction) -> None:
            results[:] = [work(tx)]
            raise _LookedAtOnly

        with suppress(_LookedAtOnly):
            self.write(look)
        return results[0]

    @contextmanager
    def snapshot(self) -> Iterator[Reader]:
        """A reader that sees one state of everything until the block ends.

        It locks nothing.  Nothing can be written meanwhile by this thread.
        """
        tx = self._mine().reader
        if tx.writing:
            message = "a snapshot within a write would end with it"
            raise RuntimeError(message)
        tx.raw.execute(_LOOK[self.dialect])
        tx.writing = True
        try:
            yield tx
        finally:
            tx.writing = False
            self._roll_back(tx.raw)

    def apart(self) -> Transaction:
        """A connection of its own without a deadline; the caller begins and closes."""
        raw = self._open()
        if self.dialect == "postgresql":
            raw.execute("SET statement_timeout = 0")
        tx = self.transactions(self, raw)
        tx.writing = True  # what it began is gone with its connection
        return tx

    def close(self) -> None:
        """Close every connection that this process opened."""
        if self._pid == os.getpid():
            with self._guard:
                opened = list(self._opened)
            for each in opened:
                each.close()
        self._forget()

    def renewed(self, reader: Reader) -> bool:
        """Whether a connection the server had ended was opened anew."""
        if self.dialect == "sqlite" or not reader.raw.closed:
            return False
        reader.raw = self._local.kept.opened.raw = self._open()
        return True

    # ----------------------------------------------------------------- transactions

    def _write_once(self, work: Callable[[Transaction], T], *, lost: int) -> T:
        kept = self._mine()
        tx = kept.reader
        if tx.writing:
            message = "a write within a write could not be rolled back with it"
            raise RuntimeError(message)
        lock = kept.opened.lock
        with lock.held(self.lock_timeout) if lock else nullcontext():
            try:
                self._begin(tx, lost)
                result = work(tx)
                tx.raw.execute("COMMIT")
            except BaseException as error:
                self._roll_back(tx.raw)
                known = translated(error)
                if known is error:
                    raise
                raise known from error
            finally:
                tx.writing = False
            return result

    def _begin(self, tx: Transaction, lost: int) -> None:
        begin = _BEGIN[self.dialect]
        try:
            tx.raw.execute(begin)
        except Exception:
            if not self.renewed(tx):
                raise
            tx.raw.execute(begin)
        tx.writing = True
        if lost and self.dialect == "postgresql":
            tx.raw.execute(_QUEUE)
            if lost > PATIENCE:
                tx.raw.execute(_ALONE)

    def _roll_back(self, raw: Any) -> None:
        if self.dialect == "sqlite":
            if raw.in_transaction:
                raw.execute("ROLLBACK")
        elif not raw.closed:
            try:
                raw.execute("ROLLBACK")
            except Exception:  # the server will; the next use opens a new one
                raw.close()

    # ------------------------------------------------------------------ connections

    def _mine(self) -> _Kept:
        kept: _Kept | None = getattr(self._local, "kept", None)
        if kept is None or kept.opened.pid != os.getpid():
            kept = self._keep()
        return kept

    def _keep(self) -> _Kept:
        if self._pid != os.getpid():
            self._forget()
        reader = self.transactions(self, self._open())
        lock = WriterLock(Path(f"{self.path}.lock")) if self.path else None
        if self.dialect == "sqlite":
            reader.raw.set_progress_handler(_late(reader), PROGRESS_STEPS)
        opened = _Opened(reader.raw, lock)
        with self._guard:
            self._opened.add(opened)
        kept = self._local.kept = _Kept(reader, opened)
        return kept

    def _forget(self) -> None:
        """Begin with nothing open: at first, after closing, and after a fork."""
        self._local = threading.local()
        self._opened: WeakSet[_Opened] = WeakSet()
        self._guard = threading.Lock()
        self._pid = os.getpid()

    def _open(self) -> Any:
        try:
            return self._open_sqlite() if self.path else self._open_postgres()
        except (OSError, sqlite3.Error) as error:
            message = f"cannot open {self.path}: {error}"
            raise DatabaseUnavailable(message) from error
        except Exception as error:
            raise translated(error) from error

    def _open_sqlite(self) -> sqlite3.Connection:
        path = self.path
        assert path is not None  # noqa: S101 - the caller asked for it
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        raw = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={int(self.lock_timeout * 1000)}",
            "trusted_schema=OFF",
        ):
            raw.execute(f"PRAGMA {pragma}")
        return raw

    def _open_postgres(self) -> Any:
        import psycopg  # an extra: imported only where it is used  # noqa: PLC0415

        url = self.url.set(drivername="postgresql")
        if "connect_timeout" not in url.query:
            url = url.update_query_dict({"connect_timeout": str(CONNECT_SECONDS)})
        text = url.render_as_string(hide_password=False)
        raw = psycopg.connect(text, autocommit=True)
        # Not as an option of the connection: poolers refuse those, and the URL may
        # have its own.
        for name, seconds in (
            ("lock_timeout", self.lock_timeout),
            ("statement_timeout", self.statement_timeout),
        ):
            value = str(int(seconds * 1000))
            raw.execute("SELECT set_config(%s, %s, false)", (name, value))
        return raw


def _late(reader: Transaction) -> Callable[[], bool]:
    """The deadline of *reader* for SQLite, which must not keep the reader alive."""
    seen = ref(reader)

    def overdue() -> bool:
        present = seen()
        return present is not None and present.overdue()

    return overdue
