"""What a driver raises, in the words of this package.

Callers know five failures, whichever database is behind: a broken constraint, a lost
race, a database that is busy or unavailable, and a statement past its deadline.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import Final

from scim_connector.directory.constraints import (
    ConstraintBroken,
    broken_by,
    named,
)
from scim_connector.directory.locking import DatabaseBusy


class DatabaseUnavailable(Exception):
    """The database cannot be reached or read; the text says which and why."""


class StatementTimeout(Exception):
    """A statement took longer than it may (``statement_timeout``)."""


class LostRace(Exception):
    """A transaction that met another one; run again, it usually succeeds."""


#: PostgreSQL's states (its appendix A) with a meaning of their own here.
_BY_STATE: Final[Mapping[str, Callable[[str], Exception]]] = {
    "40001": LostRace,
    "40P01": LostRace,
    "55P03": DatabaseBusy,
    "57014": StatementTimeout,
}
#: A unique or a foreign key: somebody else may have been first.
_RACES: Final = frozenset({"23505", "23503"})


def translated(error: BaseException) -> BaseException:
    """What a driver raised, as an exception of this package; anything else as it is.

    A statement or value that the driver cannot understand is our mistake, not a
    failing of the database: it stays what it is.
    """
    if isinstance(error, sqlite3.Error):
        return _from_sqlite(error)
    return _from_postgres(error) if is_of_driver(error) else error


def is_of_driver(error: BaseException) -> bool:
    """Whether a driver raised it; psycopg is not imported where it is not used."""
    if isinstance(error, sqlite3.Error):
        return True
    return type(error).__module__.startswith("psycopg")


def _from_sqlite(error: sqlite3.Error) -> Exception:
    message = str(error)
    if isinstance(error, sqlite3.IntegrityError):
        return ConstraintBroken(broken_by(message))
    if isinstance(error, (sqlite3.ProgrammingError, sqlite3.InterfaceError)):
        return error
    if message == "interrupted":
        return StatementTimeout(message)
    if "locked" in message or "busy" in message:
        return DatabaseBusy()
    return DatabaseUnavailable(message)


def _from_postgres(error: BaseException) -> BaseException:
    state = getattr(error, "sqlstate", None) or ""
    if state in _BY_STATE:
        return _BY_STATE[state](str(error))
    if state.startswith("23"):
        name = error.diag.constraint_name  # type: ignore[attr-defined]
        may_be_race = state in _RACES
        short = named(name) if name else broken_by(str(error))
        return ConstraintBroken(short, may_be_race=may_be_race)
    # 22 and 42: the server's DataError and ProgrammingError; the driver has its own.
    ours = type(error).__name__ in {"DataError", "ProgrammingError"}
    if ours or state[:2] in {"22", "42"}:
        return error
    return DatabaseUnavailable((str(error) or "no answer").splitlines()[0])
