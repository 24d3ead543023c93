"""Spans that say what went wrong by its name alone: a message may tell of people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry.trace import (
    INVALID_SPAN,
    Link,
    Span,
    SpanKind,
    StatusCode,
    get_current_span,
)

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer
    from opentelemetry.util.types import Attributes


def failed(span: Span, error: BaseException) -> None:
    """Say on a span that it ended by *error*."""
    span.set_status(StatusCode.ERROR)
    span.set_attribute("error.type", type(error).__name__)


@contextmanager
def spanning(
    tracer: Tracer,
    name: str,
    attributes: Attributes = None,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    links: Sequence[Link] = (),
) -> Iterator[Span]:
    """A span around the block, which says by what error it ended."""
    with tracer.start_as_current_span(
        name,
        kind=kind,
        attributes=attributes,
        links=links,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except BaseException as error:
            failed(span, error)
            raise


@contextmanager
def within(
    tracer: Tracer,
    name: str,
    attributes: Attributes = None,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
) -> Iterator[Span]:
    """The same inside another span; alone none, as what runs each second has no cause."""
    if not get_current_span().is_recording():
        yield INVALID_SPAN
        return
    with spanning(tracer, name, attributes, kind=kind) as span:
        yield span
