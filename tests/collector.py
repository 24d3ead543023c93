"""A collector of traces (OTLP over HTTP): it keeps every byte, and reads the spans."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)

from tests.posts import Answer, taking


@dataclass(frozen=True)
class Span:
    """One span, its ids in hexadecimal; links as pairs of trace and span."""

    name: str
    trace: str
    id: str
    parent: str
    facts: dict[str, Any]
    links: list[tuple[str, str]]
    kind: int
    failed: bool
    events: int
    service: str

    @property
    def place(self) -> tuple[str, str]:
        """What a link to it names."""
        return self.trace, self.id


@dataclass
class Collector:
    """What was sent: headers and body of each request."""

    url: str = ""
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def bytes(self) -> bytes:
        """Every byte that was received, headers included."""
        return b"\n".join(repr(h).encode() + body for h, body in list(self.heard))

    @property
    def spans(self) -> list[Span]:
        """Every span that was received."""
        return [span for _, body in list(self.heard) for span in _read(body)]

    def named(self, name: str) -> list[Span]:
        """The spans of one name."""
        return [span for span in self.spans if span.name == name]

    def wait_for(self, name: str, count: int = 1) -> list[Span]:
        """The spans of one name, as soon as there are so many."""
        for _ in range(200):
            if len(found := self.named(name)) >= count:
                return found
            time.sleep(0.05)
        names = sorted({span.name for span in self.spans})
        raise AssertionError(f"no {count} of {name}; there are {names}")


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector of this machine, until the end of the block."""
    told = Collector()

    def hear(path: str, headers: dict[str, str], body: bytes) -> Answer:
        told.heard.append(({**headers, "path": path}, body))
        return 200, {}, b""

    with taking(hear) as told.url:
        yield told


def _read(body: bytes) -> Iterator[Span]:
    for group in ExportTraceServiceRequest.FromString(body).resource_spans:
        about = _facts(group.resource.attributes)
        for scope in group.scope_spans:
            for each in scope.spans:
                yield Span(
                    each.name,
                    each.trace_id.hex(),
                    each.span_id.hex(),
                    each.parent_span_id.hex(),
                    _facts(each.attributes),
                    [(link.trace_id.hex(), link.span_id.hex()) for link in each.links],
                    each.kind,
                    each.status.code == 2,
                    len(each.events),
                    about["service.name"],
                )


def _facts(attributes: Any) -> dict[str, Any]:
    return {
        each.key: getattr(each.value, each.value.WhichOneof("value"))
        for each in attributes
    }
