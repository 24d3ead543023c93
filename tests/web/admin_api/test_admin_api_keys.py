"""The API App and the keys of API users by the Admin API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests import admin_api, console
from tests.admin_api import Caller
from tests.console import Office
from tests.house import secret_of

ALL = "/api-app/users"


def api_user(machine: Caller, name: str, *roles: str) -> dict[str, Any]:
    """A new API user, and its first key."""
    body = {
        "kind": "api",
        "email": f"{name}@contoso.com",
        "username": name,
        "roles": list(roles),
    }
    made: dict[str, Any] = machine.done("POST", "/users", body)["user"]
    return made


def opens(office: Office, name: str, key: str) -> bool:
    """Whether a key is exchanged for a token."""
    form = "grant_type=client_credentials"
    reply = admin_api.as_client(office, "token", name, key, form)
    assert reply.status in {200, 400, 401}
    return reply.status == 200


def test_a_key_is_shown_once_and_revoked(api_office: Office, machine: Caller) -> None:
    """Exchanged for a token until it is revoked, and in no other answer."""
    user = api_user(machine, "night.job")
    path = f"{ALL}/{user['id']}/keys"
    made = machine.done("POST", path, {"name": "nightly", "days": 30})
    listed = machine.ask("GET", path)

    assert made["client_id"] == "night.job"
    assert opens(api_office, "night.job", made["secret"])
    newest = listed.body["items"][0]
    assert (newest["id"], newest["name"]) == (made["id"], "nightly")
    assert (newest["state"], newest["expires"]) == ("live", made["expires"])
    assert secret_of(made["secret"]).encode() not in listed.content
    assert machine.get(f"/users/{user['id']}")["keys"][-1] == {
        **newest,
        "last_used": machine.get(path)["items"][0]["last_used"],
    }

    machine.done("DELETE", f"{path}/{made['id']}")
    assert not opens(api_office, "night.job", made["secret"])
    machine.refused(404, "DELETE", f"{path}/{made['id']}")


def test_a_key_is_revoked_at_its_own_user_alone(machine: Caller) -> None:
    """404 at another API user, and at a person."""
    one, other = api_user(machine, "own.key"), api_user(machine, "other.key")
    key_id = machine.get(f"{ALL}/{one['id']}/keys")["items"][0]["id"]
    machine.refused(404, "DELETE", f"{ALL}/{other['id']}/keys/{key_id}")
    person = machine.get("/users", words="ada@contoso.com")["items"][0]["id"]
    machine.refused(404, "GET", f"{ALL}/{person}/keys")
    machine.refused(404, "POST", f"{ALL}/{person}/keys", {"name": "k"})

    assert machine.get(f"{ALL}/{one['id']}/keys")["items"][0]["id"] == key_id


def test_no_key_allows_more_than_its_maker(api_office: Office, machine: Caller) -> None:
    """R33: 403 with the rule, and no key is made; for less it is made."""
    mighty = api_user(machine, "mighty.key", "Administrator")
    plain = api_user(machine, "plain.key")
    maker = admin_api.program(api_office, "key.maker", "apps.view", "apps.manage")
    told = maker.refused(403, "POST", f"{ALL}/{mighty['id']}/keys", {"name": "k"})

    assert told["violations"][0]["rule"] == "R33"
    assert len(maker.get(f"{ALL}/{mighty['id']}/keys")["items"]) == 1
    assert maker.done("POST", f"{ALL}/{plain['id']}/keys", {"name": "k"})["secret"]


def test_what_refuses_a_key_is_said(machine: Caller) -> None:
    """An inactive API user has none; ten are the most."""
    user = api_user(machine, "many.keys")
    path = f"{ALL}/{user['id']}/keys"
    for _ in range(9):
        machine.done("POST", path, {"name": ""})
    full = machine.refused(400, "POST", path, {"name": "one more"})
    machine.done("POST", f"/users/{user['id']}/deactivate")
    inactive = machine.refused(400, "POST", path, {"name": "late"})

    assert "has 10 keys; revoke one first." in full["detail"]
    assert "is inactive; reactivate it first" in inactive["detail"]
    assert machine.get(path)["items"] == []


def test_api_users_are_listed_page_by_page(machine: Caller) -> None:
    """By username, each with how many keys it has; people are not among them."""
    user = api_user(machine, "aaa.first")
    first = machine.get(ALL, limit=1)
    rest = machine.get(ALL, limit=200, after=first["next"])

    assert first["items"] == [
        {
            "id": user["id"],
            "username": "aaa.first",
            "email": "aaa.first@contoso.com",
            "active": True,
            "keys": 1,
            "is_the_apps": False,
        }
    ]
    names = [each["username"] for each in rest["items"]]
    assert "machine.one" in names
    assert "aaa.first" not in names
    assert "ada@contoso.com" not in names


# --------------------------------------------------------------------------- the App


@pytest.fixture
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """An office of its own: uninstalling the API App ends every other caller."""
    with console.running(tmp_path_factory.mktemp("api-app")) as office:
        yield office


def test_the_app_is_installed_configured_and_uninstalled(alone: Office) -> None:
    """What ends is named first; then every API token ends, and keys wait."""
    admin = admin_api.browser(alone.admin, alone)
    not_yet = admin.refused(400, "POST", "/api-app/configure", {"username": "x"})
    installed = admin.done("POST", "/api-app/install")
    program = admin_api.program(alone, "app.user", "apps.view", "apps.manage")
    person = {"username": "ada@contoso.com"}
    wrong = admin.refused(400, "POST", "/api-app/configure", person)
    configured = admin.done("POST", "/api-app/configure", {"username": "app.user"})

    assert "is not installed; install it first" in not_yet["detail"]
    assert "api-app install" not in not_yet["detail"]
    assert installed == {"installed": True, "acts_as": None, "if_deactivated": None}
    assert "is a person; the API App needs an API user" in wrong["detail"]
    assert configured["acts_as"]["username"] == "app.user"
    assert "then it acts as nobody (1 key dies)" in configured["if_deactivated"]
    keys = admin.get(f"{ALL}/{configured['acts_as']['id']}/keys")
    assert keys["if_deactivated"] == configured["if_deactivated"]
    assert admin.get(ALL)["items"][0]["is_the_apps"] is True

    asked = program.done("POST", "/api-app/uninstall", {"sure": False})
    assert asked["done"] is False
    assert "acts as app.user no more" in asked["ends"]
    assert program.get("/api-app") == configured

    assert program.done("POST", "/api-app/uninstall", {"sure": True})["done"] is True
    assert program.ask("GET", "/api-app").status == 401
    assert admin.get("/api-app")["installed"] is False
    assert len(admin.get(f"{ALL}/{configured['acts_as']['id']}/keys")["items"]) == 1
