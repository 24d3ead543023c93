"""A prepared installation, opened: settings, keys and the database behind them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scim_connector.directory import installation, upgrade
from scim_connector.directory.database import Database, DatabaseUnavailable
from scim_connector.directory.upgrade import Schema
from scim_connector.settings import PREFIX, Settings
from scim_connector.tokens.secrets import SecretKeys, WrongKey

if TYPE_CHECKING:
    from scim_connector.wiring.tracing import Traces


class NotReady(Exception):
    """The house cannot be opened as it is; one sentence says what to do."""


@dataclass(frozen=True, slots=True)
class House:
    """Settings, keys and the database behind them; *traces* where they are sent."""

    settings: Settings
    database: Database
    keys: SecretKeys
    traces: Traces | None = None


def open_house(settings: Settings) -> House:
    """Open a prepared database with its key; raises NotReady, changes nothing."""
    database = open_database(settings)
    state = schema_of(database)
    if state is not Schema.CURRENT:
        raise NotReady(not_current(state, database))
    keys = read_keys(settings)
    check_key(database, keys)
    return House(settings, database, keys)


def open_database(
    settings: Settings,
    *,
    named_in: str = f"{PREFIX}DATABASE_URL",
    kind: Callable[..., Database] = Database,
) -> Database:
    """The database of the settings; nothing is opened yet."""
    try:
        return kind(settings.database_url, statement_timeout=settings.statement_timeout)
    except Exception as error:
        raise NotReady(f"{named_in} cannot be used: {error}") from error


def cannot_be_made(database: Database, error: Exception) -> str:
    """Say that a new database cannot be made, and where."""
    where = database.path or database.url.render_as_string(hide_password=True)
    reason = str(getattr(error, "orig", error)).partition("\n")[0]
    return f"The database {where} cannot be made: {reason}"


def schema_of(database: Database) -> Schema:
    """How the database stands to this program; raises NotReady when unreadable."""
    try:
        return upgrade.schema(database)
    except DatabaseUnavailable as error:
        where = database.path or database.url.render_as_string(hide_password=True)
        raise NotReady(f"The database {where} cannot be read: {error}") from error


def not_current(state: Schema, database: Database) -> str:
    """Say why a database cannot be used as it is, and what to do."""
    where = database.path or database.url.render_as_string(hide_password=True)
    match state:
        case Schema.EMPTY:
            return f"There is no database at {where} yet; run: scim-connector serve"
        case Schema.OLDER:
            return f"The database {where} is older; run: scim-connector db upgrade"
        case Schema.NEWER:
            return (
                f"The database {where} was made by a newer scim-connector;"
                " install that version or a newer one."
            )
    return f"The database {where} belongs to another program; name an empty one."


# ----------------------------------------------------------------------------- keys


def read_keys(settings: Settings) -> SecretKeys:
    """The secret keys of the settings; raises NotReady when there are none."""
    if settings.secret_key:
        return _parsed(settings.secret_key, f"{PREFIX}SECRET_KEY")
    file = settings.secret_key_file
    try:
        return _parsed(file.read_text("ascii"), str(file))
    except FileNotFoundError:
        raise NotReady(
            f"The secret key file {file} is missing; put it back from your backup,"
            f" or name it in {PREFIX}SECRET_KEY_FILE."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise NotReady(f"The secret key file {file} cannot be read: {error}") from None


def _parsed(text: str, where: str) -> SecretKeys:
    try:
        return SecretKeys.parse(text)
    except WrongKey as error:
        raise NotReady(f"{where}: {error}") from None


def refuse_bad_keys(settings: Settings) -> None:
    """Before anything is made: raise NotReady when no good key could be had."""
    file = settings.secret_key_file
    if has_keys(settings):
        read_keys(settings)
    elif not os.access(file.parent, os.W_OK):
        message = f"The secret key file {file} cannot be written"
        raise NotReady(f"{message}; name another in {PREFIX}SECRET_KEY_FILE.")


def make_keys(settings: Settings) -> SecretKeys:
    """The keys of a new installation: as given, as on file, or new on file (0600)."""
    if has_keys(settings):
        return read_keys(settings)
    keys = SecretKeys.fresh()
    write_keys(settings.secret_key_file, keys)
    return keys


def has_keys(settings: Settings) -> bool:
    """Whether a secret key is given, or on file."""
    return bool(settings.secret_key) or settings.secret_key_file.exists()


def write_keys(file: Path, keys: SecretKeys) -> None:
    """Write the key file whole or not at all, readable by its owner alone."""
    draft = file.with_name(f"{file.name}.new")
    descriptor = os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as out:
        out.write(keys.text())
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)


def check_key(database: Database, keys: SecretKeys) -> None:
    """Refuse a key that this database was not made with (NotReady)."""
    stored = installation.read(database.reader(), installation.KEY_CHECK)
    if stored is not None and stored not in keys.check_values():
        raise NotReady(
            "The secret key is not the one this database was made with; put the right"
            f" one into {PREFIX}SECRET_KEY_FILE."
        )
