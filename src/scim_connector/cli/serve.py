"""``serve``: prepare once in the parent, then let the workers answer."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import sys
from typing import TYPE_CHECKING, Any

import click

from scim_connector.administration.connections import address_warnings
from scim_connector.cli.context import explaining, fail, load_settings
from scim_connector.tokens.turns import THREADS
from scim_connector.wiring import logs, open_house, prepare, refuse_unfit, sender_notes

if TYPE_CHECKING:
    from scim_connector.settings import Settings
    from scim_connector.wiring import Welcome


#: Seconds after which a worker that has not ended is killed, so that five are enough.
DRAIN_SECONDS = 4


@click.command()
@click.option("--host", help="Address to listen on (default 127.0.0.1).")
@click.option("--port", type=click.IntRange(1, 65535), help="Port (default 8080).")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes (default 2).")
@click.option("--tls-cert", metavar="FILE", help="Certificate, whole chain, for https.")
@click.option("--tls-key", metavar="FILE", help="Private key of the certificate.")
@click.option("--config", metavar="FILE", help="Settings file.")
@click.option("--demo", is_flag=True, help="Show a made-up college; keep nothing.")
@click.pass_context
def serve(
    ctx: click.Context, /, config: str | None, demo: bool, **options: Any
) -> None:
    """Serve SCIM at http://HOST:PORT/scim/v2.

    In an empty folder it makes a SQLite database, a secret key and a first connection,
    and prints once how to use them. Until there is an Administrator, each start prints
    a link that makes the first one; later starts print no secret.

    \b
    scim-connector serve
    scim-connector serve --host 0.0.0.0 --port 443 --tls-cert chain.pem --tls-key key.pem
    scim-connector serve --demo
    """  # noqa: D301 - click reads \b
    config = config or ctx.find_root().obj
    logs.set_up_logs()
    if demo:
        from scim_connector.cli import demo as show  # noqa: PLC0415 - seldom needed

        show.serve_demo(config, options, refuse_taken_port, run)
        return
    settings = load_settings(config, **options)
    with explaining():
        refuse_taken_port(settings)
        _refuse_bad_certificate(settings)
        refuse_unfit(settings)
        prepared = prepare(settings)
        mails = _about_mails(settings)
    for line in prepared.notes:
        click.echo(line)
    if prepared.welcome is not None:
        _print_welcome(settings, prepared.welcome)
    if prepared.setup:
        click.echo(f"Make the first administrator (works once):  {prepared.setup}\n")
    _print_address(settings)
    for line in mails:
        click.echo(line)
    sys.stdout.flush()
    run(settings)


def _about_mails(settings: Settings) -> list[str]:
    """Where mails go; everything is closed again before workers start."""
    house = open_house(settings)
    try:
        return sender_notes(house)
    finally:
        house.database.close()


def refuse_taken_port(settings: Settings) -> None:
    """Say so before anything is made, if somebody listens there already."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            message = f"Cannot listen on {settings.host}:{settings.port}"
            reason = error.strerror or str(error)
            raise fail(f"{message}: {reason}. Choose another --port.") from None


def _refuse_bad_certificate(settings: Settings) -> None:
    """Say so before anything is made, if https cannot be served with these files."""
    if settings.tls_cert is None or settings.tls_key is None:
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key, password="")
    except OSError as error:
        files = f"{settings.tls_cert} and {settings.tls_key}"
        reason = error.strerror or str(error)
        message = f"Cannot serve https with {files}: {reason}."
        raise fail(
            f"{message} Both are PEM files, the key without a password."
        ) from None


def _print_welcome(settings: Settings, welcome: Welcome) -> None:
    """The first connection, shown once; the curl line works as pasted."""
    body = (
        '{"userName":"kim.doe@example.com",'
        '"name":{"givenName":"Kim","familyName":"Doe"},'
        '"emails":[{"type":"work","value":"kim.doe@example.com","primary":true}]}'
    )
    click.echo(
        f"\nSCIM base URL:  {settings.base_url}\n"
        f"Bearer token:   {welcome.token}\n"
        f'\nThe token belongs to connection "{welcome.connection}" and is shown once.'
        " Create a first user:\n\n"
        f"curl -s -X POST {settings.base_url}/Users"
        f" -H 'Authorization: Bearer {welcome.token}'"
        f" -H 'Content-Type: application/scim+json' -d '{body}'\n"
    )


def _print_address(settings: Settings) -> None:
    click.echo(f"Serving {settings.base_url} (Ctrl-C ends it).")
    if settings.is_open:
        click.echo(
            f"Warning: other machines reach {settings.host}:{settings.port} over plain"
            " HTTP, so tokens and passwords can be read on the way. Give --tls-cert and"
            " --tls-key, or stay on 127.0.0.1 behind a proxy that speaks https, or name"
            " the proxy in SCIM_CONNECTOR_TRUSTED_PROXIES: docs/https.md."
        )
    if not settings.base_url.startswith("https:"):
        click.echo("Entra ID and Okta need a public https address: docs/https.md.")
    else:
        for warning in address_warnings(settings.base_url):
            click.echo(warning)


def run(settings: Settings) -> None:
    """Serve a prepared installation until a signal ends it."""
    from granian import Granian  # noqa: PLC0415 - only this command needs it
    from granian.constants import Interfaces, SSLProtocols  # noqa: PLC0415
    from granian.errors import ConfigurationError  # noqa: PLC0415
    from granian.log import LogLevels  # noqa: PLC0415

    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    logs.pass_over_thread_advice()
    os.register_at_fork(after_in_child=_end_at_once)
    try:
        Granian(
            "scim_connector.wiring:application",
            factory=True,
            address=settings.host,
            port=settings.port,
            interface=Interfaces.WSGI,
            workers=settings.workers,
            blocking_threads=THREADS,
            ssl_cert=settings.tls_cert,
            ssl_key=settings.tls_key,
            # RFC 7644 section 7.2 demands it; granian's default is 1.3 alone.
            ssl_protocol_min=SSLProtocols.tls12,
            log_level=LogLevels.warning,
            log_dictconfig=logs.of_server(),
            respawn_failed_workers=True,
            workers_kill_timeout=DRAIN_SECONDS,
        ).serve()
    except ConfigurationError as error:
        raise fail(f"The server cannot start: {error}") from None


def _end_at_once() -> None:
    """Let SIGTERM end a worker that does not listen for signals yet.

    A fork has what its parent does at one: note it for a loop that it does not run.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
