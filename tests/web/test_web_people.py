"""The credential of an application: it reads all active people and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from scim_connector.administration import connections as administration
from scim_connector.administration import users as doors
from scim_connector.administration.users import NewUser
from tests.web.door import Door, operator, person, refusal

if TYPE_CHECKING:
    from werkzeug.test import TestResponse


@pytest.fixture
def reader(door: Door) -> str:
    """A token that reads, and four users: two of them active people."""
    door.made("kim.doe@contoso.com")
    gone = door.made("lee.doe@contoso.com")
    patch = {"Operations": [{"op": "replace", "path": "active", "value": False}]}
    door.send("PATCH", f"/Users/{gone}", patch)

    def work(tx: Any) -> str:
        act = operator()
        doors.add(tx, NewUser(email="ann@local.example", first_name="Ann"), act)
        doors.add(tx, NewUser(email="api@local.example", api_user=True), act)
        found = administration.find(tx, "default")
        pepper = door.house.keys.peppers()[0]
        return str(
            administration.create_token(
                tx, found, pepper=pepper, expires_at=None, act=act, kind="reader"
            )
        )

    return door.house.database.write(work)


def ask(
    door: Door, token: str, method: str, path: str, body: Any = None
) -> TestResponse:
    return door.send(method, path, body, headers={"Authorization": f"Bearer {token}"})


def test_all_active_people_are_read(door: Door, reader: str) -> None:
    """Of a provider or of none; no API user, nobody inactive."""
    listed = ask(door, reader, "GET", "/Users").get_json()
    names = [each["userName"] for each in listed["Resources"]]

    assert listed["totalResults"] == 2
    assert names == ["kim.doe@contoso.com", "ann@local.example"]
    first = listed["Resources"][0]
    assert first["emails"] == [
        {"value": "kim.doe@contoso.com", "type": "work", "primary": True}
    ]
    assert first["active"] is True
    alone = ask(door, reader, "GET", f"/Users/{first['id']}")
    assert alone.get_json() == first


@pytest.mark.parametrize(
    ("filter_", "count"),
    [
        ('userName eq "KIM.DOE@contoso.com"', 1),
        ('emails.value eq "ann@local.example"', 1),
        ('emails[value eq "ann@local.example"]', 1),
        ('userName eq "api@local.example"', 0),
        ('emails.value eq "lee.doe@contoso.com"', 0),
        ('id eq "x"', 0),
    ],
)
def test_one_person_is_found(door: Door, reader: str, filter_: str, count: int) -> None:
    """By username, address or id, in any case; nobody who is not to be seen."""
    answer = ask(door, reader, "POST", "/Users/.search", {"filter": filter_})

    assert answer.get_json()["totalResults"] == count


def test_pages_and_parts(door: Door, reader: str) -> None:
    """StartIndex and count, attributes, and what does not work says so."""
    page = ask(door, reader, "GET", "/Users?startIndex=2&count=1&attributes=userName")
    local = "urn:ietf:params:scim:schemas:extension:scim_connector:2.0:User:local"
    wished = ask(door, reader, "GET", f"/Users?count=1&attributes={local}").get_json()

    (only,) = page.get_json()["Resources"]
    assert only["userName"] == "ann@local.example"
    assert "emails" not in only
    assert "initials" in str(wished)
    assert "one of" in refusal(ask(door, reader, "GET", "/Users?filter=title pr"), 400)
    assert "one order" in refusal(ask(door, reader, "GET", "/Users?sortBy=title"), 400)
    for path in ("/Users/x", "/Users/00000000-0000-8000-8000-zzzzzzzzzzzz"):
        assert "no active person" in refusal(ask(door, reader, "GET", path), 404)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/Users", person("new@contoso.com")),
        ("PUT", "/Users/x", {}),
        ("PATCH", "/Users/x", {}),
        ("DELETE", "/Users/x", None),
        ("GET", "/Groups", None),
        ("POST", "/Bulk", {}),
        ("GET", "/Roles", None),
        ("POST", "/.search", {}),
        ("GET", "/Nothing", None),
    ],
)
def test_nothing_else_is_allowed(
    door: Door, reader: str, method: str, path: str, body: Any
) -> None:
    """403 that says what the credential is for, and nothing happens."""
    assert "reads people" in refusal(ask(door, reader, method, path, body), 403)
    assert ask(door, reader, "GET", "/Users").get_json()["totalResults"] == 2


def test_it_reads_what_there_is_to_read(door: Door, reader: str) -> None:
    """Discovery is open to it, and the provider's own token is as before."""
    assert ask(door, reader, "GET", "/ServiceProviderConfig").status_code == 200
    assert ask(door, reader, "HEAD", "/Users").status_code == 200
    assert door.send("GET", "/Users").get_json()["totalResults"] == 2
