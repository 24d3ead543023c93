"""``worker``: a further process that does what ``serve`` does beside its requests."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import click

from scim_connector.cli.context import explaining, opens
from scim_connector.wiring import sender_notes, traced, workers
from scim_connector.wiring.logs import set_up_logs

if TYPE_CHECKING:
    from scim_connector.delivery.worker import Rounds, Workers
    from scim_connector.wiring import House


@click.command()
@click.option("--once", is_flag=True, help="Do what is due now, then end.")
@opens
def worker(house: House, once: bool) -> None:
    """Send what waits: mails, calls, events, webhooks; carry out asynchronous requests.

    `serve` does it itself; more of these may run beside it, on other machines too. Each
    message is sent, and each request carried out, by one of them.
    """
    set_up_logs()
    with explaining():
        for line in sender_notes(house):
            click.echo(line)
        house = traced(house)
    try:
        _work(*workers(house), once=once)
    finally:
        house.database.close()
        if house.traces is not None:
            house.traces.end()


def _work(sending: Workers, carrying: Rounds, *, once: bool) -> None:
    if once:
        click.echo(f"{_all_of(carrying)} requests carried out.")
        click.echo(f"{_all_of(sending)} messages tried.")
        return
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sending.stop())
    click.echo("Working (Ctrl-C ends it).")
    carrying.start()
    sending.run()
    carrying.stop()


def _all_of(working: Rounds | Workers) -> int:
    """Work until nothing is due; returns how much was."""
    done = 0
    while tried := working.round():
        done += tried
    return done
