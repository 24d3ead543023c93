"""A connection beside another one, to test this server with: it rehearses, and ends.

What is sent to it is judged and answered by the settings and the mapping of the tested
connection, and touches no user (decision 14).  Afterwards it is retired, and the next
test takes it again, so there is one of it at most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scim_connector.administration import connections as administration
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import (
    connections,
    counters,
    credentials,
    mapping_versions,
    rehearsed,
)

if TYPE_CHECKING:
    from scim_connector.accounts import Act
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader, Transaction
    from scim_connector.tokens.opaque import Token

#: A test takes seconds; its token dies by itself if nobody ends it.
LASTS: Final = 10 * 60 * 1_000_000


def name_of(connection: Connection) -> str:
    """The name of the connection that a test of another one goes through."""
    return f"{connection.name} (test)"


def begin(
    tx: Transaction, connection: Connection, *, pepper: bytes, act: Act
) -> tuple[Connection, Token]:
    """The connection to test through, and a token for it; raises NotPossible."""
    if connection.state == "retired":
        raise NotPossible(f"Connection {connection.name} is retired; nothing calls it.")
    tested = connections.by_name(tx, name_of(connection))
    if tested is None:
        tested = _made(tx, connection, act)
    else:
        _refuse(tx, tested, act)
        tested = _renewed(tx, connection, tested, act)
    token = administration.create_token(
        tx, tested, pepper=pepper, expires_at=act.now + LASTS, act=act
    )
    return tested, token


def end(tx: Transaction, tested: Connection, act: Act) -> None:
    """The token dies, and the connection is retired until the next test."""
    administration.retire(tx, tested, act)


def _made(tx: Transaction, connection: Connection, act: Act) -> Connection:
    applied = _mapping(tx, connection)
    return administration.add(
        tx,
        name_of(connection),
        kind=connection.kind,
        mapping_text=applied.text,
        mapping_name=applied.file_name,
        settings=_settings(connection),
        act=act,
    )


def _renewed(
    tx: Transaction, connection: Connection, tested: Connection, act: Act
) -> Connection:
    """The connection of the test before, as the tested one is today."""
    applied = _mapping(tx, connection)
    if tested.mapping_sha256 != connection.mapping_sha256:
        mapping_versions.apply(
            tx,
            tested.id,
            text=applied.text,
            file_name=applied.file_name,
            by=str(act.actor),
            now=act.now,
        )
    return administration.change(tx, tested, _settings(connection), act)


def _mapping(reader: Reader, connection: Connection) -> mapping_versions.MappingVersion:
    applied = mapping_versions.applied(reader, connection.id)
    if applied is None:
        raise NotPossible(f"Connection {connection.name} has no mapping; apply one.")
    return applied


def _settings(connection: Connection) -> dict[str, Any]:
    """What decides how requests are answered; nobody is linked or mailed by a test."""
    return {
        "state": "rehearsing",
        "strict": connection.strict,
        "quirks_off": connection.quirks_off,
        "password_mail": False,
    }


def _refuse(reader: Reader, tested: Connection, act: Act) -> None:
    """Refuse one that is somebody's own, or that a test is using."""
    managed = counters.totals(reader, tested.id)[0] - rehearsed.count(reader, tested.id)
    if managed:
        message = f'"{tested.name}" manages people, so no test goes through it'
        raise NotPossible(f"{message}; retire it and make it anew under another name.")
    held = credentials.of_connection(reader, tested.id)
    if any(each.state_at(act.now) == "live" for each in held):
        message = "A test is under way already"
        raise NotPossible(
            f"{message}; try again when it has ended, in 10 minutes at most."
        )
