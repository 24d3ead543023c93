"""Provisioning by the Admin API: tried, explained, decided, planned and applied."""

from __future__ import annotations

from typing import Any

import pytest

from tests.admin_api import Caller
from tests.console import Office
from tests.digest import digest_of_server
from tests.house import secret_of

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
SHOUT = "value = 'ToUpper([name.familyName])'"


def person(name: str, **more: Any) -> dict[str, Any]:
    """Somebody as a provider sends them."""
    email = f"{name}@contoso.com"
    return {
        "schemas": [USER],
        "userName": email,
        "name": {"givenName": "Kim", "familyName": name},
        "emails": [{"type": "work", "value": email, "primary": True}],
        **more,
    }


def connection(machine: Caller, name: str, **more: Any) -> tuple[int, str]:
    """A connection of its own; its number and its token."""
    made = machine.done(
        "POST", "/connections", {"name": name, "kind": "generic", **more}
    )
    return made["connection"]["id"], made["token"]


# --------------------------------------------------------------------------- simulate


@pytest.mark.parametrize(
    ("asked", "status", "outcome"),
    [
        ({"body": person("fresh.one")}, 201, "Success"),
        ({"body": {"userName": "no.address"}}, 400, "Failure"),
        ({"user": "dry.one@contoso.com"}, 200, "Success"),
        ({"user": "dry.one@contoso.com", "method": "DELETE"}, 204, "Success"),
        ({"method": "GET", "path": "/Users?count=1"}, 200, "Success"),
        ({"method": "GET", "path": "/Nothing"}, 404, "Failure"),
    ],
)
def test_a_simulation_tells_all_and_writes_nothing(
    api_office: Office,
    machine: Caller,
    asked: dict[str, Any],
    status: int,
    outcome: str,
) -> None:
    """200 whatever would become of it, six steps, and the same database behind it."""
    scim = api_office.scim
    scim.send("POST", "/Users", person("dry.one"))
    scim.send("GET", "/Users?count=1")
    before = digest_of_server(scim.folder)
    told = machine.done("POST", "/simulate", {"connection": "default", **asked})

    assert (told["status"], told["outcome"]) == (status, outcome)
    assert len(told["steps"]) == 6
    assert digest_of_server(scim.folder) == before


def test_a_simulation_says_what_to_do(machine: Caller) -> None:
    """The reason in words, with what to change at the provider."""
    asked = {"connection": "default", "body": {"userName": "no.address"}}
    told = machine.done("POST", "/simulate", asked)

    assert "email_missing" in told["reason"]
    assert told["remedies"][0]["advice"]


def test_a_simulation_takes_a_mapping(machine: Caller) -> None:
    """As if it were applied, and it is not."""
    number, _ = connection(machine, "try.mapping")
    path = f"/connections/{number}/mappings"
    text = machine.get(f"{path}/1")["text"]
    changed = text.replace("value = '[name.familyName]'", SHOUT)
    assert changed != text
    asked = {
        "connection": "try.mapping",
        "body": person("quiet"),
        "mapping": changed,
    }
    told = machine.done("POST", "/simulate", asked)

    fields = {field["name"]: field["became"] for field in told["fields"]}
    assert fields["Last name"] == "QUIET"
    assert [v["number"] for v in machine.get(path)["items"]] == [1]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"connection": "nowhere"}, 'There is no connection "nowhere"'),
        ({"connection": "default", "user": "nobody"}, 'There is no user "nobody"'),
        ({"connection": "default", "request_id": "x"}, "no request of this id"),
        ({"connection": "default", "mapping": "= ="}, "default.toml:1"),
        ({"connection": "default", "method": "BREW"}, 'method cannot be "BREW"'),
    ],
)
def test_what_cannot_be_tried_is_said(
    machine: Caller, asked: dict[str, Any], said: str
) -> None:
    """400 with the sentence the command line has for it."""
    assert said in machine.refused(400, "POST", "/simulate", asked)["detail"]


# -------------------------------------------------------------------------------- log


def test_a_refused_request_is_explained_tried_and_applied(
    api_office: Office, machine: Caller
) -> None:
    """The log has it; a dry run changes nothing; applied again it is a new entry."""
    _, token = connection(machine, "log.one")
    scim = api_office.scim
    holder = {"kind": "person", "email": "log.me@contoso.com", "mail": False}
    user = machine.done("POST", "/users", holder)["user"]
    assert scim.send("POST", "/Users", person("log.me"), token=token).status == 409

    (row,) = machine.get("/log", connection="log.one", outcome="Failure")["items"]
    one = machine.get(f"/log/{row['request_id']}")
    assert one["remedies"][0]["advice"]
    assert one["connection"] == "log.one"
    assert "$TOKEN" in one["curl"]
    body = {"email": "log.other@contoso.com", "username": "log.other"}
    machine.done("PATCH", f"/users/{user['id']}", body)
    tried = machine.done("POST", f"/log/{row['request_id']}/try")
    again = machine.done("POST", f"/log/{row['request_id']}/again")

    assert (tried["outcome"], again["outcome"]) == ("Success", "Success")
    assert machine.ask("GET", f"/log/{tried['request_id']}").status == 404
    assert machine.get(f"/log/{again['request_id']}")["status"] == 201
    newest = machine.get("/log", connection="log.one", limit=1)
    assert newest["items"][0]["request_id"] == again["request_id"]
    assert machine.get("/log", connection="log.one", after=newest["next"])["items"]


def test_a_read_is_not_applied_again(api_office: Office, machine: Caller) -> None:
    """It would change nothing."""
    _, token = connection(machine, "log.reads")
    assert api_office.scim.send("GET", "/Users/none", token=token).status == 404
    found: list[Any] = []
    while not found:  # reads appear after a moment
        asked = {"connection": "log.reads", "reads": "true"}
        found = machine.get("/log", **asked)["items"]
    path = f"/log/{found[0]['request_id']}/again"

    assert "only reads" in machine.refused(400, "POST", path)["detail"]


# -------------------------------------------------------------------------- conflicts


def test_a_conflict_is_decided_and_the_next_retry_succeeds(
    api_office: Office, machine: Caller
) -> None:
    """Whom it meets, what can be done and why not the rest; then linked."""
    _, token = connection(machine, "clash.one")
    holder = {"kind": "person", "email": "clash@contoso.com", "mail": False}
    user = machine.done("POST", "/users", holder)["user"]
    scim = api_office.scim
    assert scim.send("POST", "/Users", person("clash"), token=token).status == 409
    (row,) = machine.get("/conflicts", connection="clash.one")["items"]
    path = f"/conflicts/{row['id']}"
    one = machine.get(path)
    needs = machine.refused(400, "POST", f"{path}/decide", {"remedy": "change_email"})
    done = machine.done("POST", f"{path}/decide", {"remedy": "link"})

    assert one["local_user"] == {"id": user["id"], "username": user["username"]}
    assert "link" in [each["id"] for each in one["remedies"]]
    assert all(each["why"] for each in one["unfit"])
    assert "needs the new email" in needs["detail"]
    assert done["conflict"]["resolved"]
    assert scim.send("POST", "/Users", person("clash"), token=token).status == 201
    closed = machine.refused(400, "POST", f"{path}/decide", {"remedy": "ignore"})
    assert "closed already" in closed["detail"]
    assert machine.get("/conflicts", connection="clash.one", state="decided")["items"]


@pytest.mark.parametrize("after", ["x", "1", "1.2.3", "².1", f"{'9' * 40}.1", "-1.1"])
def test_a_list_goes_on_behind_what_it_said_alone(machine: Caller, after: str) -> None:
    """400 for anything that was never a ``next``."""
    assert machine.ask("GET", "/conflicts", after=after).status == 400


# ------------------------------------------------------------------------ connections


def test_a_connection_lives_from_its_making_to_its_end(
    api_office: Office, machine: Caller
) -> None:
    """Made with a token, paused, resumed, given another token, retired by its name."""
    scim = api_office.scim
    number, token = connection(machine, "life.one", strict=True)
    path = f"/connections/{number}"
    assert machine.get(path)["strict"] is True
    assert scim.send("GET", "/Users?count=0", token=token).status == 200

    assert machine.done("POST", f"{path}/pause")["state"] == "paused"
    assert scim.send("POST", "/Users", person("late"), token=token).status >= 400
    assert machine.done("POST", f"{path}/resume")["state"] == "live"
    assert machine.done("PATCH", path, {"strict": False})["strict"] is False

    made = machine.done("POST", f"{path}/tokens", {"kind": "bearer", "days": 30})
    listed = machine.ask("GET", f"{path}/tokens")
    assert scim.send("GET", "/Users?count=0", token=made["secret"]).status == 200
    assert {each["id"] for each in listed.body["items"]} >= {made["id"]}
    assert secret_of(made["secret"]).encode() not in listed.content
    machine.done("DELETE", f"{path}/tokens/{made['id']}")
    assert scim.send("GET", "/Users?count=0", token=made["secret"]).status == 401

    wrong = machine.refused(400, "POST", f"{path}/retire", {"name": "other"})
    assert "life.one" in wrong["detail"]
    ended = machine.done("POST", f"{path}/retire", {"name": "life.one"})
    assert ended["connection"]["state"] == "retired"
    assert scim.send("GET", "/Users?count=0", token=token).status == 401


def test_a_token_is_revoked_at_its_own_connection_alone(machine: Caller) -> None:
    """404 at another, and it goes on."""
    one, _ = connection(machine, "own.one")
    other, _ = connection(machine, "own.two")
    (token,) = machine.get(f"/connections/{one}/tokens")["items"]
    machine.refused(404, "DELETE", f"/connections/{other}/tokens/{token['id']}")

    assert machine.get(f"/connections/{one}/tokens")["items"][0]["state"] == "live"


def test_a_connection_may_rehearse(api_office: Office, machine: Caller) -> None:
    """It answers the provider and makes nobody (D14)."""
    number, token = connection(machine, "rehearsed", rehearse=True)
    sent = api_office.scim.send("POST", "/Users", person("actor"), token=token)

    assert sent.status == 201
    assert machine.get(f"/connections/{number}")["state"] == "rehearsing"
    assert machine.get("/users", words="actor@contoso.com")["items"] == []


# --------------------------------------------------------------------------- mappings


def test_a_mapping_is_checked_planned_and_applied(
    api_office: Office, machine: Caller
) -> None:
    """A large change names its number first; the version before can be applied again."""
    number, token = connection(machine, "mapped")
    api_office.scim.send("POST", "/Users", person("loud"), token=token)
    path = f"/connections/{number}/mappings"
    old = machine.get(f"{path}/1")["text"]
    text = old.replace("value = '[name.familyName]'", SHOUT)
    wrong = machine.refused(400, "POST", f"{path}/check", {"text": "= ="})
    checked = machine.done("POST", f"{path}/check", {"text": old})
    planned = machine.done("POST", f"{path}/plan", {"text": text})
    unnamed = machine.refused(409, "POST", f"{path}/apply", {"text": text})

    assert "mapped.toml:1" in wrong["detail"]
    assert all(not each["faults"] for each in checked["tests"])
    assert (planned["people"], planned["changed"]) == (1, 1)
    assert planned["differences"][0]["after"] == "LOUD"
    assert 'send "changes": 1' in unnamed["detail"]
    assert "--changes" not in unnamed["detail"]
    assert [v["number"] for v in machine.get(path)["items"]] == [1]

    applied = machine.done("POST", f"{path}/apply", {"text": text, "changes": 1})
    (user,) = machine.get("/users", words="loud@contoso.com")["items"]
    assert (applied["number"], user["last_name"]) == (2, "LOUD")
    back = machine.done("POST", f"{path}/apply", {"text": old, "changes": 1})
    assert back["number"] == 3
    (user,) = machine.get("/users", words="loud@contoso.com")["items"]
    assert user["last_name"] == "loud"


def test_the_overview_says_what_needs_somebody(
    api_office: Office, machine: Caller
) -> None:
    """One sentence, and each reason with whom it met and what to do."""
    _, token = connection(machine, "needy")
    api_office.scim.send("POST", "/Users", {"userName": "needs.you"}, token=token)
    told = machine.get("/overview")

    assert "needs.you" in [p["identity"] for n in told["needs"] for p in n["people"]]
    assert all(need["advice"] for need in told["needs"])
    assert "you" in told["sentence"]
