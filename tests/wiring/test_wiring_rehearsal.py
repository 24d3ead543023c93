"""A rehearsal on the real server, as a provider and an administrator see it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests import server
from tests.server import Server

LOCAL = "urn:ietf:params:scim:schemas:extension:scim_connector:2.0:User"


@pytest.fixture(params=["sqlite", "postgresql"])
def scim(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server of each kind, where ann and ben exist already."""
    environment = {}
    if request.param == "postgresql":
        running = request.getfixturevalue("postgres_server")
        environment["SCIM_CONNECTOR_DATABASE_URL"] = running.create("rehearsed")
    folder = tmp_path_factory.mktemp("rehearsed")
    with server.running(folder, environment=environment) as served:
        served.cli_batch(
            [
                ["user", "add", "--email", f"{name}@contoso.com", "--no-mail"]
                for name in ("ann", "ben")
            ]
        )
        yield served
    if environment:
        running.drop("rehearsed")


def sent(name: str, **more: Any) -> dict[str, Any]:
    """A person as Entra ID sends one."""
    email = f"{name}@contoso.com"
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": email,
        "externalId": f"id-{name}",
        "name": {"givenName": name.title(), "familyName": "Doe"},
        "emails": [{"type": "work", "value": email, "primary": True}],
        "active": True,
        **more,
    }


def everybody(scim: Server) -> Any:
    """All local users, as the command line lists them."""
    return json.loads(scim.cli("user", "list", "--json"))


def test_a_first_cycle_and_going_live(scim: Server) -> None:
    """Six people: two linked, three created, one refused; nothing before, all after."""
    token = scim.connection(
        *("entra", "--kind", "entra", "--rehearse", "--link-existing", "email")
    )
    before, mails = everybody(scim), scim.cli("mail", "list", "--json")

    def ask(verb: str, path: str, body: Any = None) -> server.Reply:
        return scim.send(verb, path, body, token=token)

    made = [ask("POST", "/Users", sent(n)) for n in ("ann", "ben", "cat", "dan", "eve")]
    bad = ask("POST", "/Users", sent("fay", emails=[{"value": "nothing"}]))
    again = ask("POST", "/Users", sent("CAT"))
    ids = [answer.body["id"] for answer in made]
    replace = {"op": "replace", "path": "active", "value": False}
    off = ask("PATCH", f"/Users/{ids[1]}", {"Operations": [replace]})
    read = [ask("GET", f"/Users/{each}") for each in ids]
    listed = ask("GET", "/Users?filter=active%20eq%20true").body["totalResults"]

    assert [answer.status for answer in made] == [201] * 5
    assert (bad.status, bad.body["scimType"]) == (400, "invalidValue")
    assert (again.status, again.body["scimType"]) == (409, "uniqueness")
    assert (off.status, off.body["active"], listed) == (200, False, 4)
    assert everybody(scim) == before
    assert scim.cli("mail", "list", "--json") == mails
    log = scim.cli("log", "list", "--connection", "entra", "--json")
    assert all(e["reason"] for e in json.loads(log))
    cut = next(e for e in json.loads(log) if e["action"] == "Disable")
    assert "Rehearsal: cuts nothing." in scim.cli("log", "show", cut["request id"])

    told = scim.cli("connection", "go-live", "entra", "--yes")

    assert "2 would link" in told
    assert "entra is live: linked 2, created 3, brought back 0, refused 0." in told
    after = {user["username"]: user for user in everybody(scim)}
    assert len(after) == len(before) + 3
    for answer, each in zip(read, ids, strict=True):
        now = ask("GET", f"/Users/{each}")
        assert now.content == answer.content
        assert now.headers["etag"] == answer.headers["etag"]
        local = ask("GET", f"/Users/{each}?attributes={LOCAL}:local").body
        assert local[LOCAL]["local"]["username"] in after
    states = {user["email"]: user["active"] for user in after.values()}
    assert states["ann@contoso.com"] is True
    assert states["ben@contoso.com"] is False
    corrected = ask("POST", "/Users", sent("fay"))
    assert corrected.status == 201
    assert "nobody waits" in scim.cli("connection", "rehearsal", "entra")


def test_groups_and_bulk_are_rehearsed(scim: Server) -> None:
    """A bulk request makes people and a group of them; nobody here notices."""
    token = scim.connection("entra", "--kind", "entra", "--rehearse")
    before = everybody(scim)
    operations = [
        {"method": "POST", "path": "/Users", "bulkId": n, "data": sent(n)}
        for n in ("kim", "bo")
    ]
    members = [{"value": "bulkId:kim"}, {"value": "bulkId:bo"}]
    group = {"displayName": "Sales", "members": members}
    operations.append(
        {"method": "POST", "path": "/Groups", "bulkId": "g", "data": group}
    )
    body = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": operations,
    }

    answer = scim.send("POST", "/Bulk", body, token=token)

    found = [each["status"] for each in answer.body["Operations"]]
    assert found == ["201", "201", "201"]
    assert everybody(scim) == before
    groups = scim.send("GET", "/Groups", token=token).body["Resources"]
    assert len(groups[0]["members"]) == 2
