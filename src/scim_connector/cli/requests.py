"""Requests of providers as ``log show`` and ``simulate`` print them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click
import orjson

from scim_connector.cli.context import moment
from scim_connector.cli.output import one_line

if TYPE_CHECKING:
    from scim_connector.directory.request_log import Entry


def line(entry: Entry, names: Mapping[int, str]) -> dict[str, Any]:
    """An entry as a row of a table; *names* of connections by their ids."""
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


def print_json(entry: Entry, names: Mapping[int, str], *, bodies: bool) -> None:
    """Print an entry for programs, with its steps."""
    whole = line(entry, names) | {"method": entry.method, "path": entry.path}
    whole["steps"] = orjson.loads(entry.steps)
    if bodies:
        whole |= {"request": entry.request_body, "answer": entry.response_body}
    click.echo(orjson.dumps(whole, option=orjson.OPT_INDENT_2).decode())


def print_steps(entry: Entry) -> None:
    """Print what came, and its six steps with the fields that were mapped."""
    came = one_line(f"{entry.method} {entry.path}")
    click.echo(f"{came}  {entry.status}  {entry.outcome}")
    for step in orjson.loads(entry.steps):
        _print_step(step)


def print_answer(entry: Entry) -> None:
    """Print what was answered; a refusal is its sentence."""
    click.echo(f"answer   {one_line(entry.response_body)}")


def _print_step(step: dict[str, Any]) -> None:
    sentence = one_line(step["sentence"]) if step.get("sentence") else ""
    click.echo(f"{step['step']:<13}{step['state']:<12}{sentence}".rstrip())
    fields = (step.get("facts") or {}).get("fields", {})
    for name, trace in fields.items():
        _print_field(name, trace)


def _print_field(name: str, trace: dict[str, Any]) -> None:
    became = one_line(trace.get("became") or "nothing")
    kept = ", as before" if trace.get("kept") else ""
    click.echo(f"{'':<13}{name}: {became}{kept}")
    sent = trace.get("sent")
    if sent and sent != trace.get("became"):
        click.echo(f"{'':<15}sent {one_line(sent)}")
    for passed in trace.get("passed_over", []):
        shown = one_line(passed["value"] or "nothing")
        click.echo(f"{'':<15}passed over {shown}: {one_line(passed['why'])}")
