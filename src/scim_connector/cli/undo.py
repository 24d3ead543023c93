"""``undo``: put values back to what they were before some changes."""

from __future__ import annotations

import csv
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from functools import reduce
from typing import TYPE_CHECKING, Any

import click

from scim_connector.cli.context import act, ask, now, opens
from scim_connector.cli.output import harmless, progress, records
from scim_connector.compliance import undo as undoing
from scim_connector.compliance.undo import KINDS, Wish
from scim_connector.scim.rendering import timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scim_connector.compliance.undo import Batch, Line, Plan, Report
    from scim_connector.wiring import House

MOST_SHOWN = 40
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class Instant(click.ParamType[int]):
    """An instant in UTC: ``2026-12-31``, or with its time ``2026-12-31T08:30``."""

    name = "TIME"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        """Microseconds since 1970."""
        if isinstance(value, int):
            return value
        try:
            when = datetime.fromisoformat(value)
        except ValueError:
            said = f'"{value}": write 2026-12-31 or 2026-12-31T08:30 (UTC).'
            self.fail(said, param, ctx)
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        return int(when.timestamp() * 1_000_000)


_BATCH = (
    click.option("--connection", default="", metavar="NAME", help="Its changes."),
    click.option(
        "--mapping", type=int, metavar="N", help="What applying its version N changed."
    ),
    click.option("--role", default="", metavar="NAME", help="Of people who hold it."),
    click.option("--by", "actor", default="", metavar="NAME", help="Who made them."),
    click.option("--since", type=Instant(), help="From this instant on (UTC)."),
    click.option("--until", type=Instant(), help="Before this instant (default: now)."),
    click.option("--user", default="", metavar="USERNAME", help="Of one person."),
    click.option(
        "--event",
        "first_event",
        type=int,
        metavar="ID",
        help="From this event of the --user on (see user history).",
    ),
    click.option(
        "--only",
        multiple=True,
        type=click.Choice(KINDS),
        help="Nothing but this; repeatable.",
    ),
    click.option("--json", "form", flag_value="json", help="Every line as JSON."),
    click.option("--csv", "form", flag_value="csv", help="Every line as CSV."),
)


def _chooses(command: Any) -> Any:
    """The options that choose a batch."""
    return reduce(lambda made, option: option(made), reversed(_BATCH), command)


@click.group()
def undo() -> None:
    """Undo changes: of one person, or of a whole batch. Plan first.

    A batch are the changes that fit every option: of a connection, of applying one
    version of its mapping, by somebody, in a time, of who holds a role. Nobody is
    reactivated unless you name them; sessions, keys and passwords never come back.

    \b
    scim-connector undo plan --connection entra --mapping 7
    scim-connector undo run --connection entra --mapping 7 --pause
    scim-connector undo run --user kim.doe --event 4711
    """  # noqa: D301 - click reads \b


def _batch(house: House, options: dict[str, Any]) -> Batch:
    """The batch of the options; what comes after this instant is none of it."""
    until = options.pop("until") or now()
    return undoing.find(house.database.reader(), until=until, **options)


def _plan(house: House, batch: Batch) -> Plan:
    reader = house.database.reader()
    with progress(len(batch.people(reader)), "Looking at everybody") as bar:
        return undoing.make(reader, batch, act().actor, progress=bar.update)


@undo.command()
@_chooses
@opens
def plan(house: House, form: str | None, **options: Any) -> None:
    """What would be put back, what cannot be and why; nothing is written."""
    found = _plan(house, _batch(house, options))
    if form is None:
        _say(found)
    _print(undoing.lines_of(found), form)


def _say(found: Plan) -> None:
    for sentence in undoing.sentences(found):
        click.echo(harmless(sentence))


@undo.command()
@_chooses
@click.option("--pause", is_flag=True, help="First pause who would write over it.")
@click.option("--keep", is_flag=True, help="Keep what a provider would write over.")
@click.option(
    "--reactivate",
    multiple=True,
    metavar="USERNAME",
    help="Somebody of the batch to make active again; repeatable.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@opens
def run(
    house: House,
    form: str | None,
    pause: bool,
    keep: bool,
    reactivate: tuple[str, ...],
    yes: bool,
    **options: Any,
) -> None:
    """Put the values back, each person by the rules; run it again to go on.

    What differs is written and nothing else. Stopped half way, the same command with
    the --until it printed does what is left.
    """
    batch = _batch(house, options)
    found = _plan(house, batch)
    if form is None:
        _say(found)
    values = found.by_field.total()
    if not values and not reactivate:
        _print(undoing.lines_of(found), form)
        return
    end = timestamp(batch.until or 0)
    click.echo(f"The batch ends before {end}. To go on later: --until {end}", err=True)
    ask(f"Put back {values} values of {found.restorable} people", yes=yes)
    wish = Wish(keep=keep, pause=pause, reactivate=reactivate)
    with progress(2 * len(found.people), "Undoing") as bar:
        report = undoing.run(house.database, batch, act(), wish, progress=bar.update)
    for each in found.connections if pause else ():
        said = f"Paused {each.name}; go on with: connection resume {each.name}"
        click.echo(said, err=True)
    _tell(report, form)


def _tell(report: Report, form: str | None) -> None:
    """What became of it, and the lines somebody may have to look at."""
    if form is not None:
        _print(report.lines, form)
        return
    restored, refused = report.of(undoing.RESTORED), report.of(undoing.NOT_RESTORED)
    click.echo(f"Put back {len(restored)} values of {report.people} people.")
    if already := len(report.of(undoing.AS_IT_WAS)):
        click.echo(f"{already} were as they were already.")
    _print([*refused, *report.of(undoing.NOT_UNDONE)], None)


def _print(lines: Sequence[Line], form: str | None) -> None:
    """Lines as a table cut at a screenful, or every one of them as JSON or CSV."""
    if form == "csv":
        writer = csv.writer(sys.stdout)
        writer.writerow(asdict(lines[0]) if lines else ["username"])
        writer.writerows([_cell(v) for v in asdict(each).values()] for each in lines)
        return
    if form == "json":
        records([asdict(each) for each in lines], as_json=True)
        return
    if lines:
        records([*_rows(lines[:MOST_SHOWN])], as_json=False)
    if len(lines) > MOST_SHOWN:
        click.echo(f"… and {len(lines) - MOST_SHOWN} more; all with --json or --csv.")


def _cell(value: Any) -> str:
    """A value that no spreadsheet takes for a formula."""
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _rows(lines: Sequence[Line]) -> Iterator[dict[str, Any]]:
    for each in lines:
        way = f" Run: scim-connector {each.command}" if each.command else ""
        yield {
            "username": each.username,
            "field": each.field,
            "now": each.before,
            "then": each.after,
            "result": each.result,
            "why": f"{each.why}{way}",
        }
