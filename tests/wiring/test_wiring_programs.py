"""API users against the real server, on both databases, seen as programs see it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from tests.programs import exchanged, introspected, post, served_on
from tests.server import Reply, Server, ServerFailed

LOCAL = "urn:ietf:params:scim:schemas:extension:scim_connector:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@dataclass(frozen=True, slots=True)
class House:
    """A server, the token of a connection that may have API users, and the API App."""

    scim: Server
    token: str
    app: tuple[str, str]

    def send(self, method: str, path: str, body: Any = None) -> Reply:
        """Ask as the provider."""
        return self.scim.send(method, path, body, token=self.token)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """One server of each kind; each test has API users of its own."""
    with served_on(request, tmp_path_factory.mktemp("programs")) as scim:
        outputs = scim.cli_batch(
            [
                ["connection", "add", "entra", "--kind", "entra", "--allow-api-users"],
                ["token", "create", "entra"],
                ["application", "add", "api-app", "--kind", "api"],
                ["application", "secret", "api-app"],
                ["api-app", "install"],
            ]
        )
        app = ("api-app", outputs[3].strip())
        yield House(scim, outputs[1].split()[-1], app)


def sent(name: str, **more: Any) -> dict[str, Any]:
    """An API user as a provider sends one."""
    email = f"{name}@contoso.com"
    return {
        "userName": email,
        "externalId": str(uuid4()),
        "name": {"givenName": "Night", "familyName": "Run"},
        "emails": [{"type": "work", "value": email, "primary": True}],
        LOCAL: {"apiUser": True, "username": name},
        **more,
    }


def provisioned(house: House) -> tuple[str, str]:
    """A new API user from the provider: SCIM id and username."""
    name = f"robot{uuid4().hex[:8]}"
    answer = house.send("POST", "/Users", sent(name))
    assert answer.status == 201, answer.content
    return str(answer.body["id"]), name


def patched(house: House, link_id: str, path: str, value: Any) -> Reply:
    operations = [{"op": "replace", "path": path, "value": value}]
    body = {"schemas": [PATCH], "Operations": operations}
    return house.send("PATCH", f"/Users/{link_id}", body)


def new_key(house: House, name: str, *options: str) -> str:
    return house.scim.cli("api-key", "create", name, *options).strip()


def shown(house: House, *command: str) -> Any:
    return json.loads(house.scim.cli(*command, "--json"))


def has_flag(house: House, name: str) -> bool:
    return bool(shown(house, "user", "show", name)["kind"] == "API user")


# --------------------------------------------------------------------------- the flag


def test_a_provider_cannot_move_the_flag(house: House) -> None:
    """PUT and PATCH, from API user to person and back, are 400 mutability (R11)."""
    link_id, name = provisioned(house)
    person = f"person{uuid4().hex[:8]}"
    made = house.send("POST", "/Users", sent(person, **{LOCAL: {"username": person}}))
    answers = [
        patched(house, link_id, f"{LOCAL}:apiUser", False),
        patched(house, link_id, LOCAL, {"apiUser": False}),
        house.send(
            "PUT", f"/Users/{link_id}", sent(name, **{LOCAL: {"apiUser": False}})
        ),
        patched(house, made.body["id"], f"{LOCAL}:apiUser", True),
        house.send("PUT", f"/Users/{made.body['id']}", sent(person)),
    ]

    told = [(each.status, each.body.get("scimType")) for each in answers]
    assert told == [(400, "mutability")] * 5
    assert all("R11" in each.body["detail"] for each in answers)
    assert (has_flag(house, name), has_flag(house, person)) == (True, False)


def test_a_put_that_says_nothing_leaves_the_flag(house: House) -> None:
    """A provider whose mapping knows no apiUser does not make a person of a robot."""
    link_id, name = provisioned(house)
    answer = house.send("PUT", f"/Users/{link_id}", sent(name, **{LOCAL: {}}))

    assert answer.status == 200
    assert has_flag(house, name)


def test_nobody_here_moves_the_flag(house: House) -> None:
    """The command line has no way to, and an import refuses the row and writes none."""
    _, name = provisioned(house)
    row = shown(house, "user", "show", name)
    header = "username,email,initials,api_user\n"
    file = house.scim.folder / f"{name}.csv"
    file.write_text(f"{header}{name},{row['email']},{row['initials']},no\n")
    with pytest.raises(ServerFailed, match="No such option"):
        house.scim.cli("user", "edit", name, "--no-api")
    with pytest.raises(ServerFailed, match="ended with 2"):
        house.scim.cli("import", file.name)

    assert has_flag(house, name)


def test_a_connection_needs_leave_to_make_one(house: House) -> None:
    """403 without --allow-api-users, and nobody was made (R12)."""
    name = f"robot{uuid4().hex[:8]}"
    answer = house.scim.send("POST", "/Users", sent(name))

    assert (answer.status, "R12" in answer.body["detail"]) == (403, True)
    with pytest.raises(ServerFailed, match="no user"):
        house.scim.cli("user", "show", name)


# --------------------------------------------------------------------------- the keys


def test_a_key_is_shown_once_and_works(house: House) -> None:
    """Exchanged by Basic and by form for a token of an hour; the API App hears whose."""
    _, name = provisioned(house)
    key = new_key(house, name, "--name", "nightly", "--expires", "30d")
    by_basic = exchanged(house.scim, name, key)
    form = {"client_id": name, "client_secret": key}
    by_form = post(house.scim, "/oauth2/token", grant_type="client_credentials", **form)
    told = introspected(house.scim, house.app, by_basic.body["access_token"])
    listed = shown(house, "api-key", "list", name)

    assert by_basic.status == by_form.status == 200
    assert by_basic.headers["cache-control"] == "no-store"
    assert (by_basic.body["token_type"], by_basic.body["expires_in"]) == (
        "Bearer",
        3600,
    )
    assert told.body["active"] is True
    assert told.body["username"] == name
    assert told.body["key"] == "nightly"
    assert told.body["exp"] - told.body["iat"] == 3600
    assert told.body["iss"] == house.scim.base_url.removesuffix("/scim/v2")
    assert [row["name"] for row in listed] == ["nightly"]
    assert listed[0]["last used"] != "-"
    assert key not in json.dumps(listed)


def test_a_key_is_no_token(house: House) -> None:
    """Neither a key nor its token opens /Users, and no key is introspected as active."""
    _, name = provisioned(house)
    key = new_key(house, name)
    token = exchanged(house.scim, name, key).body["access_token"]

    assert house.scim.send("GET", "/Users", token=key).status == 401
    assert house.scim.send("GET", "/Users", token=token).status == 403
    assert introspected(house.scim, house.app, key).body == {"active": False}


# -------------------------------------------------------------------- the deactivation


def test_a_provider_ends_an_api_user(house: House) -> None:
    """active=false: key and token refused at once, the App acts as nobody, told so.

    Reactivated, the old key and the old token stay dead; a new key works.
    """
    link_id, name = provisioned(house)
    key = new_key(house, name)
    token = exchanged(house.scim, name, key).body["access_token"]
    house.scim.cli("api-app", "configure", name)
    before = introspected(house.scim, house.app, token).body["active"]
    off = patched(house, link_id, "active", False)
    dead = introspected(house.scim, house.app, token)
    refused = exchanged(house.scim, name, key)
    app = shown(house, "api-app", "show")
    on = patched(house, link_id, "active", True)
    still_dead = introspected(house.scim, house.app, token)
    still_refused = exchanged(house.scim, name, key)
    fresh = exchanged(house.scim, name, new_key(house, name))

    assert (before, off.status, off.body["active"]) == (True, 200, False)
    assert dead.body == still_dead.body == {"active": False}
    assert refused.status == still_refused.status == 401
    assert refused.body["error"] == "invalid_client"
    assert "scim-connector api-key create USERNAME" in refused.body["error_description"]
    assert app == {"installed": True, "acts as": ""}
    assert (on.status, on.body["active"]) == (200, True)
    assert introspected(house.scim, house.app, fresh.body["access_token"]).body[
        "active"
    ]
    told = [row["event"] for row in shown(house, "user", "history", name)]
    assert "api_app:user_removed" in told
    assert shown(house, "api-app", "show")["acts as"] == ""


def test_a_person_ends_an_api_user(house: House) -> None:
    """The command names what the API App loses and wants a yes; then all is dead."""
    _, name = provisioned(house)
    key = new_key(house, name)
    token = exchanged(house.scim, name, key).body["access_token"]
    house.scim.cli("api-app", "configure", name)
    with pytest.raises(ServerFailed, match=f"acts as {name}; then it acts as nobody"):
        house.scim.cli("user", "deactivate", name)
    between = introspected(house.scim, house.app, token).body["active"]
    said = house.scim.cli("user", "deactivate", name, "--yes")

    assert between is True
    assert "1 api tokens, 1 api keys, api app" in said
    assert introspected(house.scim, house.app, token).body == {"active": False}
    assert exchanged(house.scim, name, key).status == 401
    assert shown(house, "api-app", "show") == {"installed": True, "acts as": ""}
    receipt = shown(house, "receipts", name)["receipts"][0]
    assert receipt["api_keys"]["result"] == receipt["api_app"]["result"] == "ended"


def test_a_deletion_ends_an_api_user(house: House) -> None:
    """DELETE is a deactivation as every other road (D12, D26)."""
    link_id, name = provisioned(house)
    key = new_key(house, name)
    token = exchanged(house.scim, name, key).body["access_token"]
    gone = house.send("DELETE", f"/Users/{link_id}")

    assert gone.status == 204
    assert introspected(house.scim, house.app, token).body == {"active": False}
    assert exchanged(house.scim, name, key).status == 401


def test_without_the_api_app_no_key_works(house: House) -> None:
    """Uninstalled: keys are refused and tokens are over; installed, keys work again."""
    _, name = provisioned(house)
    key = new_key(house, name)
    token = exchanged(house.scim, name, key).body["access_token"]
    house.scim.cli("api-app", "uninstall", "--yes")
    refused = exchanged(house.scim, name, key)
    over = introspected(house.scim, house.app, token).body
    house.scim.cli("api-app", "install")
    back = exchanged(house.scim, name, key)

    assert (refused.status, refused.body["error"]) == (401, "invalid_client")
    assert "The API App is not installed. (R14)" in refused.body["error_description"]
    assert over == {"active": False}
    assert back.status == 200
    assert introspected(house.scim, house.app, token).body == {"active": False}


# ------------------------------------------------------------------------ bad questions


@pytest.mark.parametrize("path", ["/oauth2/introspect", "/oauth2/revoke"])
def test_a_question_needs_a_name_and_a_token(house: House, path: str) -> None:
    """RFC 7662 §2.1, RFC 7009 §2.1: each refusal says what an application has to send."""
    nobody = post(house.scim, path, token="x")
    nothing = post(house.scim, path, basic=house.app)
    asked = house.scim.send_raw("GET", path, {}, None)

    assert (nobody.status, nobody.body["error"]) == (401, "invalid_client")
    assert "scim-connector application secret NAME" in nobody.body["error_description"]
    assert (nothing.status, nothing.body["error"]) == (400, "invalid_request")
    assert "token is missing" in nothing.body["error_description"]
    assert (asked.status, asked.headers["allow"]) == (405, "POST")
