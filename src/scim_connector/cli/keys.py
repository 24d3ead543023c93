"""``keys``: the secret key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from scim_connector.cli.context import act, fail, opens
from scim_connector.directory import audit
from scim_connector.rules.events import Event
from scim_connector.tokens.secrets import SecretKeys
from scim_connector.wiring.house import write_keys

if TYPE_CHECKING:
    from scim_connector.wiring import House


@click.group()
def keys() -> None:
    """The secret key: one per installation, kept out of the database."""


@keys.command()
def new() -> None:
    """Print a fresh key, for SCIM_CONNECTOR_SECRET_KEY."""
    click.echo(SecretKeys.fresh().text(), nl=False)


@keys.command()
@opens
def rotate(house: House) -> None:
    """Put a new key in front of the key file; the older ones still open old values.

    Restart the server afterwards. Tokens made before keep working.
    """
    if house.settings.secret_key:
        raise fail("The key is in SCIM_CONNECTOR_SECRET_KEY; put a new line before it.")
    doing = act()
    write_keys(house.settings.secret_key_file, house.keys.rotated())
    house.database.write(
        lambda tx: audit.record(
            tx, [Event("key:rotated")], at=doing.now, actor=doing.actor
        )
    )
    file = house.settings.secret_key_file
    click.echo(f"{file} has a new key in front. Restart the server.")
