"""What lies where under ``/scim/v2``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from scim_connector.rules.security_events import SCIM_URIS
from scim_connector.scim import discovery, versions
from scim_connector.scim.errors import Forbidden, NotFound, NotSupported, ScimError
from scim_connector.web import asynchronous, replies
from scim_connector.web.bulk import BulkEndpoint
from scim_connector.web.resources import Endpoint, ReadOnly, Root

if TYPE_CHECKING:
    from collections.abc import Callable

    from scim_connector.directory.connections import Connection
    from scim_connector.provisioning import Call, Provisioning
    from scim_connector.provisioning.calls import Typed
    from scim_connector.scim.schemas import ResourceType
    from scim_connector.scim.types import Json
    from scim_connector.settings import Settings
    from scim_connector.web.asynchronous import Asynchronous
    from scim_connector.web.replies import Reply
    from scim_connector.web.visits import Visit

#: The most bytes of a group: it may have a hundred thousand members (decision 32).
LARGEST_GROUP: Final = 16 * 1024 * 1024
_LATER: Final = {
    "Me": "A connection is no user, so there is nothing at /Me; send a user's own token.",
}
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_READS_ONLY: Final = (
    "This credential reads people at /Users and changes nothing; a provider needs a"
    " token without --read-only."
)
#: RFC 7644 section 4: nobody shall take the whole for what a filter found.
_UNFILTERED: Final = "What is told here is not filtered; ask again without a filter."


class Scim:
    """Finds what serves an address, and lets it answer."""

    def __init__(
        self,
        settings: Settings,
        provisioning: Provisioning,
        later: Asynchronous | None = None,
    ) -> None:
        """Serve what *provisioning* offers; built once per process.

        *later* takes what is to be carried out later; without it everything is
        carried out at once.
        """
        self._later = later
        self._base_url = settings.base_url
        self._provisioning = provisioning
        changeable = {
            "Users": Endpoint("Users", provisioning.users, settings.base_url),
            "Groups": Endpoint(
                "Groups",
                provisioning.groups,
                settings.base_url,
                largest=LARGEST_GROUP,
            ),
        }
        self._changeable = changeable
        self._people = ReadOnly("Users", provisioning.people, settings.base_url)
        self._root = Root(changeable, provisioning.everything)
        base = settings.base_url
        self._endpoints: dict[str, ReadOnly] = {
            **changeable,
            "Roles": ReadOnly("Roles", provisioning.roles, base),
            "Entitlements": ReadOnly("Entitlements", provisioning.entitlements, base),
        }
        self._bulk = BulkEndpoint(provisioning.bulk, settings.base_url)

    def answer(self, visit: Visit) -> Reply:
        """Answer an authenticated request; raises ScimError."""
        parts = _parts(visit)
        if visit.caller.reads_people:
            return self._to_reader(visit, parts)
        return self._about_later(visit, parts) or self._at_once(visit, parts)

    def _at_once(self, visit: Visit, parts: list[str]) -> Reply:
        match parts:
            case [name, *_] if name in self._endpoints:
                return self._resource(visit, self._endpoints[name], parts[1:])
            case ["Bulk"]:
                return self._bulk.answer(visit)
            case [".search"]:
                return self._root.searched(visit)
            case ["Schemas" | "ResourceTypes" | "ServiceProviderConfig", *_] | []:
                return self._discovery(visit, parts)
            case [name] if name in _LATER:
                raise NotSupported(_LATER[name])
        raise _nowhere(visit)

    def _about_later(self, visit: Visit, parts: list[str]) -> Reply | None:
        """Take a change to be carried out later, or tell what came of one.

        None for everything that is answered at once.
        """
        later, place = self._later, parts[:1]
        if later is None:
            return None
        if place == [asynchronous.PLACE] and len(parts) == 2:  # noqa: PLR2004 - an id
            return later.result(visit, parts[1])
        judge = self._judge(visit.request.method, parts)
        if judge is None or not later.is_asked(visit):
            return None
        try:
            return later.take(visit, judge(visit))
        except ScimError:
            visit.is_handed_over = False  # nobody else has logged it
            raise

    def _judge(self, method: str, parts: list[str]) -> Callable[[Visit], Call] | None:
        """What judges a change before it is taken."""
        match parts:
            case ["Bulk"] if method == "POST":
                return self._bulk.asked
            case [name] if method == "POST" and name in self._changeable:
                return self._changeable[name].asked
            case [name, _] if method != "POST" and name in self._changeable:
                return self._changeable[name].asked
        return None

    def _to_reader(self, visit: Visit, parts: list[str]) -> Reply:
        """Answer an application that only reads (decision 38)."""
        is_search = parts[-1:] == [".search"] and visit.request.method == "POST"
        if visit.request.method not in _READS and not is_search:
            raise Forbidden(_READS_ONLY)
        match parts:
            case ["Users", *rest]:
                return self._resource(visit, self._people, rest)
            case ["Schemas" | "ResourceTypes" | "ServiceProviderConfig", *_] | []:
                return self._discovery(visit, parts)
        raise Forbidden(_READS_ONLY)

    def _resource(self, visit: Visit, endpoint: ReadOnly, rest: list[str]) -> Reply:
        match rest:
            case []:
                return endpoint.all(visit)
            case [".search"]:
                return endpoint.searched(visit)
            case [resource_id]:
                return endpoint.one(visit, resource_id)
        raise _nowhere(visit)

    def _discovery(self, visit: Visit, parts: list[str]) -> Reply:
        if visit.allow("GET") == "OPTIONS":
            return visit.options("GET")
        if parts and "filter" in visit.arguments():
            raise Forbidden(_UNFILTERED)
        text = orjson.dumps(self._published(visit, parts)).decode()
        return replies.unless_known(
            text,
            visit.id,
            version=versions.of_text(text),
            if_none_match=visit.header("HTTP_IF_NONE_MATCH"),
        )

    def _published(self, visit: Visit, parts: list[str]) -> Json:
        """What this server says of itself, to this connection."""
        known = self._offered(visit.connection)
        base = self._base_url
        match parts:
            case ["Schemas"]:
                return discovery.schemas(known, base)
            case ["Schemas", urn]:
                return discovery.schema(known, urn, base)
            case ["ResourceTypes"]:
                return discovery.resource_types(known, base)
            case ["ResourceTypes", name]:
                return discovery.resource_type(known, name, base)
            case ["ServiceProviderConfig"] | []:
                reads_more = _reads_catalogues(visit.connection)
                return discovery.service_provider_config(
                    base,
                    assignable=reads_more,
                    event_uris=SCIM_URIS if reads_more else (),
                    takes_async=self._later is not None and self._later.is_on,
                )
        raise _nowhere(visit)

    def _offered(self, connection: Connection) -> list[ResourceType]:
        """The resource types that are published to a connection.

        To a generic client only what it can create: such clients try that with each.
        """
        provisioning = self._provisioning
        offered: list[Typed] = [provisioning.users, provisioning.groups]
        if _reads_catalogues(connection):
            offered += [provisioning.roles, provisioning.entitlements]
        return [each.resource_type(connection) for each in offered]


def _parts(visit: Visit) -> list[str]:
    """What stands behind the version in an address; raises NotFound for another one."""
    version, _, rest = visit.path.strip("/").partition("/")
    if version != "v2":
        raise _nowhere(visit)
    parts = [part for part in rest.split("/") if part]
    if visit.path.endswith("/"):
        visit.saw("trailing-slash")
    if not parts:
        visit.saw("base-url-probed")
    return parts


def _reads_catalogues(connection: Connection) -> bool:
    return connection.kind != "generic"


def _nowhere(visit: Visit) -> NotFound:
    message = f"There is nothing at {visit.path[:100]}"
    return NotFound(f"{message}; users are at /scim/v2/Users, groups at /Groups.")
