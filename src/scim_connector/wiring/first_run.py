"""Before anything is served: the first run, upgrades, and what an operator should know.

This happens once, in the parent process, before workers start; every connection is
closed again afterwards (decision 44).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING, Final

from scim_connector.accounts import Act
from scim_connector.administration import connections as administration
from scim_connector.administration import setup, shipped
from scim_connector.directory import (
    connections,
    installation,
    mapping_versions,
    roles,
    upgrade,
)
from scim_connector.directory.upgrade import Schema
from scim_connector.mapping import language
from scim_connector.mapping.errors import MappingError
from scim_connector.rules.actors import Actor
from scim_connector.wiring.house import (
    NotReady,
    cannot_be_made,
    check_key,
    make_keys,
    not_current,
    open_database,
    read_keys,
    refuse_bad_keys,
    schema_of,
)

if TYPE_CHECKING:
    from scim_connector.directory.database import Database, Transaction
    from scim_connector.directory.mapping_versions import MappingVersion
    from scim_connector.settings import Settings

FIRST_CONNECTION: Final = "default"
FIRST_TOKEN_LIVES: Final = 365 * 24 * 3600 * 1_000_000


@dataclass(frozen=True, slots=True)
class Welcome:
    """The first connection of a new installation; its token is shown once."""

    connection: str
    token: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """What preparing did: sentences for the operator, and a welcome the first time.

    *setup* is the address that makes the first administrator, while there is none.
    """

    notes: tuple[str, ...] = ()
    welcome: Welcome | None = None
    setup: str = ""


def prepare(settings: Settings) -> Prepared:
    """Bring an installation to where it can be served; in the parent, before workers.

    An empty database gets its tables, the key and a first connection.  An older SQLite
    schema is backed up beside and upgraded; an older PostgreSQL one is refused with the
    command to run (decision 44).  Raises NotReady with nothing changed.
    """
    database = open_database(settings)
    try:
        state = schema_of(database)
        if state is Schema.EMPTY and (welcome := _found(database, settings)):
            return Prepared(welcome=welcome, setup=_setup_link(database, settings))
        notes: list[str] = []
        if state is Schema.OLDER and database.path is not None:
            copy = upgrade_old(database)
            notes.append(f"Upgraded the database; the old one is at {copy}.")
            state = Schema.CURRENT
        if state not in {Schema.CURRENT, Schema.EMPTY}:
            raise NotReady(not_current(state, database))
        is_founded = installation.read(database.reader(), installation.KEY_CHECK)
        if is_founded is None:  # a first run cut short
            welcome = _found(database, settings)
            return Prepared(welcome=welcome, setup=_setup_link(database, settings))
        check_key(database, read_keys(settings))
        notes += _edited_mappings(database)
        return Prepared(notes=tuple(notes), setup=_setup_link(database, settings))
    finally:
        database.close()


def upgrade_old(database: Database) -> Path:
    """Back a SQLite database up beside itself, then upgrade it; returns the copy."""
    path = database.path
    assert path is not None  # noqa: S101 - only called for SQLite
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    copy = path.with_name(f"{path.name}.{stamp}.backup")
    upgrade.back_up(path, copy)
    upgrade.upgrade(database)
    return copy


def _setup_link(database: Database, settings: Settings) -> str:
    """Where the first administrator is made; empty while there is one."""
    if not setup.is_needed(database.reader()):
        return ""
    pepper = read_keys(settings).peppers()[0]
    token = database.write(lambda tx: setup.mint(tx, pepper))
    return f"{settings.address}/setup/{token}"


def _found(database: Database, settings: Settings) -> Welcome | None:
    """Make tables, key and first connection; None when another start was quicker."""
    refuse_bad_keys(settings)
    _make_tables(database)
    act = Act(Actor.operator("serve"), time_ns() // 1000)

    def work(tx: Transaction) -> Welcome | None:
        if installation.read(tx, installation.KEY_CHECK) is not None:
            return None
        keys = make_keys(settings)  # here, so that of two starts one makes it
        installation.write(tx, installation.KEY_CHECK, keys.check_values()[0])
        roles.add_administrator(tx)
        roles.add_auditor(tx)
        connection = administration.add(
            tx,
            FIRST_CONNECTION,
            kind="generic",
            mapping_text=shipped.text("generic"),
            mapping_name="generic.toml",
            settings={},
            act=act,
        )
        token = administration.create_token(
            tx,
            connection,
            pepper=keys.peppers()[0],
            expires_at=act.now + FIRST_TOKEN_LIVES,
            act=act,
        )
        return Welcome(connection.name, str(token))

    return database.write(work)


def _make_tables(database: Database) -> None:
    try:
        upgrade.upgrade(database)
    except Exception as error:
        raise NotReady(cannot_be_made(database, error)) from error


def _edited_mappings(database: Database) -> list[str]:
    """Say which mapping files beside us differ from what is applied (decision 17)."""
    reader = database.reader()
    notes = []
    for connection in connections.every(reader):
        version = mapping_versions.applied(reader, connection.id)
        if version is None:
            continue
        _check_mapping(version)
        file = Path(version.file_name)
        if file.is_file() and file.read_text("utf-8") != version.text:
            notes.append(
                f"{file} differs from what connection {connection.name} works with;"
                f" apply it with: scim-connector mapping apply {connection.name} {file}"
            )
    return notes


def _check_mapping(version: MappingVersion) -> None:
    try:
        language.load(version.text, version.file_name)
    except MappingError as error:
        raise NotReady(f"The applied mapping is broken: {error}") from None
