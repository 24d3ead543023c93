"""``mapping``: how local fields are derived; tried before it is applied."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scim_connector.administration import connections as administration
from scim_connector.administration import shipped
from scim_connector.cli.context import act, explaining, fail, moment, opens
from scim_connector.cli.files import read_object, read_text
from scim_connector.cli.output import json_option, progress, records
from scim_connector.directory import counters, mapping_versions
from scim_connector.mapping import explain, language, samples
from scim_connector.mapping.drafts import derive
from scim_connector.provisioning import plans
from scim_connector.provisioning.plans import Plan, TooManyChanges
from scim_connector.scim import resources
from scim_connector.scim.dialects import Dialect

if TYPE_CHECKING:
    from scim_connector.mapping.language import Mapping
    from scim_connector.wiring import House

FILE = click.Path(path_type=Path)
MOST_SHOWN = 40


@click.group()
def mapping() -> None:
    """How initials, username and the other local fields are derived.

    \b
    scim-connector mapping new our.toml --from entra
    scim-connector mapping check our.toml
    scim-connector mapping try our.toml user.json
    scim-connector mapping plan entra our.toml
    scim-connector mapping apply entra our.toml
    """  # noqa: D301 - click reads \b


def load(file: Path) -> Mapping:
    """The mapping in a file, or one sentence with line and column."""
    with explaining():
        return language.load(read_text(file), str(file))


@mapping.command()
@click.argument("file", type=FILE)
@click.option(
    "--from", "kind", type=click.Choice(["entra", "okta", "generic"]), required=True
)
def new(file: Path, kind: str) -> None:
    """Write a copy of a shipped mapping to FILE, to be edited."""
    if file.exists():
        raise fail(f"{file} exists already; name another file.")
    file.write_text(shipped.text(kind), "utf-8")
    click.echo(f"Wrote {file}. Edit it, then: scim-connector mapping check {file}")


@mapping.command()
@click.argument("files", type=FILE, nargs=-1, required=True)
def check(files: tuple[Path, ...]) -> None:
    """Check files and run their [[tests]]; exit 1 when a test fails."""
    failed = 0
    for file in files:
        loaded = load(file)
        results = samples.run(loaded)
        for result in results:
            if result.faults:
                failed += 1
                click.echo(f"{file}: {result.name}")
                for fault in result.faults:
                    click.echo(f"    {fault}")
        good = sum(1 for result in results if not result.faults)
        click.echo(f"{file}: {good} of {len(results)} tests passed.")
    if failed:
        raise SystemExit(1)


@mapping.command("try")
@click.argument("file", type=FILE)
@click.argument("user", type=FILE)
@click.option("--taken", multiple=True, metavar="VALUE", help="Pretend it is taken.")
def try_(file: Path, user: Path, taken: tuple[str, ...]) -> None:
    """Show each field of one SCIM user: sent, passed over and why, chosen.

    Nothing is reserved: at creation somebody else may have taken a value.
    """
    loaded = load(file)
    body = read_object(user)
    with explaining():
        read = resources.read(
            loaded.resource_type, body, dialect=Dialect(), strict=False
        )
    derived = derive(loaded, read.document)
    held = {"username": taken, "initials": taken}
    for line in explain.lines(derived, samples.outcome(derived, held)):
        click.echo(line)


@mapping.command()
@click.argument("connection")
@click.argument("file", type=FILE)
@json_option
@opens
def plan(house: House, connection: str, file: Path, as_json: bool) -> None:
    """What FILE would change for everybody stored; nothing is written."""
    found = administration.find(house.database.reader(), connection)
    loaded = load(file)
    total = counters.totals(house.database.reader(), found.id)[0]
    with progress(total, "Trying everybody") as bar:
        result = plans.plan(house.database, found, loaded, act(), progress=bar.update)
    _print_plan(result, as_json)


def _print_plan(result: Plan, as_json: bool) -> None:
    rows: list[dict[str, Any]] = [
        {
            "username": d.username,
            "field": d.field,
            "before": d.before,
            "after": d.after,
            "refused": d.refused,
        }
        for d in result.differences
    ]
    if as_json:
        records(rows, as_json=True)
        return
    by_field = Counter(d.field for d in result.differences if not d.refused)
    click.echo(f"{result.changed} of {result.people} users would change.")
    if result.roles:
        click.echo(f"{result.roles} people would gain or lose a role through groups.")
    for name, count in by_field.most_common():
        click.echo(f"  {name}: {count}")
    if result.refused:
        click.echo(
            f"{len(result.refused)} changes would be refused and left as they are."
        )
    if rows:
        records(rows[:MOST_SHOWN], as_json=False)
    if len(rows) > MOST_SHOWN:
        click.echo(f"… and {len(rows) - MOST_SHOWN} more; all with --json.")


@mapping.command()
@click.argument("connection")
@click.argument("file", type=FILE)
@click.option("--changes", type=int, help="How many users you know to change.")
@opens
def apply(house: House, connection: str, file: Path, changes: int | None) -> None:
    """Make FILE the mapping of a connection and let everybody follow, or nobody.

    When more than 5 % of the users would change, name their number with --changes.
    """
    found = administration.find(house.database.reader(), connection)
    loaded = load(file)
    total = counters.totals(house.database.reader(), found.id)[0]
    try:
        with progress(total, "Following") as bar:
            result = plans.apply(
                house.database, found, loaded, act(), named=changes, progress=bar.update
            )
    except TooManyChanges as error:
        raise fail(str(error)) from None
    click.echo(
        f"Version {result.number} is applied to {found.name};"
        f" {result.changed} of {result.people} users changed."
    )
    for difference in result.refused:
        click.echo(f"Left as is: {difference.username}: {difference.refused}")


@mapping.command()
@click.argument("connection")
@click.option("--show", "number", type=int, help="Print the text of one version.")
@json_option
@opens
def versions(house: House, connection: str, number: int | None, as_json: bool) -> None:
    """The applied versions of a connection."""
    reader = house.database.reader()
    found = administration.find(reader, connection)
    every = mapping_versions.every(reader, found.id)
    if number is not None:
        text = next((v.text for v in every if v.number == number), None)
        if text is None:
            raise fail(f"{found.name} has no version {number}.")
        click.echo(text, nl=False)
        return
    rows = [
        {
            "version": v.number,
            "applied": moment(v.applied_at),
            "by": v.applied_by,
            "file": v.file_name,
            "sha256": v.sha256[:12],
            "in use": v.number == found.mapping_number,
        }
        for v in every
    ]
    records(rows, as_json=as_json)
