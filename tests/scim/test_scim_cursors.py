"""Cursors: sealed places in a list (RFC 9865)."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim_connector.provisioning.listing import CursorSeal
from scim_connector.scim import cursors
from scim_connector.scim.cursors import Cursor, Question
from scim_connector.scim.errors import ExpiredCursor, InvalidCount, InvalidCursor
from scim_connector.tokens.secrets import SecretKeys

KEYS = SecretKeys.fresh()
SEAL = CursorSeal(KEYS)
QUESTION = Question(1, "abc", "User", 'userName sw "k"', "userName", descending=True)
HERE = Cursor(seq=7, value="kim", count=50, total=120)


def written(cursor: Cursor = HERE, *, now: int = 1_000) -> str:
    return cursors.write(cursor, QUESTION, seal=SEAL, now=now)


def read(text: str, question: Question = QUESTION, **more) -> Cursor:
    asked = {"count": None, "seal": SEAL, "now": 1_000} | more
    return cursors.read(text, question, **asked)


values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
)


@given(values, st.integers(1, 2**40), st.integers(1, 1_000), st.integers(0, 2**40))
def test_a_cursor_comes_back_as_it_was(value, seq, count, total):
    """Place, value, count and total survive, in unreserved characters alone."""
    cursor = Cursor(seq, value, count, total)

    text = written(cursor)

    assert read(text) == cursor
    assert re.fullmatch(r"[A-Za-z0-9._~-]{1,1024}", text)


@pytest.mark.parametrize("value", ["x" * 401, "\U0001f600" * 1_024, "ß" * 201])
def test_a_long_value_is_known_by_its_digest(value):
    """A cursor stays below 1 KB, and says whether a value is the one it stood at."""
    text = written(replace(HERE, value=value))

    back = read(text)

    assert len(text) < 1_024
    assert back.value is None
    assert back.is_at(value)
    assert not back.is_at(value + "x")
    assert not back.is_at(None)


def test_a_cursor_tells_nobody_where_it_stands():
    """Addresses are logged, so the value is unreadable and differs each time."""
    first, second = written(), written()

    assert first != second
    assert "kim" not in str(SEAL.open(first.encode()))


@pytest.mark.parametrize(
    "other",
    [
        {"connection_id": 2},
        {"credential_id": "abd"},
        {"kind": "Group"},
        {"filter": None},
        {"filter": 'userName sw "l"'},
        {"sort_by": "displayName"},
        {"descending": False},
    ],
)
def test_a_cursor_of_another_question_is_unknown(other):
    """Another connection, token or query: invalidCursor, whatever differs."""
    with pytest.raises(InvalidCursor) as refused:
        read(written(), replace(QUESTION, **other))

    with pytest.raises(InvalidCursor) as forged:
        read("forged")
    assert refused.value.detail == forged.value.detail


def test_a_changed_cursor_is_unknown():
    """Every character counts, and so does the key."""
    text = written()

    for place in range(0, len(text), 7):
        letter = "A" if text[place] != "A" else "B"
        with pytest.raises(InvalidCursor):
            read(text[:place] + letter + text[place + 1 :])
    for other in ("", "a", "é", text[:-4], text + "AAAA", f"{text}=", "A" * 5_000):
        with pytest.raises(InvalidCursor):
            read(other)
    with pytest.raises(InvalidCursor):
        read(text, seal=CursorSeal(SecretKeys.fresh()))


def test_a_cursor_survives_a_new_key():
    """After `keys rotate` a walk goes on: older keys still open."""
    assert read(written(), seal=CursorSeal(KEYS.rotated())) == HERE


def test_a_cursor_expires_after_what_is_published():
    """``cursorTimeout`` seconds later it is expired, and until then it is not."""
    text = written(now=1_000)

    assert read(text, now=1_000 + cursors.LIFETIME) == HERE
    with pytest.raises(ExpiredCursor, match="3600 seconds"):
        read(text, now=1_001 + cursors.LIFETIME)


def test_the_count_is_that_of_the_first_page():
    """The same count, or none; another one is invalidCount."""
    assert read(written(), count=50) == HERE
    with pytest.raises(InvalidCount, match="count=50"):
        read(written(), count=51)
