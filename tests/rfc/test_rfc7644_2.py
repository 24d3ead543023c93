"""RFC 7644 sections 1 and 2: the base address, and who is calling."""

from __future__ import annotations

import pytest

from tests.rfc import asking
from tests.rfc.requirements import not_applicable, not_tested, requirement
from tests.server import Server

WITHOUT_TEST = (
    not_applicable(
        "RFC7644-2-5",
        "SHOULD",
        "Basic authentication is combined with another factor.",
        "Basic authentication opens nothing under /scim.",
    ),
    not_tested(
        "RFC7644-2.1-2",
        "MUST",
        "The threats to tokens of an authorisation server are taken into account.",
        "A way of working, not an answer: tokens are random, hashed, expiring and bound "
        "to one connection (RFC7644-7.4-1 to 7.4-3).",
    ),
)


@requirement("RFC7644-1.3-1", "MUST NOT", "The base address has no query.")
def test_the_base_address_has_no_query(scim: Server) -> None:
    """The printed base URL ends in its path."""
    assert "?" not in scim.base_url
    assert scim.base_url.endswith("/scim/v2")


@requirement(
    "RFC7644-2-1", "MUST", "WWW-Authenticate names the ways to authenticate there are."
)
@pytest.mark.parametrize(
    "given", [None, "Bearer wrong", "Basic a2ltOnNlY3JldA=="], ids=str
)
def test_a_401_names_the_scheme(scim: Server, given: str | None) -> None:
    """Without a token, with a wrong one and with another scheme it says Bearer."""
    reply = scim.send("GET", "/Users", headers={"Authorization": given})  # type: ignore[dict-item]

    assert asking.refused(reply, 401)
    assert reply.headers["www-authenticate"].split()[0] == "Bearer"


@requirement(
    "RFC7644-2-2", "MUST", "Who is authenticated is mapped to what they may do."
)
@requirement(
    "RFC7644-2-3",
    "SHOULD",
    "Each request is judged by who sends it and what it concerns.",
)
@requirement(
    "RFC7644-2.1-1",
    "SHOULD",
    "What a token was granted for decides which resources it reaches.",
)
def test_a_token_reaches_its_connection_alone(scim: Server, other: Server) -> None:
    """What one connection made, another one's token neither finds nor changes."""
    user = asking.created(scim)
    removal = other.send("DELETE", asking.at(user))

    assert asking.found(other, f'userName eq "{user["userName"]}"') == []
    assert asking.refused(removal, 404)
    assert asking.read(scim, user) == user


@requirement(
    "RFC7644-2-4",
    "SHOULD NOT",
    "Tokens that were issued without authenticating anybody are not used.",
)
def test_no_token_of_ones_own_making_opens(scim: Server) -> None:
    """A token of the right form that nobody issued here is refused, as is half of one."""
    forged = f"{scim.token[:-6]}AAAAAA"

    for token in (forged, scim.token[: len(scim.token) // 2]):
        assert asking.refused(scim.send("GET", "/Users", token=token), 401)
