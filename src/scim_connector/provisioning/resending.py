"""What a provider would send once more: a user as stored, or a request of the log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scim_connector.accounts import representation
from scim_connector.directory import links
from scim_connector.provisioning.entries import LONGEST_BODY
from scim_connector.scim import gate, rendering
from scim_connector.scim.errors import InvalidSyntax
from scim_connector.scim.schemas import USER

if TYPE_CHECKING:
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader
    from scim_connector.directory.links import Link
    from scim_connector.directory.request_log import Entry
    from scim_connector.directory.users import User
    from scim_connector.scim.types import Json


_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as a provider would send it.

    ``is_stored`` when a provider once sent the body; of somebody whom none ever sent,
    it is made of the local fields.
    """

    method: str
    path: str
    body: Json | None
    is_stored: bool = False


def again(reader: Reader, connection: Connection, user: User) -> Sent:
    """*user* as *connection* would send them again: PUT where it has them, else POST."""
    link = links.of_user(reader, user.id)
    if link is not None and link.connection_id == connection.id:
        return Sent("PUT", f"/Users/{link.id}", stored(link), is_stored=True)
    link = link or links.last_of_user(reader, connection.id, user.id)
    if link is not None:
        return Sent("POST", "/Users", stored(link), is_stored=True)
    return Sent("POST", "/Users", _made_of(user), is_stored=False)


def stored(link: Link) -> Json:
    """The resource behind *link* as its provider last stated it."""
    schemas = rendering.resource_of(link.served)["schemas"]
    return {"schemas": schemas, **representation.stated(link)}


def logged(entry: Entry) -> Sent:
    """The request that *entry* is about; secrets in it were never kept.

    Raises InvalidSyntax when its body was too long to be kept whole, or is kept no more.
    """
    text = entry.request_body
    if text is None and entry.method in _WITH_BODY:
        message = "The log keeps what a provider sent for a while, and this is gone"
        raise InvalidSyntax(f"{message}; give it in a file.")
    if text is None:
        return Sent(entry.method, entry.path, None)
    if len(text) >= LONGEST_BODY:
        message = f"The log keeps {LONGEST_BODY} characters of a body"
        raise InvalidSyntax(f"{message}, and this one was longer; give it in a file.")
    return Sent(entry.method, entry.path, gate.loads_object(text.encode()))


def _made_of(user: User) -> Json:
    """What a provider would most likely send about somebody it was never asked about."""
    name = {"givenName": user.first_name, "familyName": user.last_name}
    email = {"type": "work", "primary": True, "value": user.email}
    return {
        "schemas": [USER.schema.id],
        "userName": user.email or user.username,
        "name": {part: text for part, text in name.items() if text},
        "emails": [email] if user.email else [],
        "active": True,
    }
