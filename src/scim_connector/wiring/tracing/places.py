"""Where the span of a request lies: computed from the id of the request.

So whoever sends a mail minutes later, in another process, can point at the request that
caused it, and nothing is stored for that.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from threading import local
from typing import Final
from uuid import UUID

from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Link, SpanContext, TraceFlags

_TRACE: Final = 16
_SPAN: Final = 8
#: The version of the ids that requests have; a part of a bulk request has another one.
_OF_REQUEST: Final = 7


def place_of(request_id: str) -> tuple[int, int]:
    """The ids of the trace and of the span of a request.

    Spread evenly, as sampling by the id of a trace needs it.
    """
    digest = blake2b(request_id.encode(), digest_size=_TRACE + _SPAN).digest()
    return int.from_bytes(digest[:_TRACE]), int.from_bytes(digest[_TRACE:])


def link_to(request_id: str | None) -> list[Link]:
    """The link to the span of a request, where there is one."""
    if request_id is None or not _is_of_request(request_id):
        return []
    trace_id, span_id = place_of(request_id)
    flags = TraceFlags(TraceFlags.SAMPLED)
    return [Link(SpanContext(trace_id, span_id, is_remote=True, trace_flags=flags))]


def _is_of_request(text: str) -> bool:
    try:
        return UUID(text).version == _OF_REQUEST
    except ValueError:  # nothing that is to be sent waits for this
        return False


class Ids(RandomIdGenerator):
    """Ids by chance, but for the span of a request."""

    def __init__(self) -> None:
        """Nothing is chosen yet, in any thread."""
        self._chosen = local()

    @contextmanager
    def chosen_for(self, request_id: str) -> Iterator[None]:
        """The span that this thread begins in the block is the one of a request."""
        self._chosen.place = place_of(request_id)
        try:
            yield
        finally:
            self._chosen.place = None

    def generate_trace_id(self) -> int:
        """The id of a new trace."""
        place: tuple[int, int] | None = getattr(self._chosen, "place", None)
        return super().generate_trace_id() if place is None else place[0]

    def generate_span_id(self) -> int:
        """The id of a new span."""
        place: tuple[int, int] | None = getattr(self._chosen, "place", None)
        return super().generate_span_id() if place is None else place[1]
