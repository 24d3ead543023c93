"""Token exchange (RFC 8693) against the real server, on both databases."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from scim_connector.login.token_exchange import ACCESS_TOKEN, GRANT, ID_TOKEN
from scim_connector.rules.access import OUTWARD
from tests.programs import introspected, post, served_on
from tests.server import Reply, Server
from tests.tokens import issuer
from tests.tokens.issuer import OTHER_KEY, Issuer, signed

LOCAL = "urn:ietf:params:scim:schemas:extension:scim_connector:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
KIM, ROBOT, GONE = (str(uuid4()) for _ in range(3))
CLIENT = "11111111-nextgen-at-the-provider"


@dataclass(frozen=True, slots=True)
class House:
    """A server, the provider, and two applications that are known there."""

    scim: Server
    provider: Issuer
    token: str
    nextgen: tuple[str, str]
    classic: tuple[str, str]
    app: tuple[str, str]
    ids: dict[str, str]

    def said(self, oid: str = KIM, **changes: Any) -> dict[str, Any]:
        """What the provider says to nextgen; a change to None leaves a claim out."""
        now = int(time.time())
        whole = {
            "iss": self.provider.base,
            "sub": f"pairwise-{oid}",
            "aud": CLIENT,
            "oid": oid,
            "iat": now,
            "exp": now + 3600,
            "nonce": "theirs",
            "uti": uuid4().hex,
            **changes,
        }
        return {name: value for name, value in whole.items() if value is not None}

    def exchange(self, text: str, client: tuple[str, str] | None = None) -> Reply:
        """Exchange an ID token as nextgen, or as another application."""
        form = {"grant_type": GRANT, "subject_token": text}
        form["subject_token_type"] = ID_TOKEN
        return post(self.scim, "/oauth2/token", basic=client or self.nextgen, **form)

    def log(self) -> list[dict[str, str]]:
        """Who was refused and why, as an administrator reads it, the newest first."""
        found: list[dict[str, str]] = json.loads(
            self.scim.cli("sign-in", "log", "--refused", "--json")
        )
        return found

    def why(self) -> str:
        """Why the last one was refused."""
        return self.log()[0]["why"]


@pytest.fixture(scope="module")
def provider() -> Iterator[Issuer]:
    """An OpenID provider with keys of its own."""
    with issuer.running() as served:
        yield served


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def house(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    provider: Issuer,
) -> Iterator[House]:
    """People sign in through entra; a person, an API user and somebody inactive."""
    with served_on(request, tmp_path_factory.mktemp("exchange")) as scim:
        out = scim.cli_batch(
            [
                ["connection", "add", "entra", "--kind", "entra", "--allow-api-users"],
                ["token", "create", "entra"],
                ["application", "add", "nextgen", "--kind", "desktop"],
                ["application", "secret", "nextgen"],
                ["application", "client", "nextgen", "entra", CLIENT],
                ["application", "add", "classic"],
                ["application", "secret", "classic"],
                ["application", "client", "classic", "entra", "classic-there"],
                ["application", "add", "api-app", "--kind", "api"],
                ["application", "secret", "api-app"],
            ]
        )
        token = out[1].split()[-1]
        ids = {
            oid: _made(scim, token, oid, **more)
            for oid, more in (
                (KIM, {}),
                (ROBOT, {LOCAL: {"apiUser": True}}),
                (GONE, {"active": False}),
            )
        }
        scim.cli_batch(
            [
                [
                    *["sign-in", "set", "entra", "--client-id", "ours", "--issuer"],
                    provider.base,
                ],
                ["sign-in", "on", "entra"],
            ]
        )
        yield House(
            scim,
            provider,
            token,
            ("nextgen", out[3].strip()),
            ("classic", out[6].strip()),
            ("api-app", out[9].strip()),
            ids,
        )


def _made(scim: Server, token: str, oid: str, **more: Any) -> str:
    email = f"u{oid[:8]}@contoso.com"
    body = {
        "userName": email,
        "externalId": oid,
        "name": {"givenName": "Kim", "familyName": "Doe"},
        "emails": [{"type": "work", "value": email, "primary": True}],
        **more,
    }
    answer = scim.send("POST", "/Users", body, token=token)
    assert answer.status == 201, answer.content
    return str(answer.body["id"])


def refused(answer: Reply) -> None:
    """The same outward text, whatever the reason."""
    assert answer.status == 400, answer.content
    assert answer.body == {"error": "invalid_request", "error_description": OUTWARD}


# ----------------------------------------------------------------------------- good


def test_an_id_token_becomes_a_session(house: House) -> None:
    """Opaque, for nextgen alone, introspected as any session (RFC 8693 §2.2.1)."""
    answer = house.exchange(signed(house.said(azp=CLIENT)))
    token = answer.body["access_token"]
    told = introspected(house.scim, house.nextgen, token).body

    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.body == {
        "access_token": token,
        "issued_token_type": ACCESS_TOKEN,
        "token_type": "Bearer",
        "expires_in": told["exp"] - told["iat"],
    }
    assert token.startswith("scimc_")
    assert (told["active"], told["aud"]) == (True, "nextgen")
    assert told["username"] == f"u{KIM[:8]}@contoso.com"
    assert introspected(house.scim, house.classic, token).body == {"active": False}
    mine = house.scim.send("GET", "/Me", token=token)
    assert mine.body["id"] == house.ids[KIM]


def test_a_session_of_an_exchange_dies_with_its_user(house: House) -> None:
    """active=false from the provider, and the next introspection says so (D26)."""
    token = house.exchange(signed(house.said())).body["access_token"]
    body = {
        "schemas": [PATCH],
        "Operations": [{"op": "replace", "path": "active", "value": False}],
    }
    path = f"/Users/{house.ids[KIM]}"
    house.scim.send("PATCH", path, body, token=house.token)
    dead = introspected(house.scim, house.nextgen, token).body
    refused(house.exchange(signed(house.said())))
    body["Operations"] = [{"op": "replace", "path": "active", "value": True}]
    house.scim.send("PATCH", path, body, token=house.token)

    assert dead == {"active": False}
    assert introspected(house.scim, house.nextgen, token).body == {"active": False}
    assert house.exchange(signed(house.said())).status == 200


def test_several_audiences_need_the_authorized_party(house: House) -> None:
    """Among others it is taken with azp, and not without (OpenID Connect §3.1.3.7)."""
    both = [CLIENT, "another"]

    assert house.exchange(signed(house.said(aud=both, azp=CLIENT))).status == 200
    refused(house.exchange(signed(house.said(aud=both))))
    assert "authorized party" in house.why()


# ---------------------------------------------------------------------- the token


NOT_TAKEN: dict[str, tuple[dict[str, Any], str]] = {
    "for us": ({"aud": "ours"}, "It is meant for 'ours', not for"),
    "for another application": ({"aud": "classic-there"}, "It is meant for"),
    "for nobody": ({"aud": None}, "It is meant for"),
    "another's azp": ({"azp": "classic-there"}, "authorized party (azp)"),
    "six minutes old": ({"iat": int(time.time()) - 360}, "that is too long"),
    "without iat": ({"iat": None}, "does not say when it was issued"),
    "from tomorrow": ({"iat": int(time.time()) + 3600}, "seconds from now (iat)"),
    "expired": ({"exp": int(time.time()) - 120}, "It ended"),
    "a logout token": ({"events": {}}, "the claim 'events'"),
    "an access token": ({"scp": "User.Read"}, "the claim 'scp'"),
    "no subject": ({"sub": None}, "names no subject"),
    "no oid": ({"oid": None}, "has no claim 'oid'"),
    "nobody here": ({"oid": "0" * 8, "sub": "stranger"}, "Nobody has the externalId"),
    "of an API user": ({"oid": ROBOT, "sub": "r"}, "API users are for programs only"),
    "of somebody inactive": ({"oid": GONE, "sub": "g"}, "The user is inactive"),
    "another issuer": ({"iss": "https://login.example"}, "Nobody signs in through"),
}


@pytest.mark.parametrize("name", NOT_TAKEN)
def test_a_token_that_proves_nothing_here(house: House, name: str) -> None:
    """One text outside; inside the exact reason, with the application and the road."""
    changes, why = NOT_TAKEN[name]
    refused(house.exchange(signed(house.said(**changes))))

    entry = house.log()[0]
    assert why in entry["why"]
    assert (entry["road"], entry["application"]) == ("exchange", "nextgen")


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"typ": "at+jwt"}, "another type: 'at+jwt'"),
        ({"typ": "logout+jwt"}, "another type: 'logout+jwt'"),
        ({"key": OTHER_KEY}, "Its signature"),
        ({"kid": "two"}, "Its key 'two'"),
        ({"key": "k" * 40, "algorithm": "HS256"}, "signed with 'HS256'"),
    ],
)
def test_a_header_that_is_not_of_an_id_token(
    house: House, how: dict[str, Any], why: str
) -> None:
    """Access tokens, logout tokens, other keys and other algorithms are refused."""
    refused(house.exchange(signed(house.said(), **how)))

    assert why in house.why()


def test_our_own_tokens_are_refused(house: House) -> None:
    """A session token, a bearer token of a connection, and what we sign ourselves."""
    session = house.exchange(signed(house.said())).body["access_token"]
    own = house.said(iss=house.scim.base_url.removesuffix("/scim/v2"))
    for text in (session, house.token, house.nextgen[1], signed(own), "a.b.c", "x"):
        refused(house.exchange(text))

    assert [entry["outcome"] for entry in house.log()[:6]] == ["token_invalid"] * 6


@pytest.mark.parametrize("uti", [None, "the-same"])
def test_a_token_is_exchanged_once(house: House, uti: str | None) -> None:
    """A second time it is a replay, also as another text of the same id."""
    said = house.said(uti=uti and f"{uti}-{uuid4()}")
    first = house.exchange(signed(said))
    began = time.monotonic()
    refused(house.exchange(signed(said)))
    took = time.monotonic() - began

    assert first.status == 200
    assert "exchanged before" in house.why()
    assert took < 1
    if uti:
        refused(house.exchange(signed({**said, "nonce": "another text"})))


def test_of_eight_at_once_one_is_first(house: House) -> None:
    """The same token from eight connections at once opens one session."""
    text = signed(house.said())

    def ask(_: int) -> int:
        scim = replace(house.scim, _client=None)
        try:
            return replace(house, scim=scim).exchange(text).status
        finally:
            scim.disconnect()

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(ask, range(8)))

    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 400, 503}


def test_a_refused_token_is_not_used_up(house: House) -> None:
    """Whom an administrator lets in a minute later signs in with what they have."""
    text = signed(house.said(GONE))
    refused(house.exchange(text))
    shown = json.loads(house.scim.cli("user", "list", f"u{GONE[:8]}", "--json"))
    house.scim.cli("user", "reactivate", shown[0]["username"])
    then = house.exchange(text)
    house.scim.cli("user", "deactivate", shown[0]["username"])

    assert then.status == 200


# ---------------------------------------------------------------------- the client


def test_only_the_application_it_was_given_to(house: House) -> None:
    """Classic cannot use nextgen's token, nor can anybody without a secret."""
    text = signed(house.said())
    refused(house.exchange(text, house.classic))
    stranger = house.exchange(text, ("nextgen", house.classic[1]))
    of_kind_api = house.exchange(text, house.app)
    bare = post(
        house.scim,
        "/oauth2/token",
        grant_type=GRANT,
        subject_token=text,
        subject_token_type=ID_TOKEN,
    )

    assert "not for 'classic-there'" in house.why()
    assert (stranger.status, stranger.body["error"]) == (401, "invalid_client")
    assert (bare.status, bare.body["error"]) == (401, "invalid_client")
    assert (of_kind_api.status, of_kind_api.body["error"]) == (
        400,
        "unauthorized_client",
    )
    assert house.exchange(text).status == 200


def test_an_application_without_a_client_id(house: House) -> None:
    """Refused, and the log names the command that registers it."""
    house.scim.cli("application", "client", "nextgen", "entra")
    refused(house.exchange(signed(house.said())))
    why = house.why()
    house.scim.cli("application", "client", "nextgen", "entra", CLIENT)

    assert "application client nextgen entra CLIENT_ID" in why
    assert house.exchange(signed(house.said())).status == 200


def test_sign_in_must_be_on(house: House) -> None:
    """Off, nobody comes in by exchange either; open sessions go on."""
    before = house.exchange(signed(house.said())).body["access_token"]
    house.scim.cli("sign-in", "off", "entra")
    refused(house.exchange(signed(house.said())))
    why = house.why()
    house.scim.cli("sign-in", "on", "entra")

    assert "Nobody signs in through a provider" in why
    assert introspected(house.scim, house.nextgen, before).body["active"] is True


@pytest.mark.parametrize(
    ("form", "error", "told"),
    [
        ({"subject_token": ""}, "invalid_request", "subject_token is missing"),
        ({"subject_token_type": ACCESS_TOKEN}, "invalid_request", ID_TOKEN),
        ({"requested_token_type": ID_TOKEN}, "invalid_request", ACCESS_TOKEN),
        ({"audience": "classic"}, "invalid_target", "leave audience out"),
        ({"actor_token": "x"}, "invalid_request", "actor_token is not served"),
        ({"scope": "admin"}, "invalid_request", "scope is not served"),
        ({"resource": "https://x"}, "invalid_request", "resource is not served"),
    ],
)
def test_a_bad_request_says_what_to_change(
    house: House, form: dict[str, str], error: str, told: str
) -> None:
    """RFC 8693 §2.1 and §2.2.2, for whoever writes the application."""
    whole = {
        "grant_type": GRANT,
        "subject_token": "x",
        "subject_token_type": ID_TOKEN,
        **form,
    }
    answer = post(house.scim, "/oauth2/token", basic=house.nextgen, **whole)

    assert (answer.status, answer.body["error"]) == (400, error)
    assert told in answer.body["error_description"]


def test_the_metadata_names_the_grant(house: House) -> None:
    """RFC 8414: what an application can find out before it asks."""
    place = urlsplit(house.scim.base_url)
    client = http.client.HTTPConnection(str(place.hostname), place.port, timeout=20)
    client.request("GET", "/.well-known/oauth-authorization-server")
    told = json.loads(client.getresponse().read())
    client.close()

    assert GRANT in told["grant_types_supported"]
