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


@click.command()
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
            "quirk": row.name,
            "vendors": row.vendors,
            "sent": row.sent,
            "seen": ", ".join(seen.pop(row.name, [])),
        }
        for row in QUIRKS
    ]
    rows += [
        {"quirk": name, "vendors": "", "sent": "", "seen": ", ".join(counts)}
        for name, counts in seen.items()
    ]
    records(rows, as_json=as_json)
