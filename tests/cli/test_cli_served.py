"""The command line beside a server that answers: one house, both at work."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import sleep
from typing import Any
from uuid import uuid4

import pytest

from tests import server
from tests.server import PROGRAM, Reply, Server

FIRST_NAME = "value = '[name.givenName]'"


@pytest.fixture(scope="module")
def scim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all of these tests; each has a connection of its own."""
    with server.running(tmp_path_factory.mktemp("served")) as served:
        yield served


def _name() -> str:
    return f"p{uuid4().hex[:8]}"


def _person(user_name: str, **more: Any) -> dict[str, Any]:
    return {
        "userName": user_name,
        "name": {"givenName": "Kim", "familyName": "Doe"},
        "emails": [{"type": "work", "value": user_name, "primary": True}],
        **more,
    }


def _patch(scim: Server, link_id: str, token: str, **values: Any) -> Reply:
    operations = [{"op": "replace", "path": n, "value": v} for n, v in values.items()]
    return scim.send(
        "PATCH", f"/Users/{link_id}", {"Operations": operations}, token=token
    )


def _refused(scim: Server, *arguments: str) -> str:
    """What a command says that is refused: exit code 2, one sentence on stderr."""
    run = subprocess.run(
        [*PROGRAM, *arguments],
        cwd=scim.folder,
        env=dict(scim.environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 2, (run.stdout, run.stderr)
    assert run.stderr.splitlines()[-1].startswith("Error: ")
    assert "Traceback" not in run.stderr
    return run.stderr


def _shown(scim: Server, *arguments: str) -> Any:
    return json.loads(scim.cli(*arguments, "--json"))


def test_a_managed_field_says_whose_it_is(scim: Server) -> None:
    """Refused with the connection's name; --override holds until the provider moves."""
    name = _name()
    token = scim.connection(name, "--kind", "entra")
    email = f"{name}@contoso.com"
    made = scim.send("POST", "/Users", _person(email), token=token)
    assert made.status == 201

    said = _refused(scim, "user", "edit", email, "--email", f"new.{email}")
    scim.cli("user", "edit", email, "--email", f"new.{email}", "--override")
    shown = _shown(scim, "user", "show", email)
    again = scim.send(
        "PUT", f"/Users/{made.body['id']}", _person(email, title="A"), token=token
    )
    held = _shown(scim, "user", "show", email)

    assert name in said
    assert "--override" in said or "override" in said
    assert (shown["email"], shown["changed here"]) == (f"new.{email}", ["email"])
    assert shown["managed by"] == name
    assert shown["SCIM id"] == made.body["id"]
    assert again.status == 200
    assert held["email"] == f"new.{email}"


def test_pause_serves_reads_and_deactivations(scim: Server) -> None:
    """Everything else is 503 with Retry-After and the reason, until it is resumed."""
    name = _name()
    token = scim.connection(name, "--kind", "okta")
    email = f"{name}@contoso.com"
    made = scim.send("POST", "/Users", _person(email), token=token).body["id"]
    scim.cli("connection", "pause", name)

    read = scim.send("GET", f"/Users/{made}", token=token)
    posted = scim.send("POST", "/Users", _person(f"x{email}"), token=token)
    titled = _patch(scim, made, token, title="Lead")
    ended = _patch(scim, made, token, active=False)
    scim.cli("connection", "resume", name)
    after = _patch(scim, made, token, title="Lead")

    assert [read.status, posted.status, titled.status, ended.status] == [
        200,
        503,
        503,
        200,
    ]
    assert int(posted.headers["retry-after"]) > 0
    assert f"Connection {name} is paused" in posted.body["detail"]
    assert after.status == 200
    assert _shown(scim, "user", "show", email)["active"] is False


def test_retire_leaves_people_and_takes_over_moves_them(scim: Server) -> None:
    """Tokens die first; the new connection adopts; people stay active (D13)."""
    old, new = _name(), _name()
    token = scim.connection(old, "--kind", "entra")
    email = f"{old}@contoso.com"
    assert scim.send("POST", "/Users", _person(email), token=token).status == 201
    scim.cli("connection", "retire", old)

    refused = scim.send("GET", "/Users", token=token)
    unmanaged = _shown(scim, "user", "show", email)
    later = scim.connection(new, "--kind", "okta", "--takes-over", old)
    moved = scim.send("POST", "/Users", _person(email), token=later)
    managed = _shown(scim, "user", "show", email)

    assert refused.status == 401
    assert unmanaged["active"] is True
    assert moved.status == 201, moved.body
    assert (managed["managed by"], managed["active"]) == (new, True)


def test_a_token_revoked_here_is_refused_there(scim: Server) -> None:
    """Create prints the token alone; list shows its use; revoke works at once."""
    name = _name()
    token = scim.connection(name, "--kind", "generic")
    assert scim.send("GET", "/Users", token=token).status == 200
    sleep(1.6)
    used = [t for t in _shown(scim, "token", "list") if t["connection"] == name]
    scim.cli("token", "revoke", used[0]["id"])

    assert used[0]["last used"] != "-"
    refused = scim.send("GET", "/Users", token=token)
    assert refused.status == 401
    assert "This token is revoked" in refused.body["detail"]


def test_a_clash_is_listed_explained_and_linked(scim: Server) -> None:
    """409, one entry in the queue with the command to paste, then 201 (D11)."""
    name = _name()
    email = f"{name}@contoso.com"
    scim.cli("user", "add", "--email", email, "--first", "Kim", "--last", "Doe")
    token = scim.connection(name, "--kind", "entra")
    refused = [
        scim.send("POST", "/Users", _person(email), token=token) for _ in range(2)
    ]
    waiting = [c for c in _shown(scim, "conflict", "list") if c["connection"] == name]
    entry = _shown(scim, "conflict", "show", str(waiting[0]["id"]))
    program, *command = entry["remedies"][0]["command"].split()
    scim.cli(*command)
    linked = scim.send("POST", "/Users", _person(email), token=token)
    left = [c for c in _shown(scim, "conflict", "list") if c["connection"] == name]

    assert [answer.status for answer in refused] == [409, 409]
    assert [(c["kind"], c["times"]) for c in waiting] == [("email_taken", 2)]
    assert program == "scim-connector"
    assert linked.status == 201, linked.body
    assert left == []
    scim.cli("user", "unlink", email)
    gone = scim.send("GET", f"/Users/{linked.body['id']}", token=token)
    assert gone.status == 404
    assert _shown(scim, "user", "show", email)["managed by"] == "nobody but us"


def test_the_log_tells_what_failed_and_why(scim: Server) -> None:
    """List --failures names the request, show has its steps, --bodies what was sent."""
    name = _name()
    token = scim.connection(name, "--kind", "entra")
    bad = _person("kim", emails=[{"value": "nobody"}], password="hunter2-secret")
    refused = scim.send("POST", "/Users", bad, token=token)
    searched = scim.send("GET", "/Users?filter=nonsense", token=token)
    empty = scim.send("POST", "/Users", b"{", token=token)
    request_id = refused.headers["x-request-id"]
    sleep(1.6)
    listed = _shown(scim, "log", "list", "--failures", "--connection", name)
    steps = _shown(scim, "log", "show", request_id)["steps"]
    bodies = scim.cli("log", "show", request_id, "--bodies")

    assert [a.status for a in (refused, searched, empty)] == [400] * 3
    assert {row["request id"] for row in listed} == {
        a.headers["x-request-id"] for a in (refused, searched, empty)
    }
    assert [step["step"] for step in steps] == [
        "authenticate",
        "match",
        "map",
        "check rules",
        "write",
        "notify",
    ]
    assert "nobody" in bodies
    assert "hunter2-secret" not in bodies


def test_a_mapping_that_moves_many_wants_their_number(scim: Server) -> None:
    """Plan shows who would change; apply refuses more than 5 % unless named."""
    name = _name()
    token = scim.connection(name, "--kind", "generic")
    for number in range(3):
        person = _person(f"{name}{number}@contoso.com", displayName=f"Zoe {number}")
        assert scim.send("POST", "/Users", person, token=token).status == 201
    file = scim.folder / f"{name}.toml"
    scim.cli("mapping", "new", file.name, "--from", "generic")
    text = file.read_text()
    assert text.count(FIRST_NAME) == 1
    file.write_text(text.replace(FIRST_NAME, "value = '[displayName]'"))
    planned = scim.cli("mapping", "plan", name, file.name)
    refused = _refused(scim, "mapping", "apply", name, file.name)
    before = _shown(scim, "mapping", "versions", name)
    applied = scim.cli("mapping", "apply", name, file.name, "--changes", "3")

    assert "3 of 3 users would change" in planned
    assert "3" in refused
    assert len(before) == 1
    assert "Version 2 is applied" in applied
    seen = scim.send("GET", "/Users", token=token)
    assert seen.body["totalResults"] == 3


def test_keys_are_rotated_without_a_gap(tmp_path: Path) -> None:
    """Tokens made before and after the rotation open the door after a restart."""
    with server.running(tmp_path) as scim:
        old, environment = scim.token, scim.environment
        scim.cli("keys", "rotate")
        new = scim.cli("token", "create", "default").strip()
        assert scim.send("GET", "/Users", token=old).status == 200
    port = server.free_port()
    again = subprocess.Popen(
        [*PROGRAM, "serve", "--port", str(port)],
        cwd=tmp_path,
        env=dict(environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    served = Server(f"http://127.0.0.1:{port}/scim/v2", old, tmp_path, again, {})
    statuses = []
    for token in (old, new):
        for _ in range(100):
            try:
                statuses.append(served.send("GET", "/Users", token=token).status)
                break
            except OSError:
                sleep(0.1)
    served.disconnect()
    again.terminate()

    assert again.wait(10) == 0
    assert statuses == [200, 200]


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("UPDATE link_counts SET live = live + 1", "count"),
        ("UPDATE audit_seals SET hash = 'x'", "audit"),
    ],
)
def test_db_check_finds_what_was_meddled_with(
    tmp_path: Path, sql: str, told: str
) -> None:
    """Exit code 1 and a line for each finding (decision 35)."""
    with server.running(tmp_path) as scim:
        scim.send("POST", "/Users", _person("kim@contoso.com"))
        sleep(1.6)
        environment = scim.environment
    with closing(sqlite3.connect(tmp_path / "scim-connector.db")) as raw, raw:
        for (trigger,) in raw.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            raw.execute(f"DROP TRIGGER {trigger}")
        assert raw.execute(sql).rowcount
    run = subprocess.run(
        [*PROGRAM, "db", "check"],
        cwd=tmp_path,
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert run.returncode == 1, run.stderr
    assert told in run.stdout
