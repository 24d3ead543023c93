"""``rollout``: what a provider's first cycle would do, before it does."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scim_connector.administration import connections as administration
from scim_connector.cli.context import fail, now, opens
from scim_connector.cli.files import read_text
from scim_connector.cli.forecasts import summarise, write_csv
from scim_connector.cli.output import progress
from scim_connector.provisioning import exports
from scim_connector.provisioning import rollout as use_case

if TYPE_CHECKING:
    from scim_connector.wiring import House

COLUMNS = ("line", "identity", "outcome", "username", "initials", "reason", "detail")


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
    summarise(result, place="line", unmatched="local users nobody in the file matches")
    click.echo("\nNothing was kept.")
    if out is not None:
        write_csv(result, out, COLUMNS)
    if result.refused:
        raise SystemExit(1)
