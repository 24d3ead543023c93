"""A rehearsal by the Admin API: its table, everybody judged anew, and going live."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.admin_api import Caller
from tests.console import Office
from tests.digest import digest_of_server


def sent(name: str, **more: Any) -> dict[str, Any]:
    """Somebody as a provider sends them."""
    email = f"{name}@contoso.com"
    return {
        "userName": email,
        "externalId": name,
        "name": {"givenName": "Kim", "familyName": name},
        "emails": [{"type": "work", "value": email, "primary": True}],
        **more,
    }


@dataclass(frozen=True)
class Rehearsal:
    """A connection that rehearses, and whom its provider has sent."""

    path: str
    token: str
    ids: dict[str, str]


def rehearsed(office: Office, machine: Caller, name: str, *new: str) -> Rehearsal:
    """A first cycle: one who exists here, these *new* ones, and one who is refused."""
    local = {"kind": "person", "email": f"here.{name}@contoso.com", "mail": False}
    machine.done("POST", "/users", local)
    made = machine.done(
        "POST",
        "/connections",
        {"name": name, "kind": "entra", "link_existing": "email", "rehearse": True},
    )
    token = made["token"]
    ids = {}
    for each in (f"here.{name}", *new):
        told = office.scim.send("POST", "/Users", sent(each), token=token)
        assert told.status == 201, told.content
        ids[each] = told.body["id"]
    bad = sent(f"bad.{name}", emails=[{"value": "nothing"}])
    assert office.scim.send("POST", "/Users", bad, token=token).status == 400
    return Rehearsal(f"/connections/{made['connection']['id']}", token, ids)


def walked(machine: Caller, path: str, **asked: Any) -> list[Any]:
    """Every row of a list, by pages."""
    rows: list[Any] = []
    while True:
        page = machine.get(path, **asked)
        rows += page["items"]
        if page["next"] is None:
            return rows
        asked["after"] = page["next"]


def test_the_table_says_what_would_become_of_each(
    api_office: Office, machine: Caller
) -> None:
    """Linked to whom, created as what, refused why; in pages of one it is the same."""
    made = rehearsed(api_office, machine, "table.one", "new.table.a", "new.table.b")
    path = f"{made.path}/rehearsal"

    told = machine.get(path)
    rows = machine.get(f"{path}/people")["items"]

    assert told == {
        "state": "rehearsing",
        "waiting": 3,
        "counts": {"link": 1, "create": 2, "restore": 0, "refuse": 1},
    }
    assert [each["outcome"] for each in rows] == ["link", "create", "create", "refuse"]
    here, new, _, bad = rows
    user = machine.get(f"/users/{here['user_id']}")
    assert user["username"] == here["username"] == "here.table.one@contoso.com"
    assert "email address is equal" in here["why"]
    assert here["scim_id"] == made.ids["here.table.one"]
    assert (new["username"], new["user_id"]) == ("new.table.a@contoso.com", None)
    assert bad["scim_id"] is None
    assert "R4" in bad["detail"]
    assert "mail attribute" in bad["fix"]
    assert walked(machine, f"{path}/people", limit=1) == rows
    refused = machine.get(f"{path}/people", outcome="refuse")["items"]
    assert refused == [bad]


def test_whom_nobody_matches_is_listed(api_office: Office, machine: Caller) -> None:
    """Local users without a provider; not whom the rehearsal would link."""
    made = rehearsed(api_office, machine, "table.two")
    lonely = {"kind": "person", "email": "lonely.two@contoso.com", "mail": False}
    machine.done("POST", "/users", lonely)
    path = f"{made.path}/rehearsal/unmatched"

    rows = walked(machine, path, limit=2)

    names = [each["username"] for each in rows]
    assert "lonely.two@contoso.com" in names
    assert "here.table.two@contoso.com" not in names
    assert names == sorted(set(names))
    judged = machine.done("POST", f"{made.path}/rehearsal/judge")
    assert names == [each["username"] for each in judged["unmatched"]]


@pytest.mark.parametrize("after", ["x", "1", "waiting.", "refused.²", "gone.1"])
def test_a_table_goes_on_behind_what_it_said_alone(machine: Caller, after: str) -> None:
    """400 for anything that was never a ``next``."""
    made = machine.get("/connections")["items"][0]["id"]
    path = f"/connections/{made}/rehearsal/people"

    assert machine.ask("GET", path, after=after).status == 400
    assert machine.ask("GET", path, outcome="would link").status == 400


def test_judging_anew_keeps_nothing(api_office: Office, machine: Caller) -> None:
    """Against the users as they are now: a clash that came since is told."""
    made = rehearsed(api_office, machine, "judged", "new.judged", "late.judged")
    taken = {"kind": "api", "email": "late.judged@contoso.com", "username": "late.one"}
    machine.done("POST", "/users", taken)
    before = digest_of_server(api_office.scim.folder)

    told = machine.done("POST", f"{made.path}/rehearsal/judge")

    assert told["counts"] == {"link": 1, "create": 1, "restore": 0, "refuse": 1}
    assert told["left_to_next_try"] == 1
    assert told["refused_in_all"] == 2
    assert {each["identity"] for each in told["refused"]} == {
        "late.judged@contoso.com",
        "bad.judged@contoso.com",
    }
    assert {each["kind"]: each["count"] for each in told["mails"]} == {
        "managed-now": 1,
        "welcome": 1,
    }
    assert digest_of_server(api_office.scim.folder) == before


def test_going_live_carries_everybody_out(api_office: Office, machine: Caller) -> None:
    """Asked by its name; the ids stay, the refused is told, and once is enough."""
    made = rehearsed(api_office, machine, "lives", "new.lives")
    path = f"{made.path}/go-live"

    unnamed = machine.refused(400, "POST", path, {"name": "other"})
    assert "lives, to let it go live" in unnamed["detail"]
    assert machine.get(made.path)["state"] == "rehearsing"
    done = machine.done("POST", path, {"name": "lives"})

    assert done["counts"] == {"link": 1, "create": 1, "restore": 0, "refuse": 0}
    assert done["connection"]["state"] == "live"
    assert done["connection"]["people"] == 2
    for name, scim_id in made.ids.items():
        (row,) = machine.get("/users", words=f"{name}@contoso.com")["items"]
        user = machine.get(f"/users/{row['id']}")
        assert (user["source"], user["scim_id"]) == ("lives", scim_id)
    again = machine.refused(400, "POST", path, {"name": "lives"})
    assert "nobody of it waits to be carried out" in again["detail"]
    assert "scim-connector" not in again["detail"]
    left = machine.get(f"{made.path}/rehearsal/people")["items"]
    assert [each["identity"] for each in left] == ["bad.lives@contoso.com"]
