"""OAuth client credentials against the real server: exchanged, used, ended, refused."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from scim_connector.login.client_credentials import ASSERTION_TYPE
from tests import server
from tests.server import Server
from tests.tokens import issuer
from tests.tokens.issuer import AUDIENCE, ISSUER, OTHER_KEY, SUBJECT, TENANT, claims
from tests.tokens.issuer import signed as assertion
from tests.tokens.test_tokens_assertions import FORGED

FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def keys() -> Iterator[issuer.Issuer]:
    """The key set of the issuer."""
    with issuer.running() as served:
        yield served


@pytest.fixture(scope="module")
def scim(
    tmp_path_factory: pytest.TempPathFactory, keys: issuer.Issuer
) -> Iterator[Server]:
    """A server with a connection that trusts the issuer."""
    with server.running(tmp_path_factory.mktemp("oauth")) as running:
        running.connection("entra", "--kind", "entra")
        running.cli(
            *("oauth", "trust", "entra", "--issuer", ISSUER, "--jwks-url", keys.url),
            *("--subject", SUBJECT, "--audience", AUDIENCE, "--audience", "api://x"),
        )
        yield running


def ask(
    scim: Server, form: dict[str, str] | str, **headers: str
) -> tuple[int, dict[str, Any], dict[str, str]]:
    """POST /oauth2/token: status, body and headers."""
    place = urlsplit(scim.base_url)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=20)
    body = form if isinstance(form, str) else urlencode(form)
    sent = {
        "Content-Type": FORM,
        **{n.replace("_", "-"): v for n, v in headers.items()},
    }
    connection.request("POST", "/oauth2/token", body, sent)
    answer = connection.getresponse()
    told = json.loads(answer.read() or b"{}")
    connection.close()
    return answer.status, told, {n.lower(): v for n, v in answer.getheaders()}


def client(scim: Server) -> str:
    shown = json.loads(scim.cli("oauth", "show", "entra", "--json"))
    return str(shown["client id"])


def by_secret(scim: Server, secret: str, **more: str) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_id": client(scim),
        "client_secret": secret,
        **more,
    }


def by_assertion(text: str, **more: str) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": text,
        **more,
    }


def new_secret(scim: Server, *options: str) -> str:
    return scim.cli("oauth", "secret", "entra", *options).strip()


def works(scim: Server, token: str) -> int:
    return scim.send("GET", "/Users", token=token).status


# ------------------------------------------------------------------------------ secrets


def test_a_secret_becomes_a_token_that_opens_the_door(scim: Server) -> None:
    """In the form or in the header; opaque, for an hour, never cached (RFC 6749 §5.1)."""
    secret = new_secret(scim)
    status, told, headers = ask(scim, by_secret(scim, secret, scope="scim"))
    basic = base64.b64encode(f"{client(scim)}:{secret}".encode()).decode()
    grant = {"grant_type": "client_credentials"}
    in_header = ask(scim, grant, Authorization=f"Basic {basic}")

    assert (status, told["token_type"], told["expires_in"]) == (200, "Bearer", 3600)
    assert told["scope"] == "scim"
    assert headers["cache-control"] == "no-store"
    assert works(scim, told["access_token"]) == 200
    assert works(scim, in_header[1]["access_token"]) == 200
    assert works(scim, secret) == 401


def test_a_revoked_secret_takes_its_tokens_with_it(scim: Server) -> None:
    """At once: the next request is refused; another secret goes on without a gap."""
    old, new = new_secret(scim), new_secret(scim)
    dying = ask(scim, by_secret(scim, old))[1]["access_token"]
    living = ask(scim, by_secret(scim, new))[1]["access_token"]
    before = works(scim, dying)
    scim.cli("token", "revoke", old)

    assert (before, works(scim, dying), works(scim, living)) == (200, 401, 200)
    told = scim.send("GET", "/Users", token=dying).body["detail"]
    assert "get another at /oauth2/token" in told
    status, told, _ = ask(scim, by_secret(scim, old))
    assert (status, told["error"]) == (401, "invalid_client")
    assert "revoked" in told["error_description"]


def test_a_token_ends_with_its_secret(scim: Server) -> None:
    """A secret of half an hour gives tokens of half an hour."""
    secret = new_secret(scim, "--expires", "1h")

    assert ask(scim, by_secret(scim, secret))[1]["expires_in"] <= 3600


@pytest.mark.parametrize(
    ("form", "status", "error", "told"),
    [
        ({}, 400, "invalid_request", "grant_type is missing"),
        (
            {"grant_type": "password"},
            400,
            "unsupported_grant_type",
            "client_credentials",
        ),
        (
            {"grant_type": "client_credentials"},
            401,
            "invalid_client",
            "client_assertion",
        ),
        (
            {"grant_type": "client_credentials", "scope": "admin"},
            400,
            "invalid_scope",
            'The only scope is "scim"',
        ),
        (
            by_assertion("x", client_secret="y"),
            400,
            "invalid_request",
            "not both",
        ),
        (
            {
                "grant_type": "client_credentials",
                "client_id": "scim-1",
                "client_secret": f"scimc_{'a' * 12}_{'b' * 43}",
            },
            401,
            "invalid_client",
            "oauth secret CONNECTION",
        ),
        ("grant_type=a&grant_type=b", 400, "invalid_request", "given twice"),
        ("%ff=%ff", 400, "invalid_request", ""),
    ],
)
def test_a_bad_request_says_what_to_change(
    scim: Server, form: Any, status: int, error: str, told: str
) -> None:
    """RFC 6749 section 5.2, in words for whoever set the provider up."""
    got, body, _ = ask(scim, form)

    assert (got, body["error"]) == (status, error)
    assert told in body["error_description"]


def test_only_a_form_is_read(scim: Server) -> None:
    """A JSON body, a header that is none and a huge form are refused."""
    as_json = ask(scim, "{}", Content_Type="application/json")
    odd_header = ask(
        scim, {"grant_type": "client_credentials"}, Authorization="Bearer x"
    )
    huge = ask(scim, "a" * 70_000)

    assert (as_json[0], as_json[1]["error"]) == (400, "invalid_request")
    assert (odd_header[0], odd_header[1]["error"]) == (401, "invalid_client")
    assert huge[0] == 413


# --------------------------------------------------------------------------- assertions


def test_an_assertion_becomes_a_token_once(scim: Server) -> None:
    """As Entra's workload identity federation sends it; a second time it is a replay."""
    text = assertion()
    status, told, _ = ask(
        scim, by_assertion(text, client_id=client(scim), scope="scim")
    )
    again = ask(scim, by_assertion(text))

    assert (status, told["expires_in"]) == (200, 3600)
    assert works(scim, told["access_token"]) == 200
    assert (again[0], again[1]["error"]) == (401, "invalid_client")
    assert "exchanged before" in again[1]["error_description"]


def test_forged_assertions_are_refused_and_counted(tmp_path: Path) -> None:
    """Each with its reason in the administrator's log; none of them makes a token."""
    forged = {name: text for name, (text, _) in FORGED.items() if name != "no tenant"}
    forged = {n: t for n, t in forged.items() if n != "another tenant"}
    with issuer.running() as keys, server.running(tmp_path) as scim:
        scim.connection("entra", "--kind", "entra")
        scim.cli(
            *("oauth", "trust", "entra", "--issuer", ISSUER, "--jwks-url", keys.url),
            *("--subject", SUBJECT, "--audience", AUDIENCE),
        )
        answers = {name: ask(scim, by_assertion(text)) for name, text in forged.items()}
        tokens = json.loads(scim.cli("token", "list", "--json"))
    refused = scim.cli("log", "knocks", "--json")  # the last are written at the end

    assert len(forged) >= 30
    assert {answer[0] for answer in answers.values()} == {401}
    assert {answer[1]["error"] for answer in answers.values()} == {"invalid_client"}
    kept = {row["reason"] for row in json.loads(refused)}
    assert kept == {f"token_assertion_{FORGED[name][1]}" for name in forged}
    assert {row["kind"] for row in tokens} == {"bearer", "trust"}


def test_a_rotated_key_and_an_outage(tmp_path: Path) -> None:
    """No keys and none before: 503 with the time to wait; nothing opens."""
    with issuer.running() as keys, server.running(tmp_path) as scim:
        keys.status = 500
        scim.connection("entra", "--kind", "entra")
        scim.cli(
            *("oauth", "trust", "entra", "--issuer", ISSUER, "--jwks-url", keys.url),
            *("--subject", SUBJECT, "--audience", AUDIENCE),
        )
        status, told, headers = ask(scim, by_assertion(assertion()))

    assert (status, told["error"]) == (503, "temporarily_unavailable")
    assert int(headers["retry-after"]) > 0


def test_an_ended_trust_ends_its_tokens(tmp_path: Path) -> None:
    """``untrust`` refuses the next assertion and every token that was issued."""
    with issuer.running() as keys, server.running(tmp_path) as scim:
        scim.connection("entra", "--kind", "entra")
        said = scim.cli(
            *("oauth", "trust", "entra", "--issuer", ISSUER, "--jwks-url", keys.url),
            *("--subject", SUBJECT, "--audience", AUDIENCE),
        )
        trust_id = said.split("trusts ")[1].split(":")[0]
        token = ask(scim, by_assertion(assertion()))[1]["access_token"]
        before = works(scim, token)
        scim.cli("oauth", "untrust", "entra", trust_id)
        after = works(scim, token)
        refused = ask(scim, by_assertion(assertion()))

    assert (before, after, refused[0]) == (200, 401, 401)
    assert "No connection trusts" in refused[1]["error_description"]


def test_a_signed_token_opens_nothing_by_itself(scim: Server) -> None:
    """Unless Entra's own token was switched on for tests (T36)."""
    answer = scim.send("GET", "/Users", token=assertion())

    assert answer.status == 401
    assert "exchange it at /oauth2/token" in answer.body["detail"]
    own = claims(iss=f"https://sts.windows.net/{TENANT}/")
    assert scim.send("GET", "/Users", token=assertion(own, key=OTHER_KEY)).status == 401


def test_what_clients_can_read(scim: Server) -> None:
    """RFC 8414 metadata, and the scheme in ServiceProviderConfig."""
    place = urlsplit(scim.base_url)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=20)
    connection.request("GET", "/.well-known/oauth-authorization-server")
    told = json.loads(connection.getresponse().read())
    connection.close()
    config = scim.send("GET", "/ServiceProviderConfig").body

    assert told["token_endpoint"] == f"{told['issuer']}/oauth2/token"
    assert told["issuer"] == scim.base_url.removesuffix("/scim/v2")
    assert "private_key_jwt" in told["token_endpoint_auth_methods_supported"]
    kinds = [scheme["type"] for scheme in config["authenticationSchemes"]]
    assert kinds == ["oauthbearertoken", "oauth2"]
