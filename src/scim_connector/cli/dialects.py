"""``dialects``: the tolerated quirks, and how often each was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from scim_connector.cli.context import opens
from scim_connector.cli.output import json_option, records
from scim_connector.directory import connections, quirks
from scim_connector.scim.dialects import QUIRKS

if TYPE_CHECKING:
    from scim_connector.wiring import House


def _print_page(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(page(), nl=False)
        ctx.exit()


def page() -> str:
    """docs/dialects.md: every row of the table."""
    lines = [
        "# Habits of providers",
        "",
        "What providers send beside the standard, or what servers get wrong, and what"
        " becomes of it here. Everything is tolerated by default; a row with an answer"
        " in the last column can be switched off on a connection"
        " (`connection set NAME --quirk-off QUIRK`), which is answered so then."
        " `scim-connector dialects` says how often each was seen on each connection.",
        "",
        "| # | quirk | who | what is sent | what becomes of it | known from"
        " | switched off |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in QUIRKS:
        cells = (
            str(row.number or ""),
            f"`{row.name}`",
            row.vendors,
            row.sent,
            row.handled,
            row.source,
            row.strict,
        )
        lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    return "\n".join(lines) + "\n"


@click.command()
@click.option(
    "--markdown",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_page,
    help="The whole table, as docs/dialects.md.",
)
@json_option
@opens
def dialects(house: House, as_json: bool) -> None:
    """What providers send beside the standard, and how often each connection did.

    Unknown attributes are listed too; declare one with [[attribute]] in the mapping.
    """
    reader = house.database.reader()
    names = {c.id: c.name for c in connections.every(reader)}
    seen: dict[str, list[str]] = {}
    for connection_id, quirk, count, _ in quirks.every(reader):
        seen.setdefault(quirk, []).append(f"{names[connection_id]} {count}")
    rows = [
        {
            "#": row.number or "",
            "quirk": row.name,
            "vendors": row.vendors,
            "sent": row.sent,
            "seen": ", ".join(seen.pop(row.name, [])),
        }
        for row in QUIRKS
    ]
    rows += [
        {"#": "", "quirk": name, "vendors": "", "sent": "", "seen": ", ".join(counts)}
        for name, counts in seen.items()
    ]
    records(rows, as_json=as_json)
