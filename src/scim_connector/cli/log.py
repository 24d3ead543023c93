"""``log``: the requests of providers, each with its six steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from scim_connector.administration import reasons
from scim_connector.cli import reasons_page, requests
from scim_connector.cli.context import fail, moment, opens
from scim_connector.cli.output import json_option, one_line, records
from scim_connector.directory import async_requests, connections, refusals, request_log

if TYPE_CHECKING:
    from scim_connector.wiring import House


@click.group()
def log() -> None:
    """The requests of providers: what came, what became of it, and why.

    \b
    scim-connector log list --failures
    scim-connector log show REQUEST_ID
    """  # noqa: D301 - click reads \b


@log.command("reasons")
@click.option("--markdown", is_flag=True, help="As docs/refusals.md.")
@json_option
def reasons_(markdown: bool, as_json: bool) -> None:
    """Every reason of a refusal, with what it means."""
    if markdown:
        click.echo(reasons_page.render(), nl=False)
        return
    found = [(code, reasons.of(code, "generic")[0]) for code in reasons.codes()]
    shown = [
        {"reason": code, "rule": each.rule_id, "means": each.meaning}
        for code, each in found
    ]
    records(shown, as_json=as_json)


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
    rows = [requests.line(entry, names) for entry in entries]
    hint = "No request yet. Expect one when you press Test Connection in the provider."
    records(rows, as_json=as_json, empty=hint)


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
    if as_json:
        requests.print_json(entry, names, bodies=bodies)
        return
    requests.print_steps(entry)
    if bodies:
        click.echo(f"\nrequest  {one_line(entry.request_body)}")
        requests.print_answer(entry)


@log.command()
@click.option("--limit", type=click.IntRange(1, 10_000), default=30)
@json_option
@opens
def waiting(house: House, limit: int, as_json: bool) -> None:
    """Requests that were taken to be carried out later, the first one first."""
    reader = house.database.reader()
    names = {c.id: c.name for c in connections.every(reader)}
    rows = [
        {
            "taken": moment(each.taken_at),
            "connection": names.get(each.connection_id, ""),
            "method": each.method,
            "path": each.path,
            "bytes": each.size,
            "request id": each.txn,
        }
        for each in async_requests.listed(reader, at_most=limit)
    ]
    records(rows, as_json=as_json, empty="Nothing waits to be carried out.")


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
