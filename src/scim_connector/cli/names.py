"""``role`` and ``profile``: what users are assigned."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

import click

from scim_connector.cli.context import act, fail, opens
from scim_connector.cli.output import json_option, records
from scim_connector.directory import audit, profiles, roles
from scim_connector.directory.constraints import ConstraintBroken
from scim_connector.rules.events import Event

if TYPE_CHECKING:
    from scim_connector.directory.database import Transaction
    from scim_connector.wiring import House


@click.group()
def role() -> None:
    """Roles: what a person may do; given here, or by a provider through the mapping."""


@click.group()
def profile() -> None:
    """Profiles: a person has one; assigned here or by the mapping."""


def _add(house: House, rows: ModuleType, kind: str, name: str) -> None:
    doing = act()

    def work(tx: Transaction) -> None:
        rows.add(tx, name)
        event = Event(f"{kind}:added", {"name": name})
        audit.record(tx, [event], at=doing.now, actor=str(doing.actor))

    if not name.strip():
        raise fail(f"A {kind} needs a name.")
    try:
        house.database.write(work)
    except ConstraintBroken:
        raise fail(f'There is a {kind} "{name}" already.') from None
    click.echo(f"Added {kind} {name}.")


def _list(house: House, rows: ModuleType, kind: str, as_json: bool) -> None:
    found = [{"name": row.name} for row in rows.every(house.database.reader())]
    hint = f"No {kind} yet: scim-connector {kind} add NAME"
    records(found, as_json=as_json, empty=hint)


@role.command("add")
@click.argument("name")
@opens
def add_role(house: House, name: str) -> None:
    """Add a role; name it in [roles.map] of a mapping to let a provider give it."""
    _add(house, roles, "role", name)


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
    _add(house, profiles, "profile", name)


@profile.command("list")
@json_option
@opens
def list_profiles(house: House, as_json: bool) -> None:
    """All profiles."""
    _list(house, profiles, "profile", as_json)
