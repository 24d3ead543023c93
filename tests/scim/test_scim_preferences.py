"""The header Prefer, as RFC 7240 writes it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim_connector.scim.preferences import RESPOND_ASYNC, preferences, wait_of


@pytest.mark.parametrize(
    ("header", "asks", "wait"),
    [
        ("respond-async", True, 0),
        ("Respond-Async", True, 0),
        ("wait=10, respond-async", True, 10),
        ("respond-async;wait=10", True, 0),
        ('respond-async, wait="10"', True, 10),
        ("respond-async, wait=10, wait=20", True, 10),
        ("respond-async, WAIT = 7", True, 7),
        ("respond-async, wait", True, 0),
        ("respond-async, wait=-1", True, 0),
        ("respond-async, wait=1.5", True, 0),
        ("respond-async, wait=\u00b2", True, 0),
        ("respond-async, wait=" + "9" * 500, True, 0),
        ("respond-async; foo=bar", True, 0),
        ('handling="a, respond-async"', False, 0),
        ('foo="x\\", respond-async"', False, 0),
        ("return=minimal", False, 0),
        ("respond-asynchronously", False, 0),
        ('"', False, 0),
        ("", False, 0),
        ("x" * 2000 + ", respond-async", False, 0),
    ],
)
def test_preferences_are_read_as_they_are_written(
    header: str, asks: bool, wait: int
) -> None:
    """Names in any case, several in a header, values in quotes; of two the first."""
    wanted = preferences(header)

    assert (RESPOND_ASYNC in wanted) is asks
    assert wait_of(wanted) == wait


@given(st.text())
def test_no_header_breaks_it(header: str) -> None:
    """Whatever is sent, it is read, and nobody waits for less than nothing."""
    assert wait_of(preferences(header)) >= 0
