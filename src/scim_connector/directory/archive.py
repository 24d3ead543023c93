"""A backup: one ZIP file with a manifest and the rows of every table.

ZIP, because a table is written before anybody knows how long it gets, and because
every system opens it.  ``tables/NAME.jsonl`` has one row a line as a list of values;
``manifest.json`` says what the columns are, how many rows there are, and the SHA-256 of
each table.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import orjson

from scim_connector.directory import portable
from scim_connector.directory.portable import Sum, Summing
from scim_connector.directory.shapes import SHAPES, BadShape, Shape

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader
    from scim_connector.directory.portable import Row, Told

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
KEY: Final = "secret.key"
README: Final = "README.txt"
_MOST_MANIFEST: Final = 10_000_000
_MOST_KEY: Final = 100_000
_CHUNK: Final = 1 << 20
#: Twice as quick as the default of zlib, for a fifth more room.
_LEVEL: Final = 1


class BadArchive(Exception):
    """The file is no backup, or is damaged; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Made:
    """What a backup says of itself: which program made it, when, and from what."""

    program: str
    made_at: str
    database: str
    revision: str
    with_key: bool


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is in a backup: its tables in the order in which they are filled."""

    made: Made
    tables: tuple[tuple[Shape, Sum], ...]

    @property
    def rows(self) -> int:
        """How many rows there are in all."""
        return sum(held.rows for _, held in self.tables)

    def as_json(self) -> dict[str, Any]:
        """The manifest as JSON."""
        made = {name: getattr(self.made, name) for name in Made.__slots__}
        tables = [
            {**shape.as_json(), "rows": held.rows, "sha256": held.sha256}
            for shape, held in self.tables
        ]
        return {"format": FORMAT, **made, "tables": tables}

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> Manifest:
        """Read it again; raises BadArchive."""
        if value.get("format") != FORMAT:
            raise BadArchive("it is of a newer format; use a newer scim-connector")
        try:
            made = Made(**{name: value[name] for name in Made.__slots__})
            tables = tuple(
                (Shape.of_json(each), Sum(int(each["rows"]), str(each["sha256"])))
                for each in value["tables"]
            )
        except (KeyError, TypeError, ValueError, BadShape):
            raise BadArchive("its manifest makes no sense") from None
        return cls(made, tables)


# --------------------------------------------------------------------------- writing


def write(
    reader: Reader, file: Path, made: Made, *, key: str | None, told: Told
) -> Manifest:
    """Write everything that *reader* sees to the new *file*, for its owner alone.

    The file has its name when it is whole; raises FileExistsError.
    """
    if file.exists():
        raise FileExistsError(file)
    unfinished = file.with_name(f"{file.name}.unfinished")
    try:
        with _private(unfinished) as out:
            manifest = _write(reader, out, made, key, told)
            out.flush()
            os.fsync(out.fileno())
        unfinished.rename(file)
    finally:
        unfinished.unlink(missing_ok=True)
    return manifest


def _private(file: Path) -> IO[bytes]:
    flags = os.O_CREAT | os.O_RDWR | os.O_TRUNC | os.O_CLOEXEC
    descriptor = os.open(file, flags, 0o600)
    os.fchmod(descriptor, 0o600)  # there may have been a file
    return os.fdopen(descriptor, "w+b")


def _write(
    reader: Reader, out: IO[bytes], made: Made, key: str | None, told: Told
) -> Manifest:
    with zipfile.ZipFile(
        out, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL
    ) as archive:
        archive.writestr(README, _about(made))
        if key is not None:
            archive.writestr(KEY, key)
        tables = tuple((s, _table(archive, reader, s, told)) for s in SHAPES)
        manifest = Manifest(made, tables)
        text = orjson.dumps(manifest.as_json(), option=orjson.OPT_INDENT_2)
        archive.writestr(MANIFEST, text)
    return manifest


def _about(made: Made) -> str:
    key = (
        "The secret key is in it (secret.key): whoever has this file can open\n"
        "everything the server can. Keep it as you keep the server itself."
        if made.with_key
        else "The secret key is NOT in it: keep the key file elsewhere, without it\n"
        "this backup is of no use."
    )
    return (
        f"A backup of scim_connector {made.program}, made at {made.made_at}.\n\n"
        "In it: users, password hashes, connections, sessions, the record of changes\n"
        f"and the log.\n{key}\n\n"
        "To put it back: scim-connector db restore FILE, where no database is yet.\n"
    )


def _table(archive: zipfile.ZipFile, reader: Reader, shape: Shape, told: Told) -> Sum:
    summing = Summing()
    with archive.open(_member(shape), "w", force_zip64=True) as out:
        for rows in portable.read(reader, shape):
            lines = portable.lines(rows)
            out.write(lines)
            summing.add(lines, len(rows))
            told(len(rows))
    return summing.sum()


def _member(shape: Shape) -> str:
    return f"tables/{shape.table}.jsonl"


# --------------------------------------------------------------------------- reading


class Archive:
    """A backup that is open for reading."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        """Read what it says of itself; raises BadArchive."""
        self._archive = archive
        self.manifest = Manifest.of_json(_manifest(archive))

    def key(self) -> str | None:
        """The text of the key file; None when it was left out."""
        if not self.manifest.made.with_key:
            return None
        with _opened(self._archive, KEY) as member:
            return member.read(_MOST_KEY).decode("ascii")

    def check(self, told: Told) -> None:
        """Compare every table with its sum; raises BadArchive at the first damage."""
        for shape, held in self.manifest.tables:
            summing = Summing()
            with _opened(self._archive, _member(shape)) as member:
                while chunk := member.read(_CHUNK):
                    summing.add(chunk, chunk.count(b"\n"))
            if summing.sum() != held:
                raise BadArchive(f"the table {shape.table} is not as it was written")
            told(held.rows)

    def read(self, shape: Shape) -> Iterator[list[Row]]:
        """The rows of a table, some at a time; raises BadArchive."""
        width = len(shape.columns)
        with _opened(self._archive, _member(shape)) as member:
            while lines := member.readlines(_CHUNK):
                rows = [orjson.loads(line) for line in lines]
                if any(not isinstance(r, list) or len(r) != width for r in rows):
                    raise BadArchive(f"the table {shape.table} has odd rows")
                yield rows


def _manifest(archive: zipfile.ZipFile) -> Mapping[str, Any]:
    with _opened(archive, MANIFEST) as member:
        value = orjson.loads(member.read(_MOST_MANIFEST))
    if not isinstance(value, dict):
        raise BadArchive("its manifest makes no sense")
    return value


@contextmanager
def opened(file: Path) -> Iterator[Archive]:
    """Open a backup; raises BadArchive for whatever is wrong with it, and OSError."""
    try:
        with zipfile.ZipFile(file) as archive:
            yield Archive(archive)
    except zipfile.BadZipFile as error:
        raise BadArchive(f"it is damaged, or no backup ({error})") from None
    except (zlib.error, EOFError, orjson.JSONDecodeError, UnicodeDecodeError):
        raise BadArchive("it is damaged") from None


def _opened(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    try:
        return archive.open(name)
    except KeyError:
        raise BadArchive(f"there is no {name} in it") from None
    except (RuntimeError, NotImplementedError) as error:  # a password, another method
        raise BadArchive(f"{name} in it cannot be read: {error}") from None
