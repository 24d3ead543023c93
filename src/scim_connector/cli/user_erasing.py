"""``user erase``: what tells of a person is taken out, for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from scim_connector.administration import erasing
from scim_connector.cli.context import act, ask, opens
from scim_connector.cli.output import harmless

if TYPE_CHECKING:
    from scim_connector.wiring import House


@click.command()
@click.argument("username")
@click.option("--yes", is_flag=True, help="Do not ask.")
@opens
def erase(house: House, username: str, yes: bool) -> None:
    """Take everything that tells of a person out of the database, for ever.

    Only of somebody who is inactive and whom no provider manages. The id, the dates,
    the proof of each cut-off and the chain of audit stay; nothing of it can be undone.
    """
    reader, doing = house.database.reader(), act()
    user = erasing.erasable(reader, username)
    click.echo("What follows:")
    for sentence in erasing.consequences(reader, user):
        click.echo(f"  {harmless(sentence)}")
    ask(f"Erase {harmless(user.username)}", yes=yes)
    done = erasing.erase(house.database, username, doing)
    click.echo(f"Erased; the user is {done.username} now.")
