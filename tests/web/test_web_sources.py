"""Whose word is taken about where a request comes from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim_connector.web.sources import Proxies, source_of

NAMED = Proxies(["192.0.2.1", "10.42.0.0/16", "2001:db8::/32"])


def _source(peer: str, forwarded: str, proxies: Proxies = NAMED) -> str:
    return source_of({"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": forwarded}, proxies)


@pytest.mark.parametrize(
    "address",
    ["192.0.2.1", "10.42.0.0", "10.42.255.255", "::ffff:10.42.3.4", "2001:db8::7"],
)
def test_an_address_and_a_range_are_believed(address: str) -> None:
    """Of both versions, and IPv4 as a socket of both has it."""
    assert address in NAMED
    assert _source(address, "203.0.113.7") == "203.0.113.7"


@pytest.mark.parametrize(
    "address", ["192.0.2.2", "10.43.0.0", "2001:db9::1", "", "unix:", "10.42.0.1:80"]
)
def test_nobody_else_is(address: str) -> None:
    """What a stranger forwards is not heard, whatever it is."""
    assert _source(address, "203.0.113.7") == address


@pytest.mark.parametrize(
    ("forwarded", "source"),
    [
        ("198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("198.51.100.1, 203.0.113.7, 10.42.0.9, 2001:db8::9", "203.0.113.7"),
        ("10.42.0.8,10.42.0.9", "10.42.0.8"),
        ("", "192.0.2.1"),
        (" , ,", "192.0.2.1"),
        ("x" * 9000, "x" * 45),
    ],
)
def test_the_last_who_is_no_proxy_is_the_client(forwarded: str, source: str) -> None:
    """Before that one anything can stand: the client may have written it."""
    assert _source("192.0.2.1", forwarded) == source


@given(st.text(), st.text())
def test_without_a_name_nobody_is_believed(peer: str, forwarded: str) -> None:
    """A house whose settings name no proxy takes the address of the connection."""
    assert _source(peer, forwarded, Proxies([])) == peer


@given(st.text())
def test_whatever_is_forwarded_is_an_answer_of_few_signs(forwarded: str) -> None:
    """Nothing that a proxy hands on breaks a request, or fills a log."""
    assert 0 < len(_source("192.0.2.1", forwarded)) <= 45
