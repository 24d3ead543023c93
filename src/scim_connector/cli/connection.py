"""``connection``: one per identity provider."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scim_connector.administration import api_app, shipped
from scim_connector.administration import connections as administration
from scim_connector.cli.context import Date, act, fail, moment, opens
from scim_connector.cli.files import read_text
from scim_connector.cli.group import group
from scim_connector.cli.guard import approve, guard
from scim_connector.cli.output import json_option, record, records
from scim_connector.cli.rehearsal import go_live, rehearsal
from scim_connector.directory import (
    connections,
    credentials,
    mass_changes,
    rehearsed,
    users,
)
from scim_connector.rules.counting import counted

if TYPE_CHECKING:
    from scim_connector.directory.connections import Connection
    from scim_connector.wiring import House

_GUIDES = {"entra": "docs/entra.md", "okta": "docs/okta.md"}


def _settings(command: Any) -> Any:
    """The settings that ``add`` and ``set`` share."""
    for option in reversed(
        (
            click.option(
                "--link-existing",
                type=click.Choice(["never", "email", "username"]),
                help="Adopt existing local people by this (default never).",
            ),
            click.option("--until", type=Date(), help="Last day of --link-existing."),
            click.option(
                "--allow-api-users/--no-api-users",
                default=None,
                help="It may create and adopt API users.",
            ),
            click.option(
                "--may-act-as-administrator/--not-as-administrator",
                default=None,
                help="It may give the Administrator role and change its holders.",
            ),
            click.option(
                "--strict/--lenient",
                default=None,
                help="Refuse unknown attributes instead of counting them.",
            ),
            click.option(
                "--password-mail/--no-password-mail",
                default=None,
                help="Mail new people a password link (default yes).",
            ),
            click.option(
                "--quirk-off",
                multiple=True,
                metavar="NAME",
                help="Do not tolerate this quirk (see dialects); repeatable.",
            ),
        )
    ):
        command = option(command)
    return command


def _chosen(options: dict[str, Any]) -> dict[str, Any]:
    """The options that were given, under the names of the columns."""
    until = options.pop("until")
    off = options.pop("quirk_off")
    chosen = {name: value for name, value in options.items() if value is not None}
    if until is not None:
        chosen["link_until"] = until
    if off:
        chosen["quirks_off"] = administration.switched_off(off)
    return chosen


@click.group()
def connection() -> None:
    """Connections to identity providers, one each.

    \b
    scim-connector connection add entra --kind entra
    scim-connector token create entra
    """  # noqa: D301 - click reads \b


for command in (group, rehearsal, go_live, guard, approve):
    connection.add_command(command)


@connection.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(["entra", "okta", "generic"]), required=True)
@click.option("--mapping", type=click.Path(path_type=Path), help="Mapping file.")
@click.option("--takes-over", metavar="NAME", help="Adopt the people of this one.")
@click.option(
    "--rehearse", is_flag=True, help="Carry nothing out before: connection go-live."
)
@_settings
@opens
def add(
    house: House,
    name: str,
    kind: str,
    mapping: Path | None,
    takes_over: str | None,
    rehearse: bool,
    **options: Any,
) -> None:
    """Add a connection with the shipped mapping of its kind, or one of your own.

    With --rehearse the provider's first cycle is answered and changes nothing here:
    connection rehearsal NAME shows what it would do.
    """
    text = read_text(mapping) if mapping else shipped.text(kind)
    settings = _chosen(options)
    if takes_over is not None:
        former = administration.find(house.database.reader(), takes_over)
        settings["takes_over"] = former.id
    if rehearse:
        settings["state"] = "rehearsing"
    doing = act()
    made = house.database.write(
        lambda tx: administration.add(
            tx,
            name,
            kind=kind,
            mapping_text=text,
            mapping_name=str(mapping) if mapping else f"{kind}.toml",
            settings=settings,
            act=doing,
        )
    )
    click.echo(f"Added connection {made.name} ({kind}{_rehearses(made)}).")
    click.echo(f"SCIM base URL:  {house.settings.base_url}")
    click.echo(f"Next: scim-connector token create {made.name}")
    if kind in _GUIDES:
        click.echo(f"Guide: {_GUIDES[kind]}")
    for warning in administration.address_warnings(house.settings.base_url):
        click.echo(f"Note: {warning}")
    _tell_of_rehearsal(house, made)


def _rehearses(found: Connection) -> str:
    return ", rehearsing" if found.is_rehearsing else ""


def _tell_of_rehearsal(house: House, made: Connection) -> None:
    """How a rehearsal goes on, or that one is worth it."""
    if made.is_rehearsing:
        click.echo(
            "Rehearsal: what it is sent is answered and not carried out. See it:"
        )
        click.echo(f"  scim-connector connection rehearsal {made.name}")
        click.echo(f"End it: scim-connector connection go-live {made.name}")
        return
    count = len(users.without_link(house.database.reader()))
    if count:
        click.echo(
            f"Note: {counted(count, 'local user')} without a provider. To see first whom"
            " this one would link, create and refuse, add it with --rehearse."
        )


@connection.command("list")
@json_option
@opens
def list_(house: House, as_json: bool) -> None:
    """All connections."""
    reader = house.database.reader()
    rows = [
        {
            "name": found.name,
            "kind": found.kind,
            "state": found.state,
            "holds back": _held_back(house, found),
            "people": administration.people(reader, found),
            "waiting": rehearsed.count(reader, found.id),
            "mapping": f"version {found.mapping_number}",
        }
        for found in connections.every(reader)
    ]
    hint = "No connection yet: scim-connector connection add NAME --kind entra"
    records(rows, as_json=as_json, empty=hint)


@connection.command()
@click.argument("name")
@json_option
@opens
def show(house: House, name: str, as_json: bool) -> None:
    """One connection with its settings and tokens."""
    reader = house.database.reader()
    found = administration.find(reader, name)
    tokens = [
        c
        for c in credentials.every(reader)
        if c.connection_id == found.id and c.kind == "bearer"
    ]
    row = _as_row(found) | {
        "holds back": _held_back(house, found),
        "active people": administration.people(reader, found),
        "waiting for go-live": rehearsed.count(reader, found.id),
        "tokens": [f"{c.id} until {moment(c.expires_at)}" for c in tokens],
        "SCIM base URL": house.settings.base_url,
    }
    record(row, as_json=as_json)


def _held_back(house: House, found: Connection) -> list[str]:
    """The kinds of changes that wait for: connection approve NAME."""
    held = mass_changes.held(house.database.reader(), found.id)
    return [each.kind.replace("_", " ") for each in held]


def _as_row(found: Connection) -> dict[str, Any]:
    return {
        "name": found.name,
        "kind": found.kind,
        "state": found.state,
        "link existing": found.link_existing,
        "until": moment(found.link_until),
        "API users": found.allow_api_users,
        "acts as administrator": found.may_act_as_administrator,
        "strict": found.strict,
        "password mail": found.password_mail,
        "quirks off": list(found.quirks_off),
        "mapping": f"version {found.mapping_number}",
        "since": moment(found.created_at),
    }


@connection.command("set")
@click.argument("name")
@_settings
@opens
def set_(house: House, name: str, **options: Any) -> None:
    """Change settings of a connection; only what is named changes."""
    changes = _chosen(options)
    if not changes:
        raise fail("Nothing to set; see: scim-connector connection set --help")
    found = administration.find(house.database.reader(), name)
    doing = act()
    house.database.write(lambda tx: administration.change(tx, found, changes, doing))
    click.echo(f"Set {', '.join(sorted(changes)).replace('_', ' ')} on {found.name}.")


@connection.command()
@click.argument("name")
@opens
def pause(house: House, name: str) -> None:
    """Serve reads and deactivations only; everything else is answered 503."""
    found = administration.find(house.database.reader(), name)
    doing = act()
    house.database.write(lambda tx: administration.pause(tx, found, doing))
    click.echo(f"Paused {found.name}; go on with: connection resume {found.name}")


@connection.command()
@click.argument("name")
@opens
def resume(house: House, name: str) -> None:
    """Serve everything again."""
    found = administration.find(house.database.reader(), name)
    doing = act()
    house.database.write(lambda tx: administration.resume(tx, found, doing))
    click.echo(f"Resumed {found.name}.")


@connection.command()
@click.argument("name")
@click.option("--deactivate", is_flag=True, help="Also deactivate its people.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@opens
def retire(house: House, name: str, deactivate: bool, yes: bool) -> None:
    """End a connection: its tokens die at once, its people stay active.

    So unassigning everybody at the old provider deactivates nobody. Let a new
    connection take them over: connection add NEW --kind okta --takes-over OLD
    """
    reader = house.database.reader()
    found = administration.find(reader, name)
    people = administration.people(reader, found)
    asked = f"Retire {found.name}; its {people} active people stay active"
    if deactivate:
        asked = f"Retire {found.name} and deactivate its {people} active people"
        lost = api_app.consequence_of(reader, found)
        asked += f". {lost}" if lost else ""
    if found.is_rehearsing:
        asked = f"Retire {found.name}; nothing that it was sent is carried out"
    if not yes and sys.stdin.isatty():
        click.confirm(f"{asked}. Go on?", abort=True)
    elif deactivate and not yes:
        raise fail(f"{asked}? Repeat with --yes.")
    doing = act()
    ended = house.database.write(
        lambda tx: administration.retire(tx, found, doing, deactivate=deactivate)
    )
    click.echo(f"Retired {found.name}; {ended} people deactivated.")
