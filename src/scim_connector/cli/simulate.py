"""``simulate``: what would become of one request, with nothing written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from scim_connector.administration import connections as administration
from scim_connector.administration import users
from scim_connector.cli import requests
from scim_connector.cli.context import fail, now, opens
from scim_connector.cli.files import read_object
from scim_connector.cli.mapping import FILE, load
from scim_connector.cli.output import json_option
from scim_connector.directory import request_log
from scim_connector.provisioning import resending, simulation
from scim_connector.provisioning.resending import Sent
from scim_connector.provisioning.simulation import Simulator

if TYPE_CHECKING:
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader
    from scim_connector.wiring import House


@click.command()
@click.argument("connection")
@click.argument("request", nargs=-1, metavar="[METHOD PATH] [FILE]")
@click.option(
    "--user",
    "username",
    metavar="USERNAME",
    help="Send this user again as stored; with METHOD, do that to them.",
)
@click.option(
    "--request",
    "request_id",
    metavar="REQUEST_ID",
    help="Send a request of the log again.",
)
@click.option(
    "--mapping",
    "changed",
    type=FILE,
    help="As if this mapping were applied, and the user had followed it.",
)
@json_option
@opens
def simulate(
    house: House,
    connection: str,
    request: tuple[str, ...],
    username: str | None,
    request_id: str | None,
    changed: Path | None,
    as_json: bool,
) -> None:
    """Try a SCIM request as CONNECTION would send it; nothing is written.

    \b
    scim-connector simulate entra user.json                 create somebody
    scim-connector simulate entra PATCH /Users/ID patch.json
    scim-connector simulate entra DELETE /Users/ID
    scim-connector simulate entra --user kim.doe            as stored, once more
    scim-connector simulate entra --user kim.doe DELETE
    scim-connector simulate entra --user kim.doe --mapping our.toml
    scim-connector simulate entra --request REQUEST_ID      of log list
    echo '{"userName": "kim@contoso.com"}' | scim-connector simulate entra -

    The six steps are those that log show prints for the request itself; no mail is
    sent, no name is taken. FILE alone is a POST to /Users; "-" reads what is typed.
    Exit 0 when it would succeed, 1 when it would be refused, 2 when it cannot be
    tried.
    """  # noqa: D301 - click reads \b
    reader = house.database.reader()
    found = administration.find(reader, connection)
    if username is not None:
        sent = _of_user(reader, found, username, request)
    elif request_id is not None:
        sent = _logged(reader, found, request_id)
    else:
        sent = _given(request)
    mapping = None if changed is None else load(changed)
    call = simulation.call_of(found, sent.method, sent.path, sent.body, now=now())
    entry = Simulator(house.database, house.keys).run(call, mapping=mapping)
    if as_json:
        requests.print_json(entry, {found.id: found.name}, bodies=True)
    else:
        requests.print_steps(entry)
        requests.print_answer(entry)
        click.echo("Nothing was written.")
    if entry.outcome == "Failure":
        raise SystemExit(1)


def _given(request: tuple[str, ...]) -> Sent:
    """The request as the command line states it."""
    match request:
        case [file]:
            return Sent("POST", "/Users", read_object(Path(file)))
        case [method, path]:
            return Sent(method, path, None)
        case [method, path, file]:
            return Sent(method, path, read_object(Path(file)))
    raise fail(
        "Say what to try: FILE, or METHOD PATH [FILE], or --user USERNAME, or --request"
        " REQUEST_ID."
    )


def _logged(reader: Reader, connection: Connection, request_id: str) -> Sent:
    """A request of the log, as this connection sent it."""
    entry = request_log.by_request_id(reader, request_id)
    if entry is None or entry.connection_id != connection.id:
        message = f"{connection.name} sent no request of this id"
        raise fail(f"{message}; reads appear after a second.")
    return resending.logged(entry)


def _of_user(
    reader: Reader, connection: Connection, username: str, request: tuple[str, ...]
) -> Sent:
    """A request about a user: sent again, or what METHOD [FILE] does to them."""
    user = users.find(reader, username)
    sent = resending.again(reader, connection, user)
    if not request and not sent.is_stored:
        note = f"No provider ever sent {user.username}; their local fields are tried."
        click.echo(note, err=True)
    match request:
        case []:
            return sent
        case [method, *rest] if len(rest) <= 1:
            if sent.method != "PUT":
                message = f"{connection.name} has no id for {user.username}"
                raise fail(f"{message}; leave METHOD out to try a POST.")
            body = read_object(Path(rest[0])) if rest else None
            return Sent(method, sent.path, body)
    raise fail("With --user say nothing more, or METHOD [FILE]; the path is theirs.")
