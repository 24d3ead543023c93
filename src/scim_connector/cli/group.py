"""``connection group``: what providers call groups, and the roles they give."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from scim_connector.administration import connections as administration
from scim_connector.administration import groups as doors
from scim_connector.cli.context import act, fail, opens
from scim_connector.cli.output import json_option, records
from scim_connector.rules.permissions import ALL

if TYPE_CHECKING:
    from scim_connector.directory.database import Transaction
    from scim_connector.wiring import House


@click.group()
def group() -> None:
    """Groups of a provider. One gives a role only where it is tied to one.

    \b
    scim-connector connection group list entra
    scim-connector connection group tie entra "Registrars" Registrar

    A mapping can tie them by name as well, in [roles.groups].
    """  # noqa: D301 - click reads \b


@group.command("list")
@click.argument("connection")
@json_option
@opens
def list_(house: House, connection: str, as_json: bool) -> None:
    """Groups with how many belong to them, and the roles they give."""
    reader = house.database.reader()
    found = administration.find(reader, connection)
    rows = [
        {
            "group": line.group.display_name,
            "members": line.members,
            "gives": list(line.ties),
            "externalId": line.group.external_id or "",
            "id": line.group.id,
        }
        for line in doors.listed(reader, found)
    ]
    hint = "No group yet. Assign groups to the application in the provider."
    records(rows, as_json=as_json, empty=hint)


@group.command()
@click.argument("connection")
@click.argument("name", metavar="GROUP")
@click.argument("role")
@click.option("--yes", is_flag=True, help="Do not ask.")
@opens
def tie(house: House, connection: str, name: str, role: str, yes: bool) -> None:
    """Let a group give a role to its members, now and from now on."""
    _change(house, connection, name, role, yes=yes, ties=True)


@group.command()
@click.argument("connection")
@click.argument("name", metavar="GROUP")
@click.argument("role")
@click.option("--yes", is_flag=True, help="Do not ask.")
@opens
def untie(house: House, connection: str, name: str, role: str, yes: bool) -> None:
    """Take a tie away; who holds the role by another road keeps it."""
    _change(house, connection, name, role, yes=yes, ties=False)


def _change(
    house: House, connection: str, name: str, role: str, *, yes: bool, ties: bool
) -> None:
    """Say how many gain or lose the role, ask, then do it."""
    reader = house.database.reader()
    found = administration.find(reader, connection)
    chosen = doors.find(reader, found, name)
    doing = act()

    def work(tx: Transaction) -> int:
        if ties:
            return doors.tie(tx, found, chosen, role, doing, own=ALL)
        return doors.untie(tx, chosen, role, doing)

    people = house.database.preview(work)
    verb = "gain" if ties else "lose"
    asked = f"{people} people {verb} {role} through {chosen.display_name}"
    if not yes and sys.stdin.isatty():
        click.confirm(f"{asked}. Go on?", abort=True)
    elif not yes and people:
        raise fail(f"{asked}. Repeat with --yes.")
    done = house.database.write(work)
    state = "gives" if ties else "gives no more"
    click.echo(f"{chosen.display_name} {state} {role}: {done} people {verb} it.")
