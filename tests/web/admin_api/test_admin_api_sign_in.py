"""Single sign-on of a connection by the Admin API: set up, switched on and off."""

from __future__ import annotations

from typing import Any

import pytest

from tests import admin_api
from tests.admin_api import Caller
from tests.console import Office

SETTINGS = {"issuer": "https://login.example.com/v2.0", "client_id": "gate"}


def connection(machine: Caller, name: str, kind: str = "entra") -> tuple[str, str]:
    """A connection of its own; the address of its sign-in, and its token."""
    made = machine.done("POST", "/connections", {"name": name, "kind": kind})
    return f"/connections/{made['connection']['id']}/sign-in", made["token"]


def test_it_is_set_up_switched_on_and_off(api_office: Office, machine: Caller) -> None:
    """Nothing at first; saved it is off; every change of it switches it off."""
    path, _ = connection(machine, "sso.one")
    not_yet = machine.refused(400, "POST", f"{path}/on")
    empty = machine.get(path)
    saved = machine.done("PUT", path, {**SETTINGS, "second_factor": ["mfa"]})

    assert "is not set up; do that first" in not_yet["detail"]
    assert "sign-in set" not in not_yet["detail"]
    assert empty == {
        "redirect_uri": f"{api_office.address}/login/callback",
        "is_on": False,
        "settings": None,
        "people": None,
        "cannot_be_found": None,
        "advice": None,
    }
    assert saved["settings"] == {
        **SETTINGS,
        "has_secret": False,
        "scopes": "openid profile email",
        "claim": "oid",
        "equals": "externalId",
        "algorithm": "RS256",
        "second_factor": ["mfa"],
    }
    assert (saved["is_on"], saved["people"]) == (False, 0)
    assert machine.done("POST", f"{path}/on")["is_on"] is True
    assert machine.done("POST", f"{path}/off")["is_on"] is False
    machine.done("POST", f"{path}/on")
    assert machine.done("PUT", path, SETTINGS)["is_on"] is False


def test_a_client_secret_is_kept_and_never_told(
    api_office: Office, machine: Caller
) -> None:
    """Without a word it stays, null takes it away, and it stands nowhere."""
    path, _ = connection(machine, "sso.secret")
    secret = "a-secret-of-the-provider"
    told = machine.ask("PUT", path, {**SETTINGS, "client_secret": secret})
    again = machine.ask("PUT", path, {**SETTINGS, "scopes": "openid"})

    for answer in (told, again, machine.ask("GET", path)):
        assert answer.body["settings"]["has_secret"] is True
        assert secret.encode() not in answer.content
    api_office.scim.cli("audit", "export", "sso.jsonl")
    record = (api_office.scim.folder / "sso.jsonl").read_text()
    assert "sign_in:configured" in record
    assert secret not in record + api_office.scim.said
    gone = machine.done("PUT", path, {**SETTINGS, "client_secret": None})
    assert gone["settings"]["has_secret"] is False


@pytest.mark.parametrize("changed", ["issuer", "client_id"])
def test_a_kept_secret_goes_to_nobody_else(machine: Caller, changed: str) -> None:
    """Another issuer would be sent it: it has to be given anew, and nothing changes."""
    path, _ = connection(machine, f"sso.kept-{changed}")
    machine.done("PUT", path, {**SETTINGS, "client_secret": "theirs"})
    other = {**SETTINGS, changed: "https://elsewhere.example.com"}
    told = machine.refused(400, "PUT", path, other)

    assert "give that of the new client" in told["detail"]
    assert machine.get(path)["settings"][changed] == SETTINGS[changed]
    made = machine.done("PUT", path, {**other, "client_secret": "ours"})
    assert made["settings"][changed] == other[changed]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"issuer": "http://login.example.com"}, "The issuer"),
        ({"claim": "Email"}, "binds nobody"),
        ({"scopes": "profile"}, "must hold openid"),
        ({"algorithm": "none"}, 'algorithm cannot be "none"'),
        ({"equals": "email"}, 'equals cannot be "email"'),
        ({"client_id": ""}, "client_id must not be empty"),
    ],
)
def test_settings_that_bind_nobody_are_refused(
    machine: Caller, asked: dict[str, Any], said: str
) -> None:
    """400 with what to change, and nothing is kept."""
    name = f"sso.no-{next(iter(asked))}"
    path, _ = connection(machine, name)

    assert said in machine.refused(400, "PUT", path, {**SETTINGS, **asked})["detail"]
    assert machine.get(path)["settings"] is None


def test_it_is_not_switched_on_for_people_it_cannot_find(
    api_office: Office, machine: Caller
) -> None:
    """Entra's default externalId is no object id: what to do is said, by no command."""
    path, token = connection(machine, "sso.strange")
    sent = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "strange.one@contoso.com",
        "externalId": "strange.one",
        "emails": [{"value": "strange.one@contoso.com", "primary": True}],
    }
    assert api_office.scim.send("POST", "/Users", sent, token=token).status == 201
    saved = machine.done("PUT", path, SETTINGS)
    told = machine.refused(400, "POST", f"{path}/on")

    assert (saved["people"], saved["cannot_be_found"]) == (1, 1)
    assert saved["advice"] == told["detail"]
    assert "source objectId" in told["detail"]
    assert "--" not in told["detail"]
    machine.done("PUT", path, {**SETTINGS, "equals": "userName", "claim": "upn"})
    assert machine.done("POST", f"{path}/on")["is_on"] is True
    machine.done("POST", f"{path}/off")


def test_what_leads_to_administrator_is_an_administrators(
    api_office: Office, machine: Caller
) -> None:
    """Whoever only manages provisioning is answered 403 with the rule (R35)."""
    path, _ = connection(machine, "sso.theirs")
    one = path.removesuffix("/sign-in")
    machine.done("PUT", path, SETTINGS)
    may = ("provisioning.view", "provisioning.manage")
    manager = admin_api.program(api_office, "sso.manager", *may)
    lead = {"may_act_as_administrator": True}
    new = {"name": "own", "kind": "okta", **lead}
    told = [
        manager.refused(403, "PUT", path, SETTINGS),
        manager.refused(403, "POST", f"{path}/on"),
        manager.refused(403, "PATCH", one, lead),
        manager.refused(403, "POST", "/connections", new),
    ]
    machine.done("PATCH", one, lead)
    told.append(manager.refused(403, "POST", f"{one}/tokens", {"kind": "bearer"}))

    assert {each["violations"][0]["rule"] for each in told} == {"R35"}
    assert machine.get(path)["is_on"] is False
    assert manager.done("PATCH", one, {"may_act_as_administrator": False})
    assert manager.done("POST", f"{one}/tokens", {"kind": "bearer"})["secret"]
