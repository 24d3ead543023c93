"""``user welcome``, ``reset``, ``expire``, ``recover``: how somebody comes to sign in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from scim_connector.administration import users as doors
from scim_connector.cli.context import act, fail, opens
from scim_connector.cli.output import progress
from scim_connector.login.links import MailedLinks, newcomers
from scim_connector.login.second_factor import remove

if TYPE_CHECKING:
    from scim_connector.directory.database import Transaction
    from scim_connector.wiring import House


@click.command()
@click.argument("usernames", nargs=-1, metavar="USERNAME...")
@click.option(
    "--all-new",
    is_flag=True,
    help="Everybody who has never signed in, but for --no-password-mail.",
)
@opens
def welcome(house: House, usernames: tuple[str, ...], all_new: bool) -> None:
    """Mail the first link again, to one or many who have never signed in.

    The links of earlier mails stop working.
    """
    if bool(usernames) == all_new:
        raise fail("Name one or more usernames, or --all-new.")
    reader, doing = house.database.reader(), act()
    found = (
        newcomers(reader)
        if all_new
        else [doors.find(reader, name) for name in usernames]
    )
    with progress(len(found), "Queueing mails") as bar:
        for each in found:
            house.database.write(lambda tx, u=each: doors.send_welcome(tx, u, doing))  # type: ignore[misc]
            bar.update(1)
    click.echo(f"Mails queued: {len(found)}. Each link works for one hour.")


@click.command()
@click.argument("username")
@opens
def reset(house: House, username: str) -> None:
    """Mail somebody a link to choose a new password (R17)."""
    doing = act()
    house.database.write(
        lambda tx: doors.send_reset(tx, doors.find(tx, username), doing)
    )
    click.echo("A mail with a link is queued; the link works for one hour.")


@click.command()
@click.argument("usernames", nargs=-1, required=True, metavar="USERNAME...")
@opens
def expire(house: House, usernames: tuple[str, ...]) -> None:
    """Expire passwords: another one has to be chosen at the next sign-in.

    People who are signed in stay so until they are logged out: session end USERNAME
    """
    doing = act()
    found = [doors.find(house.database.reader(), name) for name in usernames]
    for each in found:
        house.database.write(lambda tx, u=each: doors.expire_password(tx, u, doing))  # type: ignore[misc]
        click.echo(f"{each.username} chooses another password at the next sign-in.")


@click.command()
@click.argument("username")
@opens
def recover(house: House, username: str) -> None:
    """Print a one-time link that resets password and second factor of an Administrator.

    For an Administrator who is locked out; it works for one hour and is audited.
    """
    doing = act()
    links_of = MailedLinks(house.database, house.keys)

    def work(tx: Transaction) -> str:
        found = doors.recoverable(tx, username)
        return str(links_of.recover(tx, found, doing).token)

    token = house.database.write(work)
    click.echo(f"{house.settings.address}/password/{token}")
    told = "Works once, for one hour; earlier links of this person are dead."
    click.echo(told, err=True)


@click.command("forget-factor")
@click.argument("username")
@opens
def forget_factor(house: House, username: str) -> None:
    """Remove the second factor of somebody whose telephone and codes are lost.

    Make sure by another road that it is they who ask: from then on the password alone
    sets up another one.
    """
    doing = act()

    def work(tx: Transaction) -> bool:
        return remove(tx, doors.find(tx, username), doing.actor, doing.now)

    if not house.database.write(work):
        raise fail(f"{username} has no second factor.")
    click.echo(f"{username} sets up another second factor at the next sign-in.")


#: What ``user`` takes in.
COMMANDS: Final = (welcome, reset, expire, recover, forget_factor)
