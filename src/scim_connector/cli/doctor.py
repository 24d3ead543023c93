"""``doctor``: what is not as it should be, and what to do about it."""

from __future__ import annotations

import click

from scim_connector.administration.findings import Finding, Verdict
from scim_connector.cli.context import load_settings
from scim_connector.cli.output import harmless, json_option, records
from scim_connector.wiring.doctor import examined

_WIDTH = 6


@click.command()
@json_option
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Look at settings, database, key, clock, mail, providers, tokens, disk.

    Nothing is changed, and no mail is sent. Exit 1 when something is wrong; what says
    "look" does not count. Settings that cannot be read end with 2, as everywhere.
    """
    settings = load_settings(ctx.find_root().obj)
    found = []
    for finding in examined(settings):
        found.append(finding)
        if not as_json:
            _tell(finding)
    if as_json:
        rows = [
            {
                "area": each.area,
                "verdict": each.verdict.value,
                "sentence": each.sentence,
                "advice": each.advice,
                "command": each.command,
            }
            for each in found
        ]
        records(rows, as_json=True)
    wrong = sum(1 for each in found if each.verdict is Verdict.WRONG)
    if not as_json:
        _sum_up(wrong, sum(1 for each in found if each.verdict is Verdict.LOOK))
    if wrong:
        raise SystemExit(1)


def _tell(finding: Finding) -> None:
    line = f"{finding.verdict.value:<{_WIDTH}}{finding.area}: {finding.sentence}"
    click.echo(harmless(line))
    if finding.advice:
        run = f" Run: scim-connector {finding.command}" if finding.command else ""
        click.echo(harmless(f"{'':<{_WIDTH}}{finding.advice}{run}"))


def _sum_up(wrong: int, look: int) -> None:
    if wrong or look:
        click.echo(f"\n{wrong} wrong, {look} to look at.")
    else:
        click.echo("\nAll is well.")
