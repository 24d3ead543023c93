"""A walk by cursor on a real server, while others write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from threading import Event, Thread
from urllib.parse import urlencode

import pytest

from tests import server
from tests.server import Server

STEADY = 60
MOVERS = 20


@pytest.fixture(params=["sqlite", "postgresql"])
def scim(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server of each kind."""
    environment = {}
    if request.param == "postgresql":
        running = request.getfixturevalue("postgres_server")
        environment["SCIM_CONNECTOR_DATABASE_URL"] = running.create("walked")
    folder = tmp_path_factory.mktemp("walked")
    with server.running(folder, environment=environment) as served:
        yield served
    if environment:
        running.drop("walked")


def made(scim: Server, name: str) -> str:
    """The id of a new user."""
    email = f"{name}@contoso.com"
    body = {"userName": email, "emails": [{"value": email}], "displayName": name}
    answer = scim.send("POST", "/Users", body)
    assert answer.status == 201, answer.content
    return str(answer.body["id"])


class Writer(Thread):
    """Renames, removes and creates users until it is told to stop."""

    def __init__(self, scim: Server, movers: list[str]) -> None:
        """Write on a connection of its own."""
        super().__init__()
        self._scim = replace(scim, _client=None)
        self._movers = movers
        self.done = Event()
        self.failed: list[str] = []
        self.writes = 0

    def run(self) -> None:
        """Write as fast as it goes; a rename moves somebody through the whole list."""
        for number in count():
            if self.done.is_set():
                self._scim.disconnect()
                return
            mover = self._movers[number % len(self._movers)]
            if number % 10 == 9:
                self._take_out(number)
            else:
                letter = "abcxyz"[number % 6]
                self._send("PATCH", mover, "displayName", f"{letter}{number}")
            self.writes += 1

    def _take_out(self, number: int) -> None:
        self._scim.send("DELETE", f"/Users/{self._movers[0]}")
        self._movers = [*self._movers[1:], made(self._scim, f"new{number}")]

    def _send(self, method: str, user: str, path: str, value: str) -> None:
        body = {"Operations": [{"op": "replace", "path": path, "value": value}]}
        answer = self._scim.send(method, f"/Users/{user}", body)
        if answer.status != 200:
            self.failed.append(str(answer.content))


def test_a_walk_meets_everybody_once_while_others_write(scim: Server) -> None:
    """RFC 9865 section 4: nobody who is left alone is missed or met twice."""
    movers = [made(scim, f"mover{number}") for number in range(MOVERS)]
    steady = [made(scim, f"m{number:02}") for number in range(STEADY)]
    writer = Writer(scim, movers)
    writer.start()
    try:
        for asked in (
            {},
            {"sortBy": "displayName"},
            {"sortBy": "displayName", "sortOrder": "descending"},
            {"sortBy": "meta.lastModified", "filter": "active eq true"},
        ):
            met: Counter[str] = Counter()
            cursor: str | None = ""
            while cursor is not None:
                query = urlencode({**asked, "count": 3, "cursor": cursor})
                page = scim.send("GET", f"/Users?{query}").body
                met.update(one["id"] for one in page["Resources"])
                cursor = page.get("nextCursor")
            assert {user: met[user] for user in steady} == dict.fromkeys(steady, 1)
    finally:
        writer.done.set()
        writer.join()
    assert writer.writes > 0
    assert writer.failed == []
