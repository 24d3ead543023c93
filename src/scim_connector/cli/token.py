"""``token``: bearer tokens of connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from scim_connector.administration import connections as administration
from scim_connector.cli.context import Span, act, moment, now, opens
from scim_connector.cli.output import json_option, records
from scim_connector.directory import connections, credentials

if TYPE_CHECKING:
    from scim_connector.wiring import House

DAY = 24 * 3600 * 1_000_000


@click.group()
def token() -> None:
    """Bearer tokens of connections; any number may live, so change them without a gap.

    \b
    scim-connector token create entra --expires 365d
    scim-connector token revoke abcdefghijkl
    """  # noqa: D301 - click reads \b


@token.command()
@click.argument("connection")
@click.option("--expires", type=Span(), default="365d", help="365d, 12h, 1y or never.")
@click.option(
    "--read-only", is_flag=True, help="For an application: it reads all active people."
)
@opens
def create(house: House, connection: str, expires: int | None, read_only: bool) -> None:
    """Print a new token, alone on stdout and only this once.

    With --read-only it is for an application instead of a provider: it reads everybody
    who is active, from whatever connection, and changes nothing. CONNECTION is the name
    that the log shows.
    """
    found = administration.find(house.database.reader(), connection)
    doing = act()
    ends = None if expires is None else doing.now + expires
    made = house.database.write(
        lambda tx: administration.create_token(
            tx,
            found,
            pepper=house.keys.peppers()[0],
            expires_at=ends,
            act=doing,
            kind="reader" if read_only else "bearer",
        )
    )
    click.echo(str(made))
    until = moment(ends) if ends else "it is revoked; that is long"
    click.echo(f"For {found.name}, until {until}. Shown only now.", err=True)


@token.command("list")
@json_option
@opens
def list_(house: House, as_json: bool) -> None:
    """All tokens, secrets and trusts: whose, since when, until when, last used."""
    reader = house.database.reader()
    names = {c.id: c.name for c in connections.every(reader)}
    present = now()
    rows = [
        {
            "id": found.id,
            "connection": names[found.connection_id],
            "kind": found.kind,
            "state": found.state_at(present),
            "created": moment(found.created_at),
            "expires": moment(found.expires_at),
            "last used": moment(found.last_used_at),
        }
        for found in credentials.every(reader)
        if found.kind != "access" or found.state_at(present) == "live"
    ]
    hint = "No token yet: scim-connector token create CONNECTION"
    records(rows, as_json=as_json, empty=hint)


@token.command()
@click.argument("token_id", metavar="ID")
@opens
def revoke(house: House, token_id: str) -> None:
    """Revoke a token; the next request with it is refused."""
    found = administration.find_token(house.database.reader(), token_id)
    doing = act()
    done = house.database.write(
        lambda tx: administration.revoke_token(tx, found, doing)
    )
    click.echo(f"{found.id} is {'revoked' if done else 'revoked already'}.")


@token.command()
@click.argument("token_id", metavar="ID")
@click.option("--expires", type=Span(), default="365d", help="From now on.")
@opens
def extend(house: House, token_id: str, expires: int | None) -> None:
    """Move the expiry of a token, counted from now."""
    found = administration.find_token(house.database.reader(), token_id)
    doing = act()
    ends = None if expires is None else doing.now + expires
    house.database.write(lambda tx: administration.extend_token(tx, found, ends, doing))
    click.echo(f"{found.id} lives until {moment(ends) if ends else 'it is revoked'}.")
