"""The front of the Admin API: who calls is asked before anything else.

A WSGI application of its own in front of Flask, as /scim is: a caller without a token
learns nothing about addresses, and their body is not read.
"""

from __future__ import annotations

from time import time_ns
from typing import TYPE_CHECKING, Any, Final

from werkzeug.wrappers import Request

from scim_connector.scim.errors import (
    Forbidden,
    MethodNotAllowed,
    UnsupportedMediaType,
)
from scim_connector.web import bodies, ids
from scim_connector.web.admin_api import answers, document, progress, shapes, table
from scim_connector.web.admin_api.progress import Lines, Work
from scim_connector.web.admin_api.routes import (
    ROOT,
    SMALL,
    Missing,
    Unfit,
    Visit,
    found,
    query_of,
)
from scim_connector.web.limits import RateLimit

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

    from scim_connector.web.admin_api.callers import Callers
    from scim_connector.web.admin_api.routes import Office, Route
    from scim_connector.web.console.desk import Person
    from scim_connector.web.replies import Reply

_PERMISSION: Final = (
    'Your roles do not carry "{}". Ask an Administrator for one that does.'
)
_NOTHING: Final = (
    "No role of yours allows anything here. Ask an Administrator for one that does."
)


class AdminApi:
    """Answers everything under :data:`ROOT`; built once per process."""

    def __init__(self, office: Office, callers: Callers) -> None:
        """Let in whom *callers* know; they work with *office*."""
        settings = office.settings
        self._office = office
        self._callers = callers
        self._largest = settings.max_body
        self._limit = RateLimit(settings.rate_limit, who="This user")
        self._document = document.made(settings.address)

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer a WSGI request below :data:`ROOT`, whatever happens."""
        reply = self.answer(Request(environ, populate_request=False))
        start_response(reply.line, reply.headers)
        if isinstance(reply, Lines):
            return reply.body
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [reply.body]

    def answer(self, request: Request) -> Reply | Lines:
        """Authenticate, route and answer; every exception becomes a problem."""
        now = time_ns() // 1000
        request_id = ids.of(request.environ, now)
        try:
            path = _path(request.environ)
            if path == document.PATH:
                _allow(request, {"GET"})
                return answers.json(self._document, request_id)
            me = self._callers.known(request.environ, now)
            self._limit.take(me.user_id)
            return self._routed(request, path, me, request_id)
        except Exception as error:
            return answers.problem(error, request_id)

    def _routed(
        self, request: Request, path: str, me: Person, request_id: str
    ) -> Reply | Lines:
        there = found(table.ROUTES, path)
        if not there:
            place = f"{ROOT}{document.PATH}"
            raise Missing(f"There is nothing at this address; {place} names them all.")
        route, places = there[_allow(request, set(there))]
        _refuse(me, route)
        if route.changes:
            self._callers.refuse_other_sites(request.environ)
        asked = query_of(route, request.environ.get("QUERY_STRING", ""))
        body = self._body(request, route)
        visit = Visit(self._office, me, places, asked, body)
        value = route.view(visit)
        if isinstance(value, Work):
            if progress.is_wanted(request):
                return progress.lines(value, request_id)
            value = value.done()
        if route.answer is None:
            return answers.empty(request_id)
        return answers.json(value, request_id, route.status)

    def _body(self, request: Request, route: Route) -> dict[str, Any]:
        """The body as the route takes it; raises Unfit, or what ``bodies`` raises."""
        if route.body is None:
            return {}
        if request.mimetype != answers.TYPE:
            raise UnsupportedMediaType(f"Send the body as {answers.TYPE}.")
        largest = self._largest if route.is_large else min(SMALL, self._largest)
        body = bodies.read(request, largest)
        faults = list(shapes.faults(route.body, body))
        if faults:
            raise Unfit(faults)
        return body


def _path(environ: WSGIEnvironment) -> str:
    """The address below the root; PATH_INFO is UTF-8 that was read as Latin-1."""
    raw: str = environ.get("PATH_INFO", "")[len(ROOT) :]
    text = raw.encode("latin-1", "replace").decode("utf-8", "replace")
    if "\0" in text:
        raise Missing("The address holds a NUL character.")
    return text


def _allow(request: Request, served: set[str]) -> str:
    method = "GET" if request.method == "HEAD" else request.method
    if method not in served:
        raise MethodNotAllowed.only(sorted(served), request.method)
    return method


def _refuse(me: Person, route: Route) -> None:
    if not me.permissions:
        raise Forbidden(_NOTHING)
    if route.permission is not None and not me.may(route.permission):
        raise Forbidden(_PERMISSION.format(route.permission.name))
