"""/scim: one door for every address and method, authenticated before routing.

The door is a WSGI application in front of Flask: nothing that Flask does for pages
(sessions, URL maps, redirects) is wanted here, and it would cost more than the answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter_ns, time_ns
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

import orjson
from werkzeug.wrappers import Request

from scim_connector.provisioning import Call, SearchQuery, entries
from scim_connector.scim import (
    discovery,
    messages,
    paging,
    projection,
    rendering,
    versions,
)
from scim_connector.scim.errors import (
    InvalidValue,
    MethodNotAllowed,
    NotFound,
    NotSupported,
    ScimError,
)
from scim_connector.scim.messages import SearchRequest
from scim_connector.scim.types import LOCAL
from scim_connector.web import bodies, ids, replies
from scim_connector.web.callers import Callers, Refused

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from scim_connector.provisioning import Provisioning, RequestGatherer
    from scim_connector.provisioning.calls import Answer
    from scim_connector.scim.projection import Projection
    from scim_connector.scim.schemas import ResourceType
    from scim_connector.settings import Settings
    from scim_connector.web.callers import Caller
    from scim_connector.web.replies import Reply

MOST_PARAMETERS: Final = 50
_LIST: Final = ("GET", "POST")
_ONE: Final = ("GET", "PUT", "PATCH", "DELETE")
_READ: Final = ("GET",)
_ACTIONS: Final = {
    "POST": "Create",
    "PUT": "Update",
    "PATCH": "Update",
    "DELETE": "Delete",
}
_LATER: Final = {
    "Bulk": "Bulk is not offered yet; send the requests one by one.",
    "Me": "A connection is no user, so there is nothing at /Me.",
}


@dataclass(slots=True)
class Visit:
    """One authenticated request on its way to an answer.

    Who has its ``call`` keeps it in the request log; until then it is the door's.
    """

    id: str
    now: int
    started: int
    caller: Caller
    path: str
    request: Request
    source: str
    is_handed_over: bool = False

    def call(self, body: object = None) -> Call:
        """The request as provisioning takes it."""
        self.is_handed_over = True
        return Call(
            request_id=self.id,
            method=self.request.method,
            path=f"/scim{self.path}",
            source=self.source,
            now=self.now,
            started=self.started,
            connection=self.caller.connection,
            credential_id=self.caller.credential_id,
            body=body if isinstance(body, dict) else None,
        )


class ScimDoor:
    """Answers everything under ``/scim``."""

    def __init__(
        self,
        settings: Settings,
        callers: Callers,
        provisioning: Provisioning,
        gatherer: RequestGatherer,
    ) -> None:
        """Take what answering needs; built once per process."""
        self._base_url = settings.base_url
        self._largest = settings.max_body
        self._proxies = frozenset(settings.trusted_proxies)
        self._callers = callers
        self._provisioning = provisioning
        self._gatherer = gatherer

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> list[bytes]:
        """Answer a WSGI request under ``/scim``, whatever happens."""
        reply = self.answer(Request(environ, populate_request=False))
        start_response(reply.line, reply.headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [reply.body]

    def answer(self, request: Request) -> Reply:
        """Authenticate, route and answer; every exception becomes a SCIM error."""
        started, now = perf_counter_ns(), time_ns() // 1000
        request_id = ids.request_id(now)
        path = _text(request.environ.get("PATH_INFO", ""))[len("/scim") :]
        source = self._source(request)
        try:
            caller = self._callers.authenticate(request.environ, now)
            self._gatherer.used(caller.credential_id, now)
            visit = Visit(request_id, now, started, caller, path, request, source)
            return self._visited(visit)
        except Refused as error:
            self._gatherer.refused(error.reason, source, path, now)
            return replies.refused(error, request_id)
        except Exception as error:
            return replies.refused(error, request_id)

    def _source(self, request: Request) -> str:
        """The address of the client; a named proxy is believed about it."""
        peer: str = request.environ.get("REMOTE_ADDR") or ""
        if peer in self._proxies:
            forwarded: str = request.environ.get("HTTP_X_FORWARDED_FOR", "")
            return forwarded.rpartition(",")[2].strip()[:45] or peer
        return peer

    def _visited(self, visit: Visit) -> Reply:
        """Answer; what never reached provisioning is logged here (decision 33)."""
        try:
            reply = self._route(visit)
        except ScimError as refusal:
            if not visit.is_handed_over:
                self._note(visit, refusal.status, refusal)
            raise
        if not visit.is_handed_over:
            self._note(visit, reply.status)
        return reply

    def _note(
        self, visit: Visit, status: int, refusal: ScimError | None = None
    ) -> None:
        action = _ACTIONS.get(visit.request.method, "Read")
        if visit.path.endswith(".search"):
            action = "Read"
        entry = entries.of_read(visit.call(), status, refusal=refusal)
        self._gatherer.note(replace(entry, action=action))

    # ---------------------------------------------------------------------- routing

    def _route(self, visit: Visit) -> Reply:
        version, _, rest = visit.path.strip("/").partition("/")
        if version != "v2":
            raise _nowhere(visit)
        parts = [part for part in rest.split("/") if part]
        match parts:
            case ["Users"]:
                return self._users(visit)
            case ["Users", ".search"] | [".search"]:
                _allow(visit, "POST")
                return self._searched(visit)
            case ["Users", link_id]:
                return self._user(visit, link_id)
            case ["Schemas" | "ResourceTypes" | "ServiceProviderConfig", *_] | []:
                return self._discovery(visit, parts)
            case ["Groups", *_]:
                return self._groups(visit, parts)
            case [name] if name in _LATER:
                raise NotSupported(_LATER[name])
        raise _nowhere(visit)

    def _users(self, visit: Visit) -> Reply:
        method = _allow(visit, *_LIST)
        if method == "OPTIONS":
            return _options(visit, _LIST)
        if method == "POST":
            shown = self._projection(visit)
            body = bodies.read(visit.request, self._largest)
            answer = self._provisioning.create(visit.call(body))
            return self._answer(visit, answer, shown)
        return self._listed(visit, _query(visit.request))

    def _user(self, visit: Visit, link_id: str) -> Reply:
        method = _allow(visit, *_ONE)
        shown = self._projection(visit)
        if_match = visit.request.environ.get("HTTP_IF_MATCH")
        match method:
            case "OPTIONS":
                return _options(visit, _ONE)
            case "PUT":
                body = bodies.read(visit.request, self._largest)
                answer = self._provisioning.replace(
                    visit.call(body), link_id, if_match=if_match
                )
            case "PATCH":
                body = bodies.read(visit.request, self._largest)
                answer = self._provisioning.patch(
                    visit.call(body), link_id, if_match=if_match
                )
            case "DELETE":
                answer = self._provisioning.delete(
                    visit.call(), link_id, if_match=if_match
                )
                return replies.empty(answer.status, visit.id)
            case _:
                return self._read(visit, link_id, shown)
        return self._answer(visit, answer, shown)

    def _read(self, visit: Visit, link_id: str, shown: Projection | None) -> Reply:
        answer = self._provisioning.get(visit.call(), link_id)
        known = visit.request.environ.get("HTTP_IF_NONE_MATCH")
        version = answer.version or 0
        if known is not None and versions.is_known(known, version):
            etag = ("ETag", versions.etag(version))
            return replies.empty(304, visit.id, etag)
        return self._answer(visit, answer, shown)

    # ---------------------------------------------------------------------- answers

    def _answer(self, visit: Visit, answer: Answer, shown: Projection | None) -> Reply:
        text = self._text(answer.text or "", shown)
        location = None
        if answer.status == 201:  # noqa: PLR2004 - Created
            location = f"{self._base_url}/Users/{answer.link_id}"
        return replies.resource(
            text,
            visit.id,
            status=answer.status,
            version=answer.version,
            location=location,
        )

    def _projection(self, visit: Visit) -> Projection | None:
        """What is to be shown; judged before a change, so 400 means unchanged."""
        if not visit.request.environ.get("QUERY_STRING"):
            return None
        given = _arguments(visit.request)
        names = given.get("attributes"), given.get("excludedAttributes")
        return projection.parse(*names, self._type(visit))

    def _text(self, stored: str, shown: Projection | None) -> str:
        """A stored resource as it is answered, cut to what is to be shown."""
        if shown is None or shown.is_default:
            return rendering.expand(stored, self._base_url)
        local = shown.asks_for(LOCAL, "local")
        resource = rendering.resource_of(stored, self._base_url, local=local)
        return orjson.dumps(shown.apply(resource)).decode()

    def _type(self, visit: Visit) -> ResourceType:
        return self._provisioning.resource_type(visit.caller.connection)

    def _searched(self, visit: Visit) -> Reply:
        if visit.request.method == "OPTIONS":
            return _options(visit, ("POST",))
        body = bodies.read(visit.request, self._largest)
        return self._listed(visit, messages.search_request(body))

    def _listed(self, visit: Visit, wanted: SearchRequest) -> Reply:
        resource_type = self._type(visit)
        shown = projection.parse(
            wanted.attributes, wanted.excluded_attributes, resource_type
        )
        page = paging.page(wanted.start_index, wanted.count)
        query = SearchQuery(
            filter=wanted.filter,
            start=page.start,
            count=page.count,
            sort_by=wanted.sort_by,
            descending=paging.is_descending(wanted.sort_order),
        )
        found = self._provisioning.search(visit.call(), query)
        texts = [self._text(text, shown) for text in found.texts]
        listed = messages.list_response(texts, total=found.total, start=page.start)
        return replies.resource(listed, visit.id)

    def _discovery(self, visit: Visit, parts: list[str]) -> Reply:
        if _allow(visit, *_READ) == "OPTIONS":
            return _options(visit, _READ)
        known, base = self._type(visit), self._base_url
        match parts:
            case ["Schemas"]:
                value = discovery.schemas(known, base)
            case ["Schemas", urn]:
                value = discovery.schema(known, urn, base)
            case ["ResourceTypes"]:
                value = discovery.resource_types(known, base)
            case ["ResourceTypes", name]:
                value = discovery.resource_type(known, name, base)
            case ["ServiceProviderConfig"] | []:
                value = discovery.service_provider_config(
                    base, max_payload_size=self._largest
                )
            case _:
                raise _nowhere(visit)
        return replies.json(value, visit.id)

    def _groups(self, visit: Visit, parts: list[str]) -> Reply:
        """No group is kept yet, so a list is empty and everything else is refused."""
        if parts == ["Groups"] and visit.request.method in {"GET", "HEAD"}:
            text = messages.list_response([], total=0, start=1)
            return replies.resource(text, visit.id)
        raise NotSupported(
            "Groups are not offered yet; switch group provisioning off in the provider."
        )


def _text(path: str) -> str:
    """A path that every database can store: PostgreSQL's text holds no NUL."""
    return path.replace("\0", "\ufffd")


def _arguments(request: Request) -> dict[str, str]:
    """The query parameters; of one that is given twice, the first."""
    text = request.environ.get("QUERY_STRING", "")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_PARAMETERS)
    except ValueError:
        message = f"The address has more than {MOST_PARAMETERS} parameters."
        raise InvalidValue(message) from None
    if any("\0" in value for _, value in pairs):
        raise InvalidValue("The address holds a NUL character, which no value has.")
    return dict(reversed(pairs))


def _query(request: Request) -> SearchRequest:
    if not request.environ.get("QUERY_STRING"):
        return SearchRequest()
    given = _arguments(request)
    return SearchRequest(
        filter=given.get("filter"),
        attributes=_names(given.get("attributes")),
        excluded_attributes=_names(given.get("excludedAttributes")),
        sort_by=given.get("sortBy"),
        sort_order=given.get("sortOrder"),
        start_index=given.get("startIndex"),
        count=given.get("count"),
    )


def _names(text: str | None) -> tuple[str, ...]:
    return (text,) if text else ()


def _allow(visit: Visit, *methods: str) -> str:
    """The method, HEAD as GET; raises MethodNotAllowed with what is allowed."""
    method = visit.request.method
    method = "GET" if method == "HEAD" else method
    if method in methods or method == "OPTIONS":
        return method
    allowed = ", ".join(methods)
    message = f"{method} is not served at this address, only {allowed}."
    raise MethodNotAllowed(message, allow=methods)


def _options(visit: Visit, methods: tuple[str, ...]) -> Reply:
    allow = ", ".join((*methods, "OPTIONS"))
    return replies.empty(204, visit.id, ("Allow", allow))


def _nowhere(visit: Visit) -> NotFound:
    return NotFound(
        f"There is nothing at {visit.path[:100]}; users are at /scim/v2/Users."
    )
