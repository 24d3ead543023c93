"""``report``, ``sample``, ``evidence``, ``review``, ``compliance``: proof for others."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import orjson

from scim_connector.cli.context import act, ask, fail, now, opens
from scim_connector.cli.files import read_text
from scim_connector.cli.output import json_option, one_line, progress, records, table
from scim_connector.compliance import (
    checks,
    evidence,
    printed,
    reports,
    review,
    sample,
    sample_rows,
)
from scim_connector.compliance.period import HOW, instant, period
from scim_connector.compliance.reports import Asked, Report
from scim_connector.tokens.signing import SigningKeys

if TYPE_CHECKING:
    from scim_connector.compliance.reports.report import Kind
    from scim_connector.wiring import House

_MINUTE: Final = 60_000_000
_DAY: Final = 24 * 60 * _MINUTE
MOST_SHOWN: Final = 100
_TARGET: Final = click.option(
    "--target",
    type=click.IntRange(1),
    default=24 * 60,
    show_default=True,
    help="Minutes within which a leaver has to be cut off.",
)
_IDLE: Final = click.option(
    "--idle",
    type=click.IntRange(1),
    default=90,
    show_default=True,
    help="Days after which what nobody uses is an exception.",
)
_PERIOD: Final = click.option("--period", help=f"{HOW} (UTC); default: this year.")


def _asked(
    of: str | None, at: str | None = None, target: int = 24 * 60, idle: int = 90
) -> Asked:
    present = now()
    year = str(datetime.now(UTC).year)
    return Asked(
        now=present,
        at=present if at is None else instant(at),
        period=period(of or year),
        target=target * _MINUTE,
        idle=idle * _DAY,
    )


# ----------------------------------------------------------------------------- reports


@click.command()
@click.argument("name", required=False)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--at", help="For the access list: 2026-12-31 or 2026-12-31T18:00 (UTC).")
@_PERIOD
@_TARGET
@_IDLE
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json", "html"]),
    help="Default: as the name of FILE ends; a table on the terminal.",
)
@opens
def report(
    house: House,
    name: str | None,
    file: Path | None,
    at: str | None,
    period: str | None,
    target: int,
    idle: int,
    form: str | None,
) -> None:
    """Make report NAME, on the terminal or into FILE; without NAME list them.

    Each names its population (filter, rows, time, SHA-256 of the CSV file) and what it
    cannot see. HTML is for printing.

    \b
    scim-connector report access --at 2026-06-30
    scim-connector report leavers leavers.csv --period 2026Q4 --target 60
    """  # noqa: D301 - click reads \b
    if name is None:
        shown = [
            {"name": k.id, "asks": k.asks, "shows": k.sentence} for k in reports.KINDS
        ]
        records(shown, as_json=False)
        return
    _refuse_unasked(reports.kind_of(name), at, period)
    form = form or _form(file, ("csv", "json", "html")) or "table"
    if form == "table" and file is not None and file.suffix:
        raise fail(f"A report is no {file.suffix} file; name .csv, .json or .html.")
    asked = _asked(period, at, target, idle)
    with progress(0, "Reading") as bar:
        made = reports.made(house.database, name, asked, progress=bar.update)
    if form == "table" and file is None:
        _show(made)
    else:
        _write(file, _as(made, "csv" if form == "table" else form))


def _refuse_unasked(kind: Kind, at: str | None, period: str | None) -> None:
    """Or somebody would take the list of now for that of another time."""
    if at is not None and kind.asks != "instant":
        raise fail(f"{kind.id} is not about an instant; leave --at out.")
    if period is not None and kind.asks != "period":
        raise fail(f"{kind.id} is not about a period; leave --period out.")


def _form(file: Path | None, known: tuple[str, ...]) -> str | None:
    ending = "" if file is None else file.suffix.removeprefix(".")
    return ending if ending in known else None


def _as(made: Report, form: str) -> str:
    match form:
        case "csv":
            return "".join(made.csv())
        case "json":
            return made.json().decode()
    return printed.report(made, style=_style())


def _style() -> str:
    place = files("scim_connector.web") / "static" / "printed.css"
    return place.read_text("utf-8")


def _show(made: Report) -> None:
    click.echo(f"{made.kind.title}, {made.filter}")
    if made.rows:
        shown = [[one_line(cell) for cell in row] for row in made.rows[:MOST_SHOWN]]
        table(made.kind.columns, shown)
    if len(made.rows) > MOST_SHOWN:
        click.echo(f"… {len(made.rows) - MOST_SHOWN} more; name a FILE for all.")
    for said in made.summary:
        click.echo(said)
    click.echo(f"{len(made.rows)} rows, SHA-256 of the CSV: {made.sha256}")
    for said in made.kind.blind:
        click.echo(f"Not seen: {said}")


def _write(file: Path | None, text: str) -> None:
    """Write a new file for its owner alone, or to the terminal."""
    if file is None:
        click.echo(text, nl=False)
        return
    try:
        with file.open("x", encoding="utf-8", newline="") as out:
            file.chmod(0o600)
            out.write(text)
    except FileExistsError:
        raise fail(f"{file} exists already; name another file.") from None
    except OSError as error:
        raise fail(f"{file} cannot be written: {error.strerror}.") from None
    click.echo(f"Written to {file}.")


# ------------------------------------------------------------------------------ sample


@click.command("sample")
@click.argument("persons", type=click.Path(path_type=Path), required=False)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--template", is_flag=True, help="Print a list to start from.")
@json_option
@click.pass_context
def sample_(
    ctx: click.Context,
    /,
    persons: Path | None,
    file: Path | None,
    template: bool,
    as_json: bool,
) -> None:
    """One page of proof for each person named in the CSV file PERSONS.

    Its first line names a column id, username, email or name, and left_on where HR
    says when somebody left. FILE.html is for printing, FILE.json for programs; without
    FILE one line for each is shown. Who is not found is listed.
    """
    if template:
        click.echo(sample_rows.TEMPLATE, nl=False)
        return
    if persons is None:
        raise fail("Name a list of persons, or begin with: sample --template")
    ctx.invoke(_sample, text=read_text(persons), file=file, as_json=as_json)


@opens
def _sample(house: House, text: str, file: Path | None, as_json: bool) -> None:
    made = sample.made(house.database, sample_rows.read(text), now())
    whole = orjson.dumps(made.whole(), option=orjson.OPT_INDENT_2).decode() + "\n"
    if as_json and file is None:
        click.echo(whole, nl=False)
    elif file is None:
        table(("asked for", "username", "active", "finding"), list(sample.lines(made)))
    elif _form(file, ("json",)):
        _write(file, whole)
    else:
        _write(file, printed.sample(made, style=_style()))
    if made.missing:
        click.echo(f"{len(made.missing)} were not found.", err=True)


# ---------------------------------------------------------------------------- evidence


@click.command("evidence")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@_PERIOD
@_TARGET
@_IDLE
@opens
def evidence_(
    house: House, file: Path | None, period: str | None, target: int, idle: int
) -> None:
    """Write one signed archive of all reports, audit and configuration to FILE.zip.

    An auditor checks it with openssl and sha256sum alone; README.txt in it says how.
    index.csv says which file speaks to which control of ISO 27001, SOC 2 and NIST.
    """
    asked = _asked(period, target=target, idle=idle)
    name = asked.period.name.replace("..", "_")
    to = file or Path(f"evidence-{name}.zip")
    signing = SigningKeys(house.keys)
    found = evidence.write(
        to, house.database, house.settings, signing, asked, progress=_said
    )
    click.echo(f"Written to {to}.")
    for each in found:
        click.echo(f"Audit is not whole: {each}.")
    if found:
        raise SystemExit(1)


def _said(part: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"{part} …", err=True)


# ------------------------------------------------------------------------------ review


@click.group("review")
def review_() -> None:
    """Access reviews: a sheet to decide on, and what was decided.

    \b
    scim-connector review export review.csv
    scim-connector review import review.csv --dry-run
    """  # noqa: D301 - click reads \b


@review_.command("export")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@opens
def review_export(house: House, file: Path | None) -> None:
    """Write every active user, and each role of theirs, for reviewers to decide on.

    They write their name under reviewer, and confirm or revoke under decision.
    """
    _write(file, "".join(review.sheet(house.database, now())))


@review_.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only check and show.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@opens
def review_import(house: House, file: Path, dry_run: bool, yes: bool) -> None:
    """Carry out what reviewers decided: revoke roles, deactivate accounts.

    A role a provider gives is taken back there; such a row is refused and named.
    """
    decisions = review.read(read_text(file))
    revoked = [each for each in decisions if each.decision == review.REVOKE]
    accounts = sum(1 for each in revoked if each.item == review.ACCOUNT)
    if not dry_run and revoked:
        roles = len(revoked) - accounts
        ask(f"{accounts} accounts are deactivated and {roles} roles taken", yes=yes)
    with progress(len(decisions), "Deciding") as bar:
        done = review.carry_out(
            house.database, decisions, act(), dry=dry_run, progress=bar.update
        )
    _show_outcome(done)
    if dry_run:
        click.echo("Nothing was written (--dry-run).")
    if done.refused:
        raise SystemExit(1)


def _show_outcome(done: review.Outcome) -> None:
    rows = [
        {"line": e.line, "user": e.username, "item": e.item, "why not": e.problem}
        for e in done.refused
    ]
    if rows:
        records(rows, as_json=False)
    click.echo(
        f"{done.confirmed} confirmed, {len(done.revoked)} revoked,"
        f" {len(done.refused)} refused, {done.open} without a decision."
    )


# -------------------------------------------------------------------------- compliance


@click.group()
def compliance() -> None:
    """What must not be, for a scheduler that asks every night."""


@compliance.command()
@click.option(
    "--but",
    multiple=True,
    type=click.Choice(list(checks.KINDS)),
    help="Leave a kind out; repeatable.",
)
@_PERIOD
@_IDLE
@json_option
@opens
def check(
    house: House, but: tuple[str, ...], period: str | None, idle: int, as_json: bool
) -> None:
    """Look for what must not be; exit 1 with the findings.

    The record of changes is checked whole, the local rules are counted in the database,
    cut-offs that an application has not heard of, the last Administrator, credentials
    without an end or unused, people who never signed in.
    """
    asked = _asked(period, idle=idle)
    found = checks.findings(
        house.database, SigningKeys(house.keys), asked, but=but, progress=_said
    )
    rows: list[dict[str, Any]] = [
        {"kind": each.kind, "finding": each.sentence} for each in found
    ]
    records(rows, as_json=as_json, empty="Nothing was found that must not be.")
    if found:
        raise SystemExit(1)
