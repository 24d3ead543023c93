"""An application's logout address: what it hears, and what it answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from tests.posts import Answer, taking


@dataclass
class Application:
    """What an application hears at its logout address, and what it answers."""

    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    heard: list[tuple[str, dict[str, list[str]]]] = field(default_factory=list)

    @property
    def tokens(self) -> list[str]:
        """The logout tokens, the first one first."""
        return [form["logout_token"][0] for _, form in self.heard]


@contextmanager
def listening() -> Iterator[Application]:
    """An application of this machine, until the end of the block."""
    told = Application()

    def hear(_: str, headers: dict[str, str], body: bytes) -> Answer:
        told.heard.append((headers["Content-Type"], parse_qs(body.decode())))
        return told.status, told.headers, b""

    with taking(hear) as address:
        told.url = f"{address}/logout"
        yield told
