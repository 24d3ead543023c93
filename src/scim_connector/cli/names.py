"""``role`` and ``profile``: what users are assigned."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

import click

from scim_connector.administration import roles as administration
from scim_connector.cli.context import act, opens
from scim_connector.cli.output import json_option, records
from scim_connector.directory import profiles, roles
from scim_connector.rules.permissions import ALL

if TYPE_CHECKING:
    from scim_connector.wiring import House


@click.group()
def role() -> None:
    """Roles: what a person may do; given here, or by a provider through the mapping."""


@click.group()
def profile() -> None:
    """Profiles: a person has one; assigned here or by the mapping."""


def _list(house: House, rows: ModuleType, kind: str, as_json: bool) -> None:
    found = [{"name": row.name} for row in rows.every(house.database.reader())]
    hint = f"No {kind} yet: scim-connector {kind} add NAME"
    records(found, as_json=as_json, empty=hint)


@role.command("add")
@click.argument("name")
@click.option(
    "--allow",
    "carried",
    multiple=True,
    type=click.Choice(sorted(ALL)),
    help="What its holders may do in the console; repeatable.",
)
@opens
def add_role(house: House, name: str, carried: tuple[str, ...]) -> None:
    """Add a role; name it in [roles.map] of a mapping to let a provider give it."""
    doing = act()
    house.database.write(
        lambda tx: administration.add(tx, name, carried, doing, own=ALL)
    )
    click.echo(f"Added role {name}.")


@role.command("list")
@json_option
@opens
def list_roles(house: House, as_json: bool) -> None:
    """All roles."""
    _list(house, roles, "role", as_json)


@profile.command("add")
@click.argument("name")
@opens
def add_profile(house: House, name: str) -> None:
    """Add a profile."""
    doing = act()
    house.database.write(lambda tx: administration.add_profile(tx, name, doing))
    click.echo(f"Added profile {name}.")


@profile.command("list")
@json_option
@opens
def list_profiles(house: House, as_json: bool) -> None:
    """All profiles."""
    _list(house, profiles, "profile", as_json)
