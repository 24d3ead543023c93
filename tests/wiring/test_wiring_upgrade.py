"""A database of the first schema: brought to this one with all that is in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import text

from scim_connector.administration import connections as administration
from scim_connector.directory import credentials, upgrade
from scim_connector.directory.database import Database
from scim_connector.directory.upgrade import Schema
from scim_connector.settings import Settings
from scim_connector.tokens.secrets import SecretKeys
from scim_connector.wiring import NotReady, open_house, prepare
from tests import postgres

TOKEN = "abcdefghijkl"


def first_schema(database: Database, keys: SecretKeys) -> None:
    """Make the first schema, with a connection and a token from then."""
    if database.path is not None:
        database.reader()  # makes the file as the product does
        database.close()
    with upgrade._engine(database).begin() as connection:
        command.upgrade(upgrade._config(connection), "0001")
        connection.execute(
            text(
                "INSERT INTO connections (name, name_key, kind, state, created_at)"
                " VALUES ('old', 'old', 'entra', 'live', 1)"
            )
        )
        connection.execute(
            text(
                "INSERT INTO credentials (id, connection_id, kind, hash, created_at)"
                " VALUES (:token, 1, 'bearer', 'h', 1)"
            ),
            {"token": TOKEN},
        )
        connection.execute(
            text("INSERT INTO installation (name, value) VALUES ('key_check', :sum)"),
            {"sum": keys.check_values()[0]},
        )


def test_serve_copies_an_older_database_and_upgrades_it(tmp_path: Path) -> None:
    """Decision 44: the old file lies beside it, and everything in it is there."""
    keys = SecretKeys.fresh()
    settings = Settings(
        database_url=f"sqlite:///{tmp_path / 'house.db'}",
        secret_key_file=tmp_path / "house.key",
    )
    settings.secret_key_file.write_text(keys.text())
    first_schema(Database(settings.database_url), keys)
    prepared = prepare(settings)
    house = open_house(settings)
    held = credentials.by_id(house.database.reader(), TOKEN)
    administration.find(house.database.reader(), "old")
    damage = upgrade.damage(house.database)
    house.database.close()

    (told,) = [note for note in prepared.notes if "Upgraded the database" in note]
    copy = Path(told.rpartition(" at ")[2].rstrip("."))
    assert held is not None
    assert (held.kind, held.hash, held.parent_id) == ("bearer", "h", None)
    assert damage == []
    assert upgrade.schema(Database(f"sqlite:///{copy}")) is Schema.OLDER


def test_on_postgresql_the_operator_upgrades(
    tmp_path: Path, postgres_server: postgres.Postgres
) -> None:
    """``serve`` stops and names the command, which keeps everything."""
    keys = SecretKeys.fresh()
    url = postgres_server.create("upgrade_from_the_first")
    settings = Settings(database_url=url, secret_key_file=tmp_path / "house.key")
    settings.secret_key_file.write_text(keys.text())
    database = Database(url)
    first_schema(database, keys)
    with pytest.raises(NotReady, match="db upgrade"):
        prepare(settings)
    upgrade.upgrade(database)
    held = credentials.by_id(database.reader(), TOKEN)
    database.close()
    postgres_server.drop("upgrade_from_the_first")

    assert held is not None
    assert (held.kind, held.hash, held.parent_id) == ("bearer", "h", None)
