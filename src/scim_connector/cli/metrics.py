"""``metrics``: the figures that Prometheus reads."""

from __future__ import annotations

import click

from scim_connector.cli.context import explaining, load_settings
from scim_connector.web.metrics import documentation, render
from scim_connector.wiring import open_house


@click.command()
@click.option("--markdown", is_flag=True, help="As docs/metrics.md.")
@click.pass_context
def metrics(ctx: click.Context, markdown: bool) -> None:
    """What /metrics tells at this moment; needs no token and no server.

    For a collector of text files:

    \b
    scim-connector metrics > /var/lib/node_exporter/scim-connector.prom
    """  # noqa: D301 - click reads \b
    if markdown:
        click.echo(documentation(), nl=False)
        return
    settings = load_settings(ctx.find_root().obj)
    with explaining():
        house = open_house(settings)
        try:
            click.echo(render(settings, house.database).decode(), nl=False)
        finally:
            house.database.close()
