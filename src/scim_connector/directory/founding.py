"""Making a filled database where none is: all of it, or nothing.

On PostgreSQL one transaction makes, fills and proves it.  A SQLite file is made beside
its place and gets its name at the end; what a broken-off try left is written over.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from scim_connector.directory import counters, seals, upgrade
from scim_connector.directory.database import Database
from scim_connector.directory.upgrade import NotEmpty, Schema

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction


Fill = Callable[["Transaction", frozenset[str]], None]
"""Fills the tables of these names, which are empty."""


class BeingMade(Exception):
    """Somebody else makes a database at this place at the moment."""


class NotProven(Exception):
    """What was made is not what it should be; nothing of it was kept."""


def occupied_by(database: Database) -> Path | None:
    """The file that is in the way of a new SQLite database, its journal included."""
    path = database.path
    if path is None:
        return None
    files = [path, *(path.with_name(f"{path.name}{end}") for end in ("-wal", "-shm"))]
    return next((file for file in files if file.exists()), None)


def is_empty(database: Database) -> bool:
    """Whether a database can be made here; raises DatabaseUnavailable."""
    if database.path is not None:
        return occupied_by(database) is None
    return upgrade.schema(database) is Schema.EMPTY


def found(database: Database, revision: str, fill: Fill) -> None:
    """Make a database of *revision*, filled and brought to this program's schema.

    Raises NotEmpty, BeingMade while somebody else is at it, NotProven, and whatever
    *fill* raises.
    """
    if not is_empty(database):
        raise NotEmpty
    if database.path is None:
        upgrade.found(database, revision, fill, _prove)
        return
    with _draft(database.path) as file:
        draft = Database(database.url.set(database=str(file)).render_as_string())
        upgrade.found(draft, revision, fill, _prove)
        _refuse(upgrade.damage(draft))
        _place(file, database)


def findings(reader: Reader) -> list[str]:
    """What is wrong with the counters and the seals of audit; empty when all is well."""
    broken = [f"audit: {each}" for each in seals.findings(reader)]
    return counters.wrong(reader) + broken


def _prove(tx: Transaction) -> None:
    if tx.dialect == "sqlite":  # which changes a block's count in its one row
        counters.fold(tx)
    _refuse(findings(tx))


def _refuse(found: list[str]) -> None:
    if found:
        raise NotProven("; ".join(found))


# -------------------------------------------------------------------------- SQLite


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """An empty file beside *path*, of its owner alone; gone at the end."""
    file = path.with_name(f"{path.name}.unfinished")
    descriptor = os.open(file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BeingMade from None
        try:
            os.fchmod(descriptor, 0o600)
            os.ftruncate(descriptor, 0)
            _journal(file).unlink(missing_ok=True)
            yield file
        finally:
            file.unlink(missing_ok=True)
            _journal(file).unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _journal(file: Path) -> Path:
    return file.with_name(f"{file.name}-journal")


def _place(file: Path, database: Database) -> None:
    """Give the file its name, unless there is one by now."""
    path = database.path
    assert path is not None  # noqa: S101 - the caller asked for it
    if occupied_by(database) is not None:
        raise NotEmpty
    try:
        os.link(file, path)
    except FileExistsError:
        raise NotEmpty from None
    except OSError:  # a file system without links
        file.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
