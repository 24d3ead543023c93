"""Recorded conversations of providers, replayed against the real server process."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import server
from tests.exchanges import replay
from tests.exchanges.matching import ABSENT, differences
from tests.exchanges.replay import Exchange, Replay

if TYPE_CHECKING:
    from tests.server import Reply, Server

EXCHANGES = replay.all_exchanges()
LOCAL = "urn:ietf:params:scim:schemas:extension:scim_connector:2.0:User"

USER_TRACES = frozenset(
    [f"T{number}" for number in (*range(1, 26), 33, *range(40, 52), 59, 60)]
    + [f"T{number}" for number in (70, 71, 72, 74, 76)]
)
"""The traces of vendors' conversations that concern users."""


@pytest.fixture(scope="module")
def scim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all conversations."""
    with server.running(tmp_path_factory.mktemp("exchanges")) as running:
        yield running


@pytest.fixture(scope="module")
def tokens(scim: Server) -> dict[str, str]:
    """A connection for every conversation; the token by the connection's name."""
    wanted = [
        (exchange.connection_name(label), flags)
        for exchange in EXCHANGES
        for label, flags in exchange.connections.items()
    ]
    added = [("connection", "add", name, *flags) for name, flags in wanted]
    made = [("token", "create", name) for name, _ in wanted]
    outputs = scim.cli_batch([*added, *made])[len(added) :]
    return {
        name: output.split()[-1]
        for (name, _), output in zip(wanted, outputs, strict=True)
    }


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange.id)
def test_recorded_exchange(
    exchange: Exchange, scim: Server, tokens: dict[str, str]
) -> None:
    """Every step is answered as recorded, and what is refused changes nothing."""
    own = {
        label: tokens[exchange.connection_name(label)] for label in exchange.connections
    }

    Replay(exchange, scim, own).run()


def test_every_trace_of_users_has_an_exchange() -> None:
    """No conversation that is known of a provider is left out."""
    assert USER_TRACES - {exchange.trace for exchange in EXCHANGES} == set()


def test_one_of_many_simultaneous_creates_wins(scim: Server) -> None:
    """Twenty POSTs of one user at once make one user, and 409 for the rest."""
    body = {
        "userName": "race.winner@example.com",
        "name": {"givenName": "Race", "familyName": "Winner"},
        "emails": [{"value": "race.winner@example.com"}],
    }

    replies = _at_once(scim, [("POST", "/Users", body)] * 20)

    assert sorted(reply.status for reply in replies) == [201] + [409] * 19
    assert {reply.body.get("scimType") for reply in replies} == {None, "uniqueness"}
    found = scim.send("GET", "/Users?filter=userName%20sw%20%22race.winner%22").body
    assert found["totalResults"] == 1


def test_simultaneous_creates_get_initials_of_their_own(scim: Server) -> None:
    """Twenty people of one name at once are twenty users with different values."""
    bodies = [
        {
            "userName": f"qi.yoo@d{number}.example.com",
            "name": {"givenName": "Qi", "familyName": "Yoo"},
            "emails": [{"value": f"qi.yoo{number}@example.com"}],
        }
        for number in range(20)
    ]

    replies = _at_once(scim, [("POST", "/Users", body) for body in bodies])

    assert [reply.status for reply in replies] == [201] * 20
    asked = [f"/Users/{r.body['id']}?attributes={LOCAL}:local" for r in replies]
    local = [scim.send("GET", path).body[LOCAL]["local"] for path in asked]
    assert len({one["initials"].casefold() for one in local}) == 20
    assert len({one["username"].lower() for one in local}) == 20


def _at_once(
    scim: Server, requests: Sequence[tuple[str, str, dict[str, object]]]
) -> list[Reply]:
    """Send each request on a connection of its own, all of them together."""

    def send(request: tuple[str, str, dict[str, object]]) -> Reply:
        method, path, body = request
        own = replace(scim, _client=None)
        try:
            return own.send(method, path, body)
        finally:
            own.disconnect()

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(send, requests))


# --------------------------------------------------------------- the replayer itself


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ({"a": 1}, {"a": 1, "b": 2}),
        ([{"a": 1}], [{"a": 1, "b": 2}]),
        ({"a": {"$absent": True}}, {}),
        ({"$any": "uuid"}, "3f1c2b7e-9d0a-4c55-8a51-0c9c2f6f1d11"),
        ({"$any": "dateTime"}, "2026-05-13T04:42:34.123456Z"),
        ({"$matches": "^a"}, "abc"),
        ({"$contains": [{"v": 1}], "$length": 2}, [{"v": 2}, {"v": 1}]),
        ({"$lacks": [{"v": 3}]}, [{"v": 2}]),
        ({"$only": {"v": 1}}, {"v": 1}),
        ({"$not": 1}, 2),
    ],
)
def test_what_fits_has_no_differences(expected: object, actual: object) -> None:
    """Objects are subsets, lists are whole, matchers accept what they should."""
    assert differences(expected, actual) == []


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ({"a": 1}, {}),
        ({"a": 1}, {"a": True}),
        ({"a": 1}, {"a": 1.0}),
        ({"a": 1}, [1]),
        ([1], [1, 2]),
        ([1], "1"),
        ({"a": {"$absent": True}}, {"a": None}),
        ({"$any": "uuid"}, "7"),
        ({"$any": "dateTime"}, "2026-05-13T04:42:34"),
        ({"$any": "value"}, ABSENT),
        ({"$matches": "^b"}, "abc"),
        ({"$contains": [{"v": 3}]}, [{"v": 2}]),
        ({"$lacks": [{"v": 2}]}, [{"v": 2}]),
        ({"$only": {"v": 1}}, {"v": 1, "w": 2}),
        ({"$length": 1}, []),
        ({"$not": 1}, 1),
    ],
)
def test_what_does_not_fit_is_told(expected: object, actual: object) -> None:
    """A wrong answer never passes: type, number and absence included."""
    assert differences(expected, actual) != []


def test_a_wrong_expectation_fails(scim: Server, tmp_path: Path) -> None:
    """An answer that is not as recorded fails, with the step and what differs."""
    exchange = _written(tmp_path, {"status": 200, "body": {"totalResults": -1}})

    with pytest.raises(replay.Mismatch, match=r"step 0(?s:.)*totalResults"):
        Replay(exchange, scim, {"main": scim.token}).run()


def test_a_misspelt_expectation_is_no_exchange(tmp_path: Path) -> None:
    """A member nobody reads is refused when the file is loaded."""
    with pytest.raises(ValueError, match="statsu"):
        _written(tmp_path, {"statsu": 200})


def _written(folder: Path, expect: dict[str, object]) -> Exchange:
    path = folder / "wrong.json"
    step = {"request": {"method": "GET", "path": "/Users?count=0"}, "expect": expect}
    stated = {
        "name": "n",
        "trace": "t",
        "source": "s",
        "connections": {"main": {"kind": "generic"}},
        "steps": [step],
    }
    path.write_text(json.dumps(stated))
    return replay.load(path)
