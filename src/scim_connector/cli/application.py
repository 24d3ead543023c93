"""``application``: the applications that rely on the gate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from scim_connector.administration import applications as doors
from scim_connector.administration import connections as connection_doors
from scim_connector.cli.context import Span, act, fail, moment, now, opens
from scim_connector.cli.output import json_option, record, records
from scim_connector.directory import applications

if TYPE_CHECKING:
    from scim_connector.wiring import House


@click.group()
def application() -> None:
    """Applications that let the gate decide who may come in.

    \b
    scim-connector application add nextgen --kind web --address https://nextgen.example.com
    scim-connector application secret nextgen

    A proxy in front of the application asks /auth/verify?application=nextgen, or the
    application asks /oauth2/introspect with its secret: docs/applications.md.
    """  # noqa: D301 - click reads \b


def _addresses(command: Any) -> Any:
    """The addresses that ``add`` and ``set`` share."""
    for option in reversed(
        (
            click.option("--address", help="Where people open it; mails name it."),
            click.option(
                "--redirect",
                "redirects",
                multiple=True,
                metavar="URL",
                help="Its /auth/accept, when it has a host of its own; repeatable.",
            ),
            click.option(
                "--logout-url",
                metavar="URL",
                help="Told at once when a session ends (back-channel logout).",
            ),
        )
    ):
        command = option(command)
    return command


@application.command()
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(doors.KINDS),
    default="web",
    help="web and desktop are for people, api acts for API users (default web).",
)
@_addresses
@opens
def add(house: House, name: str, **given: Any) -> None:
    """Register an application."""
    doing = act()
    made = house.database.write(lambda tx: doors.add(tx, name, **given, act=doing))
    click.echo(f"Added application {made.name} ({made.kind}).")
    address = house.settings.address
    if made.kind != "api":
        click.echo(f"Forward-auth:   {address}/auth/verify?application={made.name}")
    click.echo(f"Introspection:  {address}/oauth2/introspect")
    click.echo(f"Next: scim-connector application secret {made.name}")


@application.command("list")
@json_option
@opens
def list_(house: House, as_json: bool) -> None:
    """All applications."""
    rows = [
        {
            "name": found.name,
            "kind": found.kind,
            "address": found.address,
            "logout": found.logout_url,
            "since": moment(found.created_at),
        }
        for found in applications.every(house.database.reader())
    ]
    hint = "No application yet: scim-connector application add NAME"
    records(rows, as_json=as_json, empty=hint)


@application.command()
@click.argument("name")
@json_option
@opens
def show(house: House, name: str, as_json: bool) -> None:
    """One application: addresses, secrets, its client ids at providers."""
    reader, present = house.database.reader(), now()
    found = doors.find(reader, name)
    row = {
        "name": found.name,
        "kind": found.kind,
        "address": found.address,
        "redirects": list(found.redirects),
        "logout": found.logout_url,
        "secrets": [
            f"{s.id} {s.state_at(present)} until {moment(s.expires_at)}"
            for s in applications.secrets(reader, found.id)
        ],
        "client ids": [
            f"{client} at {connection}"
            for _, connection, client in applications.clients(reader, found.id)
        ],
        "client_id": found.name,
    }
    record(row, as_json=as_json)


@application.command("set")
@click.argument("name")
@_addresses
@opens
def set_(house: House, name: str, **given: Any) -> None:
    """Change addresses; what is not named stays. An empty text takes one away."""
    if (
        not any(given[each] is not None for each in ("address", "logout_url"))
        and not (given["redirects"])
    ):
        raise fail("Nothing to set; see: scim-connector application set --help")
    doing = act()
    found = doors.find(house.database.reader(), name)
    wanted: dict[str, Any] = {
        "address": _chosen(given["address"], found.address),
        "logout_url": _chosen(given["logout_url"], found.logout_url),
        "redirects": tuple(filter(None, given["redirects"])) or found.redirects,
    }
    house.database.write(lambda tx: doors.change(tx, found, **wanted, act=doing))
    click.echo(f"Set the addresses of {found.name}.")


def _chosen(given: str | None, present: str | None) -> str | None:
    return present if given is None else given or None


@application.command()
@click.argument("name")
@click.option("--expires", type=Span(), default="365d", help="365d, 12h, 1y or never.")
@opens
def secret(house: House, name: str, expires: int | None) -> None:
    """Print a new secret, alone on stdout and only this once."""
    doing = act()
    found = doors.find(house.database.reader(), name)
    ends = None if expires is None else doing.now + expires
    made = house.database.write(
        lambda tx: doors.create_secret(
            tx,
            found,
            pepper=house.keys.peppers()[0],
            expires_at=ends,
            act=doing,
        )
    )
    click.echo(str(made))
    until = moment(ends) if ends else "it is revoked; that is long"
    click.echo(f"client_id {found.name}, until {until}. Shown only now.", err=True)


@application.command()
@click.argument("name")
@click.argument("secret_id", metavar="ID")
@opens
def revoke(house: House, name: str, secret_id: str) -> None:
    """Revoke a secret at once."""
    doing = act()
    found = doors.find(house.database.reader(), name)
    house.database.write(lambda tx: doors.revoke_secret(tx, found, secret_id, doing))
    click.echo(f"Revoked {secret_id}.")


@application.command()
@click.argument("name")
@opens
def retire(house: House, name: str) -> None:
    """End an application: its secrets and its sessions die at once."""
    doing = act()
    found = doors.find(house.database.reader(), name)
    ended = house.database.write(lambda tx: doors.retire(tx, found, doing))
    click.echo(f"Retired {found.name}; {ended} sessions ended.")


@application.command()
@click.argument("name")
@click.argument("connection")
@click.argument("client_id", required=False)
@opens
def client(house: House, name: str, connection: str, client_id: str | None) -> None:
    """Say which CLIENT_ID the application has at a provider; without it, forget.

    Then the application may exchange ID tokens that name it (docs/applications.md).
    """
    reader, doing = house.database.reader(), act()
    found = doors.find(reader, name)
    at = connection_doors.find(reader, connection)
    house.database.write(lambda tx: doors.set_client(tx, found, at, client_id, doing))
    click.echo(f"{found.name} is {client_id or 'nobody'} at {at.name}.")
