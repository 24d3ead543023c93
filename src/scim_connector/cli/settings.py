"""``settings``: every setting and what it is now."""

from __future__ import annotations

import click

from scim_connector.cli.context import load_settings
from scim_connector.cli.output import json_option, records
from scim_connector.settings import SETTINGS, documentation


@click.command()
@click.option("--markdown", is_flag=True, help="As docs/settings.md.")
@json_option
@click.pass_context
def settings(ctx: click.Context, markdown: bool, as_json: bool) -> None:
    """Every setting with its present value; secrets are not shown."""
    if markdown:
        click.echo(documentation(), nl=False)
        return
    present = load_settings(ctx.find_root().obj)
    rows = []
    for setting in SETTINGS:
        value = getattr(present, setting.name)
        hidden = setting.secret and value != setting.default
        shown = "(set)" if hidden else value
        rows.append(
            {
                "variable": setting.variable,
                "value": None if shown is None else str(shown),
                "meaning": setting.sentence,
            }
        )
    records(rows, as_json=as_json)
