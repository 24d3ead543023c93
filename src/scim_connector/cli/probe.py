"""``probe``: what a provider would meet at a SCIM server, before it does."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

import click
import orjson

from scim_connector.cli.context import fail
from scim_connector.cli.output import json_option, progress, table
from scim_connector.probe import report, running
from scim_connector.probe.checks import Check, Outcome, Result
from scim_connector.probe.client import BadAddress, Client
from scim_connector.probe.conversation import Conversation

TOKEN = "SCIM_PROBE_TOKEN"  # noqa: S105 - the name of a variable
HERE = {"localhost", "127.0.0.1", "::1"}


def _print_page(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(report.documentation(), nl=False)
        ctx.exit()


@click.command()
@click.argument("url")
@click.option(
    "--as", "provider", type=click.Choice(list(running.SCRIPTS)), required=True,
    help="The provider to play.",
)  # fmt: skip
@click.option(
    "--token", metavar="T", help=f"Bearer token; better: {TOKEN}, or --token-file."
)
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Read the token from a file, so that no shell history keeps it.",
)
@click.option(
    "--domain",
    default="example.com",
    show_default=True,
    help="Mail domain of the users it makes; some servers take only their own.",
)
@click.option("--no-groups", is_flag=True, help="Check users alone.")
@click.option("--insecure", is_flag=True, help="Do not check the TLS certificate.")
@click.option("--yes", is_flag=True, help="Write without asking first.")
@click.option(
    "--markdown",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_page,
    help="Print the page of all checks and end.",
)
@json_option
def probe(
    url: str,
    provider: str,
    token: str | None,
    token_file: Path | None,
    domain: str,
    no_groups: bool,
    insecure: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Replay what a provider really sends against the SCIM server at URL.

    Any server, ours or another. It makes a few users and a group whose names begin
    with probe-, works on these alone, and removes them at the end; what cannot be
    removed is named. Each failure says what an administrator of the provider would
    see. What each check sends and needs: docs/probe.md.

    Exit 0 when nothing fails, 1 with failures, 2 when it could not run: nobody there,
    the token refused, or no SCIM server.

      SCIM_PROBE_TOKEN=... scim-connector probe https://scim.example.com/scim/v2 --as entra
    """
    client = _client(url, provider, _token(token, token_file), verify=not insecure)
    talk = Conversation(client, domain)
    try:
        running.look(client)
    except running.CannotRun as why:
        raise fail(str(why)) from None
    _ask(talk, yes=yes)
    results, left = _run(talk, running.script(provider, groups=not no_groups))
    if as_json:
        _print_json(talk, results, left)
    else:
        _print(talk, results, left)
    if any(result.outcome is Outcome.FAILS for result in results):
        raise SystemExit(1)


def _token(given: str | None, file: Path | None) -> str:
    found = given or os.environ.get(TOKEN, "")
    if file is not None:
        try:
            found = file.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            message = f"{file} cannot be read as text."
            raise fail(message) from None
    found = found.strip()
    if not found:
        message = f"Give the token in {TOKEN}, with --token-file FILE or --token T."
        raise fail(message)
    if not found.isascii() or not found.isprintable() or " " in found:
        message = "The token has characters no header can hold; give it alone."
        raise fail(message)
    return found


def _client(url: str, provider: str, token: str, *, verify: bool) -> Client:
    try:
        client = Client(url.rstrip("/"), provider, token, verify)
    except BadAddress as error:
        raise fail(str(error)) from None
    place = urlsplit(url)
    if place.scheme == "http" and place.hostname not in HERE:
        click.echo("Note: providers need https; the token travels readable.", err=True)
    if provider == "okta" and "_" in (place.hostname or ""):
        click.echo("Note: Okta refuses a host name with an underscore.", err=True)
    return client


def _ask(talk: Conversation, *, yes: bool) -> None:
    """Nobody's server is written to without a word."""
    if yes:
        return
    if not sys.stdin.isatty():
        message = (
            "This makes users and a group and removes them again. Nobody is there to"
            " be asked; say --yes if this server may be written to."
        )
        raise fail(message)
    what = f"users and a group named {talk.prefix}... on {talk.client.base_url}"
    click.confirm(
        f"This makes {what} and removes them again. Go on?", abort=True, err=True
    )


def _run(
    talk: Conversation, checks: tuple[Check, ...]
) -> tuple[list[Result], list[str]]:
    results: list[Result] = []
    left: list[str] = []
    try:
        with progress(len(checks), "Probing") as bar:
            for result in running.run(talk, checks):
                results.append(result)
                bar.update(1)
    finally:
        left = running.clean_up(talk)
        if len(results) < len(checks):  # interrupted: say it now, nobody will later
            for line in left:
                click.echo(f"Left behind: {line}", err=True)
    return results, left


def _print(talk: Conversation, results: list[Result], left: list[str]) -> None:
    provider = talk.client.provider
    table(["trace", "check", "result", "finding"], report.rows(results))
    for line in report.findings(results, provider):
        click.echo(line)
    click.echo("")
    for line in left:
        click.echo(f"Left behind: {line}")
    click.echo(report.summary(results, provider))


def _print_json(talk: Conversation, results: list[Result], left: list[str]) -> None:
    found = {
        "url": talk.client.base_url,
        "as": talk.client.provider,
        "prefix": talk.prefix,
        "counts": report.counts(results),
        "checks": [report.record(result) for result in results],
        "left_behind": left,
    }
    click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
