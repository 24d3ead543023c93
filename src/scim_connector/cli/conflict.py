"""``conflict``: what waits for a person's decision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from scim_connector.cli.context import fail, moment, opens
from scim_connector.cli.output import json_option, record, records
from scim_connector.directory import conflicts, connections, users

if TYPE_CHECKING:
    from scim_connector.directory.conflicts import Conflict
    from scim_connector.wiring import House

#: What an admin can do about each kind.
ACTS = {
    "email_taken": "Same person: user link. Other person: correct the email of one.",
    "inactive_match": "Reactivate the user, then user link; or let the provider wait.",
    "possible_duplicate": "Same person: unlink the new one, then user link.",
    "kept_value": "Correct the value at the provider; the present one is kept.",
    "roles_to_approve": "Give the roles that are still right again: user role add.",
    "decided": "Nothing; the provider's next try carries it out.",
}


@click.group()
def conflict() -> None:
    """The conflict queue: what only a person can decide."""


@conflict.command("list")
@click.option("--all", "closed", is_flag=True, help="Also what is decided.")
@json_option
@opens
def list_(house: House, closed: bool, as_json: bool) -> None:
    """What waits, the latest first, with how often the provider tried."""
    reader = house.database.reader()
    names = {c.id: c.name for c in connections.every(reader)}
    rows = [
        {
            "id": found.id,
            "connection": names.get(found.connection_id, ""),
            "kind": found.kind,
            "identity": found.identity,
            "detail": found.detail,
            "times": found.times,
            "last": moment(found.last_seen_at),
        }
        for found in conflicts.every(reader, closed=closed)
    ]
    records(rows, as_json=as_json, empty="Nothing waits for a decision.")


@conflict.command()
@click.argument("conflict_id", metavar="ID", type=int)
@json_option
@opens
def show(house: House, conflict_id: int, as_json: bool) -> None:
    """One entry, and what to do about it."""
    reader = house.database.reader()
    found = conflicts.by_id(reader, conflict_id)
    if found is None:
        raise fail(f"There is no entry {conflict_id}; see: conflict list --all")
    record(_whole(house, found), as_json=as_json)


def _whole(house: House, found: Conflict) -> dict[str, Any]:
    reader = house.database.reader()
    connection = connections.required(reader, found.connection_id)
    user = users.by_id(reader, found.user_id) if found.user_id else None
    row: dict[str, Any] = {
        "id": found.id,
        "connection": connection.name,
        "kind": found.kind,
        "identity": found.identity,
        "local user": user.username if user else "",
        "detail": found.detail,
        "times": found.times,
        "first": moment(found.first_seen_at),
        "last": moment(found.last_seen_at),
        "decided": found.resolution or "",
        "what to do": ACTS.get(found.kind, ""),
    }
    if user is not None and found.kind != "decided":
        row["to link"] = (
            f"scim-connector user link {connection.name} {found.identity}"
            f" {user.username}"
        )
    return row
