"""A list of users by the Admin API: checked, seen, written; and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests import admin_api
from tests.admin_api import Caller
from tests.console import Office
from tests.digest import digest_of_server


def _row(name: str, initials: str, **more: Any) -> dict[str, Any]:
    email = f"{name}@contoso.com"
    return {"username": name, "email": email, "initials": initials, **more}


def _check(machine: Caller, *rows: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = machine.done(
        "POST", "/users/import/check", {"users": list(rows)}
    )
    return told


def _known(machine: Caller, username: str) -> list[Any]:
    found = machine.get("/users", words=username)["items"]
    return [each for each in found if each["username"] == username]


def test_a_list_is_checked_then_written(api_office: Office, machine: Caller) -> None:
    """New ones are created, the known one is changed; again it is nothing to do."""
    machine.done("POST", "/users", {"kind": "person", **_row("api.imp.old", "AIO")})
    rows = [
        _row(
            "api.imp.new", "AIN", first_name="Anna", type="teacher", roles=["Auditor"]
        ),
        _row("api.imp.off", "AIF", active=False),
        _row("api.imp.old", "AIO", last_name="New"),
    ]
    before = digest_of_server(api_office.scim.folder)

    told = _check(machine, *rows)
    kept = digest_of_server(api_office.scim.folder)
    body = {"users": rows, "seen": told["seen"]}
    done = machine.done("POST", "/users/import", body)
    again = _check(machine, *rows)

    assert kept == before
    assert told["counts"] == {"create": 2, "change": 1, "nothing": 0, "refuse": 0}
    assert (told["mailed"], told["deactivated"]) == (1, 0)
    assert told["rows"][2] == {
        "line": 3,
        "username": "api.imp.old",
        "action": "change",
        "problems": [],
        "changes": [{"field": "last name", "before": "", "after": "New"}],
    }
    assert done == {"created": 2, "changed": 1, "unchanged": 0, "refused": []}
    assert again["counts"]["nothing"] == 3
    (new,) = _known(machine, "api.imp.new")
    (off,) = _known(machine, "api.imp.off")
    assert (new["active"], off["active"]) == (True, False)
    user = machine.get(f"/users/{new['id']}")
    assert "Auditor" in json.dumps(user["roles"])


def test_a_refused_row_keeps_everything_out_unless_left_out(machine: Caller) -> None:
    """All or nothing; the good rows where that is said, each refusal with its line."""
    rows = [_row("api.imp.good", "AIG"), _row("api.imp.bad", "AIB", roles=["No role"])]
    told = _check(machine, *rows)
    body = {"users": rows, "seen": told["seen"]}

    nothing = machine.refused(400, "POST", "/users/import", body)
    there = _known(machine, "api.imp.good")
    some = machine.done("POST", "/users/import", body | {"without_refused": True})

    assert "1 row is refused, so nothing was written" in nothing["detail"]
    assert "`without_refused`" in nothing["detail"]
    assert there == []
    why = 'There is no role "No role"; add it first.'
    assert told["rows"][1]["problems"] == [why]
    assert some["created"] == 1
    assert some["refused"] == [{"line": 2, "username": "api.imp.bad", "why": why}]


def test_who_loses_access_is_named_and_agreed_to(machine: Caller) -> None:
    """Nobody becomes inactive by a list that was not looked at for that."""
    row = _row("api.imp.leaver", "AIL")
    machine.done("POST", "/users", {"kind": "person", **row})
    told = _check(machine, row | {"active": False})
    body = {"users": [row | {"active": False}], "seen": told["seen"]}

    unseen = machine.refused(400, "POST", "/users/import", body)
    (still,) = _known(machine, "api.imp.leaver")
    done = machine.done("POST", "/users/import", body | {"deactivate": True})
    (left,) = _known(machine, "api.imp.leaver")

    assert told["deactivated"] == 1
    assert "1 user is made inactive" in told["consequences"][0]
    assert "`deactivate`" in unseen["detail"]
    assert (still["active"], done["changed"], left["active"]) == (True, 1, False)


def test_what_was_not_seen_is_not_written(machine: Caller) -> None:
    """Between looking and writing somebody took the username: check it again."""
    row = _row("api.imp.race", "AIR")
    seen = _check(machine, row)["seen"]
    machine.done("POST", "/users", {"kind": "person", **row})

    told = machine.refused(400, "POST", "/users/import", {"users": [row], "seen": seen})

    assert "The users have changed since you looked" in told["detail"]


def test_an_import_tells_how_far_it_is(machine: Caller) -> None:
    """Line by line: each row is checked, once more, and written."""
    row = _row("api.imp.lines", "AIS")
    headers: dict[str, str | None] = {"Accept": "application/jsonl"}

    def lines(path: str, body: dict[str, Any]) -> list[Any]:
        told = machine.ask("POST", path, body, headers=headers)
        assert told.headers["content-type"] == "application/jsonl"
        return [json.loads(line) for line in told.content.splitlines()]

    check = lines("/users/import/check", {"users": [row]})
    seen = check[-1]["result"]["seen"]
    done = lines("/users/import", {"users": [row], "seen": seen})

    assert check[0] == {"progress": {"done": 0, "of": 1}}
    assert done[0] == {"progress": {"done": 0, "of": 2}}
    assert done[-1]["result"]["created"] == 1


@pytest.mark.parametrize(
    "users",
    [
        *([], [{"username": "x"}], [_row("x", "X", type="robot")]),
        *([_row("x", "X", active="yes")], [_row("x", "X", shoes="red")]),
    ],
)
def test_rows_that_are_none_are_refused(machine: Caller, users: list[Any]) -> None:
    """400 for an empty list, a missing member, and one that does not fit."""
    machine.refused(400, "POST", "/users/import/check", {"users": users})


def test_nobody_gives_more_than_they_may_themselves(
    api_office: Office, machine: Caller
) -> None:
    """A list is no way to become an Administrator (R33)."""
    clerk = admin_api.program(api_office, "import.clerk", "users.view", "users.create")

    told = _check(clerk, _row("api.imp.boss", "AIZ", roles=["Administrator"]))

    assert told["counts"]["refuse"] == 1
    assert told["rows"][0]["problems"]
