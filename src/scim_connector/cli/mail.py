"""``mail``: what was sent, what waits, what could not be delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from scim_connector.administration import mails as doors
from scim_connector.cli.context import act, moment, now, opens
from scim_connector.cli.output import json_option, records
from scim_connector.delivery.trial import Trial
from scim_connector.directory import outbox, users
from scim_connector.rules.counting import counted

if TYPE_CHECKING:
    from scim_connector.wiring import House

MOST_LISTED = 100


@click.group()
def mail() -> None:
    """Mails to people. `mail test ADDRESS` tries the settings.

    \b
    scim-connector mail list --not-sent
    scim-connector mail resend 17
    """  # noqa: D301 - click reads \b


@mail.command("list")
@click.option("--not-sent", is_flag=True, help="Leave out what was sent.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=MOST_LISTED)
@json_option
@opens
def list_(house: House, not_sent: bool, limit: int, as_json: bool) -> None:
    """Mails, the newest first, with why one was not sent."""
    reader, present = house.database.reader(), now()
    rows: list[dict[str, Any]] = []
    found = outbox.listed(reader, doors.TOPICS, at_most=limit, not_sent=not_sent)
    for each in found:
        state = each.state_at(present)
        user_id = each.message.user_id
        user = users.by_id(reader, user_id) if user_id else None
        rows.append(
            {
                "id": each.message.id,
                "mail": each.message.topic.partition(":")[2],
                "user": user.username if user else "",
                "queued": moment(each.message.created_at),
                "state": state,
                "tries": each.message.attempts,
                "next": moment(each.due_at) if state == "trying" else "",
                "why": each.last_error or "",
            }
        )
    records(rows, as_json=as_json, empty="No mail yet.")


@mail.command()
@click.argument("mail_id", type=int, metavar="ID")
@opens
def resend(house: House, mail_id: int) -> None:
    """Queue a mail again; a link in it will be a new one, and the old one dies."""
    doing = act()
    house.database.write(lambda tx: doors.resend(tx, doors.find(tx, mail_id), doing))
    click.echo("Queued again.")


@mail.command()
@click.argument("mail_id", type=int, metavar="ID")
@opens
def drop(house: House, mail_id: int) -> None:
    """Give up a mail that waits."""
    doing = act()
    house.database.write(lambda tx: doors.drop(tx, doors.find(tx, mail_id), doing))
    click.echo("Dropped.")


@mail.command()
@click.argument("choice", type=click.Choice(["send", "drop"]))
@opens
def held(house: House, choice: str) -> None:
    """Send or drop what waited when mail was configured for the first time."""
    doing = act()
    decide = doors.release_held if choice == "send" else doors.drop_held
    count = house.database.write(lambda tx: decide(tx, doing))
    click.echo(
        f"{counted(count, 'mail')} {'to be sent' if choice == 'send' else 'dropped'}."
    )


@mail.command()
@click.argument("address")
@opens
def test(house: House, address: str) -> None:
    """Send one mail to ADDRESS now, and say what the mail server said."""
    click.echo(Trial(house.settings).send(address))
