"""``db``: upgrade and check the database; backups and copies: ``db_copies``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from scim_connector.cli.context import explaining, load_settings, opens
from scim_connector.cli.db_copies import backup, copy, restore
from scim_connector.directory import founding, upgrade
from scim_connector.directory.upgrade import Schema
from scim_connector.wiring.first_run import prepare, upgrade_old
from scim_connector.wiring.house import open_database, schema_of

if TYPE_CHECKING:
    from scim_connector.wiring import House


@click.group()
def db() -> None:
    """The database: upgrade, check, back up, restore, copy to another.

    \b
    scim-connector db backup                       a dated file beside the database
    scim-connector db restore FILE                 where no database is yet
    scim-connector db copy --to postgresql://host/name --hold
    """  # noqa: D301 - click reads \b


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
    found = upgrade.damage(house.database)
    found += founding.findings(house.database.reader())
    for line in found:
        click.echo(line)
    if found:
        raise SystemExit(1)
    click.echo("All is well.")


for command in (backup, restore, copy):
    db.add_command(command)
