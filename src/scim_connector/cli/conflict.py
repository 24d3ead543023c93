"""``conflict``: what waits for a person's decision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from scim_connector.administration import conflicts
from scim_connector.administration import connections as administration
from scim_connector.administration.conflicts import KINDS, Listed, Query
from scim_connector.cli.context import act, moment, opens
from scim_connector.cli.output import json_option, record, records

if TYPE_CHECKING:
    from scim_connector.administration.remedies import Remedy
    from scim_connector.wiring import House

MOST_LISTED = 1000


@click.group()
def conflict() -> None:
    """The conflict queue: what only a person can decide.

    \b
    scim-connector conflict list
    scim-connector conflict show 7
    scim-connector conflict decide 7 link
    """  # noqa: D301 - click reads \b


@conflict.command("list")
@click.option("--all", "closed", is_flag=True, help="Also what is decided.")
@click.option("--connection", metavar="NAME", help="Of one connection alone.")
@click.option("--kind", type=click.Choice(list(KINDS)), help="Of one kind alone.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=MOST_LISTED)
@json_option
@opens
def list_(
    house: House,
    closed: bool,
    connection: str | None,
    kind: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """What waits, the latest first, with how often the provider tried."""
    reader = house.database.reader()
    where = administration.find(reader, connection).id if connection else None
    query = Query(where, kind, None if closed else True, at_most=limit)
    rows = [_line(each) for each in conflicts.listed(reader, query)]
    records(rows, as_json=as_json, empty="Nothing waits for a decision.")


def _line(each: Listed) -> dict[str, Any]:
    return {
        "id": each.entry.id,
        "connection": each.connection,
        "kind": each.entry.kind,
        "identity": each.entry.identity,
        "detail": each.entry.detail,
        "times": each.entry.times,
        "last": moment(each.entry.last_seen_at),
    }


@conflict.command()
@click.argument("conflict_id", metavar="ID", type=int)
@json_option
@opens
def show(house: House, conflict_id: int, as_json: bool) -> None:
    """One entry, and the remedies that fit: what each does, and the command for it."""
    reader = house.database.reader()
    entry = conflicts.find(reader, conflict_id)
    row = _whole(conflicts.shown(reader, entry))
    ways = [_way(entry.id, r) for r in conflicts.fitting(reader, entry)]
    if as_json:
        record(row | {"remedies": ways}, as_json=True)
        return
    record(row, as_json=False)
    for way in ways:
        click.echo(f"\n{way['label']}:\n  {way['command']}\n  {way['consequence']}")


def _whole(each: Listed) -> dict[str, Any]:
    entry, user = each.entry, each.user
    return {
        "id": entry.id,
        "connection": each.connection,
        "kind": entry.kind,
        "what it is": each.kind.label,
        "what it means": each.kind.sentence,
        "identity": entry.identity,
        "local user": user.username if user else "",
        "active": user.active if user else "",
        "detail": entry.detail,
        "times": entry.times,
        "first": moment(entry.first_seen_at),
        "last": moment(entry.last_seen_at),
        "last request": each.request_id or "",
        "decided": entry.resolution or "",
        "decided at": moment(entry.resolved_at),
    }


def _way(conflict_id: int, remedy: Remedy) -> dict[str, str]:
    value = f" --{remedy.takes} NEW" if remedy.takes else ""
    return {
        "remedy": remedy.id,
        "label": remedy.label,
        "consequence": remedy.consequence,
        "command": f"scim-connector conflict decide {conflict_id} {remedy.id}{value}",
    }


@conflict.command()
@click.argument("conflict_id", metavar="ID", type=int)
@click.argument("remedy")
@click.option("--email", help="The new address of the local user.")
@click.option("--username", help="The new username of the local user.")
@opens
def decide(house: House, conflict_id: int, remedy: str, **given: str | None) -> None:
    """Carry one remedy out, and close the entry with your name.

    `conflict show ID` names the remedies that fit.
    """
    values = {name: value for name, value in given.items() if value is not None}
    doing = act()
    done = house.database.write(
        lambda tx: conflicts.decide(tx, conflict_id, remedy, values, doing)
    )
    click.echo(done.sentence)
