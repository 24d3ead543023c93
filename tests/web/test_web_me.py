"""/Me for whoever calls with a token of their own (RFC 7644 section 3.11)."""

from __future__ import annotations

from collections.abc import Callable
from time import time_ns
from typing import TYPE_CHECKING, Any

import pytest

from scim_connector.administration import api_app, api_keys, connections
from scim_connector.administration import users as people
from scim_connector.administration.users import NewUser
from scim_connector.directory import links, users
from scim_connector.directory.users import User
from scim_connector.login.api_keys import ApiKeys
from scim_connector.login.gate import Door as Place
from scim_connector.login.sessions import Proof
from scim_connector.wiring.gate import sessions_of
from tests.programs import by_key
from tests.web.door import BASE, Door, operator, person, refusal

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

LOCAL = "urn:ietf:params:scim:schemas:extension:scim_connector:2.0:User"


def behind(door: Door, link_id: str) -> User:
    reader = door.house.database.reader()
    connection = connections.find(reader, "default")
    link = links.by_id(reader, connection.id, link_id)
    assert link is not None
    return users.required(reader, link.local_user_id)


def session(door: Door, user: User) -> str:
    """The token of a person's new session."""
    place = Place("sso", "nextgen", "192.0.2.7", "", time_ns() // 1000)
    sessions = sessions_of(door.house)
    return str(
        door.house.database.write(
            lambda tx: sessions.open(tx, user.id, place, Proof("sso"))
        )
    )


def program(door: Door, user: User) -> str:
    """The token an API user's new key was exchanged for."""
    house, act = door.house, operator()
    house.database.write(lambda tx: api_app.install(tx, act))
    pepper = house.keys.peppers()[0]
    key = house.database.write(
        lambda tx: api_keys.create(
            tx, user, "key", pepper=pepper, expires_at=None, act=act
        )
    )
    return str(
        ApiKeys(house.database, house.keys).exchange(by_key(user.username, key)).token
    )


def here(door: Door, name: str, **more: Any) -> User:
    """A user whom no provider manages."""
    new = NewUser(email=f"{name}@x.example", username=name, **more)
    return door.house.database.write(lambda tx: people.add(tx, new, operator()))


def me(
    door: Door, token: str, method: str = "GET", path: str = "/Me", **more: Any
) -> TestResponse:
    headers = {"Authorization": f"Bearer {token}", **more.pop("headers", {})}
    return door.send(method, path, headers=headers, **more)


def test_a_person_reads_what_their_provider_sees(door: Door) -> None:
    """The resource under its permanent id, letter for letter as at /Users/{id}."""
    link_id = door.made("kim.doe@contoso.com")
    answer = me(door, session(door, behind(door, link_id)))
    theirs = door.send("GET", f"/Users/{link_id}")

    assert answer.status_code == 200
    assert answer.get_json() == theirs.get_json()
    assert answer.headers["Location"] == f"{BASE}/Users/{link_id}"
    assert answer.get_json()["meta"]["location"] == answer.headers["Location"]
    assert answer.headers["ETag"] == theirs.headers["ETag"]


def test_an_api_user_reads_itself(door: Door) -> None:
    """By the token its key was exchanged for; the provider's id where there is a link."""
    act = operator()
    door.house.database.write(
        lambda tx: connections.change(
            tx, connections.find(tx, "default"), {"allow_api_users": True}, act
        )
    )
    body = person("night.run@contoso.com", **{LOCAL: {"apiUser": True}})
    link_id = door.send("POST", "/Users", body).get_json()["id"]
    answer = me(door, program(door, behind(door, link_id)))

    assert answer.status_code == 200
    assert answer.get_json()["id"] == link_id
    assert answer.get_json()[LOCAL] == {"apiUser": True}


@pytest.mark.parametrize("api", [False, True])
def test_whoever_has_no_link_is_made_of_local_fields(door: Door, api: bool) -> None:
    """UserName is the local username, the id the one applications know."""
    user = here(door, "ann.lee", first_name="Ann", last_name="Lee", api_user=api)
    token = program(door, user) if api else session(door, user)
    told = me(door, token).get_json()

    assert told["userName"] == "ann.lee"
    assert told["name"] == {"givenName": "Ann", "familyName": "Lee"}
    assert told["emails"][0]["value"] == "ann.lee@x.example"
    assert told["meta"]["location"] == f"{BASE}/Users/{told['id']}"
    assert told.get(LOCAL) == ({"apiUser": True} if api else None)


def test_head_options_and_what_is_known(door: Door) -> None:
    """HEAD is a GET without its body, OPTIONS names GET, a known version is 304."""
    token = session(door, here(door, "ann.lee"))
    whole, head = me(door, token), me(door, token, "HEAD")
    options = me(door, token, "OPTIONS")
    known = me(door, token, headers={"If-None-Match": whole.headers["ETag"]})

    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Location"] == whole.headers["Location"]
    assert head.headers["Content-Length"] == whole.headers["Content-Length"]
    assert (options.status_code, options.headers["Allow"]) == (204, "GET, OPTIONS")
    assert (known.status_code, known.data) == (304, b"")


def test_me_is_cut_as_every_answer(door: Door) -> None:
    """``attributes`` and ``excludedAttributes`` hold at /Me; ``local`` where asked for."""
    token = session(door, behind(door, door.made("kim.doe@contoso.com")))
    some = me(door, token, path="/Me?attributes=userName").get_json()
    less = me(door, token, path="/Me/?excludedAttributes=emails,name").get_json()
    local = me(door, token, path=f"/Me?attributes={LOCAL}:local").get_json()
    many = me(door, token, path="/Me?" + "&".join(f"a{n}=1" for n in range(60)))

    assert some.keys() == {"schemas", "id", "userName"}
    assert "emails" not in less
    assert local[LOCAL]["local"]["username"] == "kim.doe@contoso.com"
    assert "more than 50 parameters" in refusal(many, 400)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    ("make", "where"),
    [
        (
            lambda door: behind(door, door.made("kim.doe@x.example")),
            "connection default",
        ),
        (lambda door: here(door, "ann.lee"), "on your account page"),
        (lambda door: here(door, "night.run", api_user=True), "by an administrator"),
    ],
    ids=["managed", "local", "program"],
)
def test_nobody_changes_themselves_here(
    door: Door, method: str, make: Callable[[Door], User], where: str
) -> None:
    """403 with the place where they are changed, and nothing was changed."""
    user = make(door)
    token = program(door, user) if user.is_api_user else session(door, user)
    before = users.required(door.house.database.reader(), user.id)
    told = refusal(me(door, token, method, body={"active": False}), 403)

    assert where in told
    assert users.required(door.house.database.reader(), user.id) == before


@pytest.mark.parametrize(
    "path", ["/Users", "/Schemas", "/Me/x", "/Bulk", "", "/Nothing"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_no_other_address_opens(door: Door, path: str, method: str) -> None:
    """One sentence for each address, whether there is something or not."""
    token = session(door, here(door, "ann.lee"))

    assert "opens /scim/v2/Me alone" in refusal(me(door, token, method, path), 403)


def test_an_odd_method_is_not_allowed(door: Door) -> None:
    """405 with what is (RFC 9110 section 15.5.6)."""
    answer = me(door, session(door, here(door, "ann.lee")), "BREW")

    assert "only GET" in refusal(answer, 405)
    assert answer.headers["Allow"] == "GET, OPTIONS"


@pytest.mark.parametrize("api", [False, True])
def test_the_token_of_somebody_inactive_is_unknown(door: Door, api: bool) -> None:
    """At once, and as any other token that opens nothing (D26)."""
    user = here(door, "ann.lee", api_user=api)
    token = program(door, user) if api else session(door, user)
    before = me(door, token)
    door.house.database.write(
        lambda tx: people.deactivate(tx, users.required(tx, user.id), operator())
    )

    assert before.status_code == 200
    assert "This token is not known here" in refusal(me(door, token), 401)


def test_nearly_a_token_is_none(door: Door) -> None:
    """A forged secret, a key and a token that is not sent as a bearer are 401."""
    user = here(door, "ann.lee")
    token = session(door, user)
    forged = token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB")

    assert me(door, forged).status_code == 401
    for header in (f"Basic {token}", token, f"Bearer {token} more"):
        headers = {"Authorization": header}
        assert door.send("GET", "/Me", headers=headers).status_code == 401
