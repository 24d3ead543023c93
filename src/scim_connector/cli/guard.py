"""``connection guard`` and ``connection approve``: too many changes at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from scim_connector.administration import connections as doors
from scim_connector.administration import guard as administration
from scim_connector.administration.reasons import AGAIN
from scim_connector.cli.context import Span, act, fail, moment, now, opens
from scim_connector.cli.output import json_option, records
from scim_connector.directory import mass_changes
from scim_connector.rules import guard as rules
from scim_connector.rules.counting import counted

if TYPE_CHECKING:
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader
    from scim_connector.wiring import House

_KIND = click.Choice(list(rules.KINDS))
_DAYS = 30 * 24 * rules.HOUR


@click.command()
@click.argument("name")
@click.argument("kind", required=False, type=_KIND)
@click.option("--most", type=int, metavar="N", help="More people than this.")
@click.option("--share", type=int, metavar="PERCENT", help="Or this share; 0: never.")
@click.option("--hours", type=int, metavar="N", help="Within so many hours.")
@click.option("--hold/--alert", "holds", default=None, help="Hold back, or only tell.")
@click.option("--on/--off", "is_on", default=None, help="Watch it, or not.")
@json_option
@opens
def guard(
    house: House, name: str, kind: str | None, as_json: bool, **options: Any
) -> None:
    """When too many people are deactivated, renamed or lose a role at once.

    Without options it shows the thresholds. Beyond one there is an alert, once in the
    span; with --hold the provider is answered 429 until: connection approve NAME.
    Whoever should lose access keeps it meanwhile.
    """
    chosen = {n: v for n, v in options.items() if v is not None}
    found = doors.find(house.database.reader(), name)
    if chosen and kind is None:
        raise fail(f"Say of what: {', '.join(rules.KINDS)}.")
    if kind is not None and chosen:
        doing = act()
        house.database.write(
            lambda tx: administration.set_threshold(tx, found, kind, chosen, doing)
        )
        found = doors.find(house.database.reader(), name)
    records(_rows(house.database.reader(), found, kind), as_json=as_json)


def _rows(reader: Reader, found: Connection, only: str | None) -> list[dict[str, Any]]:
    held = {each.kind: each for each in mass_changes.held(reader, found.id)}
    return [
        {
            "kind": kind,
            "held back since": moment(held[kind].seen_at) if kind in held else "",
            "guard": threshold.said(),
        }
        for kind, threshold in rules.thresholds(found.guard).items()
        if only in {None, kind}
    ]


@click.command()
@click.argument("name")
@click.argument("kinds", nargs=-1, type=_KIND)
@click.option(
    "--for",
    "lasts",
    type=Span(),
    default="24h",
    show_default=True,
    help="How long they pass.",
)
@opens
def approve(house: House, name: str, kinds: tuple[str, ...], lasts: int | None) -> None:
    """Let pass what the guard holds back; with a KIND also ahead of it.

    What was held back is carried out by the provider's next try of it.
    """
    if lasts is None:
        raise fail(
            "An approval ends; to stop holding: connection guard NAME KIND --alert"
        )
    reader = house.database.reader()
    found, doing = doors.find(reader, name), act()
    waiting = administration.waiting(reader, found, since=now() - _DAYS)
    done = house.database.write(
        lambda tx: administration.approve(tx, found, kinds, doing, lasts=lasts)
    )
    names = " and ".join(kind.replace("_", " ") for kind in done)
    click.echo(f"Approved on {found.name}: {names}, until {moment(doing.now + lasts)}.")
    if waiting:
        count = len(waiting)
        click.echo(
            f"Held back: {counted(count, 'person', 'people')}. {AGAIN[found.kind]}"
        )
