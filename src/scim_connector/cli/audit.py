"""``audit``: what happened, and the proof that nobody changed the record of it."""

from __future__ import annotations

import csv
import json
import time
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from scim_connector.administration import users as doors
from scim_connector.cli.context import moment, now, opens
from scim_connector.cli.files import read_text
from scim_connector.cli.output import json_option, progress, records
from scim_connector.compliance import chain
from scim_connector.compliance.drafts import new_file
from scim_connector.compliance.sheets import cell
from scim_connector.directory import audit as rows
from scim_connector.directory import seals
from scim_connector.rules import events_page
from scim_connector.rules.events import EVENTS
from scim_connector.tokens.signing import SigningKeys

if TYPE_CHECKING:
    from scim_connector.wiring import House


@click.group()
def audit() -> None:
    """The record of every change, chained so that nobody changes it unseen.

    \b
    scim-connector audit head > head-2026-12-01.txt      keep it elsewhere
    scim-connector audit verify --head head-2026-12-01.txt
    scim-connector audit export events.jsonl
    """  # noqa: D301 - click reads \b


@audit.command("list")
@click.argument("username", required=False)
@click.option("--limit", type=click.IntRange(1, 10_000), default=30)
@json_option
@opens
def list_(house: House, username: str | None, limit: int, as_json: bool) -> None:
    """The newest events first, of everybody or of USERNAME."""
    reader = house.database.reader()
    if username is None:
        found = rows.newest(reader, at_most=limit)
    else:
        user = doors.find(reader, username)
        found = rows.newest_of_user(reader, user.id, at_most=limit)
    shown = [
        {
            "id": each.id,
            "at": moment(each.at),
            "event": each.name,
            "by": each.actor,
            "facts": "" if each.facts == "{}" else each.facts,
        }
        for each in found
    ]
    records(shown, as_json=as_json, empty="Nothing has happened yet.")


@audit.command()
@click.option("--markdown", is_flag=True, help="As docs/events.md.")
@json_option
def events(markdown: bool, as_json: bool) -> None:
    """The names of all events, with what each tells; those about persons apart."""
    if markdown:
        click.echo(events_page.render(), nl=False)
        return
    shown = [
        {
            "event": name,
            "says": told.sentence,
            "facts": [fact for fact in told.facts if fact not in told.personal],
            "about a person": sorted(told.personal),
        }
        for name, told in EVENTS.items()
    ]
    records(shown, as_json=as_json)


@audit.command()
@opens
def head(house: House) -> None:
    """Print the newest seal, signed; keep it where nobody here can change it.

    With it `audit verify --head` finds that the end of the record was cut off, or that
    an older copy of the database was put back. Any library for JWS checks it with the
    key at /.well-known/jwks.json.
    """
    signing = SigningKeys(house.keys)
    address, reader = house.settings.address, house.database.reader()
    click.echo(chain.signed_head(reader, signing, issuer=address, now=now()))


@audit.command()
@click.option(
    "--head",
    "heads",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A file of heads that were kept, one a line; repeatable.",
)
@opens
def verify(house: House, heads: tuple[Path, ...]) -> None:
    """Check every seal, and the heads that were kept; exit 1 on a finding.

    Finds an event that was edited, deleted, inserted or moved, and names the place.
    What happened within the last second may not be sealed yet.
    """
    reader, signing = house.database.reader(), SigningKeys(house.keys)
    kept = [each for file in heads for each in _kept(file)]
    total, began = rows.count(reader), time.perf_counter()
    with progress(total, "Checking") as bar:
        found = chain.findings(reader, signing, kept, progress=bar.update)
    for each in found:
        click.echo(f"Broken: {each}.")
    if found:
        raise SystemExit(1)
    seconds = max(time.perf_counter() - began, 1e-6)
    proven = f", and {len(kept)} heads are in the chain" if heads else ""
    click.echo(
        f"{total:,} events are as they were written{proven}"
        f" ({total / seconds:,.0f} a second)."
    )
    since = seals.since(reader)
    if since is not None:
        click.echo(
            f"Events sealed until {moment(since)} were pruned; their seals are sound."
        )


def _kept(file: Path) -> list[chain.Kept]:
    """The heads in a file, each with its place; an empty file is an empty head."""
    lines = read_text(file).splitlines() or [""]
    return [
        chain.Kept(line, f"{file} line {number}")
        for number, line in enumerate(lines, 1)
        if line.strip() or len(lines) == 1
    ]


@audit.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv"]),
    help="Default: as the name of FILE ends, else jsonl.",
)
@opens
def export(house: House, file: Path, form: str | None) -> None:
    """Write every event to FILE, the oldest first: JSON Lines or CSV."""
    form = form or ("csv" if file.suffix == ".csv" else "jsonl")
    reader = house.database.reader()
    total = rows.count(reader)
    with new_file(file) as raw, TextIOWrapper(raw, "utf-8", newline="") as out:
        write = _csv(out) if form == "csv" else _jsonl(out)
        with progress(total, "Writing") as bar:
            for each in chain.lines(reader):
                write(chain.row(each))
                bar.update(1)
    click.echo(f"{total:,} events are in {file}.")


def _jsonl(out: TextIO) -> Any:
    def write(row: dict[str, Any]) -> None:
        out.write(json.dumps(row, ensure_ascii=False) + "\n")

    return write


def _csv(out: TextIO) -> Any:
    writer = csv.writer(out)
    writer.writerow(chain.FIELDS)

    def write(row: dict[str, Any]) -> None:
        facts = json.dumps(row["facts"], ensure_ascii=False)
        values = {**row, "facts": facts}
        writer.writerow([cell(values[name]) for name in chain.FIELDS])

    return write
