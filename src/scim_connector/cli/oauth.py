"""``oauth``: client secrets, and whose signed assertions open a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from scim_connector.administration import connections as administration
from scim_connector.administration import oauth as doors
from scim_connector.cli.context import Span, act, fail, moment, now, opens
from scim_connector.cli.output import json_option, record
from scim_connector.directory import credentials, trusts
from scim_connector.login.client_credentials import TOKEN_PATH, client_id
from scim_connector.tokens.assertions import ALGORITHMS

if TYPE_CHECKING:
    from scim_connector.directory.trusts import Trust
    from scim_connector.wiring import House


@click.group()
def oauth() -> None:
    """OAuth client credentials: a provider exchanges a secret or an assertion.

    \b
    scim-connector oauth show entra
    scim-connector oauth secret entra --expires 365d
    scim-connector oauth trust entra --tenant TENANT --subject OID --audience api://APP

    Any number of secrets may live, so change them without a gap: make a new one, paste
    it into the provider, revoke the old one with `token revoke ID`.
    """  # noqa: D301 - click reads \b


@oauth.command()
@click.argument("connection")
@json_option
@opens
def show(house: House, connection: str, as_json: bool) -> None:
    """What to paste into the provider, the secrets there are, and the trusts."""
    reader = house.database.reader()
    found = administration.find(reader, connection)
    present = now()
    held = [
        f"{c.id} {c.state_at(present)} until {moment(c.expires_at)}"
        for c in credentials.every(reader)
        if c.connection_id == found.id and c.kind == "secret"
    ]
    trusted = [_shown(trust) for trust in trusts.of_connection(reader, found.id)]
    row = {
        "token endpoint": f"{house.settings.address}{TOKEN_PATH}",
        "client id": client_id(found),
        "scope": "scim",
        "secrets": held,
        "trusts": trusted,
        "SCIM base URL": house.settings.base_url,
    }
    record(row, as_json=as_json)


def _shown(trust: Trust) -> str:
    subject = trust.subject or "any subject"
    audiences = ", ".join(trust.audiences)
    kind = " (Entra's own token, for tests)" if trust.is_direct else ""
    return f"{trust.id}: {trust.issuer} {subject} for {audiences}{kind}"


@oauth.command()
@click.argument("connection")
@click.option("--expires", type=Span(), default="365d", help="365d, 12h, 1y or never.")
@opens
def secret(house: House, connection: str, expires: int | None) -> None:
    """Print a new client secret, alone on stdout and only this once."""
    found = administration.find(house.database.reader(), connection)
    doing = act()
    ends = None if expires is None else doing.now + expires
    made = house.database.write(
        lambda tx: administration.create_token(
            tx,
            found,
            pepper=house.keys.peppers()[0],
            expires_at=ends,
            act=doing,
            kind="secret",
        )
    )
    click.echo(str(made))
    until = moment(ends) if ends else "it is revoked; that is long"
    told = f"client_id {client_id(found)}, until {until}. Shown only now."
    click.echo(told, err=True)


@oauth.command()
@click.argument("connection")
@click.option("--tenant", metavar="GUID", help="Entra ID: fills issuer and JWKS URL.")
@click.option("--issuer", help="The iss of its assertions, to the letter.")
@click.option("--jwks-url", help="Where its public keys are.")
@click.option("--subject", help="The sub of its assertions, to the letter.")
@click.option("--audience", multiple=True, help="An aud that is taken; repeatable.")
@click.option(
    "--algorithm",
    type=click.Choice(ALGORITHMS),
    default="RS256",
    help="What they are signed with (default RS256).",
)
@click.option(
    "--entra-own-token",
    is_flag=True,
    help="With --tenant: take Entra's own token, sent with a blank secret. For tests.",
)
@opens
def trust(
    house: House,
    connection: str,
    tenant: str | None,
    issuer: str | None,
    jwks_url: str | None,
    subject: str | None,
    audience: tuple[str, ...],
    algorithm: str,
    entra_own_token: bool,
) -> None:
    """Let signed assertions of an issuer be exchanged for access tokens (RFC 7523)."""
    if entra_own_token:
        if tenant is None:
            raise fail("--entra-own-token needs --tenant.")
        terms = doors.entra_own_token(tenant)
    else:
        terms = doors.terms_of(
            tenant=tenant,
            issuer=issuer or "",
            jwks_url=jwks_url or "",
            subject=subject,
            audiences=audience,
            algorithm=algorithm,
        )
    found = administration.find(house.database.reader(), connection)
    doing = act()
    made = house.database.write(lambda tx: doors.add_trust(tx, found, terms, doing))
    click.echo(f"{found.name} trusts {_shown(made)}")
    if made.is_direct:
        told = "For tests only: whoever has an application in that tenant can call."
        click.echo(told, err=True)


@oauth.command()
@click.argument("connection")
@click.argument("trust_id", metavar="ID")
@opens
def untrust(house: House, connection: str, trust_id: str) -> None:
    """End a trust; the access tokens issued for it are refused at once."""
    reader = house.database.reader()
    found = administration.find(reader, connection)
    held = doors.find_trust(reader, found, trust_id)
    doing = act()
    house.database.write(lambda tx: doors.remove_trust(tx, found, held, doing))
    click.echo(f"{found.name} trusts {held.issuer} no more.")
