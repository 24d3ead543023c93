"""How far a connection has come, told by the requests that have arrived on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from scim_connector.directory import counters, groups, links, request_log
from scim_connector.tokens.fetching import CannotFetch, get_json

if TYPE_CHECKING:
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader

#: As many of the newest changes are looked through.
LOOKED_AT = 2000
#: And as many of the newest people.
NEWEST = 500


@dataclass(frozen=True, slots=True)
class Ticks:
    """What has been seen of a connection, one by one."""

    called: bool
    created: bool
    deactivated: bool
    grouped: bool
    strange_ids: int

    @property
    def has_good_ids(self) -> bool:
        """Whether somebody came, and every externalId is an object id (Entra)."""
        return self.created and not self.strange_ids


def ticks(reader: Reader, connection: Connection) -> Ticks:
    """What the requests of a connection show."""
    done = request_log.actions_done(reader, connection.id, at_most=LOOKED_AT)
    held = (
        links.newest_external_ids(reader, connection.id, at_most=NEWEST)
        if connection.kind == "entra"
        else []
    )
    return Ticks(
        called=request_log.last(reader, connection.id)[0] is not None,
        created=counters.totals(reader, connection.id)[0] > 0,
        deactivated=bool(done & {"Disable", "Delete"}),
        grouped=groups.has_any(reader, connection.id),
        strange_ids=sum(1 for value in held if not is_guid(value)),
    )


def is_guid(value: str | None) -> bool:
    """Whether a value is the object id of something in Entra ID."""
    try:
        return value is not None and str(UUID(value)) == value.lower()
    except ValueError:
        return False


def reach(address: str) -> str:
    """Ask our own public address from here; empty when it answers as it should.

    What is wrong is said in a sentence: no such host, nobody listens, a certificate
    that is not trusted, somebody else's server.
    """
    try:
        found = get_json(f"{address}/.well-known/oauth-authorization-server")
    except CannotFetch as error:
        return str(error)
    if found.get("issuer") != address:
        return f"{address} is answered by another server."
    return ""
