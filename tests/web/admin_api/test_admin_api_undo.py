"""Undo by the Admin API: planned, done, told again later, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests import admin_api
from tests.admin_api import Caller
from tests.console import Office
from tests.digest import digest_of_server
from tests.house import patch_of


def _changed(office: Office, name: str) -> str:
    """Somebody whose last name a provider changed; the username."""
    username = f"{name}@contoso.com"
    scim_id = office.person(username, name={"givenName": "Kim", "familyName": "Right"})
    body = patch_of(**{"name.familyName": f"Wrong {name}"})
    assert office.scim.send("PATCH", f"/Users/{scim_id}", body).status == 200
    return username


def _last_name(machine: Caller, username: str) -> Any:
    (row,) = machine.get("/users", words=username)["items"]
    return machine.get(f"/users/{row['id']}")["last_name"]


def test_a_plan_writes_nothing_and_the_run_puts_back(
    api_office: Office, machine: Caller
) -> None:
    """The plan names both values; run again everything is as it was already."""
    name = _changed(api_office, "undo.api")
    batch = {"user": name, "connection": "default"}
    before = digest_of_server(api_office.scim.folder)

    plan = machine.get("/undo/plan", only="last_name, roles", **batch)
    kept = digest_of_server(api_office.scim.folder)
    wrong = _last_name(machine, name)
    done = machine.done("POST", "/undo/run", batch | {"only": ["last_name"]})
    again = machine.done("POST", "/undo/run", batch | {"only": ["last_name"]})

    assert kept == before
    assert (plan["people"], plan["restorable"], plan["values"]) == (1, 1, 1)
    assert plan["would_write_again"] == ["default"]
    (line,) = (one for one in plan["lines"] if one["result"] == "would be restored")
    assert (line["field"], line["before"], line["after"]) == (
        *("last name", "Wrong undo.api", "Right"),
    )
    assert "1 person of 1 would have 1 value put back." in plan["sentences"]
    assert (wrong, _last_name(machine, name)) == ("Wrong undo.api", "Right")
    assert (done["people"], done["restored"], done["not_restored"]) == (1, 1, 0)
    assert (again["people"], again["restored"], again["as_it_was"]) == (0, 0, 1)


def test_what_was_undone_is_listed_and_told_again(
    api_office: Office, machine: Caller
) -> None:
    """The newest first, with its batch; its values by its instant and actor."""
    name = _changed(api_office, "undo.listed")
    done = machine.done("POST", "/undo/run", {"user": name})

    (newest,) = machine.get("/undo", limit=1)["items"]
    told = machine.get("/undo/restored", at=newest["at"], by=newest["by"])

    assert newest["by"] == done["by"] == "console:machine.one"
    assert newest["at"] == done["at"]
    assert "user" in newest["batch"]
    assert newest["restored"] == told["lines_in_all"] == done["restored"] > 0
    assert ("last name", "Wrong undo.listed", "Right") in [
        (one["field"], one["before"], one["after"]) for one in told["lines"]
    ]


def test_an_undo_tells_how_far_it_is(api_office: Office, machine: Caller) -> None:
    """Line by line: each person is looked at, and done with."""
    name = _changed(api_office, "undo.lines")
    headers: dict[str, str | None] = {"Accept": "application/jsonl"}

    told = machine.ask("GET", "/undo/plan", None, headers=headers, user=name)
    plan = [json.loads(line) for line in told.content.splitlines()]
    told = machine.ask("POST", "/undo/run", {"user": name}, headers=headers)
    done = [json.loads(line) for line in told.content.splitlines()]

    assert plan[0] == {"progress": {"done": 0, "of": 1}}
    assert plan[-1]["result"]["restorable"] == 1
    assert done[0] == {"progress": {"done": 0, "of": 2}}
    assert done[-1]["result"]["people"] == 1


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "Say which changes"),
        ({"user": "nobody.here"}, "nobody.here"),
        ({"connection": "none"}, "none"),
        ({"event": 3}, "one of a person"),
        ({"since": "soon"}, "is no time"),
        ({"since": "0001-01-01T00:00+23:00"}, "is no time"),
    ],
)
def test_a_batch_that_is_none_is_refused(
    machine: Caller, asked: dict[str, Any], said: str
) -> None:
    """400 for the plan and the run alike, without a command in the sentence."""
    planned = machine.ask("GET", "/undo/plan", **asked)
    told = machine.refused(400, "POST", "/undo/run", asked)

    assert planned.status == 400
    assert said in told["detail"] == planned.body["detail"]
    assert "scim-connector" not in told["detail"]


def test_what_was_restored_is_asked_for_by_both(machine: Caller) -> None:
    """400 without an instant or without an actor, and for a kind that is none."""
    assert machine.ask("GET", "/undo/restored", by="console:x").status == 400
    assert machine.ask("GET", "/undo/restored", at="2026-01-01").status == 400
    assert machine.ask("GET", "/undo/plan", user="x", only="shoes").status == 400


def test_pausing_needs_its_own_permission(api_office: Office, machine: Caller) -> None:
    """Who may change users but no connection undoes without pausing."""
    name = _changed(api_office, "undo.pause")
    clerk = admin_api.program(api_office, "undo.clerk", "users.view", "users.update")

    told = clerk.refused(400, "POST", "/undo/run", {"user": name, "how": "pause"})

    assert told["detail"].startswith("Pausing needs")
    assert _last_name(machine, name) == "Wrong undo.pause"
    done = clerk.done("POST", "/undo/run", {"user": name, "how": "keep"})
    assert done["people"] == 1
    assert _last_name(machine, name) == "Right"
