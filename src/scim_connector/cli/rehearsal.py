"""``connection rehearsal`` and ``connection go-live``: a first cycle, before it counts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from scim_connector.administration import connections as administration
from scim_connector.cli.context import act, ask, fail, now, opens
from scim_connector.cli.forecasts import summarise, write_csv
from scim_connector.cli.output import progress
from scim_connector.provisioning import rehearsal as use_case

if TYPE_CHECKING:
    from scim_connector.directory.connections import Connection
    from scim_connector.provisioning.verdicts import Forecast
    from scim_connector.wiring import House

COLUMNS = (
    *("identity", "active", "outcome", "username", "initials", "email"),
    *("why", "reason", "detail", "fix", "link_id"),
)
_MAILS = {
    "mail:welcome": "password links",
    "mail:managed-now": "notices to linked people",
}


@click.command()
@click.argument("name")
@click.option("--csv", "out", type=click.Path(path_type=Path), help="Write all rows.")
@opens
def rehearsal(house: House, name: str, out: Path | None) -> None:
    """What going live would make of everybody a provider has sent; keeps nothing.

    Everybody is judged anew, together, against the local users as they are now. Exit 1
    while anybody would be refused.
    """
    found = administration.find(house.database.reader(), name)
    result = _looked_at(house, found)
    if not result.verdicts:
        click.echo(f"{found.name} is {found.state}; nobody waits to be carried out.")
        return
    _summarise(result)
    click.echo("\nNothing was carried out.")
    if out is not None:
        write_csv(result, out, COLUMNS)
    if result.refused:
        raise SystemExit(1)


@click.command("go-live")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@opens
def go_live(house: House, name: str, yes: bool) -> None:
    """End a rehearsal: link and create whom the provider has sent, or nobody at all.

    Counts first, the mails that will be sent among them, then asks. SCIM ids stay. Who
    is refused stays listed and is tried again by the provider's next request, or by
    this command.
    """
    found = administration.find(house.database.reader(), name)
    foreseen = _looked_at(house, found)
    if foreseen.verdicts:
        _summarise(foreseen)
        click.echo()
    ask(_question(found, foreseen), yes=yes)
    count = use_case.waiting(house.database.reader(), found)
    try:
        with progress(count, "Going live") as bar:
            done = use_case.go_live(house.database, found, act(), progress=bar.update)
    except use_case.NothingToCarryOut as error:
        raise fail(str(error)) from None
    _tell(found, done)


def _looked_at(house: House, found: Connection) -> Forecast:
    count = use_case.waiting(house.database.reader(), found)
    with progress(count, "Judging") as bar:
        return use_case.outcome(house.database, found, now=now(), progress=bar.update)


def _summarise(result: Forecast) -> None:
    summarise(result, place="outcome", unmatched="local users nobody matches")


def _question(found: Connection, foreseen: Forecast) -> str:
    counts = foreseen.counts
    asked = (
        f"Make {found.name} live: link {counts['would link']}, create"
        f" {counts['would create']}, bring back {counts['would restore']}, refuse"
        f" {counts['would refuse']}; {len(foreseen.unmatched)} local users stay with"
        f" no provider. {_mails(foreseen)}"
    )
    again = len(foreseen.unanswered)
    if again:
        asked += f". {again} refused requests are left to the provider's next try"
    return asked


def _mails(result: Forecast) -> str:
    total = result.mails.total()
    if not total:
        return "No mail will be sent"
    kinds = ", ".join(
        f"{count} {_MAILS.get(topic, topic)}" for topic, count in result.mails.items()
    )
    return f"{total} mails will be sent ({kinds})"


def _tell(found: Connection, done: Forecast) -> None:
    counts = done.counts
    click.echo(
        f"{found.name} is live: linked {counts['would link']}, created"
        f" {counts['would create']}, brought back {counts['would restore']}, refused"
        f" {counts['would refuse']}. {done.mails.total()} mails wait to be sent."
    )
    for verdict in done.refused:
        click.echo(f"Refused {verdict.identity}: {verdict.detail}")
        if verdict.fix:
            click.echo(f"  To change at the provider: {verdict.fix}")
    if done.refused:
        click.echo(
            f"When that is changed: scim-connector connection go-live {found.name}"
        )
