"""The spans of what leaves the house: what became of it, in one word."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from scim_connector.delivery.senders import TryLater, Undeliverable
from scim_connector.directory.outbox import Message
from scim_connector.web import ids
from scim_connector.wiring.tracing.jobs import TracedJobs
from scim_connector.wiring.tracing.places import link_to

REQUEST = ids.request_id(1_000_000)
MESSAGE = Message(
    7, "mail:reset", 1, f'{{"request_id":"{REQUEST}"}}', "id", 0, None, attempts=2
)


@pytest.fixture
def told() -> InMemorySpanExporter:
    """What was told."""
    return InMemorySpanExporter()


def _jobs(told: InMemorySpanExporter, *, links: bool = True) -> TracedJobs:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(told))
    return TracedJobs(provider.get_tracer("tests"), links=links)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (TryLater("kim.doe@contoso.com"), "later"),
        (Undeliverable("kim.doe@contoso.com"), "given up"),
        (OSError("kim.doe@contoso.com"), "failed"),
    ],
)
def test_what_was_not_sent_says_so(
    told: InMemorySpanExporter, error: Exception, outcome: str
) -> None:
    """The worker is given the error; the span its kind, and never its words."""

    def fail(_: Message) -> None:
        raise error

    with pytest.raises(type(error)):
        _jobs(told).around(fail)(MESSAGE)

    [span] = told.get_finished_spans()
    assert span.attributes is not None
    assert span.attributes["scim_connector.outcome"] == outcome
    assert span.attributes["error.type"] == type(error).__name__
    assert "kim" not in span.to_json()


@pytest.mark.parametrize("links", [True, False])
def test_what_was_sent_says_which_request_caused_it(
    told: InMemorySpanExporter, links: bool
) -> None:
    """By its id always; by a link where the span lies where the id says."""
    taken: list[Message] = []
    _jobs(told, links=links).around(taken.append)(MESSAGE)

    [span] = told.get_finished_spans()
    assert taken == [MESSAGE]
    assert span.name == "send mail:reset"
    assert dict(span.attributes or {}) == {
        "scim_connector.topic": "mail:reset",
        "scim_connector.message": 7,
        "scim_connector.attempt": 2,
        "scim_connector.request_id": REQUEST,
        "scim_connector.outcome": "sent",
    }
    wanted = link_to(REQUEST) if links else []
    assert [link.context for link in span.links] == [link.context for link in wanted]
