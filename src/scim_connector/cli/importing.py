"""``import``: users from a CSV file, checked whole first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scim_connector.administration import api_app, importing
from scim_connector.administration.importing import Report, Row, Unreadable
from scim_connector.cli.context import REFUSED, act, ask, fail, opens
from scim_connector.cli.files import read_text
from scim_connector.cli.output import progress, table

if TYPE_CHECKING:
    from scim_connector.wiring import House

MOST_SHOWN = 40


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--template", is_flag=True, help="Print a file to start from.")
@click.option("--dry-run", is_flag=True, help="Only check and show.")
@click.option("--keep-going", is_flag=True, help="Import the good rows all the same.")
@click.option("--mail", is_flag=True, help="Mail new people a password link.")
@click.option("--yes", is_flag=True, help="Do not ask about the API App.")
@click.pass_context
def import_users(
    ctx: click.Context, /, file: Path | None, template: bool, **how: bool
) -> None:
    """Import users from FILE.csv: the one door for users of the Classic application.

    The username says who a row is about: known people are changed, nobody is deleted,
    and the same file can be imported again. Every row is checked before the first is
    written; if one is refused nothing is written, unless --keep-going.

    \b
    scim-connector import --template > users.csv
    scim-connector import users.csv --dry-run
    """  # noqa: D301 - click reads \b
    if template:
        click.echo(importing.TEMPLATE, nl=False)
        return
    if file is None:
        raise fail("Name a file, or start with: scim-connector import --template")
    try:
        rows = importing.read(read_text(file))
    except Unreadable as error:
        raise fail(f"{file}: {error}") from None
    ctx.invoke(_import, rows=rows, **how)


@opens
def _import(
    house: House,
    rows: list[Row],
    dry_run: bool,
    keep_going: bool,
    mail: bool,
    yes: bool,
) -> None:
    with progress(len(rows), "Checking") as bar:
        importing.judge(house.database.reader(), rows, progress=bar.update)
    _show_changes(rows)
    for said in importing.consequences(house.database.reader(), rows):
        click.echo(said)
    lost = api_app.consequence(house.database.reader(), importing.deactivated(rows))
    bad = [row for row in rows if row.problems]
    if bad and not keep_going:
        _show_bad(bad)
        click.echo(f"{len(bad)} of {len(rows)} rows refused; nothing was written.")
        raise SystemExit(REFUSED)
    if dry_run:
        _show_bad(bad)
        click.echo("Nothing was written (--dry-run).")
        return
    if lost:
        ask(lost, yes=yes)
    if mail:
        new = sum(1 for row in rows if row.action == "create")
        click.confirm(f"Mail a password link to up to {new} people?", abort=True)
    with progress(len(rows) - len(bad), "Writing") as bar:
        report = importing.write(
            house.database, rows, act(), mail=mail, progress=bar.update
        )
    _show_report(report)


def _show_changes(rows: Sequence[Row]) -> None:
    counts = importing.counts(rows)
    click.echo(
        f"{counts['create']} to create, {counts['change']} to change,"
        f" {counts['nothing']} as they are, {counts['refuse']} refused."
    )
    changed = [row for row in rows if row.action == "change"]
    for row in changed[:MOST_SHOWN]:
        click.echo(f"  {row.username}: {importing.why(row)}")
    if len(changed) > MOST_SHOWN:
        click.echo(f"  … and {len(changed) - MOST_SHOWN} more")


def _show_bad(bad: Sequence[Row]) -> None:
    _show_refused([(r.line, r.username, " ".join(r.problems)) for r in bad])
    for command in sorted({each for row in bad for each in row.commands}):
        click.echo(f"To add it: scim-connector {command}")


def _show_refused(refused: Sequence[tuple[int, str, str]]) -> None:
    if refused:
        lines = [[str(line), name, why] for line, name, why in refused]
        table(["line", "username", "why"], lines)


def _show_report(report: Report) -> None:
    _show_refused(report.refused)
    click.echo(
        f"{report.created} created, {report.changed} changed,"
        f" {report.unchanged} as they were, {len(report.refused)} refused."
    )
    if report.refused:
        raise SystemExit(1)
