"""Initials and username chosen anew by the Admin API, out of what the mapping derives."""

from __future__ import annotations

from typing import Any

import pytest

from tests.admin_api import Caller
from tests.console import Office

LOCAL = "urn:ietf:params:scim:schemas:extension:scim_connector:2.0:User"


def linked(office: Office, machine: Caller, who: str, **more: Any) -> str:
    """Somebody whom a provider manages; the address of the user."""
    office.person(f"{who}@contoso.com", **more)
    (row,) = machine.get("/users", words=f"{who}@contoso.com")["items"]
    return f"/users/{row['id']}"


def test_candidates_say_whose_each_is_and_what_follows(
    api_office: Office, machine: Caller
) -> None:
    """Present, free, and taken with the holder; nothing is changed by looking."""
    body = {"kind": "person", "email": "holder.of@contoso.com", "initials": "QJ"}
    holder = machine.done("POST", "/users", body | {"mail": False})["user"]
    named = {"givenName": "Quinn", "familyName": "Jarvis"}
    user = linked(api_office, machine, "quinn.jarvis", name=named)
    before = machine.get(user)

    told = machine.get(f"{user}/names")

    states = {each["value"]: each for each in told["initials"]["candidates"]}
    assert states["QJ"]["state"] == "taken"
    assert states["QJ"]["why"] == "taken by holder.of@contoso.com"
    assert states["QJ"]["holder"] == {
        "id": holder["id"],
        "username": holder["username"],
    }
    assert "Initials(" in states["QJ"]["source"]
    assert states[before["initials"]]["state"] == "present"
    assert told["username"]["present"] == before["username"]
    assert any("kept for 90 days" in each for each in told["consequences"])
    assert machine.get(user) == before


def test_a_candidate_is_taken_and_the_former_one_kept(
    api_office: Office, machine: Caller
) -> None:
    """The user has it, the history says who chose, and nobody else gets the old one."""
    named = {"givenName": "Rosa", "familyName": "Ek"}
    user = linked(api_office, machine, "rosa", name=named)

    done = machine.done("POST", f"{user}/names", {"username": "rosa.ek"})

    assert done["username"] == "rosa.ek"
    assert machine.get(user)["username"] == "rosa.ek"
    newest = machine.get(f"{user}/history", limit=5)["items"]
    assert {each["actor"] for each in newest[:1]} == {"console:machine.one"}
    told = machine.get(f"{user}/names")["username"]["candidates"]
    (former,) = [each for each in told if each["value"] == "rosa@contoso.com"]
    assert (former["state"], former["why"]) == ("free", "free, kept for this user")
    assert former["until"]
    taken = {"kind": "person", "email": "r@contoso.com", "username": "rosa@contoso.com"}
    assert "rosa@contoso.com" in machine.refused(409, "POST", "/users", taken)["detail"]


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"username": "somebody.else"}, "The mapping does not derive"),
        ({"username": "sent.it@contoso.com"}, "has these values already"),
        ({}, "has these values already"),
        ({"email": "x@contoso.com"}, 'There is no member "email"'),
        ({"initials": ""}, "initials must not be empty"),
    ],
)
def test_only_a_candidate_is_taken(
    api_office: Office, machine: Caller, chosen: dict[str, str], said: str
) -> None:
    """400 with what to do instead, named without a command, and nothing is changed."""
    found = machine.get("/users", words="sent.it@contoso.com")["items"]
    user = f"/users/{found[0]['id']}" if found else ""
    user = user or linked(api_office, machine, "sent.it")
    before = machine.get(user)

    told = machine.refused(400, "POST", f"{user}/names", chosen)

    assert said in told["detail"]
    assert "user edit" not in told["detail"]
    assert machine.get(user) == before


def test_what_the_provider_states_is_changed_there(
    api_office: Office, machine: Caller
) -> None:
    """Such a field has no candidates, and says why."""
    user = linked(api_office, machine, "stated.one", **{LOCAL: {"initials": "SONE"}})

    told = machine.get(f"{user}/names")["initials"]
    refused = machine.refused(400, "POST", f"{user}/names", {"initials": "SO"})

    assert (told["candidates"], told["proposal"]) == ([], None)
    assert told["fixed"] == (
        "The provider states the initials itself; change the value there."
    )
    assert "change the value there" in refused["detail"]
