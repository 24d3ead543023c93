"""``link``: many identities at once."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scim_connector.administration import users as doors
from scim_connector.administration.errors import NotPossible
from scim_connector.cli.context import act, fail, opens
from scim_connector.cli.files import read_text

if TYPE_CHECKING:
    from scim_connector.directory.database import Transaction
    from scim_connector.wiring import House

COLUMNS = ("connection", "identity", "username")


def _read(file: Path) -> list[dict[str, str]]:
    source = io.StringIO(read_text(file).lstrip("\ufeff"), newline="")
    rows = csv.DictReader(source, restval="")
    try:
        missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
        found = list(rows)
    except csv.Error as error:
        raise fail(f"{file}: {error}") from None
    if missing:
        raise fail(f"{file} lacks the column {', '.join(missing)}.")
    return found


@click.group()
def link() -> None:
    """Link identities of providers to existing users, many at once."""


@link.command()
@click.argument("file", type=click.Path(path_type=Path))
@opens
def apply(house: House, file: Path) -> None:
    """Link every row of FILE.csv (columns connection, identity, username), or none.

    `identity` is the userName the provider sends.
    """
    rows = _read(file)
    doing = act()
    refused: list[str] = []

    def work(tx: Transaction) -> int:
        refused.clear()
        done = 0
        for row in rows:
            try:
                found = doors.find(tx, row["username"])
                doors.link(tx, row["connection"], row["identity"], found, doing)
                done += 1
            except NotPossible as error:
                refused.append(f"{row['identity']}: {error}")
        if refused:
            raise NotPossible("Nothing was linked:\n" + "\n".join(refused))
        return done

    done = house.database.write(work)
    click.echo(f"{done} identities will be linked at the provider's next tries.")
