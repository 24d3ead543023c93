"""``api-app``: the API App, which acts as one API user."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from scim_connector.administration import api_app as administration
from scim_connector.cli.context import act, ask, opens
from scim_connector.cli.output import json_option, record
from scim_connector.directory import access, users

if TYPE_CHECKING:
    from scim_connector.wiring import House


@click.group(name="api-app")
def api_app() -> None:
    """The API App: installed once, configured with one active API user."""


@api_app.command()
@opens
def install(house: House) -> None:
    """Mark the API App as installed, so that API users are of use."""
    doing = act()
    house.database.write(lambda tx: administration.install(tx, doing))
    click.echo("The API App is installed. Next: api-app configure USERNAME")


@api_app.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@opens
def uninstall(house: House, yes: bool) -> None:
    """Mark the API App as gone: every API token ends, and no key is of use."""
    ask(administration.leaving(house.database.reader()), yes=yes)
    doing = act()
    house.database.write(lambda tx: administration.uninstall(tx, doing))
    click.echo("The API App is not installed.")


@api_app.command()
@click.argument("username")
@opens
def configure(house: House, username: str) -> None:
    """Let the API App act as this API user."""
    doing = act()
    house.database.write(lambda tx: administration.configure(tx, username, doing))
    click.echo(f"The API App acts as {username}.")


@api_app.command()
@json_option
@opens
def show(house: House, as_json: bool) -> None:
    """Whether it is installed, and as whom it acts."""
    reader = house.database.reader()
    installed, user_id = access.api_app_state(reader)
    user = users.by_id(reader, user_id) if user_id else None
    row = {"installed": installed, "acts as": user.username if user else ""}
    record(row, as_json=as_json)
