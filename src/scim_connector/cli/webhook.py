"""``webhook``: who is told of alerts and heads of audit, and what did not arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from scim_connector.administration import webhooks as doors
from scim_connector.cli.context import act, ask, fail, moment, now, opens
from scim_connector.cli.output import json_option, record, records
from scim_connector.directory import outbox, webhooks
from scim_connector.rules.webhooks import BY_ID, KINDS
from scim_connector.wiring.workers import webhooks as poster

if TYPE_CHECKING:
    from scim_connector.directory.outbox import Standing
    from scim_connector.directory.webhooks import Tally, Webhook
    from scim_connector.wiring import House

_HEARS = click.option(
    "--hears",
    "kinds",
    multiple=True,
    type=click.Choice(list(BY_ID)),
    help=f"What it is told; repeatable (default when added: {', '.join(BY_ID)}).",
)
STATES = {"failed": "not delivered", "trying": "trying again", "sent": "up to date"}


@click.group()
def webhook() -> None:
    """Webhooks: alerts and signed heads of audit, posted as Standard Webhooks.

    \b
    scim-connector webhook add pager https://pager.example.com/hook --hears alerts
    scim-connector webhook test pager
    scim-connector webhook show pager

    What each may hear of: scim-connector webhook kinds
    """  # noqa: D301 - click reads \b


@webhook.command()
@json_option
def kinds(as_json: bool) -> None:
    """What a webhook can hear of, and the types of its messages."""
    rows = [
        {"hears": each.id, "types": list(each.types), "tells": each.sentence}
        for each in KINDS
    ]
    records(rows, as_json=as_json)


@webhook.command()
@click.argument("name")
@click.argument("url")
@_HEARS
@opens
def add(house: House, name: str, url: str, kinds: tuple[str, ...]) -> None:
    """Tell URL from now on; prints the secret, this once."""
    doing, told = act(), kinds or tuple(BY_ID)
    made, secret = house.database.write(
        lambda tx: doors.add(tx, house.keys, name, url, doing, kinds=told)
    )
    click.echo(f"Added webhook {made.name}: {', '.join(made.kinds)}.")
    _show_secret(secret)
    click.echo(f"Next: scim-connector webhook test {made.name}")


def _show_secret(secret: str) -> None:
    click.echo(f"Secret:  {secret}")
    click.echo("It is shown this once; give it to whoever checks the signatures.")


@webhook.command("list")
@json_option
@opens
def list_(house: House, as_json: bool) -> None:
    """All webhooks, how they stand, and what is wrong."""
    reader = house.database.reader()
    tallies = webhooks.tallies(reader)
    rows = [
        {
            "name": each.name,
            "url": each.url,
            "hears": list(each.kinds),
            **_standing(house, each, tallies.get(each.id, webhooks.Tally())),
        }
        for each in webhooks.every(reader)
    ]
    hint = "No webhook yet: scim-connector webhook add NAME URL"
    records(rows, as_json=as_json, empty=hint)


def _standing(house: House, each: Webhook, tally: Tally) -> dict[str, Any]:
    state = doors.state_of(each, tally)
    return {
        "state": STATES.get(state, state),
        "not delivered": tally.lost,
        "last delivered": moment(tally.last_delivered_at),
        "trouble": webhooks.trouble(house.database.reader(), each.id),
    }


@webhook.command()
@click.argument("name")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True)
@json_option
@opens
def show(house: House, name: str, limit: int, as_json: bool) -> None:
    """One webhook, and what it was sent in 30 days, the newest first."""
    reader = house.database.reader()
    found = doors.find(reader, name)
    tally = webhooks.tallies(reader).get(found.id, webhooks.Tally())
    sent = outbox.of_webhook(reader, found.id, at_most=limit)
    row = {
        "name": found.name,
        "url": found.url,
        "hears": list(found.kinds),
        "former secret until": moment(found.former_until),
        **_standing(house, found, tally),
    }
    messages = [_message(each) for each in sent]
    if as_json:
        record({**row, "messages": messages}, as_json=True)
        return
    record(row, as_json=False)
    click.echo()
    records(messages, as_json=False, empty="It was sent nothing yet.")


def _message(each: Standing) -> dict[str, Any]:
    state = each.state_at(now())
    return {
        "id": each.message.id,
        "at": moment(each.message.created_at),
        "type": webhooks.type_of(each.message),
        "webhook-id": each.message.message_id,
        "state": {"failed": "not delivered", "trying": "trying again"}.get(
            state, state
        ),
        "tries": each.message.attempts,
        "next": moment(each.due_at) if state == "trying" else None,
        "why": each.last_error,
    }


@webhook.command("set")
@click.argument("name")
@click.option("--url", help="Post there from now on, with a new secret.")
@_HEARS
@opens
def set_(house: House, name: str, url: str | None, kinds: tuple[str, ...]) -> None:
    """Change what a webhook hears of, or where; another address, another secret."""
    changes: dict[str, Any] = {"url": url} if url else {}
    if kinds:
        changes["kinds"] = doors.known(kinds)
    if not changes:
        raise fail("Say what to change; see: scim-connector webhook set --help")
    secret = _change(house, name, **changes)
    click.echo(f"Changed webhook {name}.")
    if secret is not None:
        _show_secret(secret)


@webhook.command()
@click.argument("name")
@click.option(
    "--overlap",
    type=click.IntRange(0, doors.MOST_OVERLAP),
    default=doors.OVERLAP,
    show_default=True,
    metavar="HOURS",
    help="So long the former secret signs too; 0 when somebody else has it.",
)
@opens
def rotate(house: House, name: str, overlap: int) -> None:
    """Make another secret; prints it, this once."""
    doing = act()
    secret = house.database.write(
        lambda tx: doors.rotate(
            tx, house.keys, doors.find(tx, name), doing, hours=overlap
        )
    )
    _show_secret(secret)
    if overlap:
        click.echo(f"The former secret signs beside it for {overlap} hours.")


@webhook.command()
@click.argument("name")
@opens
def pause(house: House, name: str) -> None:
    """Send nothing until it is resumed; what comes meanwhile waits, 30 days at most."""
    _change(house, name, paused=True)
    click.echo(f"Paused {name}; it is sent what waits when it is resumed.")


@webhook.command()
@click.argument("name")
@opens
def resume(house: House, name: str) -> None:
    """Send what waits, and go on."""
    _change(house, name, paused=False)
    click.echo(f"Resumed {name}.")


def _change(house: House, name: str, **changes: Any) -> str | None:
    doing = act()
    _, secret = house.database.write(
        lambda tx: doors.change(tx, house.keys, doors.find(tx, name), doing, **changes)
    )
    return secret


@webhook.command()
@click.argument("name")
@click.argument("message_id", type=int, metavar="[ID]", required=False)
@opens
def resend(house: House, name: str, message_id: int | None) -> None:
    """Send message ID once more, or without it all that were not delivered."""
    doing = act()
    if message_id is None:
        count = house.database.write(
            lambda tx: doors.resend_lost(tx, doors.find(tx, name), doing)
        )
        click.echo(f"{count} message{' is' if count == 1 else 's are'} sent once more.")
        return
    house.database.write(
        lambda tx: doors.resend(tx, doors.find(tx, name), message_id, doing)
    )
    click.echo("It is sent once more, under the same webhook-id.")


@webhook.command()
@click.argument("name")
@opens
def test(house: House, name: str) -> None:
    """Post a test message now, and say what was answered."""
    found = doors.find(house.database.reader(), name)
    click.echo(poster(house).try_out(found))


@webhook.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@opens
def remove(house: House, name: str, yes: bool) -> None:
    """Tell a webhook nothing more, and forget what it was sent."""
    doors.find(house.database.reader(), name)
    ask(f"{name} is told nothing any more", yes=yes)
    doing = act()
    house.database.write(lambda tx: doors.remove(tx, doors.find(tx, name), doing))
    click.echo(f"Removed {name}.")
