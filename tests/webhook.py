"""A place that webhooks are posted to: it keeps what comes, and answers as it is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from tests.posts import Answer, taking


@dataclass
class Place:
    """What was posted, and what is answered to the next ones."""

    url: str = ""
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def opened(self, secret: str) -> list[dict[str, Any]]:
        """The messages that this secret signed, by a library that is not ours."""
        found = []
        for headers, body in self.heard:
            try:
                found.append(Webhook(secret).verify(body, headers))
            except WebhookVerificationError:
                continue
        return found

    @property
    def ids(self) -> list[str]:
        """The ids of the messages, the first one first."""
        return [headers["webhook-id"] for headers, _ in self.heard]


@contextmanager
def posted_to() -> Iterator[Place]:
    """A place of this machine, until the end of the block."""
    told = Place()

    def hear(_: str, headers: dict[str, str], body: bytes) -> Answer:
        told.heard.append((headers, body))
        return told.status, told.headers, b""

    with taking(hear) as address:
        told.url = f"{address}/hook"
        yield told
