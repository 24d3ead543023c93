"""``session``: where people are signed in, and how that ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from scim_connector.administration import users as doors
from scim_connector.cli.context import act, moment, opens
from scim_connector.cli.output import json_option, records
from scim_connector.directory import sessions

if TYPE_CHECKING:
    from scim_connector.wiring import House


@click.group()
def session() -> None:
    """Sessions of people at applications."""


@session.command("list")
@click.argument("username")
@json_option
@opens
def list_(house: House, username: str, as_json: bool) -> None:
    """Where somebody is signed in."""
    reader = house.database.reader()
    user = doors.find(reader, username)
    rows = [
        {
            "application": each.client,
            "since": moment(each.created_at),
            "last seen": moment(each.seen_at),
            "ends at": moment(each.expires_at),
            "by": each.method,
            "second factor": each.second_factor,
            "from": each.network,
            "with": each.agent,
        }
        for each in sessions.of_user(reader, user.id)
    ]
    records(rows, as_json=as_json, empty=f"{user.username} is signed in nowhere.")


@session.command()
@click.argument("usernames", nargs=-1, required=True, metavar="USERNAME...")
@opens
def end(house: House, usernames: tuple[str, ...]) -> None:
    """Log other users out: end all sessions of one or many, in every application."""
    doing = act()
    found = [doors.find(house.database.reader(), name) for name in usernames]
    for user in found:
        ended = house.database.write(lambda tx, u=user: doors.log_out(tx, u, doing))  # type: ignore[misc]
        click.echo(f"{user.username}: {ended} sessions ended.")
