"""``log``: the requests of providers, each with its six steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import orjson

from scim_connector.cli.context import fail, moment, opens
from scim_connector.cli.output import json_option, records
from scim_connector.directory import connections, refusals, request_log

if TYPE_CHECKING:
    from scim_connector.directory.request_log import Entry
    from scim_connector.wiring import House


@click.group()
def log() -> None:
    """The requests of providers: what came, what became of it, and why.

    \b
    scim-connector log list --failures
    scim-connector log show REQUEST_ID
    """  # noqa: D301 - click reads \b


@log.command("list")
@click.option("--failures", is_flag=True, help="Only what was refused.")
@click.option("--warnings", is_flag=True, help="Only what carries a warning.")
@click.option("--reads", is_flag=True, help="Also requests that only read.")
@click.option("--connection", metavar="NAME")
@click.option("--identity", metavar="USERNAME", help="The userName as sent.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=30)
@json_option
@opens
def list_(
    house: House,
    failures: bool,
    warnings: bool,
    reads: bool,
    connection: str | None,
    identity: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """The newest requests first."""
    reader = house.database.reader()
    filters: dict[str, Any] = {}
    if failures or warnings:
        filters["outcome"] = "Failure" if failures else "Warning"
    if identity is not None:
        filters["identity"] = identity
    if connection is not None:
        found = connections.by_name(reader, connection)
        if found is None:
            raise fail(f'There is no connection "{connection}".')
        filters["connection_id"] = found.id
    names = {c.id: c.name for c in connections.every(reader)}
    reads = reads or failures or warnings  # a refused filter is a failure, too
    entries = request_log.newest(reader, at_most=limit, reads=reads, **filters)
    rows = [_line(entry, names) for entry in entries]
    hint = "No request yet. Expect one when you press Test Connection in the provider."
    records(rows, as_json=as_json, empty=hint)


def _line(entry: Entry, names: dict[int, str]) -> dict[str, Any]:
    return {
        "at": moment(entry.at),
        "connection": names.get(entry.connection_id, ""),
        "action": entry.action,
        "identity": entry.identity or "",
        "outcome": entry.outcome,
        "status": entry.status,
        "reason": entry.reason or "",
        "ms": round(entry.duration_us / 1000, 1),
        "request id": entry.request_id,
    }


@log.command()
@click.argument("request_id")
@click.option("--bodies", is_flag=True, help="Also the request and the answer.")
@json_option
@opens
def show(house: House, request_id: str, bodies: bool, as_json: bool) -> None:
    """One request with its six steps."""
    reader = house.database.reader()
    entry = request_log.by_request_id(reader, request_id)
    if entry is None:
        raise fail("There is no request of this id; reads appear after a second.")
    names = {c.id: c.name for c in connections.every(reader)}
    steps = orjson.loads(entry.steps)
    if as_json:
        whole = _line(entry, names) | {"steps": steps}
        click.echo(orjson.dumps(whole, option=orjson.OPT_INDENT_2).decode())
        return
    click.echo(f"{entry.method} {entry.path}  {entry.status}  {entry.outcome}")
    for step in steps:
        _print_step(step)
    if bodies:
        click.echo(f"\nrequest  {entry.request_body or '-'}")
        click.echo(f"answer   {entry.response_body or '-'}")


def _print_step(step: dict[str, Any]) -> None:
    click.echo(f"{step['step']:<13}{step['state']:<12}{step.get('sentence', '')}")
    fields = step.get("facts", {}).get("fields", {})
    for name, trace in fields.items():
        click.echo(f"{'':<13}{name}: {trace.get('became') or 'nothing'}")
        for passed in trace.get("passed_over", []):
            shown = passed["value"] or "nothing"
            click.echo(f"{'':<15}passed over {shown}: {passed['why']}")


@log.command()
@json_option
@opens
def knocks(house: House, as_json: bool) -> None:
    """Callers refused before authentication, counted by reason and address."""
    rows = [
        {
            "reason": reason,
            "from": source,
            "times": count,
            "last": moment(last),
            "path": sample,
        }
        for _, reason, source, count, last, sample in refusals.every(
            house.database.reader()
        )
    ]
    records(rows, as_json=as_json, empty="Nobody was refused at the door.")
