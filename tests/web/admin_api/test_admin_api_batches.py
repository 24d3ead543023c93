"""Batches of conflicts by the Admin API: looked at, then decided one by one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.admin_api import Caller
from tests.console import Office


def clash(office: Office, machine: Caller, name: str, token: str) -> dict[str, Any]:
    """A local user, and a provider that is refused somebody of the same address."""
    email = f"{name}@contoso.com"
    body = {"kind": "person", "email": email, "mail": False, "username": f"own.{name}"}
    user: dict[str, Any] = machine.done("POST", "/users", body)["user"]
    sent = {
        "userName": f"{name}.sent@contoso.com",
        "name": {"givenName": "Kim", "familyName": name},
        "emails": [{"type": "work", "value": email, "primary": True}],
    }
    assert office.scim.send("POST", "/Users", sent, token=token).status == 409
    return {"user": user, "sent": sent}


def waiting(machine: Caller, connection: str) -> dict[str, int]:
    """The ids of what waits at a connection, by the identity."""
    rows = machine.get("/conflicts", connection=connection)["items"]
    return {row["identity"].partition(".")[0]: row["id"] for row in rows}


def new_connection(machine: Caller, name: str) -> str:
    """A connection of its own; its token."""
    made = machine.done("POST", "/connections", {"name": name, "kind": "generic"})
    return str(made["token"])


def test_a_batch_is_looked_at_then_done(api_office: Office, machine: Caller) -> None:
    """Looking decides nothing; each is done or says why not, and the retry succeeds."""
    token = new_connection(machine, "batch.one")
    met = {n: clash(api_office, machine, n, token) for n in ("xena", "yuri", "zoe")}
    machine.done("POST", f"/users/{met['zoe']['user']['id']}/deactivate")
    ids = waiting(machine, "batch.one")
    asked = {"remedy": "link", "conflicts": [ids[name] for name in met]}

    looked = machine.done("POST", "/conflicts/batch", asked)

    would = {each["conflict"]["id"]: each["why_not"] for each in looked["items"]}
    assert [would[ids[name]] for name in ("xena", "yuri")] == [None, None]
    assert "is inactive; reactivate them first" in would[ids["zoe"]]
    assert [each["would_be_decided"] for each in looked["items"]] == [True, True, False]
    assert looked["consequence"]
    assert waiting(machine, "batch.one") == ids
    for sent in (met["xena"]["sent"], met["yuri"]["sent"]):
        assert api_office.scim.send("POST", "/Users", sent, token=token).status == 409

    done = machine.done("POST", "/conflicts/batch/do", asked)

    assert done["decided"] == 2
    assert [each["conflict_id"] for each in done["items"]] == asked["conflicts"]
    assert "xena.sent@contoso.com" in done["items"][0]["done"]
    assert done["items"][2]["done"] is None
    assert done["items"][2]["why_not"] == would[ids["zoe"]]
    assert set(waiting(machine, "batch.one")) == {"xena", "yuri", "zoe"}
    for name, status in (("xena", 201), ("yuri", 201), ("zoe", 409)):
        sent = met[name]["sent"]
        told = api_office.scim.send("POST", "/Users", sent, token=token)
        assert told.status == status, name
    linked = machine.get(f"/users/{met['xena']['user']['id']}")
    assert (linked["source"], linked["username"]) == ("batch.one", "own.xena")


def test_what_is_closed_or_not_there_leaves_the_others_alone(
    api_office: Office, machine: Caller
) -> None:
    """Twice the same, and an id of nothing: each with its own sentence."""
    token = new_connection(machine, "batch.two")
    clash(api_office, machine, "wim", token)
    (number,) = waiting(machine, "batch.two").values()
    asked = {"remedy": "ignore", "conflicts": [number, 999_999, number]}

    nobody = machine.refused(400, "POST", "/conflicts/batch", asked)
    done = machine.done("POST", "/conflicts/batch/do", asked)

    assert "There is no entry 999999" in nobody["detail"]
    assert "scim-connector" not in nobody["detail"]
    assert done["decided"] == 1
    assert [each["why_not"] is None for each in done["items"]] == [True, False, False]
    assert "There is no entry 999999" in done["items"][1]["why_not"]
    assert "is closed already" in done["items"][2]["why_not"]
    assert "console:machine.one" in machine.get(f"/conflicts/{number}")["resolution"]


@pytest.mark.parametrize("path", ["/conflicts/batch", "/conflicts/batch/do"])
@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"remedy": "change_email", "conflicts": [1]}, "remedy cannot be"),
        ({"remedy": "link"}, "conflicts is missing"),
        ({"remedy": "link", "conflicts": ["1"]}, "conflicts[0] must be a whole number"),
        ({"remedy": "link", "conflicts": [1] * 201}, "201 entries; 200 are the most"),
    ],
)
def test_an_unfit_batch_decides_nothing(
    machine: Caller, path: str, asked: dict[str, Any], said: str
) -> None:
    """What takes a value for each is decided one by one; the rest is a typing error."""
    assert said in machine.refused(400, "POST", path, asked)["detail"]
