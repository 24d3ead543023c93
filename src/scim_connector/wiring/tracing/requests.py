"""The span of each request: its route, whose it is, and how it was answered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from time import time_ns
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    Span,
    SpanKind,
    StatusCode,
    get_current_span,
    use_span,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from scim_connector.web import ids
from scim_connector.web.callers import Callers
from scim_connector.web.metrics import PATH as METRICS
from scim_connector.wiring.tracing.routes import Routes, action_of
from scim_connector.wiring.tracing.spans import failed

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from opentelemetry.trace import Tracer

    from scim_connector.web.callers import Caller
    from scim_connector.web.sources import Proxies
    from scim_connector.wiring.tracing.places import Ids

#: What machines ask every few seconds, and files that are the same for everybody.
_QUIET: Final = frozenset({"/healthz", "/readyz", METRICS})
_FILES: Final = "/auth/static/"
_METHODS: Final = frozenset(
    ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")
)
_OTHER: Final = "_OTHER"
_FAILED: Final = 500
_PROPAGATOR: Final = TraceContextTextMapPropagator()


class TracedCallers(Callers):
    """Callers whose connection is told on the span of their request."""

    def authenticate(self, environ: dict[str, Any], now: int) -> Caller:
        """Say who calls; raises what :class:`Callers` raises."""
        caller = super().authenticate(environ, now)
        name = caller.connection.name
        get_current_span().set_attribute("scim_connector.connection", name)
        return caller


class TracedRequests:
    """A WSGI application, each request of which has a span."""

    def __init__(
        self,
        app: WSGIApplication,
        routes: Routes,
        tracer: Tracer,
        ids_of: Ids,
        believed: Proxies,
    ) -> None:
        """Go on with traces that *believed* proxies name, and no others."""
        self._app = app
        self._routes = routes
        self._tracer = tracer
        self._ids = ids_of
        self._believed = believed

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer a WSGI request inside its span."""
        path = environ.get("PATH_INFO", "")
        if path in _QUIET or path.startswith(_FILES):
            return self._app(environ, start_response)
        asked = Asked(environ, self._routes, self._begun(environ))
        with asked.current():
            try:
                answer = self._app(environ, asked.hearing(start_response))
            except BaseException as error:
                asked.end(error)
                raise
        if isinstance(answer, list):  # whole, so there is nothing to wait for
            asked.end()
            return answer
        return _Parts(answer, asked)

    def _begun(self, environ: WSGIEnvironment) -> Span:
        """The span of a request, which is given its id here."""
        request_id = ids.request_id(time_ns() // 1000)
        environ[ids.GIVEN] = request_id
        named = get_current_span(_named_by(environ)).get_span_context()
        is_believed = environ.get("REMOTE_ADDR", "") in self._believed
        with self._ids.chosen_for(request_id):
            return self._tracer.start_span(
                "request",
                context=_named_by(environ) if is_believed else Context(),
                kind=SpanKind.SERVER,
                attributes={
                    "http.request.method": _method(environ),
                    "scim_connector.request_id": request_id,
                },
                links=[Link(named)] if named.is_valid and not is_believed else [],
            )


class Asked:
    """A request that is being answered, and its span."""

    def __init__(self, environ: WSGIEnvironment, routes: Routes, span: Span) -> None:
        """Nothing is answered yet."""
        self._environ = environ
        self._routes = routes
        self._span = span
        self._status = _FAILED  # of whatever never comes to say one
        self._is_over = False

    def current(self) -> AbstractContextManager[Span]:
        """What happens in the block belongs to the request."""
        return use_span(
            self._span, record_exception=False, set_status_on_exception=False
        )

    def hearing(self, start_response: StartResponse) -> StartResponse:
        """*start_response*, with the status kept."""

        def start(status: str, headers: Any, *error: Any) -> Any:
            self._status = int(status[:3])
            return start_response(status, headers, *error)

        return start

    def end(self, error: BaseException | None = None) -> None:
        """Say how it was answered; once."""
        if self._is_over:
            return
        self._is_over = True
        span, method = self._span, _method(self._environ)
        if span.is_recording():
            route = self._routes.of(self._environ)
            span.update_name(f"{method} {route}" if route else method)
            told = {
                "http.route": route,
                "scim_connector.action": action_of(method, route),
            }
            span.set_attributes({n: v for n, v in told.items() if v is not None})
            span.set_attribute("http.response.status_code", self._status)
        if error is not None:
            failed(span, error)
        elif self._status >= _FAILED:
            span.set_status(StatusCode.ERROR)
        span.end()


class _Parts:
    """An answer that is made while it is sent; its span ends with it."""

    def __init__(self, parts: Iterable[bytes], asked: Asked) -> None:
        self._answer = parts
        self._parts = iter(parts)
        self._asked = asked

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with self._asked.current():
            try:
                return next(self._parts)
            except StopIteration:
                self._asked.end()
                raise
            except BaseException as error:
                self._asked.end(error)
                raise

    def close(self) -> None:
        """Whether the server has read all of it or not."""
        close = getattr(self._answer, "close", None)
        try:
            if close is not None:
                close()
        finally:
            self._asked.end()


def _named_by(environ: WSGIEnvironment) -> Context:
    """The trace that a request names; ``tracestate`` may hold anything and stays out."""
    header = environ.get("HTTP_TRACEPARENT", "")
    return _PROPAGATOR.extract({"traceparent": header}, Context())


def _method(environ: WSGIEnvironment) -> str:
    method: str = environ["REQUEST_METHOD"]
    return method if method in _METHODS else _OTHER
