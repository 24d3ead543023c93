"""Active people as an application reads them, whatever connection they come from (D38).

The resource is made from the local fields alone: ``userName`` is the local username.  The
id is the user's own, not that of a link, so it outlives a change of provider.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scim_connector.directory import profiles, roles, users
from scim_connector.provisioning.calls import Answer, Page
from scim_connector.rules import folding
from scim_connector.scim import filters, rendering
from scim_connector.scim.errors import InvalidFilter, InvalidValue, NotFound
from scim_connector.scim.filters import Compare, Element
from scim_connector.scim.rendering import Facts, Local
from scim_connector.scim.schemas import USER
from scim_connector.scim.types import LOCAL

if TYPE_CHECKING:
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader
    from scim_connector.directory.users import User
    from scim_connector.provisioning.calls import Call, SearchQuery
    from scim_connector.provisioning.exchange import Exchange
    from scim_connector.scim.schemas import ResourceType
    from scim_connector.scim.types import Json

DEFAULT_COUNT: Final = 100
_ID: Final = "00000000-0000-8000-8000-"
_SEARCHED: Final = 'userName eq "...", emails.value eq "..." or id eq "..."'


class People:
    """What an application can read of ``/Users``; built once per process."""

    def __init__(self, exchange: Exchange) -> None:
        """Log by *exchange*."""
        self._exchange = exchange

    def resource_type(self, _: Connection) -> ResourceType:
        """The User resource type."""
        return USER

    def get(self, call: Call, resource_id: str) -> Answer:
        """Read one active person; raises NotFound for everybody else."""
        reader = self._exchange.database.reader()
        found = _by_id(reader, resource_id)
        if found is None:
            message = f"There is no active person with id {resource_id[:60]}."
            raise self._exchange.refused_read(call, NotFound(message))
        self._exchange.was_read(call)
        return Answer(200, shown(reader, found), found.version, resource_id)

    def search(self, call: Call, query: SearchQuery) -> Page:
        """List active people, or find one; raises InvalidFilter, InvalidValue."""
        return self._exchange.listed(call, lambda: self._found(query))

    def _found(self, query: SearchQuery) -> Page:
        if query.sort_by or query.cursor is not None:
            message = "People are listed in one order; leave sortBy and cursor out."
            raise InvalidValue(message)
        reader = self._exchange.database.reader()
        count = DEFAULT_COUNT if query.count is None else query.count
        if query.filter:
            one = _one(reader, query.filter)
            total, met = (1, [one]) if one else (0, [])
            met = met[query.start - 1 :][:count]
        else:
            total = users.count_people(reader)
            met = users.people(reader, skipped=query.start - 1, most=count)
        return Page(total, query.start, [shown(reader, each) for each in met])


def person_id(user: User) -> str:
    """The id under which an application knows a user."""
    return f"{_ID}{user.id:012x}"


def _by_id(reader: Reader, text: str) -> User | None:
    digits = text.removeprefix(_ID)
    if len(digits) != len(text) - len(_ID) or not text.startswith(_ID):
        return None
    try:
        found = users.by_id(reader, int(digits, 16))
    except ValueError:
        return None
    return _person(found)


def _person(user: User | None) -> User | None:
    return user if user is not None and user.active and not user.is_api_user else None


def _one(reader: Reader, text: str) -> User | None:
    """The one person that a filter names; InvalidFilter for any other filter."""
    match filters.parse(text, USER):
        case Compare(path, "eq", str() as value) if path.keys == ("username",):
            return _person(users.by_username_key(reader, folding.username_key(value)))
        case Compare(path, "eq", str() as value) if path.keys == ("emails",):
            return _person(users.by_email_key(reader, folding.email_key(value)))
        case Element(path, Compare(inner, "eq", str() as value)) if path.keys == (
            "emails",
        ) and inner.keys == ("value",):
            return _person(users.by_email_key(reader, folding.email_key(value)))
        case Compare(path, "eq", str() as value) if path.keys == ("id",):
            return _by_id(reader, value)
    raise InvalidFilter(f"People are found by one of: {_SEARCHED}.")


def shown(reader: Reader, user: User) -> str:
    """The stored form of a user, made from the local fields alone."""
    profile = profiles.name(reader, user.profile_id) if user.profile_id else None
    local = Local(
        initials=user.initials,
        username=user.username,
        email=user.email,
        type=user.user_type,
        profile=profile,
    )
    facts = Facts(
        id=person_id(user),
        version=user.version,
        created=user.created_at,
        last_modified=user.updated_at,
        active=user.active,
        local=local,
    )
    return rendering.served(USER, _document(reader, user), facts)


def _document(reader: Reader, user: User) -> Json:
    whole = " ".join(part for part in (user.first_name, user.last_name) if part)
    named = {"givenName": user.first_name, "familyName": user.last_name}
    document: Json = {
        "userName": user.username,
        "name": {name: part for name, part in named.items() if part},
        "displayName": whole or user.username,
        "emails": [{"value": user.email, "type": "work", "primary": True}],
        "roles": [{"value": name} for name in roles.names_held(reader, user.id)],
        LOCAL: {"apiUser": True} if user.is_api_user else {},
    }
    return {name: value for name, value in document.items() if value}
