"""``rollout``: what a provider's first cycle would do, before it does."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scim_connector.administration import connections as administration
from scim_connector.cli.context import fail, now, opens
from scim_connector.cli.files import read_text
from scim_connector.cli.output import progress, table
from scim_connector.provisioning import exports
from scim_connector.provisioning import rollout as use_case

if TYPE_CHECKING:
    from scim_connector.provisioning.rollout import Forecast
    from scim_connector.wiring import House

MOST_SHOWN = 50
COLUMNS = ("line", "identity", "outcome", "username", "initials", "reason", "detail")
#: What a spreadsheet takes for the start of a formula.
_FORMULA = {"=", "+", "-", "@", "\t", "\r"}


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--connection", required=True, metavar="NAME")
@click.option("--csv", "out", type=click.Path(path_type=Path), help="Write all rows.")
@opens
def rollout(house: House, file: Path, connection: str, out: Path | None) -> None:
    """Try everybody in FILE on a connection; nothing is kept.

    FILE is SCIM JSON Lines, Entra's download of users, or Okta's people list. All are
    created together and rolled back, so collisions among them show. Exit 1 while
    anybody would be refused.
    """
    found = administration.find(house.database.reader(), connection)
    try:
        people = exports.read(read_text(file))
    except (exports.UnknownExport, csv.Error) as error:
        raise fail(f"{file}: {error}") from None
    with progress(len(people), "Trying") as bar:
        result = use_case.forecast(
            house.database, found, people, now=now(), progress=bar.update
        )
    _summarise(result)
    if out is not None:
        _write_csv(result, out)
    if result.refused:
        raise SystemExit(1)


def _summarise(result: Forecast) -> None:
    counts = Counter(verdict.outcome for verdict in result.verdicts)
    click.echo(", ".join(f"{count} {word}" for word, count in counts.most_common()))
    reasons = Counter(verdict.reason for verdict in result.refused)
    for reason, count in reasons.most_common():
        click.echo(f"\n{count} refused: {reason}")
        shown = [v for v in result.refused if v.reason == reason][:MOST_SHOWN]
        table(
            ["line", "identity", "why"],
            [[str(v.line), v.identity, v.detail] for v in shown],
        )
    warned = [v for v in result.verdicts if v.detail and v.outcome != "would refuse"]
    if warned:
        click.echo(f"\n{len(warned)} with a warning")
        rows = [[str(v.line), v.identity, v.detail] for v in warned[:MOST_SHOWN]]
        table(["line", "identity", "warning"], rows)
    if result.unmatched:
        names = ", ".join(user.username for user in result.unmatched[:MOST_SHOWN])
        count = len(result.unmatched)
        click.echo(f"\n{count} local users nobody in the file matches: {names}")
    click.echo("\nNothing was kept.")


def _write_csv(result: Forecast, out: Path) -> None:
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for verdict in result.verdicts:
            writer.writerow([_cell(getattr(verdict, name)) for name in COLUMNS])
    click.echo(f"Wrote {out}.")


def _cell(value: object) -> str:
    """A cell no spreadsheet takes for a formula."""
    text = str(value)
    return f"'{text}" if text[:1] in _FORMULA else text
