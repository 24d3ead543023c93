"""``audit``: what happened, and the proof that nobody changed the record of it."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

import click

from scim_connector.administration import chain
from scim_connector.administration import users as doors
from scim_connector.cli.context import fail, moment, now, opens
from scim_connector.cli.files import read_text
from scim_connector.cli.output import json_option, progress, records
from scim_connector.directory import audit as rows
from scim_connector.scim.rendering import timestamp
from scim_connector.tokens.signing import SigningKeys
from scim_connector.web.console.sheets import cell

if TYPE_CHECKING:
    from scim_connector.directory.audit import AuditEvent
    from scim_connector.wiring import House

_FIELDS: Final = (
    *("id", "at", "name", "actor", "connection_id", "user_id", "request_id", "facts"),
)


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
    help="A head that was kept; repeatable.",
)
@opens
def verify(house: House, heads: tuple[Path, ...]) -> None:
    """Check every seal, and the heads that were kept; exit 1 on a finding.

    Finds an event that was edited, deleted, inserted or moved, and names the place.
    What happened within the last second may not be sealed yet.
    """
    reader, signing = house.database.reader(), SigningKeys(house.keys)
    texts = [read_text(file) for file in heads]
    total, began = rows.count(reader), time.perf_counter()
    with progress(total, "Checking") as bar:
        found = chain.findings(reader, signing, texts, progress=bar.update)
    for each in found:
        click.echo(f"Broken: {each}.")
    if found:
        raise SystemExit(1)
    seconds = max(time.perf_counter() - began, 1e-6)
    kept = f", and {len(heads)} heads are in the chain" if heads else ""
    click.echo(
        f"{total:,} events are as they were written{kept}"
        f" ({total / seconds:,.0f} a second)."
    )


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
    if file.exists():
        raise fail(f"{file} exists already; name another file.")
    form = form or ("csv" if file.suffix == ".csv" else "jsonl")
    reader = house.database.reader()
    total = rows.count(reader)
    with file.open("w", encoding="utf-8", newline="") as out:
        file.chmod(0o600)
        write = _csv(out) if form == "csv" else _jsonl(out)
        with progress(total, "Writing") as bar:
            for each in chain.lines(reader):
                write(_row(each))
                bar.update(1)
    click.echo(f"{total:,} events are in {file}.")


def _row(each: AuditEvent) -> dict[str, Any]:
    row = {name: getattr(each, name) for name in _FIELDS}
    return row | {"at": timestamp(each.at), "facts": json.loads(each.facts)}


def _jsonl(out: TextIO) -> Any:
    def write(row: dict[str, Any]) -> None:
        out.write(json.dumps(row, ensure_ascii=False) + "\n")

    return write


def _csv(out: TextIO) -> Any:
    writer = csv.writer(out)
    writer.writerow(_FIELDS)

    def write(row: dict[str, Any]) -> None:
        facts = json.dumps(row["facts"], ensure_ascii=False)
        values = {**row, "facts": facts}
        writer.writerow([cell(values[name]) for name in _FIELDS])

    return write
