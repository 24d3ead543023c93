"""Applications and their secrets by the Admin API: registered, told, retired."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests import admin_api
from tests.admin_api import Caller
from tests.console import Office
from tests.house import secret_of
from tests.listener import listening


def register(machine: Caller, name: str, **more: Any) -> dict[str, Any]:
    """A new application; the whole of it."""
    body = {"name": name, "kind": "web", **more}
    made: dict[str, Any] = machine.done("POST", "/applications", body)
    return made


def knows(office: Office, client_id: str, secret: str) -> bool:
    """Whether the server takes a secret for that of an application."""
    form = "token=none"
    reply = admin_api.as_client(office, "introspect", client_id, secret, form)
    assert reply.status in {200, 401}
    return reply.status == 200


def test_an_application_is_registered_and_changed(machine: Caller) -> None:
    """What is not sent stays, null and nothing take an address away."""
    made = register(
        machine,
        "wiki",
        address=" https://wiki.example.com ",
        redirects=["https://wiki.example.com/auth/accept"],
        logout_url="https://wiki.example.com/out",
    )
    path = f"/applications/{made['id']}"
    assert made == machine.get(path)
    assert made in machine.get("/applications")["items"]
    assert made["address"] == "https://wiki.example.com"

    changed = machine.done("PATCH", path, {"logout_url": None, "redirects": []})
    assert (changed["address"], changed["logout_url"]) == (made["address"], None)
    assert changed["redirects"] == []
    assert machine.done("PATCH", path, {"address": " "})["address"] is None


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"name": "Wiki Two"}, '"Wiki Two" cannot be the name'),
        ({"name": "account"}, '"account" is ours'),
        ({"address": "http://wiki.example.com"}, "http://wiki.example.com"),
        ({"redirects": ["ftp://x"]}, "ftp://x"),
        ({"kind": "phone"}, 'kind cannot be "phone"'),
        ({"redirects": ["https://x"] * 21}, "has 21 entries; 20 are the most"),
    ],
)
def test_what_no_application_can_be_is_said(
    machine: Caller, asked: dict[str, Any], said: str
) -> None:
    """400 with the sentence the console has for it, and nothing is there."""
    body = {"name": "refused", "kind": "web", **asked}

    assert said in machine.refused(400, "POST", "/applications", body)["detail"]
    names = [each["name"] for each in machine.get("/applications")["items"]]
    assert asked.get("name", "refused") not in names


def test_a_secret_is_shown_once_and_revoked(
    api_office: Office, machine: Caller
) -> None:
    """It opens introspection until it is revoked, and stands in no other answer."""
    made = register(machine, "kiosk")
    path = f"/applications/{made['id']}"
    secret = machine.done("POST", f"{path}/secrets", {"days": 30})
    endless = machine.done("POST", f"{path}/secrets", {"days": None})
    looked = machine.ask("GET", path)

    assert secret["client_id"] == "kiosk"
    assert knows(api_office, "kiosk", secret["secret"])
    assert endless["expires"] is None
    assert [each["id"] for each in looked.body["secrets"]] == [
        endless["id"],
        secret["id"],
    ]
    assert secret_of(secret["secret"]).encode() not in looked.content

    machine.done("DELETE", f"{path}/secrets/{secret['id']}")
    assert not knows(api_office, "kiosk", secret["secret"])
    assert knows(api_office, "kiosk", endless["secret"])
    states = [each["state"] for each in machine.get(path)["secrets"]]
    assert states == ["live", "revoked"]


def test_a_secret_is_revoked_at_its_own_application_alone(machine: Caller) -> None:
    """404 at another, and it goes on."""
    one, other = register(machine, "own-one"), register(machine, "own-two")
    path = f"/applications/{one['id']}"
    secret_id = machine.done("POST", f"{path}/secrets", {})["id"]
    elsewhere = f"/applications/{other['id']}/secrets/{secret_id}"
    machine.refused(404, "DELETE", elsewhere)

    assert machine.get(path)["secrets"][0]["state"] == "live"


def test_an_application_has_a_client_id_at_a_provider(machine: Caller) -> None:
    """Set, told and forgotten; an unknown connection is named."""
    made = register(machine, "desk-top", kind="desktop")
    path = f"/applications/{made['id']}/client"
    body = {"connection": "default", "client_id": "abc"}
    known = machine.done("PUT", path, body)
    wrong = machine.refused(400, "PUT", path, {**body, "connection": "nowhere"})
    forgotten = machine.done("PUT", path, {**body, "client_id": None})

    assert known["clients"] == [{"connection": "default", "client_id": "abc"}]
    assert 'There is no connection "nowhere"' in wrong["detail"]
    assert forgotten["clients"] == []


def test_retiring_says_first_what_it_ends(api_office: Office, machine: Caller) -> None:
    """Unsure, nothing is done; sure, the application and its secrets are gone."""
    made = register(machine, "old-one")
    path = f"/applications/{made['id']}"
    secret = machine.done("POST", f"{path}/secrets", {})["secret"]
    machine.refused(400, "POST", f"{path}/retire", {})
    asked = machine.done("POST", f"{path}/retire", {"sure": False})
    assert asked == {"done": False, "sessions": 0}
    assert knows(api_office, "old-one", secret)

    assert machine.done("POST", f"{path}/retire", {"sure": True})["done"] is True
    assert not knows(api_office, "old-one", secret)
    machine.refused(404, "GET", path)
    body = {"name": "old-one", "kind": "web"}
    assert "or was" in machine.refused(400, "POST", "/applications", body)["detail"]


def test_calls_to_the_logout_address_are_listed(machine: Caller) -> None:
    """Each with how it stands and how long it took, the newest first."""
    with listening() as told:
        made = register(machine, "listener", logout_url=told.url)
        path = f"/applications/{made['id']}"
        for name in ("first.out", "second.out"):
            body = {"kind": "person", "email": f"{name}@contoso.com", "mail": False}
            user = machine.done("POST", "/users", body)["user"]
            machine.done("POST", f"/users/{user['id']}/deactivate")
        calls: list[dict[str, Any]] = []
        for _ in range(500):  # the worker takes a moment
            calls = machine.get(f"{path}/calls")["items"]
            if [each["state"] for each in calls] == ["told", "told"]:
                break
            time.sleep(0.02)

    page = machine.get(f"{path}/calls", limit=1)
    assert page == {"items": calls[:1], "next": str(calls[0]["id"])}
    assert machine.get(f"{path}/calls", after=page["next"])["items"] == calls[1:]
    assert all(each["after_ms"] > 0 for each in calls)
    machine.done("POST", f"{path}/retire", {"sure": True})


def test_it_stands_in_the_history_who_did_it(
    api_office: Office, machine: Caller
) -> None:
    """The record of changes names the API user, and no secret."""
    made = register(machine, "audited")
    secret = machine.done("POST", f"/applications/{made['id']}/secrets", {})["secret"]
    api_office.scim.cli("audit", "export", "record.jsonl")
    record = (api_office.scim.folder / "record.jsonl").read_text()
    lines = [line for line in record.splitlines() if "audited" in line]

    assert len(lines) == 2
    assert all("console:machine.one" in line for line in lines)
    assert secret_of(secret) not in record


def test_the_auditor_looks_and_changes_nothing(api_office: Office) -> None:
    """The Auditor role reads every list of applications and makes none."""
    auditor = admin_api.program(api_office, "auditor.apps", role="Auditor")

    assert auditor.ask("GET", "/applications").status == 200
    body = {"name": "mine", "kind": "web"}
    assert (
        "Manage apps" in auditor.refused(403, "POST", "/applications", body)["detail"]
    )
