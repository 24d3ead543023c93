"""``alerts``: what is told without asking, from when on, how, and to whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from scim_connector.administration import alerts as doors
from scim_connector.cli.context import Span, act, fail, moment, now, opens
from scim_connector.cli.output import json_option, records
from scim_connector.directory import alerts as rows

if TYPE_CHECKING:
    from scim_connector.administration.alerts import Standing
    from scim_connector.wiring import House

MOST_LISTED = 100


@click.group()
def alerts() -> None:
    """Alerts: mailed once, once more when over, sent to webhooks, and logged.

    \b
    scim-connector alerts list
    scim-connector alerts set credential_expires --threshold 60,30,7
    scim-connector alerts silence connection_silent --for 2d
    """  # noqa: D301 - click reads \b


@alerts.command("list")
@json_option
@opens
def list_(house: House, as_json: bool) -> None:
    """Every alert, its threshold, how it is told, and what holds now."""
    present = now()
    reader = house.database.reader()
    found, heard = doors.listed(reader), doors.webhooks_hear(reader)
    records([_row(each, present, heard=heard) for each in found], as_json=as_json)


def _row(standing: Standing, present: int, *, heard: bool) -> dict[str, Any]:
    rule, condition = standing.rule, standing.condition
    silent = moment(rule.silent_until) if rule.is_silent(present) else ""
    return {
        "alert": condition.id,
        "threshold": standing.shown,
        "told": _road(rule, heard=heard),
        "silent until": silent,
        "mailed to": condition.permission.id if rule.by_mail and rule.is_on else "",
        "holds": "; ".join(alert.sentence for alert in standing.holding),
    }


def _road(rule: rows.Rule, *, heard: bool) -> str:
    if not rule.is_on:
        return "off"
    ways = (
        ("mail", rule.by_mail),
        ("webhook", rule.by_webhook and heard),
        ("log", rule.by_log),
    )
    roads = [name for name, on in ways if on]
    return ", ".join(roads) or "nowhere"


@alerts.command()
@click.option("--limit", type=click.IntRange(1, 10_000), default=MOST_LISTED)
@json_option
@opens
def history(house: House, limit: int, as_json: bool) -> None:
    """What holds or held, the newest first; kept for 90 days."""
    found = rows.newest(house.database.reader(), at_most=limit)
    records(
        [
            {
                "alert": each.condition,
                "about": each.subject,
                "since": moment(each.since),
                "over": moment(each.over_at),
                "told": each.told_level is not None,
                "sentence": each.sentence,
            }
            for each in found
        ],
        as_json=as_json,
        empty="Nothing held in the last 90 days.",
    )


@alerts.command("set")
@click.argument("alert")
@click.option("--threshold", help="A number; several, 30,14,7,1, where it has steps.")
@click.option("--on/--off", "is_on", default=None, help="Whether it is judged at all.")
@click.option("--mail/--no-mail", "by_mail", default=None, help="Whether it is mailed.")
@click.option(
    "--webhook/--no-webhook",
    "by_webhook",
    default=None,
    help="Whether webhooks that hear of alerts are told.",
)
@click.option("--log/--no-log", "by_log", default=None, help="Whether it is logged.")
@opens
def set_(house: House, alert: str, **given: Any) -> None:
    """Change the threshold of ALERT, or how it is told."""
    changes = {name: value for name, value in given.items() if value is not None}
    if not changes:
        raise fail("Say what to change; see: scim-connector alerts set --help")
    condition, doing = doors.find(alert), act()
    house.database.write(lambda tx: doors.change(tx, condition, doing, **changes))
    click.echo("Changed.")


@alerts.command()
@click.argument("alert")
@click.option("--for", "span", type=Span(), default="1d", help="How long: 12h, 2d, 1w.")
@click.option("--end", is_flag=True, help="Tell of it again from now on.")
@opens
def silence(house: House, alert: str, span: int | None, end: bool) -> None:
    """Tell nothing of ALERT for a while; what still holds then is told."""
    condition, doing = doors.find(alert), act()
    if span is None and not end:
        raise fail("Never again is: scim-connector alerts set ALERT --off")
    until = None if end or span is None else doing.now + span
    house.database.write(
        lambda tx: doors.change(tx, condition, doing, silent_until=until)
    )
    click.echo(
        "It is told again." if until is None else f"Silent until {moment(until)}."
    )


@alerts.command()
@click.argument("alert")
@opens
def test(house: House, alert: str) -> None:
    """Mail a test of ALERT to everybody it would be mailed to."""
    condition, doing = doors.find(alert), act()
    count = house.database.write(lambda tx: doors.test(tx, condition, doing))
    click.echo(f"{count} {'mail is' if count == 1 else 'mails are'} being sent.")
