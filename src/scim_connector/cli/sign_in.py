"""``sign-in``: people sign in through the provider of a connection (OpenID Connect)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import orjson

from scim_connector.administration import connections as connection_doors
from scim_connector.administration import sign_in as doors
from scim_connector.cli.context import act, fail, moment, opens
from scim_connector.cli.output import json_option, record, records
from scim_connector.directory import audit, users
from scim_connector.login.sso import CALLBACK
from scim_connector.login.trials import sealed_secret
from scim_connector.tokens import discovery
from scim_connector.tokens.assertions import ALGORITHMS
from scim_connector.tokens.fetching import CannotFetch

if TYPE_CHECKING:
    from scim_connector.wiring import House

MOST_LISTED = 100


@click.group(name="sign-in")
def sign_in() -> None:
    """Single sign-on through a connection.

    \b
    scim-connector sign-in set entra --issuer https://login.microsoftonline.com/TENANT/v2.0
        --client-id ID --client-secret-file secret.txt
    scim-connector sign-in check entra
    scim-connector sign-in on entra
    """  # noqa: D301 - click reads \b


@sign_in.command("set")
@click.argument("connection")
@click.option("--issuer", required=True, help="The issuer, to the letter.")
@click.option("--client-id", required=True, help="Our client id at the provider.")
@click.option(
    "--client-secret-file",
    type=click.File("r"),
    help='A file with our client secret; "-" reads it from standard input.',
)
@click.option("--scopes", help="Default: openid profile email.")
@click.option("--claim", help="Which claim names the person (Entra: oid, else sub).")
@click.option(
    "--equals",
    type=click.Choice(["externalId", "userName"]),
    default="externalId",
    help="The provisioned value it must equal (default externalId).",
)
@click.option(
    "--algorithm",
    type=click.Choice(ALGORITHMS),
    default="RS256",
    help="What ID tokens are signed with (default RS256).",
)
@click.option(
    "--second-factor",
    multiple=True,
    metavar="VALUE",
    help="A value of amr or acr that means a second factor, such as mfa; repeatable.",
)
@opens
def set_(house: House, connection: str, client_secret_file: Any, **given: Any) -> None:
    """Set up signing in; it is off until `sign-in on`."""
    found = connection_doors.find(house.database.reader(), connection)
    secret = client_secret_file.read().strip() if client_secret_file else None
    doing = act()
    given["client_secret"] = sealed_secret(house.keys, secret) if secret else None
    settings = doors.settings_from(found, given, now=doing.now)
    house.database.write(lambda tx: doors.configure(tx, found, settings, doing))
    click.echo(f"Signing in through {found.name} is set up, and off.")
    click.echo(f"Redirect URI:  {house.settings.address}{CALLBACK}")
    click.echo(f"Next: scim-connector sign-in check {found.name}")


@sign_in.command()
@click.argument("connection")
@opens
def check(house: House, connection: str) -> None:
    """Ask the provider where it is, and count who could not be found; writes nothing."""
    reader = house.database.reader()
    found = connection_doors.find(reader, connection)
    settings = doors.required(reader, found)
    try:
        metadata = discovery.fetch(settings.issuer)
    except CannotFetch as error:
        raise fail(f"The provider: {error}") from None
    click.echo(
        f"The provider answers; people sign in at {metadata.authorization_endpoint}"
    )
    match = doors.match(reader, found, settings)
    click.echo(f"{match.people} people; the claim is {settings.claim}.")
    advice = doors.advice(match, found)
    if advice:
        raise fail(advice)
    click.echo(f"Next: scim-connector sign-in on {found.name}")


@sign_in.command()
@click.argument("connection")
@opens
def on(house: House, connection: str) -> None:
    """Let people sign in through this connection."""
    found = connection_doors.find(house.database.reader(), connection)
    doing = act()
    house.database.write(lambda tx: doors.switch_on(tx, found, doing))
    click.echo(f"People sign in through {found.name}: {house.settings.address}/login")


@sign_in.command()
@click.argument("connection")
@opens
def off(house: House, connection: str) -> None:
    """Let nobody sign in through this connection; open sessions go on."""
    found = connection_doors.find(house.database.reader(), connection)
    doing = act()
    house.database.write(lambda tx: doors.switch_off(tx, found, doing))
    click.echo(f"Nobody signs in through {found.name} now.")


@sign_in.command()
@click.argument("connection")
@json_option
@opens
def show(house: House, connection: str, as_json: bool) -> None:
    """The settings, and how many people could not be found."""
    reader = house.database.reader()
    found = connection_doors.find(reader, connection)
    settings = doors.required(reader, found)
    match = doors.match(reader, found, settings)
    row = {
        "connection": found.name,
        "on": settings.enabled,
        "issuer": settings.issuer,
        "client id": settings.client_id,
        "client secret": "set" if settings.client_secret else "none",
        "scopes": settings.scopes,
        "claim": settings.claim,
        "equals": settings.equals,
        "algorithm": settings.algorithm,
        "second factor": list(settings.second_factor),
        "redirect URI": f"{house.settings.address}{CALLBACK}",
        "people": match.people,
        "cannot be found": match.strange,
        "advice": doors.advice(match, found),
    }
    record(row, as_json=as_json)


@sign_in.command()
@click.option("--refused", is_flag=True, help="Only who was refused.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=MOST_LISTED)
@json_option
@opens
def log(house: House, refused: bool, limit: int, as_json: bool) -> None:
    """Who signed in and who was refused, with the exact reason, the newest first."""
    reader = house.database.reader()
    names = ["sign_in:refused"] if refused else ["sign_in:refused", "session:opened"]
    rows = []
    for event in audit.newest_named(reader, names, at_most=limit):
        facts = orjson.loads(event.facts)
        user = users.by_id(reader, event.user_id) if event.user_id else None
        rows.append(
            {
                "at": moment(event.at),
                "user": user.username if user else "",
                "road": facts.get("road", ""),
                "application": facts.get("application", ""),
                "outcome": facts.get("reason", "signed in"),
                "from": facts.get("network", ""),
                "why": " ".join(filter(None, (facts.get("why"), facts.get("hint")))),
            }
        )
    records(rows, as_json=as_json, empty="Nobody has tried to sign in yet.")
