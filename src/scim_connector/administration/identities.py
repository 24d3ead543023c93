"""What a provider states about a user, and how each field came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scim_connector.accounts import representation
from scim_connector.accounts.compiled import mapping_of
from scim_connector.directory import connections, links
from scim_connector.mapping.drafts import derive

if TYPE_CHECKING:
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader
    from scim_connector.directory.links import Link
    from scim_connector.directory.users import User
    from scim_connector.scim.types import Json


@dataclass(frozen=True, slots=True)
class Identity:
    """A user as their provider knows them; *traces* explain each local field."""

    link: Link
    connection: Connection
    sent: Json
    traces: tuple[tuple[str, dict[str, Any]], ...]


def of_user(reader: Reader, user: User) -> Identity | None:
    """The identity of a user; None where no provider manages them."""
    link = links.of_user(reader, user.id)
    if link is None:
        return None
    connection = connections.required(reader, link.connection_id)
    sent = representation.stated(link)
    derived = derive(mapping_of(reader, connection), sent)
    traces = tuple(
        (each.field, each.as_json(chosen=getattr(user, each.field, None)))
        for each in derived.trace
    )
    return Identity(link, connection, sent, traces)
