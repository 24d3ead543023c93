"""The span of each message that leaves the house, with a link to what caused it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from opentelemetry.trace import SpanKind

from scim_connector.delivery.senders import Needless, TryLater, Undeliverable
from scim_connector.wiring.tracing.places import link_to
from scim_connector.wiring.tracing.spans import spanning

if TYPE_CHECKING:
    from opentelemetry.trace import Link, Tracer

    from scim_connector.delivery.worker import Deliver
    from scim_connector.directory.audit import AuditEvent
    from scim_connector.directory.outbox import Message
    from scim_connector.directory.receivers import Receiver

_OUTCOME: Final = "scim_connector.outcome"
Facts = dict[str, str | int]


class TracedJobs:
    """Makes the spans of messages and security events."""

    def __init__(self, tracer: Tracer, *, links: bool) -> None:
        """Without *links* where the span of a request may lie in another's trace."""
        self._tracer = tracer
        self._links = links

    def around(self, deliver: Deliver) -> Deliver:
        """*deliver*, each message in a span."""

        def watched(message: Message) -> None:
            told: Facts = {
                "scim_connector.topic": message.topic,
                "scim_connector.message": message.id,
                "scim_connector.attempt": message.attempts,
            }
            name = f"send {message.topic}"
            with self._job(name, told, message.request_id):
                deliver(message)

        return watched

    @contextmanager
    def pushing(
        self, receiver: Receiver, event: AuditEvent, kind: str
    ) -> Iterator[None]:
        """A span around the sending of one security event."""
        told: Facts = {
            "scim_connector.receiver": receiver.name,
            "scim_connector.event": event.id,
            "scim_connector.event_kind": kind,
        }
        with self._job("send security event", told, event.request_id):
            yield

    @contextmanager
    def _job(self, name: str, told: Facts, request_id: str | None) -> Iterator[None]:
        if request_id is not None:
            told["scim_connector.request_id"] = request_id
        links: list[Link] = link_to(request_id) if self._links else []
        with spanning(
            self._tracer, name, told, kind=SpanKind.CLIENT, links=links
        ) as span:
            try:
                yield
            except BaseException as error:
                span.set_attribute(_OUTCOME, _outcome(error))
                raise
            span.set_attribute(_OUTCOME, "sent")


def _outcome(error: BaseException) -> str:
    match error:
        case TryLater():
            return "later"
        case Needless():
            return "withdrawn"
        case Undeliverable():
            return "given up"
    return "failed"
