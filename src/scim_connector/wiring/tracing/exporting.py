"""Where spans go: over OTLP to the collector that OpenTelemetry's variables name."""

from __future__ import annotations

import logging
from threading import Thread
from typing import TYPE_CHECKING, Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from scim_connector import __version__

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.id_generator import IdGenerator

NAME: Final = "scim-connector"
#: How long the end of a process waits for its last spans; ``serve`` ends one that has
#: not ended after four.
FLUSH_SECONDS: Final = 2.0


def provider(ids: IdGenerator) -> TracerProvider:
    """What makes spans, and sends none yet; how many, the variables say."""
    ours = Resource.create({"service.name": NAME, "service.version": __version__})
    named = ours.merge(OTELResourceDetector().detect())  # theirs win
    return TracerProvider(resource=named, id_generator=ids, shutdown_on_exit=False)


def begin_sending(made: TracerProvider) -> None:
    """Send in a thread from now on; call it in the process whose spans they are."""
    _keep_headers_out_of_logs()
    made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))


def end_sending(made: TracerProvider) -> None:
    """Send what is left, as long as there is time for it."""
    ending = Thread(target=made.shutdown, name="traces", daemon=True)
    ending.start()
    ending.join(FLUSH_SECONDS)


def _keep_headers_out_of_logs() -> None:
    """What does not parse is logged with its value, which may be the collector's key."""
    logging.getLogger("opentelemetry.util.re").addFilter(_without_values)


def _without_values(record: logging.LogRecord) -> bool:
    record.args = ("(value)",)
    return True
