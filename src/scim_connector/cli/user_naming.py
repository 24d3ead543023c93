"""``user recompute``: initials and username chosen anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from scim_connector.administration import naming
from scim_connector.administration import users as doors
from scim_connector.cli.context import act, ask, fail, opens
from scim_connector.cli.output import harmless

if TYPE_CHECKING:
    from scim_connector.accounts.settling import Field
    from scim_connector.administration.naming import Candidates
    from scim_connector.wiring import House


@click.command()
@click.argument("username")
@click.option("--initials", help="Of the candidates; default: the first free ones.")
@click.option("--username", "name", help="Of the candidates; default: the first free.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@opens
def recompute(
    house: House, username: str, initials: str | None, name: str | None, yes: bool
) -> None:
    """Choose initials and username anew, out of what the mapping derives today.

    Candidates and consequences are shown first. With --initials or --username only what
    is named changes; the former values are kept for the user for 90 days.
    """
    reader, doing = house.database.reader(), act()
    found = doors.find(reader, username)
    possible = naming.candidates(reader, found)
    for each in possible.values():
        _show(each)
    given: dict[Field, str | None] = {"initials": initials, "username": name}
    chosen = {n: v for n, v in given.items() if v} or _proposed(possible)
    chosen = {n: v for n, v in chosen.items() if getattr(found, n) != v}
    if not chosen:
        click.echo("\nNothing changes: the mapping gives what is there.")
        return
    click.echo("\nWhat follows:")
    for sentence in naming.consequences(reader, found, chosen):
        click.echo(f"  {harmless(sentence)}")
    change = ", ".join(f"{n} {getattr(found, n)} -> {v}" for n, v in chosen.items())
    ask(f"Change {harmless(change)}", yes=yes)
    values: dict[str, str] = {str(name): value for name, value in chosen.items()}
    house.database.write(
        lambda tx: naming.recompute(tx, doors.find(tx, username), values, doing)
    )
    click.echo(f"Changed {harmless(change)}.")


def _proposed(possible: dict[Field, Candidates]) -> dict[Field, str]:
    chosen = {n: each.proposal for n, each in possible.items() if each.fixed is None}
    exhausted = [n for n, value in chosen.items() if value is None]
    if exhausted:
        raise fail(f"Every candidate for {', '.join(exhausted)} is taken.")
    return {n: value for n, value in chosen.items() if value is not None}


def _show(each: Candidates) -> None:
    click.echo(f"{each.field:<12}{harmless(each.present)}")
    if each.fixed is not None:
        click.echo(f"{'':<12}{each.fixed}")
    for candidate in each.every:
        source = f"  by {candidate.source}" if candidate.source else ""
        line = f"{candidate.value}: {candidate.why}{source}"
        click.echo(f"{'':<12}{harmless(line)}")
