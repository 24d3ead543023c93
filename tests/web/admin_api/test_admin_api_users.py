"""Users by the Admin API: found, made, changed, cut off, under the very same rules."""

from __future__ import annotations

from typing import Any

import pytest

from tests import admin_api
from tests.admin_api import Caller
from tests.console import Office
from tests.house import secret_of

EVIL = '"><script>alert(1)</script>'


def made(machine: Caller, name: str, **more: Any) -> dict[str, Any]:
    """A new person, mailed nothing."""
    body = {"kind": "person", "email": f"{name}@contoso.com", "mail": False, **more}
    user: dict[str, Any] = machine.done("POST", "/users", body)["user"]
    return user


def linked(office: Office, machine: Caller, name: str) -> dict[str, Any]:
    """Somebody whom a provider manages."""
    office.person(f"{name}@contoso.com")
    (row,) = machine.get("/users", words=f"{name}@contoso.com")["items"]
    user: dict[str, Any] = machine.get(f"/users/{row['id']}")
    return user


def test_a_person_is_made_as_on_the_page(machine: Caller) -> None:
    """Names are proposed, nothing is secret about a person, and they are found again."""
    body = {
        "kind": "person",
        "email": "quirin.xaver@contoso.com",
        "first_name": "Quirin",
        "last_name": "Xaver",
        "roles": ["Auditor"],
        "mail": False,
    }
    answer = machine.done("POST", "/users", body)

    user = answer["user"]
    assert answer["key"] is None
    assert user["username"] == "quirin.xaver@contoso.com"
    assert user["initials"] == "QX"
    assert user["roles"] == [
        {"role": "Auditor", "source": "console", "connection": None}
    ]
    assert machine.get(f"/users/{user['id']}") == user


def test_the_key_of_an_api_user_is_told_once(api_office: Office) -> None:
    """It stands in the answer to its creation, works, and is nowhere else."""
    machine = admin_api.program(api_office, "maker.one", role="Administrator")
    body = {"kind": "api", "email": "night.run@contoso.com", "username": "night.run"}
    answer = machine.done("POST", "/users", body)

    key, user = answer["key"], answer["user"]
    assert key.startswith("scimc_")
    assert admin_api.exchanged(api_office, "night.run", key)
    again = machine.ask("GET", f"/users/{user['id']}")
    assert again.body["keys"][0]["name"] == "first"
    assert secret_of(key).encode() not in again.content


def test_every_broken_rule_is_named(machine: Caller) -> None:
    """The sentences of the pages, and each violation with rule, field and message."""
    body = {"kind": "person", "email": "nobody", "username": "x", "initials": "TOOLONG"}
    told = machine.refused(400, "POST", "/users", body)

    assert [(v["rule"], v["field"]) for v in told["violations"]] == [
        ("R1", "initials"),
        ("R4", "email"),
        ("R6", "username"),
    ]
    for each in told["violations"]:
        assert each["message"] in told["detail"]


def test_what_is_taken_is_a_conflict(machine: Caller) -> None:
    """409 where somebody has the value already."""
    made(machine, "first.one", username="first.one")
    body = {"kind": "person", "email": "second@contoso.com", "username": "FIRST.one"}
    told = machine.refused(409, "POST", "/users", body)

    assert told["violations"][0]["field"] == "username"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "kind is missing."),
        ({"kind": "robot", "email": "a@b.example"}, 'kind cannot be "robot"'),
        ({"kind": "person", "email": 7}, "email must be text."),
        ({"kind": "person", "email": "a", "admin": True}, 'no member "admin"'),
        ({"kind": "person", "email": "a", "roles": ["x", 1]}, "roles[1] must be text."),
        ({"kind": "person", "email": "a" * 300}, "254 are the most."),
    ],
)
def test_an_unfit_body_is_refused_with_what_to_change(
    machine: Caller, body: dict[str, Any], said: str
) -> None:
    """Nobody's typing error becomes a user, and no member is passed over in silence."""
    told = machine.refused(400, "POST", "/users", body)

    assert said in told["detail"]
    assert said in " ".join(each["message"] for each in told["violations"])


@pytest.mark.parametrize(
    "asked", [{"rolle": "x"}, {"limit": "0"}, {"limit": "201"}, {"status": "gone"}]
)
def test_a_filter_that_is_not_there_lists_nobody(
    machine: Caller, asked: dict[str, str]
) -> None:
    """400 rather than everybody."""
    assert machine.ask("GET", "/users", **asked).status == 400


def test_a_list_goes_on_behind_its_last_row(machine: Caller) -> None:
    """Pages of two, joined, are the whole list: nobody twice, nobody left out."""
    for number in range(5):
        made(machine, f"paged{number}")
    whole = [u["id"] for u in machine.get("/users", limit=200)["items"]]
    seen: list[int] = []
    asked: dict[str, Any] = {"limit": 2}
    while True:
        page = machine.get("/users", **asked)
        seen += [u["id"] for u in page["items"]]
        if page["next"] is None:
            break
        asked["after"] = page["next"]

    assert seen == whole


def test_filters_are_those_of_the_page(api_office: Office, machine: Caller) -> None:
    """By status, kind, source and role, each alone and together."""
    person = linked(api_office, machine, "filter.me")
    machine.done("POST", f"/users/{person['id']}/deactivate")

    def ids(**asked: str) -> list[int]:
        return [u["id"] for u in machine.get("/users", limit=200, **asked)["items"]]

    assert person["id"] in ids(status="held", source="default", kind="person")
    assert person["id"] not in ids(status="active")
    assert person["id"] not in ids(source="(not managed by a provider)")
    assert person["id"] not in ids(kind="api")
    assert person["id"] not in ids(role="Administrator")


def test_a_managed_field_says_whose_it_is(api_office: Office, machine: Caller) -> None:
    """Refused without `override`, and kept as changed here with it (D19)."""
    user = linked(api_office, machine, "managed.one")
    path = f"/users/{user['id']}"
    told = machine.refused(400, "PATCH", path, {"last_name": "Local"})
    body = {"last_name": "Local", "override": True}
    after = machine.done("PATCH", path, body)

    assert "managed by connection default" in told["detail"]
    assert user["source"] == "default"
    assert (after["last_name"], after["changed_here"]) == ("Local", ["last_name"])


def test_a_deactivation_cuts_off_and_is_proven(
    api_office: Office, machine: Caller
) -> None:
    """Consequences first, then inactive and held, with a receipt; and back again."""
    user = linked(api_office, machine, "cut.off")
    path = f"/users/{user['id']}"
    machine.get(f"{path}/consequences")
    after = machine.done("POST", f"{path}/deactivate")
    receipt = machine.get("/receipts")["items"][0]

    assert (after["active"], after["held_inactive"]) == (False, True)
    assert (receipt["user_id"], receipt["by"]) == (user["id"], "console:machine.one")
    back = machine.done("POST", f"{path}/reactivate")
    assert back["active"]
    assert not back["held_inactive"]


def test_sessions_are_ended_one_by_one_and_all(
    api_office: Office, machine: Caller
) -> None:
    """The browser is signed out with the next page."""
    desk = api_office.somebody("sid", "users.view")
    user_id = machine.get("/users", words="sid@")["items"][0]["id"]
    (held,) = machine.get(f"/users/{user_id}")["sessions"]
    path = f"/users/{user_id}/sessions"
    told = machine.refused(400, "DELETE", f"{path}/other")
    after = machine.done("DELETE", f"{path}/{held['id']}")

    assert "no such session" in told["detail"]
    assert after["sessions"] == []
    assert desk.get("/admin/users").path == "/login"
    desk.sign_in("sid@contoso.com")
    assert machine.done("DELETE", path)["sessions"] == []
    assert desk.get("/admin/users").path == "/login"


def test_nobody_gives_more_than_they_have(api_office: Office, machine: Caller) -> None:
    """R33 holds for programs too: in giving a role, and in making one."""
    clerk = admin_api.program(
        api_office, "clerk.one", "users.view", "users.update", "roles.create"
    )
    user = made(machine, "climber.one")
    given = clerk.refused(
        403, "POST", f"/users/{user['id']}/roles", {"role": "Administrator"}
    )
    more = {"name": "More", "permissions": ["settings.manage"]}
    created = clerk.refused(403, "POST", "/roles", more)

    assert given["violations"][0]["rule"] == "R33"
    assert created["violations"][0]["rule"] == "R33"


def test_a_role_is_given_and_taken(machine: Caller) -> None:
    """It stands where it comes from, and the history has both."""
    user = made(machine, "role.holder")
    path = f"/users/{user['id']}"
    given = machine.done("POST", f"{path}/roles", {"role": "Auditor"})
    taken = machine.done("POST", f"{path}/roles/take", {"role": "Auditor"})
    events = [e["event"] for e in machine.get(f"{path}/history")["items"]]

    assert [r["role"] for r in given["roles"]] == ["Auditor"]
    assert taken["roles"] == []
    assert len(events) >= 3
    assert events[-1] == "user:created"


def test_a_reset_asks_for_a_second_factor(machine: Caller) -> None:
    """R17: a program has none, so it mails nobody a way in."""
    user = made(machine, "forgetful.one")
    told = machine.refused(400, "POST", f"/users/{user['id']}/reset")

    assert "R17" in told["detail"]


def test_profiles_are_set_and_kept_while_used(machine: Caller) -> None:
    """A profile somebody has is not removed."""
    machine.done("POST", "/profiles", {"name": "Staff"})
    user = made(machine, "staff.one", profile="Staff")
    ids = {each["name"]: each["id"] for each in machine.get("/profiles")["items"]}
    path = f"/profiles/{ids['Staff']}"
    told = machine.refused(400, "DELETE", path)
    cleared = machine.done("PATCH", f"/users/{user['id']}", {"profile": None})

    assert user["profile"] == "Staff"
    assert "have the profile Staff" in told["detail"]
    assert cleared["profile"] is None
    machine.done("DELETE", path)
    assert "Staff" not in [each["name"] for each in machine.get("/profiles")["items"]]


def test_what_a_provider_sends_comes_back_as_data(
    api_office: Office, machine: Caller
) -> None:
    """XSS: markup in a field is text in JSON that no browser takes for a page."""
    api_office.person(
        "evil.one@contoso.com", name={"givenName": EVIL, "familyName": EVIL}
    )
    told = machine.ask("GET", "/users", words="evil.one")

    assert told.body["items"][0]["first_name"] == EVIL
    assert told.headers["content-type"] == "application/json"
    assert told.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in told.headers["content-security-policy"]
