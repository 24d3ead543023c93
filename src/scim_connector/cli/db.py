"""``db``: upgrade, check and back up the database."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scim_connector.cli.context import explaining, fail, load_settings, opens
from scim_connector.directory import audit, counters, upgrade
from scim_connector.directory.upgrade import Schema
from scim_connector.wiring.first_run import prepare, upgrade_old
from scim_connector.wiring.house import open_database, schema_of

if TYPE_CHECKING:
    from scim_connector.wiring import House


@click.group()
def db() -> None:
    """The database: upgrade, check, back up."""


@db.command("upgrade")
@click.pass_context
def upgrade_command(ctx: click.Context) -> None:
    """Bring the database to the schema of this program.

    A SQLite file is copied beside itself first. Back PostgreSQL up yourself before.
    """
    settings = load_settings(ctx.find_root().obj)
    with explaining():
        database = open_database(settings)
        state = schema_of(database)
        if state is Schema.OLDER and database.path is not None:
            click.echo(f"Upgraded; the old one is at {upgrade_old(database)}.")
        elif state is Schema.OLDER:
            upgrade.upgrade(database)
            click.echo("Upgraded.")
        elif state is Schema.EMPTY:
            welcome = prepare(settings).welcome
            click.echo("Made the tables and a first connection.")
            if welcome is not None:
                click.echo(f"Bearer token:   {welcome.token}")
        else:
            prepare(settings)
            click.echo("Nothing to do: the schema is current.")
        database.close()


@db.command()
@opens
def check(house: House) -> None:
    """Check the file, the counters and the seals of audit; exit 1 on a finding."""
    reader = house.database.reader()
    found = upgrade.damage(house.database)
    found += counters.wrong(reader)
    broken = audit.first_broken(reader)
    found += [f"audit: {broken}"] if broken else []
    for line in found:
        click.echo(line)
    if found:
        raise SystemExit(1)
    click.echo("All is well.")


@db.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@opens
def backup(house: House, file: Path | None) -> None:
    """Copy a SQLite database to FILE while it is in use (default: a dated name).

    The secret key is not in it: keep a copy of the key file elsewhere.
    """
    path = house.database.path
    if path is None:
        raise fail("This database is PostgreSQL; back it up with pg_dump.")
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    to = file or path.with_name(f"{path.name}.{stamp}.backup")
    if to.exists():
        raise fail(f"{to} exists already; name another file.")
    upgrade.back_up(path, to)
    click.echo(f"Copied to {to}. The key file is not in it.")
