"""When the span of a request begins and ends, whatever its application does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment
from wsgiref.util import setup_testing_defaults

import pytest
from flask import Flask
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import get_current_span

from scim_connector.web import ids
from scim_connector.wiring.tracing.places import Ids, place_of
from scim_connector.wiring.tracing.requests import TracedRequests
from scim_connector.wiring.tracing.routes import Routes


@pytest.fixture
def told() -> InMemorySpanExporter:
    """What was told."""
    return InMemorySpanExporter()


Ask = Callable[[WSGIApplication], Iterable[bytes]]


@pytest.fixture
def ask(told: InMemorySpanExporter) -> Ask:
    """Send a GET to an application whose requests are told."""
    made = Ids()
    provider = TracerProvider(id_generator=made, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(told))
    tracer = provider.get_tracer("tests")

    def send(app: WSGIApplication) -> Iterable[bytes]:
        traced = TracedRequests(app, Routes(Flask(__name__), ()), tracer, made, ())
        environ: dict[str, Any] = {}
        setup_testing_defaults(environ)
        return traced(environ, lambda *_: lambda _: None)

    return send


def _one(told: InMemorySpanExporter) -> ReadableSpan:
    [span] = told.get_finished_spans()
    return span


def _streaming(fails: bool = False) -> WSGIApplication:
    def app(_: WSGIEnvironment, start: StartResponse) -> Iterator[bytes]:
        start("200 OK", [])
        yield b"one"
        if fails:
            raise ValueError("kim.doe@contoso.com")
        assert get_current_span().is_recording()
        yield b"two"

    return app


def test_a_span_ends_with_what_is_sent(ask: Ask, told: InMemorySpanExporter) -> None:
    """An answer that is made while it is sent is part of the request to its end."""
    answer = iter(ask(_streaming()))

    assert next(answer) == b"one"
    assert not told.get_finished_spans()
    assert list(answer) == [b"two"]
    assert _one(told).attributes is not None


def test_a_reader_who_leaves_ends_it_too(ask: Ask, told: InMemorySpanExporter) -> None:
    """Once, however often the server closes."""
    answer = ask(_streaming())
    next(iter(answer))
    for _ in range(2):
        answer.close()  # type: ignore[attr-defined]

    assert _one(told).name == "GET"


@pytest.mark.parametrize("streams", [True, False])
def test_a_failure_is_told_without_its_words(
    ask: Ask, told: InMemorySpanExporter, streams: bool
) -> None:
    """Whether it comes before the answer or amid it."""

    def app(_: WSGIEnvironment, __: StartResponse) -> list[bytes]:
        raise ValueError("kim.doe@contoso.com")

    with pytest.raises(ValueError, match="kim"):
        list(ask(_streaming(fails=True) if streams else app))

    span = _one(told)
    assert span.attributes is not None
    assert span.attributes["error.type"] == "ValueError"
    assert not span.status.is_ok
    assert "kim" not in span.to_json()


def test_the_door_is_given_the_id_that_the_span_lies_at(
    ask: Ask, told: InMemorySpanExporter
) -> None:
    """What a client is told as X-Request-Id leads to the span."""
    given = []

    def app(environ: WSGIEnvironment, start: StartResponse) -> list[bytes]:
        given.append(ids.of(environ, 0))
        start("204 No Content", [])
        return []

    ask(app)

    span = _one(told)
    assert (span.context.trace_id, span.context.span_id) == place_of(given[0])
    assert span.attributes is not None
    assert span.attributes["http.response.status_code"] == 204
