"""Groups of providers by the Admin API: their members, and the roles they give."""

from __future__ import annotations

from typing import Any

import pytest

from tests import admin_api
from tests.admin_api import Caller
from tests.console import Office


def group(office: Office, machine: Caller, name: str, *people: str) -> dict[str, Any]:
    """A group that the provider sends; as the Admin API lists it."""
    body = {"displayName": name, "members": [{"value": each} for each in people]}
    assert office.scim.send("POST", "/Groups", body).status == 201
    found: dict[str, Any]
    (found,) = machine.get("/groups", words=name)["items"]
    return found


def role(machine: Caller, name: str, *permissions: str) -> int:
    """A new role; its number."""
    body = {"name": name, "permissions": list(permissions)}
    return int(machine.done("POST", "/roles", body)["id"])


def test_a_tie_says_first_who_gains_the_role(
    api_office: Office, machine: Caller
) -> None:
    """Unsure, nothing is done; sure, every member holds it at once; and back."""
    people = [api_office.person(f"tied.{n}@contoso.com") for n in ("one", "two")]
    one = group(api_office, machine, "Porters", *people)
    number = role(machine, "Porter")
    path, body = f"/groups/{one['id']}", {"role": "Porter"}
    machine.refused(400, "POST", f"{path}/tie", body)
    asked = machine.done("POST", f"{path}/tie", {**body, "sure": False})
    before = machine.get(f"/roles/{number}")["holders"]
    done = machine.done("POST", f"{path}/tie", {**body, "sure": True})

    assert asked == {"done": False, "people": 2}
    assert before == 0
    assert done == {"done": True, "people": 2}
    assert machine.get(f"/roles/{number}")["holders"] == 2
    assert machine.get(path)["ties"] == [{"role": "Porter", "by": "console"}]
    twice = machine.refused(400, "POST", f"{path}/tie", {**body, "sure": True})
    assert "Porters gives Porter already" in twice["detail"]

    loses = machine.done("POST", f"{path}/untie", {**body, "sure": False})
    assert loses == {"done": False, "people": 2}
    machine.done("POST", f"{path}/untie", {**body, "sure": True})
    assert machine.get(f"/roles/{number}")["holders"] == 0


@pytest.mark.parametrize("sure", [False, True])
@pytest.mark.parametrize(
    ("doing", "name", "said"),
    [
        ("tie", "Nowhere", 'There is no role "Nowhere"; add it first.'),
        ("tie", "Administrator", "may not give the role Administrator"),
        ("untie", "Auditor", "is not tied to Auditor by a person"),
    ],
)
def test_refusals_of_a_tie(
    api_office: Office, machine: Caller, doing: str, name: str, said: str, sure: bool
) -> None:
    """Whether it is sure or only asked, with the sentence and without a command."""
    one = group(api_office, machine, f"Refused {doing} {name} {sure}")
    path = f"/groups/{one['id']}/{doing}"
    told = machine.refused(400, "POST", path, {"role": name, "sure": sure})

    assert said in told["detail"]
    assert "scim-connector" not in told["detail"]


def test_nobody_ties_a_role_that_allows_more_than_they_may(
    api_office: Office, machine: Caller
) -> None:
    """R33, also where it is only asked."""
    one = group(api_office, machine, "Mighty ones")
    role(machine, "Mighty", "settings.manage")
    maker = admin_api.program(api_office, "tie.maker", "roles.view", "roles.create")
    for sure in (False, True):
        body = {"role": "Mighty", "sure": sure}
        told = maker.refused(403, "POST", f"/groups/{one['id']}/tie", body)

        assert told["violations"][0]["rule"] == "R33"
    assert machine.get(f"/groups/{one['id']}")["ties"] == []


def test_members_are_who_they_are_here(api_office: Office, machine: Caller) -> None:
    """A user, a group or a stranger, page by page."""
    kim = api_office.person("mem.kim@contoso.com")
    inner = group(api_office, machine, "Inner ring")
    outer = group(
        api_office, machine, "Outer ring", kim, inner["scim_id"], "a-stranger"
    )
    path, rows, after = f"/groups/{outer['id']}/members", [], ""
    while after is not None:
        page = machine.get(path, limit=2, after=after)
        rows, after = [*rows, *page["items"]], page["next"]

    found = {each["value"]: each for each in rows}
    assert outer["members"] == len(rows) == 3
    assert found[kim]["user"]["username"] == "mem.kim@contoso.com"
    assert found[inner["scim_id"]]["group"] == {
        "id": inner["id"],
        "name": "Inner ring",
    }
    assert (found["a-stranger"]["user"], found["a-stranger"]["group"]) == (None, None)


def test_groups_are_narrowed_and_go_on(api_office: Office, machine: Caller) -> None:
    """By how they begin, by connection, by whether they give a role; page by page."""
    made = [group(api_office, machine, f"Narrow {n}") for n in ("a", "b")]
    first = machine.get("/groups", words="NARROW", tied="false", limit=1)
    rest = machine.get("/groups", words="narrow", after=first["next"])

    assert first["items"] == made[:1]
    assert rest == {"items": made[1:], "next": None}
    assert machine.get("/groups", words="narrow", tied="true")["items"] == []
    default = machine.get("/groups", words="narrow", connection="default")
    assert default["items"] == made
    for wrong, said in (
        ({"connection": "nowhere"}, 'connection cannot be "nowhere"'),
        ({"tied": "maybe"}, "tied must be true or false"),
    ):
        assert said in machine.ask("GET", "/groups", **wrong).body["detail"]


def test_a_group_that_the_provider_removed_is_gone(
    api_office: Office, machine: Caller
) -> None:
    """404, whatever was to be done with it."""
    one = group(api_office, machine, "Soon gone")
    api_office.scim.send("DELETE", f"/Groups/{one['scim_id']}")
    body = {"role": "Auditor", "sure": True}

    machine.refused(404, "GET", f"/groups/{one['id']}")
    machine.refused(404, "GET", f"/groups/{one['id']}/members")
    machine.refused(404, "POST", f"/groups/{one['id']}/tie", body)
