"""``receipts``: what each deactivation ended, and how fast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
import orjson

from scim_connector.administration import users as user_doors
from scim_connector.cli.context import Date, moment, opens
from scim_connector.cli.output import json_option, records
from scim_connector.directory import connections, receipts

if TYPE_CHECKING:
    from scim_connector.directory.receipts import Receipt
    from scim_connector.wiring import House

_DAY = 24 * 3600 * 1_000_000
_MILLI = 1000


@click.command("receipts")
@click.argument("username", required=False)
@click.option("--since", type=Date(), help="From this day on (UTC).")
@click.option("--limit", type=click.IntRange(1, 100_000), default=1000)
@json_option
@opens
def receipts_(
    house: House, username: str | None, since: int | None, limit: int, as_json: bool
) -> None:
    """Who lost access, when, what ended, and whom it was told to.

    "took" is from the arrival of the request to the end of all access in the database;
    calls to applications follow, and are retried until they answer.
    """
    reader = house.database.reader()
    if username is None:
        # The option names the end of its day.
        start = 0 if since is None else since - _DAY
        found = receipts.newest(reader, since=start, at_most=limit)
    else:
        found = receipts.of_user(reader, user_doors.find(reader, username).id)
    names = {c.id: c.name for c in connections.every(reader)}
    if as_json:
        whole = {"receipts": [_whole(r, names) for r in found], "took": _took(found)}
        click.echo(orjson.dumps(whole, option=orjson.OPT_INDENT_2).decode())
        return
    hint = "Nobody was deactivated yet."
    records([_line(r, names) for r in found], as_json=False, empty=hint)
    if found:
        took = _took(found)
        told = ", ".join(f"{name} {took[name]} ms" for name in ("p50", "p95", "max"))
        click.echo(f"{len(found)} receipts; time to effect: {told}")


def _line(receipt: Receipt, names: dict[int, str]) -> dict[str, Any]:
    return {
        "at": moment(receipt.asked_at),
        "user": receipt.username,
        "by": _by(receipt, names),
        "ended": _ended(receipt),
        "took ms": _ms(receipt.took),
        "told": _told(receipt),
    }


def _by(receipt: Receipt, names: dict[int, str]) -> str:
    if receipt.connection_id is None:
        return receipt.actor
    return names.get(receipt.connection_id, receipt.actor)


def _ended(receipt: Receipt) -> str:
    held = receipt.controls
    parts = [f"{count} at {name}" for name, count in held["sessions"].items()]
    for name in ("api_tokens", "api_keys", "password_links"):
        if held[name]:
            parts.append(f"{held[name]} {name.replace('_', ' ')}")
    if held["api_app"]:
        parts.append("API App")
    return ", ".join(parts) or "nothing was open"


def _told(receipt: Receipt) -> str:
    said = []
    for call in receipt.calls:
        state = "waiting"
        if call.delivered_at is not None:
            state = f"after {_ms(call.delivered_at - receipt.asked_at)} ms"
        elif call.given_up_at is not None:
            state = "gave up"
        said.append(f"{call.application} {state}")
    return ", ".join(said)


def _whole(receipt: Receipt, names: dict[int, str]) -> dict[str, Any]:
    at = moment(receipt.cut_at)
    result = {
        name: {"count": count, "at": at, "result": "ended" if count else "none open"}
        for name, count in receipt.controls.items()
        if name != "sessions"
    }
    return {
        "user": receipt.username,
        "by": _by(receipt, names),
        "request": receipt.request_id,
        "asked_at": receipt.asked_at,
        "cut_at": receipt.cut_at,
        "took_ms": _ms(receipt.took),
        "sessions": {
            name: {"count": count, "at": at, "result": "ended"}
            for name, count in receipt.controls["sessions"].items()
        },
        **result,
        "calls": [
            {
                "application": call.application,
                "attempts": call.attempts,
                "delivered_at": call.delivered_at,
                "given_up_at": call.given_up_at,
                "last_error": call.last_error,
            }
            for call in receipt.calls
        ],
    }


def _took(found: Sequence[Receipt]) -> dict[str, float]:
    """p50, p95 and max in milliseconds."""
    took = sorted(receipt.took for receipt in found) or [0]
    return {
        "p50": _ms(took[(len(took) - 1) // 2]),
        "p95": _ms(took[min(len(took) - 1, -(-len(took) * 95 // 100) - 1)]),
        "max": _ms(took[-1]),
    }


def _ms(microseconds: int) -> float:
    return round(microseconds / _MILLI, 1)
