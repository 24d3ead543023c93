"""Long work by the Admin API: told line by line, and carried to its end."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlsplit

import jsonschema_rs
import pytest

from scim_connector.directory import connections
from scim_connector.directory.database import Database
from scim_connector.directory.locking import WriterLock
from scim_connector.web.admin_api import progress, rehearsal, table
from scim_connector.web.admin_api.routes import Visit
from tests import admin_api
from tests.admin_api import ROOT, Caller
from tests.console import Office
from tests.house import operator
from tests.rehearsals import first_cycle
from tests.server import Reply

LINES = "application/jsonl"
PLAN = "/connections/{connection_id}/mappings/plan"
APPLY = "/connections/{connection_id}/mappings/apply"
JUDGE = "/connections/{connection_id}/rehearsal/judge"
LIVE = "/connections/{connection_id}/go-live"
#: The long routes whose lines the tests of their own subject read.
ELSEWHERE = {"/users/import/check", "/users/import", "/undo/plan", "/undo/run"}
SHOUT = ("value = '[name.familyName]'", "value = 'ToUpper([name.familyName])'")


def connection(
    office: Office, machine: Caller, name: str, *people: str, **more: Any
) -> int:
    """A connection of its own that has sent these people."""
    asked = {"name": name, "kind": "generic", **more}
    made = machine.done("POST", "/connections", asked)
    for each in people:
        email = f"{each}@contoso.com"
        sent = {
            "userName": email,
            "name": {"givenName": "Kim", "familyName": each},
            "emails": [{"value": email, "primary": True}],
        }
        told = office.scim.send("POST", "/Users", sent, token=made["token"])
        assert told.status == 201
    return int(made["connection"]["id"])


def shouting(machine: Caller, number: int) -> str:
    """A mapping that changes everybody of a connection."""
    text: str = machine.get(f"/connections/{number}/mappings/1")["text"]
    assert SHOUT[0] in text
    return text.replace(*SHOUT)


def in_lines(
    machine: Caller, path: str, body: Any = None, accept: str = LINES
) -> Reply:
    """The answer to whoever would rather have lines."""
    return machine.ask("POST", path, body, headers={"Accept": accept})


def lines_of(reply: Reply) -> list[Any]:
    """Every line of an answer as JSON."""
    assert reply.status == 200, reply.content
    assert reply.headers["content-type"] == LINES
    assert reply.content.endswith(b"\n")
    return [json.loads(line) for line in reply.content.splitlines()]


def promised(machine: Caller, path: str) -> Any:
    """What the document says of the lines of a route."""
    document = machine.get("/openapi.json")
    responses = document["paths"][f"{ROOT}{path}"]["post"]["responses"]
    schema = responses["200"]["content"][LINES]["schema"]
    return jsonschema_rs.validator_for({**schema, "components": document["components"]})


@contextmanager
def busy(office: Office) -> Iterator[None]:
    """Nobody else writes for the moment."""
    lock = WriterLock(office.scim.folder / "scim-connector.db.lock")
    try:
        with lock.held(5):
            yield
    finally:
        lock.close()


def test_every_long_route_ends_in_what_it_answers_otherwise(
    api_office: Office, machine: Caller
) -> None:
    """How far it is at once, then the very JSON that is answered without lines."""
    mapped = connection(api_office, machine, "lines.mapped", "lines.ann", "lines.bob")
    rehearsed = connection(
        api_office, machine, "lines.rehearsed", "lines.cem", rehearse=True
    )
    text = shouting(machine, mapped)
    asked: dict[str, tuple[int, Any]] = {
        PLAN: (mapped, {"text": text}),
        APPLY: (mapped, {"text": text, "changes": 2}),
        JUDGE: (rehearsed, None),
        LIVE: (rehearsed, {"name": "lines.rehearsed"}),
    }
    long = {each.path for each in table.ROUTES if each.is_long}
    assert long == set(asked) | ELSEWHERE
    for path, (number, body) in asked.items():
        here = path.format(connection_id=number)
        whole = machine.done("POST", here, body) if path in {PLAN, JUDGE} else None
        reply = in_lines(machine, here, body)
        told = lines_of(reply)

        lines = promised(machine, path)
        lines.validate(told)
        assert not lines.is_valid([*told, {"result": {"done": 1}}])
        people = 2 if number == mapped else 1
        assert told[0] == {"progress": {"done": 0, "of": people}}
        assert list(told[-1]) == ["result"]
        assert whole is None or told[-1]["result"] == whole
        assert reply.headers["x-accel-buffering"] == "no"
        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["x-request-id"]
    assert machine.get(f"/connections/{mapped}")["mapping"] == 2
    assert machine.get(f"/connections/{rehearsed}")["state"] == "live"


def test_lines_are_told_from_either_database(database: Database) -> None:
    """The work has a thread of its own, and with it a connection of its own."""
    entra, ids = first_cycle(database)
    office = SimpleNamespace(database=database)
    places = {"connection_id": entra.connection.id}
    body = {"name": entra.connection.name}
    visit = cast(
        "Visit",
        SimpleNamespace(
            office=office,
            reader=database.reader(),
            places=places,
            body=body,
            act=operator,
        ),
    )
    for view, state in (
        (rehearsal.judge_rehearsal, "rehearsing"),
        (rehearsal.go_live, "live"),
    ):
        answer = progress.lines(view(visit), "request")
        told = [json.loads(line) for line in answer.body]

        assert told[0] == {"progress": {"done": 0, "of": len(ids)}}
        counts = {"link": 2, "create": 3, "restore": 0, "refuse": 0}
        assert told[-1]["result"]["counts"] == counts
        held = connections.required(database.reader(), entra.connection.id)
        assert held.state == state


def test_what_refuses_the_work_is_the_last_line(
    api_office: Office, machine: Caller
) -> None:
    """A problem as it is answered otherwise, with its own status; nothing is changed."""
    number = connection(api_office, machine, "lines.refused", "lines.dora")
    path = f"/connections/{number}"
    body = {"text": shouting(machine, number)}
    whole = machine.refused(409, "POST", f"{path}/mappings/apply", body)

    told = lines_of(in_lines(machine, f"{path}/mappings/apply", body))
    nobody = lines_of(in_lines(machine, f"{path}/go-live", {"name": "lines.refused"}))

    promised(machine, APPLY).validate(told)
    problem = told[-1]["problem"]
    assert problem | {"request_id": ""} == whole | {"request_id": ""}
    assert 'send "changes": 1' in problem["detail"]
    assert machine.get(path)["mapping"] == 1
    promised(machine, LIVE).validate(nobody)
    assert nobody[-1]["problem"]["status"] == 400


def test_what_is_refused_before_it_begins_has_its_status(
    api_office: Office, machine: Caller
) -> None:
    """A mapping that cannot be read, nobody there, no permission: no line is written."""
    number = connection(api_office, machine, "lines.before")
    here = f"/connections/{number}"
    looker = admin_api.program(api_office, "looker.lines", "provisioning.view")
    stranger = admin_api.nobody(api_office)
    for caller, path, body, status in (
        (machine, f"{here}/mappings/plan", {"text": "= ="}, 400),
        (machine, f"{here}/mappings/plan", {}, 400),
        (machine, f"{here}/go-live", {"name": "other"}, 400),
        (machine, "/connections/999999/rehearsal/judge", None, 404),
        (looker, f"{here}/rehearsal/judge", None, 403),
        (stranger, f"{here}/rehearsal/judge", None, 401),
    ):
        told = in_lines(caller, path, body)

        assert told.status == status
        assert told.headers["content-type"] == "application/problem+json"
        assert told.body["status"] == status


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (LINES, LINES),
        (f"{LINES}, application/problem+json", LINES),
        (f"application/json;q=0.5, {LINES}", LINES),
        ("application/json", "application/json"),
        (f"application/json, {LINES};q=0.5", "application/json"),
        (f"{LINES};q=0", "application/json"),
        ("*/*", "application/json"),
        ("text/html, */*;q=0.1", "application/json"),
        ("nonsense", "application/json"),
    ],
)
def test_lines_are_for_whoever_would_rather_have_them(
    machine: Caller, accept: str, kind: str
) -> None:
    """Everybody else is answered once, in the end."""
    (first, *_) = machine.get("/connections")["items"]
    path = f"/connections/{first['id']}/rehearsal/judge"

    assert in_lines(machine, path, None, accept).headers["content-type"] == kind


def test_short_work_is_answered_at_once(machine: Caller) -> None:
    """Where there is nothing to tell there are no lines."""
    told = machine.ask("GET", "/users", headers={"Accept": LINES})

    assert told.headers["content-type"] == "application/json"
    assert told.body["items"]


def _opened(office: Office, machine: Caller, path: str, body: Any) -> socket.socket:
    """A request on a connection of its own, which is answered when it pleases."""
    place = urlsplit(office.address)
    content = json.dumps(body).encode()
    head = [
        f"POST {ROOT}{path} HTTP/1.1",
        f"Host: {place.netloc}",
        f"Accept: {LINES}",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        *(f"{name}: {value}" for name, value in machine.headers.items()),
    ]
    line = socket.create_connection((str(place.hostname), place.port or 80), timeout=20)
    line.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + content)
    return line


def _until(line: socket.socket, wanted: bytes) -> bytes:
    """What came, up to and with *wanted*."""
    came = b""
    while wanted not in came:
        part = line.recv(65_536)
        assert part, came
        came += part
    return came


def test_it_is_told_while_the_work_goes_on(api_office: Office, machine: Caller) -> None:
    """A line is there before the work is done, and another a second later."""
    number = connection(api_office, machine, "lines.slow", "lines.edda")
    path = f"/connections/{number}/mappings/plan"
    with busy(api_office):
        line = _opened(api_office, machine, path, {"text": shouting(machine, number)})
        came = _until(line, b'{"progress":{"done":0,"of":1}}\n')
        assert b'"result"' not in came
        came += _until(line, b'{"progress":{"done":0,"of":1}}\n')
        assert b'"result"' not in came
    with line:
        assert _until(line, b'{"result":')


def test_the_work_is_carried_to_its_end_if_who_asked_leaves(
    api_office: Office, machine: Caller
) -> None:
    """Gone after the first line, when nothing was written yet; it is applied anyway."""
    number = connection(api_office, machine, "lines.left", "lines.fritz")
    body = {"text": shouting(machine, number), "changes": 1}
    with busy(api_office):
        path = f"/connections/{number}/mappings/apply"
        with _opened(api_office, machine, path, body) as line:
            _until(line, b'{"progress":{"done":0,"of":1}}\n')
        assert machine.get(f"/connections/{number}")["mapping"] == 1

    deadline = time.monotonic() + 10
    while machine.get(f"/connections/{number}")["mapping"] == 1:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    (user,) = machine.get("/users", words="lines.fritz@contoso.com")["items"]
    assert user["last_name"] == "LINES.FRITZ"
