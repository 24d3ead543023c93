"""``rules``: the handbook."""

from __future__ import annotations

import click

from scim_connector.cli.output import json_option, records
from scim_connector.rules import handbook


@click.command()
@click.option("--markdown", is_flag=True, help="As docs/handbook.md.")
@json_option
def rules(markdown: bool, as_json: bool) -> None:
    """Every local rule, with what to do about it in Entra ID and in Okta."""
    if markdown:
        click.echo(handbook.render(), nl=False)
        return
    if as_json:
        _as_json()
        return
    for rule in handbook.HANDBOOK:
        click.echo(f"{rule.id:<5}{rule.sentence}")
        click.echo(f"     Entra: {rule.in_entra}")
        click.echo(f"     Okta:  {rule.in_okta}")


def _as_json() -> None:
    rows = [
        {
            "id": rule.id,
            "title": rule.title,
            "sentence": rule.sentence,
            "in_entra": rule.in_entra,
            "in_okta": rule.in_okta,
        }
        for rule in handbook.HANDBOOK
    ]
    records(rows, as_json=True)
