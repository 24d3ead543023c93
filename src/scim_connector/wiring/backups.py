"""A backup of the whole house, and a house made from a backup."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scim_connector import __version__
from scim_connector.administration import backups
from scim_connector.directory import (
    archive,
    audit,
    founding,
    installation,
    portable,
    snapshots,
    upgrade,
)
from scim_connector.directory.archive import Archive, BadArchive, Made, Manifest
from scim_connector.directory.shapes import SHAPES
from scim_connector.rules.events import Event
from scim_connector.settings import PREFIX, Settings
from scim_connector.tokens.secrets import SecretKeys, WrongKey
from scim_connector.wiring.filling import Bars, counted, open_place, prove
from scim_connector.wiring.house import (
    House,
    NotReady,
    has_keys,
    open_database,
    read_keys,
    write_keys,
)

if TYPE_CHECKING:
    from scim_connector.accounts import Act
    from scim_connector.directory.database import Database, Transaction
    from scim_connector.directory.portable import Told

#: The first bytes of a SQLite file, which backups were before they were archives.
_SQLITE: Final = b"SQLite format 3\0"


# --------------------------------------------------------------------------- backup


def back_up(
    house: House, file: Path, *, with_key: bool, act: Act, bars: Bars
) -> Manifest:
    """Write everything to the new *file* while the house is in use; audited.

    Raises FileExistsError, OSError and what the database raises.
    """
    event = Event("database:backup", {"file": file.name, "with_key": with_key})
    house.database.write(lambda tx: record(tx, event, act))
    made = Made(
        program=__version__,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        database=house.database.dialect,
        revision=upgrade.head(),
        with_key=with_key,
    )
    key = house.keys.text() if with_key else None
    with snapshots.snapshot(house.database) as tx:
        total = sum(portable.count(tx, shape) for shape in SHAPES)
        with bars(total, "Writing") as told:
            manifest = archive.write(tx, file, made, key=key, told=told)
    house.database.write(lambda tx: backups.made(tx, now=act.now))
    return manifest


def record(tx: Transaction, event: Event, act: Act) -> None:
    """Keep in audit what was done to the database as a whole."""
    audit.record(tx, [event], at=act.now, actor=act.actor)


# -------------------------------------------------------------------------- restore


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back, and where; *key_file* is the key that was written, if any."""

    manifest: Manifest
    place: str
    key_file: Path | None


def restore(settings: Settings, file: Path, *, act: Act, bars: Bars) -> Restored:
    """Make the database of the settings from a backup; raises NotReady, keeps nothing.

    Everything is checked before anything is made, and the database proven before it
    gets its name: counts and sums of every table, the seals of audit, the counters.
    """
    with _opened(file) as kept, open_place(open_database(settings)) as database:
        manifest = kept.manifest
        _refuse_revision(manifest)
        keys = _keys(kept, settings)
        with bars(manifest.rows, "Checking") as told:
            kept.check(told)
        with (
            _key_file(settings, keys) as written,
            bars(2 * manifest.rows, "Restoring") as told,
        ):
            _found(database, kept, told)
        event = Event("database:restored", {"made_at": manifest.made.made_at})
        database.write(lambda tx: record(tx, event, act))
        where = database.url.render_as_string(hide_password=True)
        return Restored(manifest, where, written)


@contextmanager
def _opened(file: Path) -> Iterator[Archive]:
    """The backup; whatever is wrong with it is said in one sentence."""
    try:
        with file.open("rb") as raw:
            is_database = raw.read(len(_SQLITE)) == _SQLITE
        if is_database:
            raise NotReady(
                f"{file} is a SQLite database and no backup archive; to use it, copy it"
                f" to where {PREFIX}DATABASE_URL points, with its key file."
            )
        with archive.opened(file) as kept:
            yield kept
    except BadArchive as error:
        raise NotReady(f"{file} cannot be restored: {error}.") from None
    except FileNotFoundError:
        raise NotReady(f"There is no file {file}.") from None
    except OSError as error:
        raise NotReady(f"{file} cannot be read: {error.strerror}.") from None


def _refuse_revision(manifest: Manifest) -> None:
    if not upgrade.is_known(manifest.made.revision):
        raise NotReady(
            f"The backup was made by scim-connector {manifest.made.program}, which is"
            " newer; install that version or a newer one."
        )


def _found(database: Database, kept: Archive, told: Told) -> None:
    tables = kept.manifest.tables

    def fill(tx: Transaction, made: frozenset[str]) -> None:
        if made != {shape.table for shape, _ in tables}:
            raise BadArchive("its tables are not those of its schema")
        for shape, _ in tables:
            portable.load(tx, shape, counted(kept.read(shape), told))
        prove(tx, tables, told)

    founding.found(database, kept.manifest.made.revision, fill)


# ----------------------------------------------------------------------------- keys


def _keys(kept: Archive, settings: Settings) -> SecretKeys:
    """The keys that open what is in the backup: those given here, else its own."""
    wanted = _key_check(kept)
    if has_keys(settings):
        keys = read_keys(settings)
        if wanted not in keys.check_values():
            raise NotReady(
                "The secret key here is not that of the backup; take it away, or name"
                f" another file in {PREFIX}SECRET_KEY_FILE."
            )
        return keys
    text = kept.key()
    if text is None:
        raise NotReady(
            "The backup was made without the secret key; put the key file at"
            f" {settings.secret_key_file} first."
        )
    try:
        keys = SecretKeys.parse(text)
    except WrongKey as error:
        raise BadArchive(f"its secret key cannot be read ({error})") from None
    if wanted not in keys.check_values():
        raise BadArchive("its secret key is not that of its database")
    return keys


def _key_check(kept: Archive) -> str | None:
    """What the database in the backup remembers of its key."""
    for shape, _ in kept.manifest.tables:
        if shape.table == installation.TABLE:
            names = list(shape.columns)
            rows = [
                dict(zip(names, r, strict=True)) for b in kept.read(shape) for r in b
            ]
            facts = {str(row.get("name")): str(row.get("value")) for row in rows}
            return facts.get(installation.KEY_CHECK)
    return None


@contextmanager
def _key_file(settings: Settings, keys: SecretKeys) -> Iterator[Path | None]:
    """Write the key file where there is no key; gone again when the rest fails."""
    if has_keys(settings):
        yield None
        return
    file = settings.secret_key_file
    try:
        write_keys(file, keys)
    except OSError as error:
        message = f"The secret key file {file} cannot be written: {error.strerror}"
        raise NotReady(f"{message}; name another in {PREFIX}SECRET_KEY_FILE.") from None
    try:
        yield file
    except BaseException:
        file.unlink(missing_ok=True)
        raise
