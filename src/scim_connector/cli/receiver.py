"""``receiver``: who is sent security events, what they took, and what they missed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import click

from scim_connector.administration import receivers as doors
from scim_connector.cli.context import act, ask, fail, moment, opens
from scim_connector.cli.output import json_option, record, records
from scim_connector.directory import receivers, seals
from scim_connector.rules.security_events import BY_ID, EVENTS
from scim_connector.web.polling import address_of
from scim_connector.wiring.workers import transmitter

if TYPE_CHECKING:
    from scim_connector.directory.database import Transaction
    from scim_connector.tokens.opaque import Token
    from scim_connector.wiring import House

_STATES: Final = {
    "sent": "up to date",
    "waiting": "behind",
    "trying": "trying again",
    "paused": "paused",
}
_KINDS = click.option(
    "--event",
    "kinds",
    multiple=True,
    type=click.Choice(list(BY_ID)),
    help=f"What to send; repeatable (default: {', '.join(doors.DEFAULT)}).",
)
_AUDIENCE = click.option("--audience", help="Whom the tokens are for (default: URL).")
_BEARER = click.option(
    "--bearer",
    is_flag=True,
    help="Read a bearer token that opens the receiver from standard input.",
)


@click.group()
def receiver() -> None:
    """Receivers of security events: signed tokens (RFC 8417).

    They are pushed to a receiver (RFC 8935), or it asks for them (RFC 8936).

    \b
    scim-connector receiver add soc https://soc.example.com/events --bearer < token
    scim-connector receiver add archive --poll
    scim-connector receiver test soc
    scim-connector receiver show soc

    What each event is: scim-connector receiver events
    """  # noqa: D301 - click reads \b


@receiver.command()
@json_option
def events(as_json: bool) -> None:
    """The events that can be sent."""
    rows = [
        {"event": each.id, "uri": each.uri, "tells": each.sentence} for each in EVENTS
    ]
    records(rows, as_json=as_json)


@receiver.command()
@click.argument("name")
@click.argument("url", required=False)
@click.option("--poll", is_flag=True, help="It asks for its events; it has no URL.")
@_KINDS
@_AUDIENCE
@_BEARER
@opens
def add(
    house: House,
    name: str,
    url: str | None,
    poll: bool,
    kinds: tuple[str, ...],
    audience: str | None,
    bearer: bool,
) -> None:
    """Send security events to URL from now on, or keep them for one that polls."""
    _refuse_both(url, poll, bearer)
    more: dict[str, Any] = {"audience": audience, "kinds": kinds or doors.DEFAULT}
    secret, doing = _read_bearer() if bearer else None, act()

    def work(tx: Transaction) -> tuple[receivers.Receiver, Token | None]:
        if url is None:
            return doors.add_polling(tx, house.keys, name, doing, **more)
        made = doors.add(tx, house.keys, name, url, doing, bearer=secret, **more)
        return made, None

    made, token = house.database.write(work)
    address = house.settings.address
    click.echo(f"Added receiver {made.name}: {', '.join(made.kinds)}.")
    click.echo(f"Issuer (iss):    {address}")
    click.echo(f"Audience (aud):  {made.audience}")
    click.echo(f"Keys:            {address}/.well-known/jwks.json")
    if token is not None:
        click.echo(f"It asks at:      {address_of(made, address)}")
        click.echo(f"Bearer token:    {token}")
        click.echo("The token is shown only now.")
    click.echo(f"Next: scim-connector receiver test {made.name}")


def _refuse_both(url: str | None, poll: bool, bearer: bool) -> None:
    """A receiver is pushed to at an address, or polls with a token of ours."""
    if poll == (url is not None):
        raise fail("Give the URL to push to, or --poll for one that asks.")
    if poll and bearer:
        raise fail("--bearer is for one that is pushed to; leave it out.")


def _read_bearer() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Bearer token", hide_input=True))
    found = sys.stdin.readline().strip()
    if not found:
        raise fail("There is no bearer token on standard input.")
    return found


@receiver.command("list")
@json_option
@opens
def list_(house: House, as_json: bool) -> None:
    """All receivers, how far they are, and what is wrong."""
    reader = house.database.reader()
    last = seals.last_event(reader)
    rows = [
        {
            "name": each.name,
            "url": address_of(each, house.settings.address),
            "polls": each.polls,
            "state": _STATES[doors.state_of(each, last)],
            "last delivered": moment(each.last_delivered_at),
            "trouble": each.last_error,
        }
        for each in receivers.every(reader)
    ]
    hint = "No receiver yet: scim-connector receiver add NAME URL"
    records(rows, as_json=as_json, empty=hint)


@receiver.command()
@click.argument("name")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True)
@json_option
@opens
def show(house: House, name: str, limit: int, as_json: bool) -> None:
    """One receiver, and what it took or refused, the newest first."""
    reader = house.database.reader()
    found = doors.find(reader, name)
    took = [
        {
            "at": moment(each.at),
            "event": each.event_id,
            "kind": each.kind,
            "jti": each.jti,
            "refused": each.refused,
        }
        for each in receivers.deliveries(reader, found.id, at_most=limit)
    ]
    row: dict[str, Any] = {
        "name": found.name,
        "url": address_of(found, house.settings.address),
        "polls": found.polls,
        "audience": found.audience,
        "bearer": "set" if found.bearer else "none",
        "events": list(found.kinds),
        "state": _STATES[doors.state_of(found, seals.last_event(reader))],
        "sent up to event": found.position,
        "last asked": moment(found.polled_at),
        "tries again at": moment(found.due_at) if found.last_error else None,
        "trouble": found.last_error,
    }
    if as_json:
        record({**row, "deliveries": took}, as_json=True)
        return
    record(row, as_json=False)
    click.echo()
    records(took, as_json=False, empty="It has taken nothing yet.")


@receiver.command("set")
@click.argument("name")
@click.option("--url", help="Send there from now on.")
@_KINDS
@_AUDIENCE
@_BEARER
@opens
def set_(
    house: House,
    name: str,
    url: str | None,
    kinds: tuple[str, ...],
    audience: str | None,
    bearer: bool,
) -> None:
    """Change what a receiver is sent, where, or what opens it."""
    changes: dict[str, Any] = {
        name: value
        for name, value in (("url", url), ("audience", audience), ("kinds", kinds))
        if value
    }
    if bearer:
        changes["bearer"] = doors.sealed(house.keys, _read_bearer())
    _change(house, name, **changes)
    click.echo(f"Changed receiver {name}.")


@receiver.command()
@click.argument("name")
@opens
def pause(house: House, name: str) -> None:
    """Send nothing until it is resumed; nothing is lost meanwhile."""
    _change(house, name, paused=True)
    click.echo(f"Paused {name}; it is sent what it missed when it is resumed.")


@receiver.command()
@click.argument("name")
@opens
def resume(house: House, name: str) -> None:
    """Send what was missed, and go on."""
    _change(house, name, paused=False)
    click.echo(f"Resumed {name}.")


def _change(house: House, name: str, **changes: Any) -> None:
    doing = act()
    house.database.write(
        lambda tx: doors.change(tx, doors.find(tx, name), doing, **changes)
    )


@receiver.command()
@click.argument("name")
@click.option(
    "--from",
    "event_id",
    type=click.IntRange(1),
    required=True,
    metavar="EVENT",
    help="The first event of audit to send again (`receiver show`, `audit list`).",
)
@opens
def replay(house: House, name: str, event_id: int) -> None:
    """Send events again from one on, with the same ids (jti)."""
    doing = act()
    house.database.write(
        lambda tx: doors.replay(tx, doors.find(tx, name), event_id, doing)
    )
    click.echo(f"{name} is sent everything from event {event_id} on once more.")


@receiver.command()
@click.argument("name")
@opens
def test(house: House, name: str) -> None:
    """Send a verification event now, and say what the receiver answered.

    One that polls finds it when it asks the next time; `receiver show` has what it did.
    """
    found = doors.find(house.database.reader(), name)
    click.echo(transmitter(house).try_out(found, act()))


@receiver.command()
@click.argument("name")
@opens
def token(house: House, name: str) -> None:
    """Give a receiver that polls another token; the former one dies at once."""
    doing = act()
    made = house.database.write(
        lambda tx: doors.rotate(tx, house.keys, doors.find(tx, name), doing)
    )
    click.echo(str(made))
    click.echo("Shown only now.", err=True)


@receiver.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@opens
def remove(house: House, name: str, yes: bool) -> None:
    """Send a receiver nothing more."""
    doors.find(house.database.reader(), name)
    ask(f"{name} hears of no deactivation any more", yes=yes)
    doing = act()
    house.database.write(lambda tx: doors.remove(tx, doors.find(tx, name), doing))
    click.echo(f"Removed {name}.")
