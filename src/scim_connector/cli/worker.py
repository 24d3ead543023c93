"""``worker``: a further process that sends mails and calls applications."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import click

from scim_connector.cli.context import explaining, opens
from scim_connector.cli.logs import set_up_logs
from scim_connector.wiring import sender_notes
from scim_connector.wiring import worker as build

if TYPE_CHECKING:
    from scim_connector.wiring import House


@click.command()
@click.option("--once", is_flag=True, help="Send what is due now, then end.")
@opens
def worker(house: House, once: bool) -> None:
    """Send what waits: mails, and logout calls to applications.

    `serve` does it itself; more of these may run beside it, on other machines too. Each
    message is sent by one of them.
    """
    set_up_logs()
    with explaining():
        for line in sender_notes(house):
            click.echo(line)
        working = build(house)
    if once:
        sent = 0
        while tried := working.round():
            sent += tried
        click.echo(f"{sent} messages tried.")
        return
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: working.stop())
    click.echo("Working (Ctrl-C ends it).")
    working.run()
