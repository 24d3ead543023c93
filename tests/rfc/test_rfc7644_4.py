"""RFC 7644 sections 4 to 7: discovery, comparing, tenants and security."""

from __future__ import annotations

import json
import ssl
from pathlib import Path

import pytest

from tests import tls
from tests.rfc import asking
from tests.rfc.asking import LIST
from tests.rfc.requirements import not_applicable, not_tested, requirement
from tests.server import Server

CONFIG = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"

WITHOUT_TEST = (
    not_tested(
        "RFC7644-7.2-1",
        "MUST",
        "Service providers demand a secured connection.",
        "A server cannot see how a proxy before it was reached. Without a certificate "
        "it listens on the machine itself alone, and warns of a public address that is "
        "not https; docs/https.md has the four ways.",
    ),
    not_tested(
        "RFC7644-7.3-1",
        "MUST",
        "The threats to authorisation tokens are taken into account.",
        "A way of working, not an answer; see RFC7644-7.4-1 to 7.4-3.",
    ),
    not_tested(
        "RFC7644-7.4-2",
        "MUST",
        "Tokens travel over TLS alone.",
        "As RFC7644-7.2-1.",
    ),
    not_applicable(
        "RFC7644-7.4-4",
        "SHOULD",
        "A cookie lasts no longer than the browser's session.",
        "No cookie opens anything under /scim.",
    ),
    not_tested(
        "RFC7644-7.5.1-1",
        "MUST",
        "The privacy considerations of RFC 7643 are taken into account.",
        "A way of working; what can be seen of it is RFC7643-9.3-1.",
    ),
    not_tested(
        "RFC7644-7.7-1",
        "SHOULD",
        "Secrets are kept by the best practices.",
        "As RFC7643-9.2-2.",
    ),
    not_applicable(
        "RFC7644-7.7-2",
        "SHOULD",
        "Guessing of passwords is hindered.",
        "No password opens anything under /scim.",
    ),
)


# -------------------------------------------------------------------------------- 4


@requirement("RFC7644-4-1", "MUST", "/ServiceProviderConfig has its own schema.")
def test_the_config_has_its_schema(scim: Server) -> None:
    """One object, not a list."""
    reply = scim.send("GET", "/ServiceProviderConfig")

    assert (reply.status, reply.body["schemas"]) == (200, [CONFIG])


@requirement("RFC7644-4-2", "MUST", "/Schemas lists all schemas.")
@requirement("RFC7644-4-3", "MUST", "Several are answered as a ListResponse.")
@requirement("RFC7644-4-4", "MUST", "One is answered as itself.")
@pytest.mark.parametrize("path", ["/Schemas", "/ResourceTypes"])
def test_discovery_is_listed_and_read(scim: Server, path: str) -> None:
    """Each thing in the list is read by its id, and is the same there."""
    listed = scim.send("GET", path).body

    assert listed["schemas"] == [LIST]
    assert listed["totalResults"] == len(listed["Resources"]) > 0
    for one in listed["Resources"]:
        assert scim.send("GET", f"{path}/{one['id']}").body == one


@requirement("RFC7644-4-5", "MUST", "Order and pages are ignored there.")
@pytest.mark.parametrize("path", ["/Schemas", "/ResourceTypes"])
def test_discovery_ignores_pages(scim: Server, path: str) -> None:
    """sortBy, startIndex and count change nothing."""
    whole = scim.send("GET", path).body

    query = asking.asked(sortBy="id", sortOrder="descending", startIndex=2, count=1)
    assert scim.send("GET", f"{path}{query}").body == whole


@requirement("RFC7644-4-6", "SHOULD", "A filter is refused there with 403.")
@pytest.mark.parametrize(
    "path", ["/Schemas", "/ResourceTypes", "/ServiceProviderConfig"]
)
def test_discovery_refuses_filters(scim: Server, path: str) -> None:
    """So that nobody takes the whole list for the filtered one."""
    query = asking.asked(filter='id eq "User"')

    assert asking.refused(scim.send("GET", f"{path}{query}"), 403)


# -------------------------------------------------------------------------- 5 and 7.8


@requirement(
    "RFC7644-5-1",
    "MUST",
    "User names are prepared and compared by PRECIS (RFC 7613).",
    deviates="They are compared by casefold of NFC, the same in filters, order and "
    "uniqueness, on both databases. PRECIS would also refuse some characters, and a "
    "provider's name is never refused for its letters.",
)
@requirement(
    "RFC7644-7.8-1",
    "MUST",
    "Text is prepared before it is compared, in filters and for uniqueness.",
)
def test_names_are_prepared_before_they_are_compared(scim: Server) -> None:
    """One letter or letter and accent, capital or small: one name."""
    own = asking.name()
    user = asking.created(scim, userName=f"Ren\N{LATIN SMALL LETTER E WITH ACUTE}{own}")
    same = f"RENE\N{COMBINING ACUTE ACCENT}{own}".upper()

    reply = scim.send("POST", "/Users", asking.person(userName=same))
    assert asking.refused(reply, 409, "uniqueness")
    assert asking.ids(asking.found(scim, f'userName eq "{same}"')) == [user["id"]]


# -------------------------------------------------------------------------------- 6


@requirement(
    "RFC7644-6.1-1",
    "SHOULD",
    "The client is tied to its tenant, and does not reach across.",
)
def test_tenants_do_not_meet(scim: Server, other: Server) -> None:
    """A connection's list holds nobody of another connection."""
    mine, theirs = asking.created(scim), asking.created(other)

    listed = asking.found(other, "userName pr")
    assert theirs["id"] in asking.ids(listed)
    assert mine["id"] not in asking.ids(listed)


# -------------------------------------------------------------------------------- 7


@requirement("RFC7644-7.2-2", "MUST", "TLS 1.2 is there.")
def test_tls_is_there(tmp_path: Path) -> None:
    """With a certificate the server answers https to clients of TLS 1.2 and of 1.3."""
    with tls.running(tmp_path) as secured:
        versions = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
        statuses = [secured.status(version) for version in versions]

    assert statuses == [200, 200]


@requirement("RFC7644-7.4-1", "MUST", "A token cannot be guessed.")
def test_tokens_are_long_and_never_alike(scim: Server) -> None:
    """The secret part of each token is another one, of 43 characters or more."""
    tokens = (scim.token, scim.connection("tokens", "--kind", "generic"))
    secrets = {token.split("_", 2)[2] for token in tokens}

    assert len(secrets) == 2
    assert all(len(secret) >= 43 for secret in secrets)


@requirement(
    "RFC7644-7.4-3",
    "MUST",
    "A token lives for a limited time.",
    deviates="365 days unless an administrator says otherwise, who may say never: some "
    "providers' tokens are changed by hand alone. Each can be revoked at once.",
)
def test_tokens_have_an_end(scim: Server) -> None:
    """A token made without a word has an end, and a revoked one is 401."""
    token = scim.connection("revoked", "--kind", "generic")
    assert scim.send("GET", "/Users?count=0", token=token).status == 200

    listed = json.loads(scim.cli("token", "list", "--json"))
    assert all(one["expires"] for one in listed)
    scim.cli("token", "revoke", token.split("_")[1])
    assert asking.refused(scim.send("GET", "/Users?count=0", token=token), 401)


@requirement(
    "RFC7644-7.5.2-1",
    "SHOULD",
    "GET with personal data in its filter is refused with 403.",
    deviates="Entra ID and Okta can ask in no other way: they look for a user by GET "
    "with the userName. The query of an address is not written to our log; .search "
    "is there for those who can.",
)
def test_filters_in_addresses_are_served(scim: Server) -> None:
    """GET with a userName finds the user, and so does POST without it in the address."""
    user = asking.created(scim)
    expression = f'userName eq "{user["userName"]}"'

    assert asking.ids(asking.found(scim, expression)) == [user["id"]]
    body = {"schemas": [asking.SEARCH], "filter": expression}
    reply = scim.send("POST", "/Users/.search", body)
    assert asking.ids(reply.body["Resources"]) == [user["id"]]


@requirement(
    "RFC7644-7.7-3",
    "SHOULD",
    "Access is told apart by client and by what it needs.",
)
def test_access_is_told_apart_by_connection(scim: Server, other: Server) -> None:
    """A paused connection writes nothing, while another one goes on."""
    token = scim.connection("pausing", "--kind", "generic")
    scim.cli("connection", "pause", "pausing")

    assert scim.send("GET", "/Users?count=0", token=token).status == 200
    reply = scim.send("POST", "/Users", asking.person(), token=token)
    assert reply.status == 503
    assert asking.created(other)
