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
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy.engine import make_url

from scim_connector.directory.constraints import ConstraintBroken, broken_by
from scim_connector.directory.locking import DatabaseBusy, WriterLock

if TYPE_CHECKING:
    from scim_connector.directory.statements import Statement

T = TypeVar("T")

#: On PostgreSQL a transaction sees one snapshot, so that what was free when a value was
#: chosen is free when it is checked; a race is found by the index and run again.
_BEGIN = {
    "sqlite": "BEGIN IMMEDIATE",
    "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ",
}

#: A transaction that lost a race is run again, so often in all.  Each time somebody
#: else has won, so as many as this may want the same name at once.
TRIES = 12
#: SQLite's virtual machine looks at the clock after so many instructions.
PROGRESS_STEPS = 20_000


class DatabaseUnavailable(Exception):
    """The database cannot be reached or read; the text says which and why."""


class StatementTimeout(Exception):
    """A statement took longer than it may (``statement_timeout``)."""


class LostRace(Exception):
    """A transaction that met another one; run again, it usually succeeds."""


class Reader:
    """Runs statements on the connection of one thread."""

    def __init__(self, database: Database, raw: Any) -> None:
        """Use the driver connection *raw*."""
        self.database = database
        self.dialect = database.dialect
        self.deadline = 0.0
        self._raw = raw
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

    def _execute(self, statement: Statement, values: Mapping[str, Any]) -> Any:
        sql, parameters = statement.bound(self.dialect, values)
        self.deadline = monotonic() + self._seconds
        return self._raw.execute(sql, parameters)

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
            self._raw.cursor().executemany(sql, bound)
        except Exception as error:
            raise translated(error) from error

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo only what the block did when it raises; the transaction goes on."""
        self._raw.execute("SAVEPOINT step")
        try:
            yield
        except BaseException:
            self._raw.execute("ROLLBACK TO SAVEPOINT step")
            self._raw.execute("RELEASE SAVEPOINT step")
            raise
        self._raw.execute("RELEASE SAVEPOINT step")

    def insert(self, statement: Statement, **values: Any) -> int:
        """Run an INSERT … RETURNING; returns the new id."""
        return int(self.value(statement, **values))


class Database:
    """One database, by its URL: ``sqlite:///file.db`` or ``postgresql://…``."""

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
        self.statement_timeout = statement_timeout
        self._lock_timeout = lock_timeout
        self._local = threading.local()
        self._opened: list[Any] = []
        self._guard = threading.Lock()
        self._pid = os.getpid()

    @property
    def path(self) -> Path | None:
        """The file of a SQLite database; None for PostgreSQL."""
        name = self.url.database
        return Path(name) if self.dialect == "sqlite" and name else None

    # ------------------------------------------------------------------ public use

    def reader(self) -> Reader:
        """A reader on this thread's connection."""
        reader = getattr(self._local, "reader", None)
        if reader is None or self._local.pid != os.getpid():
            self._connect()
            reader = self._local.reader
        return reader  # type: ignore[no-any-return]

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Run *work* in one transaction, again from the start when it lost a race.

        Raises whatever *work* raises, with everything rolled back; DatabaseBusy when
        the writer lock is not had in time; ConstraintBroken for a broken constraint.
        """
        for left in reversed(range(TRIES)):
            try:
                return self._write_once(work)
            except LostRace:
                if not left:
                    raise DatabaseBusy from None
            except ConstraintBroken:
                # A value was taken between the check and the write: check again.
                if not left:
                    raise
        raise AssertionError

    def close(self) -> None:
        """Close every connection that this process opened."""
        with self._guard:
            opened, self._opened = self._opened, []
        for raw in opened:
            raw.close()
        self._local = threading.local()

    # ----------------------------------------------------------------- transactions

    def _write_once(self, work: Callable[[Transaction], T]) -> T:
        self.reader()
        raw = self._local.raw
        with self._writer_lock():
            try:
                raw.execute(_BEGIN[self.dialect])
                result = work(self._local.reader)
                raw.execute("COMMIT")
            except BaseException as error:
                self._roll_back(raw)
                if isinstance(error, Exception):
                    raise translated(error) from error
                raise
            return result

    def _roll_back(self, raw: Any) -> None:
        if self.dialect == "sqlite":
            if raw.in_transaction:
                raw.execute("ROLLBACK")
        elif not raw.closed:
            raw.execute("ROLLBACK")

    @contextmanager
    def _writer_lock(self) -> Iterator[None]:
        lock = self._local.lock
        if lock is None:
            yield
        else:
            with lock.held(self._lock_timeout):
                yield

    # ------------------------------------------------------------------ connections

    def _connect(self) -> None:
        if self._pid != os.getpid():  # after a fork nothing of the parent is used
            self._pid, self._opened = os.getpid(), []
            self._guard = threading.Lock()
        try:
            raw = self._open_sqlite() if self.path else self._open_postgres()
        except (OSError, sqlite3.Error) as error:
            message = f"cannot open {self.path}: {error}"
            raise DatabaseUnavailable(message) from error
        except Exception as error:
            raise translated(error) from error
        with self._guard:
            self._opened.append(raw)
        self._local.raw = raw
        self._local.lock = WriterLock(Path(f"{self.path}.lock")) if self.path else None
        self._local.reader = reader = Transaction(self, raw)
        if self.dialect == "sqlite":
            raw.set_progress_handler(reader.overdue, PROGRESS_STEPS)
        self._local.pid = os.getpid()

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
            f"busy_timeout={int(self._lock_timeout * 1000)}",
            "trusted_schema=OFF",
        ):
            raw.execute(f"PRAGMA {pragma}")
        return raw

    def _open_postgres(self) -> Any:
        import psycopg  # an extra: imported only where it is used  # noqa: PLC0415

        url = self.url.set(drivername="postgresql")
        milliseconds = int(self.statement_timeout * 1000)
        return psycopg.connect(
            url.render_as_string(hide_password=False),
            autocommit=True,
            options=f"-c statement_timeout={milliseconds}",
        )


def translated(error: Exception) -> Exception:
    """What a driver raised, as an exception of this package; anything else as it is."""
    if isinstance(error, sqlite3.Error):
        return _from_sqlite(error)
    if type(error).__module__.startswith("psycopg"):
        return _from_postgres(error)
    return error


def _from_sqlite(error: sqlite3.Error) -> Exception:
    message = str(error)
    if isinstance(error, sqlite3.IntegrityError):
        return ConstraintBroken(broken_by(message))
    if message == "interrupted":
        return StatementTimeout(message)
    if "locked" in message or "busy" in message:
        return DatabaseBusy()
    return DatabaseUnavailable(message)


def _from_postgres(error: Exception) -> Exception:
    state = getattr(error, "sqlstate", None) or ""
    message = str(error)
    if state.startswith("23"):
        return ConstraintBroken(broken_by(message))
    if state in {"40001", "40P01"}:
        return LostRace()
    if state == "57014":
        return StatementTimeout(message)
    return DatabaseUnavailable(message.splitlines()[0] if message else "no answer")
