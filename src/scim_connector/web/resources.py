"""One kind of resource at its address: the list, a search, and each one by its id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from scim_connector.provisioning import SearchQuery
from scim_connector.provisioning.asynchronous import check
from scim_connector.scim import messages, projection, rendering, versions
from scim_connector.scim.messages import SearchRequest
from scim_connector.scim.types import LOCAL
from scim_connector.web import replies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scim_connector.provisioning import (
        Answer,
        Call,
        Everything,
        MixedPage,
        Page,
        Readable,
        UseCases,
    )
    from scim_connector.scim.projection import Projection
    from scim_connector.scim.types import Json
    from scim_connector.web.replies import Reply
    from scim_connector.web.visits import Visit

_LIST: Final = ("GET", "POST")
_ONE: Final = ("GET", "PUT", "PATCH", "DELETE")


class ReadOnly:
    """``/Roles`` or ``/Entitlements``: what can be read, and nothing else."""

    def __init__(self, name: str, use_cases: Readable, base_url: str) -> None:
        """Serve *use_cases* at ``/name`` below *base_url*."""
        self._address = f"{base_url}/{name}"
        self._readable = use_cases
        self._base_url = base_url

    # --------------------------------------------------------------------- addresses

    def all(self, visit: Visit) -> Reply:
        """``/Roles``: the list."""
        if visit.allow("GET") == "OPTIONS":
            return visit.options("GET")
        return self._listed(visit, _query(visit))

    def searched(self, visit: Visit) -> Reply:
        """``/Users/.search``: the list, asked for in a body."""
        if visit.allow("POST") == "OPTIONS":
            return visit.options("POST")
        return self._listed(visit, messages.search_request(visit.body()))

    def one(self, visit: Visit, resource_id: str) -> Reply:
        """``/Roles/{id}``."""
        if visit.allow("GET") == "OPTIONS":
            return visit.options("GET")
        return self._read(visit, resource_id, self._projection(visit))

    def _read(self, visit: Visit, resource_id: str, shown: Projection | None) -> Reply:
        answer = self._readable.get(visit.call(shown=shown), resource_id)
        known = visit.header("HTTP_IF_NONE_MATCH")
        version = answer.version or 0
        if known is not None and versions.is_known(known, version):
            etag = ("ETag", versions.etag(version))
            return replies.empty(304, visit.id, etag)
        return self._answer(visit, answer, shown)

    def _listed(self, visit: Visit, wanted: SearchRequest) -> Reply:
        shown, query = self.shown(visit, wanted), SearchQuery.of(wanted)
        found = self._readable.search(visit.call(shown=shown), query)
        return _list(visit, found, [self.text(text, shown) for text in found.texts])

    def shown(self, visit: Visit, wanted: SearchRequest) -> Projection:
        """What is to be shown of each resource of a list."""
        known = self._readable.resource_type(visit.connection)
        return projection.parse(wanted.attributes, wanted.excluded_attributes, known)

    # ----------------------------------------------------------------------- answers

    def _answer(self, visit: Visit, answer: Answer, shown: Projection | None) -> Reply:
        if answer.text is None:
            known = answer.version is not None
            etag = [("ETag", versions.etag(answer.version or 0))] if known else []
            return replies.empty(answer.status, visit.id, *etag)
        location = None
        if answer.status == 201:  # noqa: PLR2004 - Created
            location = f"{self._address}/{answer.id}"
        return replies.resource(
            self.text(answer.text, shown),
            visit.id,
            status=answer.status,
            version=answer.version,
            location=location,
        )

    def _projection(self, visit: Visit) -> Projection | None:
        """What is to be shown; judged before a change, so 400 means unchanged."""
        if not visit.has_arguments:
            return None
        given = visit.arguments()
        names = given.get("attributes"), given.get("excludedAttributes")
        known = self._readable.resource_type(visit.connection)
        return projection.parse(*names, known)

    def text(self, stored: str, shown: Projection | None) -> str:
        """A stored resource as it is answered, cut to what is to be shown."""
        if shown is None or shown.is_default:
            return rendering.expand(stored, self._base_url)
        local = shown.asks_for(LOCAL, "local")
        resource = rendering.resource_of(stored, self._base_url, local=local)
        return orjson.dumps(shown.apply(resource)).decode()


class Endpoint(ReadOnly):
    """``/Users`` or ``/Groups``: requests become use cases, answers replies."""

    def __init__(
        self, name: str, use_cases: UseCases, base_url: str, *, largest: int = 0
    ) -> None:
        """Serve *use_cases* at ``/name`` below *base_url*.

        *largest* is the most bytes of a body, where more than usual is allowed.
        """
        super().__init__(name, use_cases, base_url)
        self._use_cases = use_cases
        self._largest = largest

    def all(self, visit: Visit) -> Reply:
        """``/Users``: the list, or a new one."""
        match visit.allow(*_LIST):
            case "OPTIONS":
                return visit.options(*_LIST)
            case "POST":
                shown = self._projection(visit)
                call = visit.call(self._body(visit), shown)
                return self._answer(visit, self._use_cases.create(call), shown)
        return self._listed(visit, _query(visit))

    def one(self, visit: Visit, resource_id: str) -> Reply:
        """``/Users/{id}``."""
        method = visit.allow(*_ONE)
        shown = self._projection(visit)
        if_match = visit.header("HTTP_IF_MATCH")
        match method:
            case "OPTIONS":
                return visit.options(*_ONE)
            case "PUT":
                call = visit.call(self._body(visit), shown)
                answer = self._use_cases.replace(call, resource_id, if_match=if_match)
            case "PATCH":
                call = visit.call(self._body(visit), shown)
                answer = self._use_cases.patch(call, resource_id, if_match=if_match)
            case "DELETE":
                call = visit.call()
                answer = self._use_cases.delete(call, resource_id, if_match=if_match)
            case _:
                return self._read(visit, resource_id, shown)
        return self._answer(visit, answer, shown)

    def asked(self, visit: Visit) -> Call:
        """A change, judged as far as it can be before it is carried out."""
        shown = self._projection(visit)
        body = None if visit.request.method == "DELETE" else self._body(visit)
        call = visit.call(body, shown)
        check(call, self._use_cases.resource_type(visit.connection))
        return call

    def _body(self, visit: Visit) -> Json:
        visit.largest = max(visit.largest, self._largest)
        return visit.body()


class Root:
    """``/.search``: one list of the resources of every endpoint."""

    def __init__(
        self, endpoints: Mapping[str, Endpoint], everything: Everything
    ) -> None:
        """Search *everything*; each resource is shown as its endpoint does."""
        self._endpoints = endpoints
        self._everything = everything

    def searched(self, visit: Visit) -> Reply:
        """Users first, then groups (RFC 7644 section 3.4.3)."""
        if visit.allow("POST") == "OPTIONS":
            return visit.options("POST")
        wanted = messages.search_request(visit.body())
        shown = {n: each.shown(visit, wanted) for n, each in self._endpoints.items()}
        query = SearchQuery.of(wanted)
        found = self._everything.search(visit.call(), query, shown)
        texts = [
            self._endpoints[name].text(text, shown[name]) for name, text in found.texts
        ]
        return _list(visit, found, texts)


def _list(visit: Visit, found: Page | MixedPage, texts: list[str]) -> Reply:
    listed = messages.list_response(
        texts, total=found.total, start=found.start, next_cursor=found.next_cursor
    )
    return replies.resource(listed, visit.id)


def _query(visit: Visit) -> SearchRequest:
    if not visit.has_arguments:
        return SearchRequest()
    return messages.search_arguments(visit.arguments())
