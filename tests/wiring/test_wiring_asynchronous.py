"""Asynchronous requests of a real server, carried out by processes that are killed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from tests import postgres, server
from tests.server import PROGRAM, Server

PREFER = {"Prefer": "respond-async"}
#: A worker that is killed within a bulk request holds it for ten seconds more.
PATIENCE = 60.0


@pytest.fixture(params=["sqlite", "postgresql"])
def environment(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The settings of a house on each of the two databases."""
    if request.param == "sqlite":
        yield {}
        return
    made: postgres.Postgres = request.getfixturevalue("postgres_server")
    url = made.create("asynchronous")
    yield {"SCIM_CONNECTOR_DATABASE_URL": url}
    made.drop("asynchronous")


def _person(name: str) -> dict[str, Any]:
    mail = f"{name}@contoso.com"
    return {"userName": mail, "emails": [{"value": mail, "primary": True}]}


def _ask(scim: Server, method: str, path: str, body: Any = None) -> str:
    """Ask for a change later; returns where its result will be."""
    taken = scim.send(method, path, body, headers=PREFER)
    assert (taken.status, taken.content) == (202, b""), taken
    assert taken.headers["location"].endswith(taken.headers["set-txn"])
    return taken.headers["location"].removeprefix(scim.base_url)


def _result(scim: Server, place: str) -> list[dict[str, Any]]:
    """The operations of a result, as soon as there is one."""
    answer = _until(lambda: _there(scim, place))
    operations: list[dict[str, Any]] = answer["Operations"]
    return operations


def _there(scim: Server, place: str) -> Any:
    answer = scim.send("GET", place)
    assert answer.status in {200, 202}
    return answer.body


def _until(look: Callable[[], Any]) -> Any:
    deadline = monotonic() + PATIENCE
    while monotonic() < deadline:
        if found := look():
            return found
        sleep(0.02)
    pytest.fail(f"not within {PATIENCE} s")


def _total(scim: Server, begins: str) -> int:
    """How many people there are whose userName begins so."""
    query = f"/Users?count=0&filter=userName%20sw%20%22{begins}%22"
    return int(scim.send("GET", query).body["totalResults"])


@contextmanager
def _working(scim: Server) -> Iterator[subprocess.Popen[bytes]]:
    """A process of its own that carries out what waits; it is killed at the end."""
    process = subprocess.Popen(
        [*PROGRAM, "worker"],
        cwd=scim.folder,
        env=dict(scim.environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_deactivation_asked_for_later_is_not_late(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    """The server itself carries it out, within a second or so of the 202."""
    with server.running(tmp_path, environment=environment) as scim:
        [made] = _result(scim, _ask(scim, "POST", "/Users", _person("kim")))
        kim = made["location"].removeprefix(scim.base_url)
        operation = {"op": "replace", "path": "active", "value": False}

        asked_at = monotonic()
        place = _ask(scim, "PATCH", kim, {"Operations": [operation]})
        _until(lambda: scim.send("GET", kim).body["active"] is False)
        took = monotonic() - asked_at

        assert made["status"] == "201"
        assert _result(scim, place)[0]["status"] == "200"
        assert took < 5.0


def test_who_is_killed_in_the_middle_did_each_once_or_not_at_all(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    """Kill -9 amid single requests, then amid a bulk request: nothing twice or lost."""
    settings = environment | {"SCIM_CONNECTOR_DELIVER": "no"}
    with server.running(tmp_path, environment=settings) as scim:
        singles = [_ask(scim, "POST", "/Users", _person(f"one{n}")) for n in range(120)]
        bulk = _ask(scim, "POST", "/Bulk", _bulk(150))
        last = _ask(scim, "POST", "/Users", _person("last"))

        with _working(scim):
            _until(lambda: _total(scim, "one") > 20)
        between = _total(scim, "one")
        with _working(scim):
            _until(lambda: _total(scim, "many") > 20)
        amid = _total(scim, "many")
        with _working(scim):
            results = [_result(scim, place) for place in (*singles, bulk, last)]

        assert 20 < between < 120
        assert 20 < amid < 150
        assert {each["status"] for told in results for each in told} == {"201"}
        assert [len(told) for told in results] == [1] * 120 + [151, 1]
        assert (_total(scim, "one"), _total(scim, "many")) == (120, 150)
        _assert_each_told_once(scim, 271)
        # A worker that is told no public_url gives out that of its own settings.
        group = results[-2][0]["location"].partition("/scim/v2")[2]
        assert len(scim.send("GET", group).body["members"]) == 150


def _bulk(people: int) -> dict[str, Any]:
    """A group of many people, which stands before all of them."""
    names = [f"many{number}" for number in range(people)]
    members = [{"value": f"bulkId:{name}"} for name in names]
    group = {"displayName": "Many", "members": members}
    operations = [
        {"method": "POST", "path": "/Groups", "bulkId": "group", "data": group},
        *(
            {"method": "POST", "path": "/Users", "bulkId": name, "data": _person(name)}
            for name in names
        ),
    ]
    return {"Operations": operations}


def _assert_each_told_once(scim: Server, people: int) -> None:
    """Audit and log have every creation once, each under its own request."""
    listed, logged = scim.cli_batch(
        [
            ["audit", "list", "--limit", "10000", "--json"],
            ["log", "list", "--limit", "1000", "--json"],
        ]
    )
    events = [each for each in json.loads(listed) if each["event"] == "user:created"]
    created = [
        each["identity"]
        for each in json.loads(logged)
        if each["action"] == "Create" and each["identity"] != "Many"
    ]
    assert len(events) == people
    assert sorted(created) == sorted(set(created))
    assert len(created) == people


def test_what_waits_is_seen(tmp_path: Path) -> None:
    """Where nothing carries requests out, the log, metrics and the worker say so."""
    settings = {"SCIM_CONNECTOR_DELIVER": "no"}
    with server.running(tmp_path, environment=settings) as scim:
        place = _ask(scim, "POST", "/Users", _person("kim"))

        waits = json.loads(scim.cli("log", "waiting", "--json"))
        figures = scim.cli("metrics")
        done = scim.cli("worker", "--once")

        assert [each["request id"] for each in waits] == [place.rpartition("/")[2]]
        assert waits[0]["path"] == "/scim/v2/Users"
        assert 'scim_connector_async_requests{connection="default"} 1.0' in figures
        assert "1 requests carried out." in done
        assert _result(scim, place)[0]["status"] == "201"
        assert json.loads(scim.cli("log", "waiting", "--json")) == []
