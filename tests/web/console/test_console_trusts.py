"""Trusted issuers in the console: an assertion opens the connection, until it does not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from scim_connector.login.client_credentials import ASSERTION_TYPE
from tests.browser import Page
from tests.console import Desk, Office
from tests.tokens import issuer
from tests.tokens.issuer import AUDIENCE, ISSUER, SUBJECT, TENANT
from tests.tokens.issuer import signed as assertion


@pytest.fixture(scope="module")
def keys() -> Iterator[issuer.Issuer]:
    """The key set of the issuer."""
    with issuer.running() as served:
        yield served


def _path(office: Office, name: str) -> str:
    page = office.admin.post(
        "/admin/connections", {"kind": "entra", "name": name, "link_existing": "never"}
    )
    found = re.search(r'href="(/admin/connections/\d+)">On to the setup', page.text)
    assert found is not None
    return found[1]


def _exchanged(office: Office, page: Page) -> Page:
    """Bring an assertion, as the client whose identifier the page shows."""
    client = page.text.split('<code id="client">')[1].split("<")[0]
    fields = {
        "grant_type": "client_credentials",
        "client_id": client,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion(),
    }
    return office.admin.post("/oauth2/token", fields)


def test_an_assertion_opens_a_connection_until_the_trust_is_removed(
    office: Office, keys: issuer.Issuer
) -> None:
    """Added on the page it is exchanged, and the token works; removed both are refused."""
    path = _path(office, "trusting")
    fields = {
        "issuer": ISSUER,
        "jwks_url": keys.url,
        "subject": SUBJECT,
        "audiences": f"{AUDIENCE}, api://other",
    }
    added = office.admin.post(f"{path}/trusts", fields)
    answer = _exchanged(office, added)
    token = json.loads(answer.text)["access_token"]
    opened = office.scim.send("GET", "/Users", token=token)
    trust = added.fields["trust"]

    removed = office.admin.post(f"{path}/trusts/remove", {"trust": trust})

    assert f"trusting trusts {ISSUER} from now on" in added.words
    assert "api://other" in added.words
    assert (answer.status, opened.status) == (200, 200)
    assert f"trusting trusts {ISSUER} no more" in removed.words
    assert "No issuer is trusted" in removed.words
    assert office.scim.send("GET", "/Users", token=token).status == 401
    assert _exchanged(office, removed).status == 401


def test_a_tenant_fills_issuer_and_keys(office: Office) -> None:
    """As at the command line; Entra's own token is marked as one for tests."""
    path = _path(office, "tenant")
    fields = {"tenant": TENANT, "subject": SUBJECT, "audiences": AUDIENCE}

    page = office.admin.post(f"{path}/trusts", fields)
    own = office.admin.post(f"{path}/trusts", {"tenant": TENANT, "own": "yes"})

    assert ISSUER in page.words
    assert f"{TENANT}/discovery/v2.0/keys" in page.words
    assert "for tests only" not in page.words
    assert "for tests only" in own.words
    assert ISSUER in office.scim.cli("oauth", "show", "tenant")


def test_terms_that_open_nothing_are_refused(office: Office) -> None:
    """Each says what is missing, the form stays as it was filled in."""
    path = _path(office, "careful")
    whole = {
        "issuer": "https://issuer.example",
        "jwks_url": "https://issuer.example/keys",
        "subject": "s",
        "audiences": "a",
    }
    for changes, told in (
        ({"issuer": ""}, "needs an issuer and at least one audience"),
        ({"audiences": " , "}, "needs an issuer and at least one audience"),
        ({"subject": ""}, "needs the subject"),
        ({"jwks_url": "http://issuer.example/keys"}, "must be an https address"),
        ({"algorithm": "none"}, "The algorithm must be one of"),
        ({"tenant": "contoso"}, "is no tenant id"),
        ({"own": "yes"}, "is no tenant id"),
    ):
        page = office.admin.post(f"{path}/trusts", whole | changes)
        assert page.status == 400, changes
        assert told in page.words
    assert "No issuer is trusted" in office.admin.get(f"{path}/trusts").words


def test_a_trust_of_another_connection_is_not_removed_here(office: Office) -> None:
    """The address names the connection, and the trust must be its own."""
    mine, other = _path(office, "mine-trusts"), _path(office, "other-trusts")
    fields = {"tenant": TENANT, "subject": SUBJECT, "audiences": AUDIENCE}
    trust = office.admin.post(f"{other}/trusts", fields).fields["trust"]

    page = office.admin.post(f"{mine}/trusts/remove", {"trust": trust})

    assert page.status == 400
    assert f"has no trust {trust}" in page.words
    assert ISSUER in office.admin.get(f"{other}/trusts").words


def test_the_auditor_sees_trusts_and_changes_none(
    office: Office, auditor: Desk
) -> None:
    """Whom a connection trusts is for auditors to see."""
    path = _path(office, "audited-trusts")
    fields = {"tenant": TENANT, "subject": SUBJECT, "audiences": AUDIENCE}
    office.admin.post(f"{path}/trusts", fields)

    page = auditor.get(f"{path}/trusts")

    assert ISSUER in page.words
    assert "Remove" not in page.words
    for act in ("trusts", "trusts/remove"):
        assert auditor.post(f"{path}/{act}", fields).status == 403
