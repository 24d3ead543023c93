"""A receiver of security events (RFC 8935): it keeps what it is pushed, and answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from joserfc import jwt
from joserfc.jwk import KeySet

from tests.posts import Answer, taking


@dataclass
class Receiver:
    """What was pushed, and what is answered to the next ones: status and body."""

    url: str = ""
    answer: tuple[int, bytes] = (202, b"")
    heard: list[tuple[dict[str, str], str]] = field(default_factory=list)

    def claims(self, keys: dict[str, Any]) -> list[dict[str, Any]]:
        """The claims of every token, checked by a library that is not ours."""
        known = KeySet.import_key_set(keys)  # type: ignore[arg-type]
        found = []
        for _, token in self.heard:
            opened = jwt.decode(token, known, algorithms=["ES256"])
            assert opened.header["typ"] == "secevent+jwt"
            found.append(dict(opened.claims))
        return found


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver of this machine, until the end of the block."""
    told = Receiver()

    def hear(_: str, headers: dict[str, str], body: bytes) -> Answer:
        told.heard.append((headers, body.decode()))
        status, answer = told.answer
        return status, {}, answer

    with taking(hear) as address:
        told.url = f"{address}/events"
        yield told
