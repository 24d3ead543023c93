"""The guard of a connection by the Admin API: set, seen to hold, and approved."""

from __future__ import annotations

from typing import Any

import pytest

from tests.admin_api import Caller
from tests.console import Office
from tests.house import patch_of

SHIPPED = {"most": 50, "share": 5, "hours": 1, "holds": False, "is_on": True}


def _connection(machine: Caller, name: str) -> tuple[str, str]:
    """The guard of a new connection, and its token."""
    body = {"name": name, "kind": "okta", "link_existing": "never"}
    made = machine.done("POST", "/connections", body)
    return f"/connections/{made['connection']['id']}/guard", made["token"]


def _kind(told: dict[str, Any], kind: str) -> dict[str, Any]:
    (found,) = (each for each in told["thresholds"] if each["kind"] == kind)
    return {name: value for name, value in found.items() if name != "kind"}


def _person(office: Office, token: str, name: str) -> str:
    email = f"{name}@contoso.com"
    body = {"userName": email, "emails": [{"type": "work", "value": email}]}
    told = office.scim.send("POST", "/Users", body, token=token)
    assert told.status == 201, told.content
    return str(told.body["id"])


def _deactivated(office: Office, token: str, scim_id: str) -> int:
    off = patch_of(active=False)
    return office.scim.send("PATCH", f"/Users/{scim_id}", off, token=token).status


def test_what_is_held_back_is_seen_and_approved(
    api_office: Office, machine: Caller
) -> None:
    """Five pass and two are held; after the approval the provider comes through."""
    path, token = _connection(machine, "guard.held")
    machine.done("PATCH", path, {"kind": "deactivations", "holds": True})
    ids = [_person(api_office, token, f"guard.held{n}") for n in range(7)]

    answers = [_deactivated(api_office, token, each) for each in ids]
    held = machine.get(path)
    done = machine.done("POST", f"{path}/approve", {})
    after = machine.get(path)

    assert answers == [200] * 5 + [429] * 2
    assert _kind(held, "deactivations")["is_held"] is True
    assert {each["identity"] for each in held["waiting"]} == {
        "guard.held5@contoso.com",
        "guard.held6@contoso.com",
    }
    request = machine.get(f"/log/{held['waiting'][0]['request_id']}")
    assert request["status"] == 429
    assert done["approved"] == ["deactivations"]
    assert "press Retry" in done["next"]
    assert _kind(after, "deactivations")["is_held"] is False
    assert [_deactivated(api_office, token, each) for each in ids[5:]] == [200, 200]
    assert machine.get(path)["waiting"] == []


def test_only_what_is_sent_is_set(machine: Caller) -> None:
    """The other numbers and the other kinds stay; 7.0 is a whole number."""
    path, _ = _connection(machine, "guard.set")
    shipped = SHIPPED | {"is_held": False}

    told = machine.done("PATCH", path, {"kind": "renames", "most": 7.0, "hours": 24})
    off = machine.done("PATCH", path, {"kind": "renames", "is_on": False})

    assert _kind(told, "renames") == shipped | {"most": 7, "hours": 24}
    assert _kind(off, "renames") == shipped | {"most": 7, "hours": 24, "is_on": False}
    assert _kind(off, "deactivations") == shipped
    assert off == machine.get(path)


@pytest.mark.parametrize(
    "body",
    [
        *({"kind": "births"}, {"kind": "renames", "most": 4}),
        *({"kind": "renames", "share": 101}, {"kind": "renames", "hours": 1.5}),
        {"most": 10},
    ],
)
def test_numbers_that_cannot_be_are_refused(
    machine: Caller, body: dict[str, object]
) -> None:
    """400, and the guard is as it was."""
    path = f"/connections/{machine.get('/connections')['items'][0]['id']}/guard"
    before = machine.get(path)

    machine.refused(400, "PATCH", path, body)

    assert machine.get(path) == before


def test_a_kind_is_approved_ahead_but_not_nothing(machine: Caller) -> None:
    """Named it passes before it is held; without a name nothing is held to approve."""
    path, _ = _connection(machine, "guard.ahead")

    nothing = machine.refused(400, "POST", f"{path}/approve", {})
    done = machine.done("POST", f"{path}/approve", {"kind": "role_removals"})

    assert "guard.ahead holds nothing back; name the kind" in nothing["detail"]
    assert done["approved"] == ["role_removals"]
    machine.refused(404, "GET", "/connections/999999/guard")
