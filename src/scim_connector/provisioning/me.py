"""Whoever calls with a token of their own, as a SCIM resource (RFC 7644 section 3.11).

Somebody whom a provider manages is shown as that provider sees them, under the id that
it knows.  Whoever has no link is made from the local fields alone, as an application
reads people.  No provider asks here, so the request log of providers keeps nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scim_connector.accounts.compiled import mapping_of
from scim_connector.directory import connections, links, users
from scim_connector.provisioning import people
from scim_connector.provisioning.calls import Answer
from scim_connector.scim.errors import Forbidden
from scim_connector.scim.schemas import USER

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader
    from scim_connector.directory.links import Link
    from scim_connector.directory.stores import Store
    from scim_connector.scim.schemas import ResourceType


@dataclass(frozen=True, slots=True)
class Mine:
    """A resource in its stored form, with its id and version, and its type."""

    answer: Answer
    resource_type: ResourceType


class Me:
    """What a user can ask about themselves; built once per process."""

    def __init__(self, database: Store) -> None:
        """Read *database*."""
        self._database = database

    def read(self, user_id: int) -> Mine:
        """The resource that is this user; raises LookupError for an unknown one."""
        reader = self._database.reader()
        link = links.of_user(reader, user_id)
        linked = None if link is None else _as_the_provider_sees(reader, link)
        return linked or _from_local_fields(reader, user_id)

    def refuse_change(self, user_id: int) -> Forbidden:
        """Why nobody changes themselves here, and where they are changed."""
        reader = self._database.reader()
        link = links.of_user(reader, user_id)
        if link is not None:
            name = connections.required(reader, link.connection_id).name
            where = f"at the provider of connection {name}"
        elif users.required(reader, user_id).is_api_user:
            where = "by an administrator, who edits the user"
        else:
            where = "on your account page, or by an administrator"
        return Forbidden(f"/Me can be read and not changed; you are changed {where}.")


def _as_the_provider_sees(reader: Reader, link: Link) -> Mine | None:
    """None where the link was hidden a moment ago."""
    found = links.served(reader, link.connection_id, link.id)
    if found is None:
        return None
    connection = connections.required(reader, link.connection_id)
    known = mapping_of(reader, connection).resource_type
    return Mine(Answer(200, *found, link.id), known)


def _from_local_fields(reader: Reader, user_id: int) -> Mine:
    user = users.required(reader, user_id)
    text = people.shown(reader, user)
    return Mine(Answer(200, text, user.version, people.person_id(user)), USER)
