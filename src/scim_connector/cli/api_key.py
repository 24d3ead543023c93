"""``api-key``: what an API user shows to get a token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from scim_connector.administration import api_keys as doors
from scim_connector.administration import users as user_doors
from scim_connector.cli.context import Span, act, moment, opens
from scim_connector.cli.output import json_option, records
from scim_connector.directory import access, api_keys
from scim_connector.login.client_credentials import TOKEN_PATH

if TYPE_CHECKING:
    from scim_connector.wiring import House


@click.group(name="api-key")
def api_key() -> None:
    """Keys of API users; each is exchanged at /oauth2/token for a token of an hour.

    Any number may live, so change one without a gap: create another, use it, revoke
    the old one.
    """


@api_key.command()
@click.argument("username")
@click.option("--name", default="key", help="What it is for.")
@click.option("--expires", type=Span(), default="365d", help="365d, 12h, 1y or never.")
@opens
def create(house: House, username: str, name: str, expires: int | None) -> None:
    """Print a new key, alone on stdout and only this once."""
    doing = act()
    ends = None if expires is None else doing.now + expires
    made = house.database.write(
        lambda tx: doors.create(
            tx,
            user_doors.find(tx, username),
            name,
            pepper=house.keys.peppers()[0],
            expires_at=ends,
            act=doing,
        )
    )
    click.echo(str(made))
    until = moment(ends) if ends else "it is revoked; that is long"
    told = (
        f"client_id {username}, at {house.settings.address}{TOKEN_PATH}, until {until}."
    )
    click.echo(f"{told} Shown only now.", err=True)
    if not access.api_app_state(house.database.reader())[0]:
        click.echo(
            "It is of use once the API App is installed: api-app install", err=True
        )


@api_key.command("list")
@click.argument("username")
@json_option
@opens
def list_(house: House, username: str, as_json: bool) -> None:
    """The keys of an API user."""
    reader = house.database.reader()
    user = user_doors.find(reader, username)
    rows = [
        {
            "id": key.id,
            "name": key.name,
            "created": moment(key.created_at),
            "until": moment(key.expires_at),
            "last used": moment(key.last_used_at),
        }
        for key in api_keys.of_user(reader, user.id)
    ]
    hint = f"No key: scim-connector api-key create {user.username}"
    records(rows, as_json=as_json, empty=hint)


@api_key.command()
@click.argument("key_id", metavar="ID")
@opens
def revoke(house: House, key_id: str) -> None:
    """Revoke a key and the tokens it was exchanged for, at once."""
    doing = act()
    found = house.database.write(lambda tx: doors.revoke(tx, key_id, doing))
    click.echo(f'Revoked "{found.name}" ({found.id}).')
