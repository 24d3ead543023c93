"""How far a connection has come, and what its provider states, by the Admin API."""

from __future__ import annotations

import time
from typing import Any

import pytest

from scim_connector.mapping.functions import FUNCTIONS
from scim_connector.scim.dialects import QUIRKS
from tests.admin_api import Caller
from tests.console import Office

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
KIM = {
    "schemas": [USER],
    "userName": "kim.guide@contoso.com",
    "name": {"givenName": "Kim", "familyName": "Guide"},
    "emails": [{"type": "work", "value": "kim.guide@contoso.com", "primary": True}],
}


def connection(machine: Caller, name: str, kind: str = "entra") -> tuple[str, str]:
    """A connection of its own; its address and its token."""
    made = machine.done("POST", "/connections", {"name": name, "kind": kind})
    return f"/connections/{made['connection']['id']}", made["token"]


# -------------------------------------------------------------------------- connection


def test_the_guide_ticks_what_has_been_seen(
    api_office: Office, machine: Caller
) -> None:
    """The steps of its kind of provider, and each request ticks what it shows."""
    path, token = connection(machine, "guide.one", "generic")
    before = machine.get(f"{path}/guide")
    api_office.scim.send("POST", "/Users", KIM, token=token)
    after = machine.get(f"{path}/guide")

    assert before["base_url"] == api_office.scim.base_url
    assert before["steps"][0]["values"][0] == {
        "name": "Base URL",
        "text": api_office.scim.base_url,
    }
    assert [each["seen"] for each in before["steps"]] == [False, False, False]
    assert [each["seen"] for each in after["steps"]] == [True, True, False]
    entra, _ = connection(machine, "guide.two")
    titles = [each["title"] for each in machine.get(f"{entra}/guide")["steps"]]
    assert "Make the application in Entra" in titles


def test_the_server_reaches_itself(machine: Caller) -> None:
    """By its public address, as a provider would."""
    path, _ = connection(machine, "reach.one")

    assert machine.done("POST", f"{path}/reach") == {"reached": True, "fault": None}


def test_compatibility_tells_habits_and_undeclared_attributes(
    api_office: Office, machine: Caller
) -> None:
    """What was met stands first, with what becomes of it here."""
    path, token = connection(machine, "habits.one")
    made = api_office.scim.send(
        "POST",
        "/Users",
        {
            **KIM,
            "userName": "habit.kim",
            "shoeSize": 43,
            "emails": [{"value": "h@x.eu"}],
        },
        token=token,
    )
    patch = {"Operations": [{"op": "Replace", "path": "title", "value": "Porter"}]}
    api_office.scim.send("PATCH", f"/Users/{made.body['id']}", patch, token=token)
    met: dict[str, Any] = {}
    for _ in range(200):  # what was met is counted after a moment
        told = machine.get(f"{path}/compatibility")
        met = {each["name"]: each for each in told["habits"] if each["times"]}
        if told["undeclared"] and "capitalised-op" in met:
            break
        time.sleep(0.05)

    assert {each["name"] for each in told["habits"]} == {each.name for each in QUIRKS}
    assert met["capitalised-op"]["becomes"] == "read without case"
    assert met["capitalised-op"]["last_seen"]
    assert told["habits"][0]["name"] in met
    assert [each["name"] for each in told["undeclared"]] == ["shoeSize"]


def test_a_connection_names_what_the_api_app_would_lose(machine: Caller) -> None:
    """Nothing, where none of its people acts for the App."""
    path, _ = connection(machine, "loses.nothing")

    assert machine.get(path)["if_deactivated"] is None


# ---------------------------------------------------------------------------- identity


def test_an_identity_is_what_was_sent_and_what_became_of_it(
    api_office: Office, machine: Caller
) -> None:
    """Field by field, with the whole resource as the provider states it."""
    sent = {**KIM, "userName": "stated.kim", "externalId": "ext-7"}
    sent["emails"] = [{"value": "stated.kim@contoso.com", "primary": True}]
    scim_id = api_office.scim.send("POST", "/Users", sent).body["id"]
    (user,) = machine.get("/users", words="stated.kim@contoso.com")["items"]
    told = machine.get(f"/users/{user['id']}/identity")

    assert (told["connection"], told["scim_id"]) == ("default", scim_id)
    assert (told["user_name"], told["external_id"]) == ("stated.kim", "ext-7")
    assert told["sent"]["name"] == KIM["name"]
    assert told["sent"]["active"] is told["asked_active"] is True
    fields = {each["name"]: each["became"] for each in told["fields"]}
    assert fields["Email"] == "stated.kim@contoso.com"


def test_who_is_managed_by_nobody_has_no_identity(machine: Caller) -> None:
    """404, and it says so."""
    (ada,) = machine.get("/users", words="ada@contoso.com")["items"]
    told = machine.refused(404, "GET", f"/users/{ada['id']}/identity")

    assert told["detail"] == "ada@contoso.com is not managed by a provider."


# --------------------------------------------------------------------------- functions


def test_every_function_is_told(machine: Caller) -> None:
    """By name, with how it is written, what it does and an example."""
    listed = machine.get("/mapping-functions")["items"]

    assert [each["name"] for each in listed] == sorted(FUNCTIONS)
    assert all(each["example"] and each["meaning"] for each in listed)


@pytest.mark.parametrize(
    ("expression", "value", "is_nothing"),
    [
        ('ToLower(Before([userName], "@"))', "kim.guide", False),
        ("[nickName]", None, True),
        ('Join(" ", [name.givenName], [name.familyName])', "Kim Guide", False),
    ],
)
def test_an_expression_is_tried(
    machine: Caller, expression: str, value: str | None, is_nothing: bool
) -> None:
    """On the resource that is sent; nothing is written."""
    path, _ = connection(machine, f"tries.{len(expression)}")
    body = {"expression": expression, "resource": KIM}
    told = machine.done("POST", f"{path}/mappings/evaluate", body)

    assert told == {"value": value, "is_nothing": is_nothing}


def test_what_is_wrong_with_an_expression_is_said(machine: Caller) -> None:
    """400 with the name of what is not there."""
    path, _ = connection(machine, "tries.wrong")
    body = {"expression": "Tolowr([userName])", "resource": KIM}
    told = machine.refused(400, "POST", f"{path}/mappings/evaluate", body)

    assert "Tolowr" in told["detail"]
