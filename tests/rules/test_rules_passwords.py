"""R32: long, not common, nothing of the person; and the password is in no message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim_connector.rules.passwords import (
    LONGEST_BYTES,
    SHORTEST,
    SHORTEST_PART,
    check_password,
    prepared,
)
from scim_connector.tokens.passwords import is_common

ALPHABET = st.characters(exclude_categories=("Cc", "Cs"))


def _codes(text: str, *personal: str, common: bool = False) -> set[str]:
    found = check_password(text, personal=personal, is_common=lambda _: common)
    return {each.code for each in found}


@given(st.text(ALPHABET, max_size=1100))
def test_length_is_counted_in_signs_below_and_in_bytes_above(text: str) -> None:
    """12 characters to 1,024 bytes, to the one."""
    codes = _codes(text)

    assert ("password_short" in codes) == (len(text) < SHORTEST)
    assert ("password_long" in codes) == (len(text.encode()) > LONGEST_BYTES)


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("x" * 11, False),
        ("x" * 12, True),
        ("x" * 1024, True),
        ("x" * 1025, False),
        ("ü" * 512, True),
        ("ü" * 512 + "x", False),
        ("学" * 12, True),
    ],
)
def test_the_edges_of_length(text: str, *, allowed: bool) -> None:
    """Neither one less nor one more."""
    assert (not _codes(text)) == allowed


@given(
    st.text(ALPHABET, min_size=SHORTEST_PART, max_size=12),
    st.text(ALPHABET, min_size=6, max_size=9),
    st.booleans(),
)
def test_nothing_of_the_person_is_in_it(part: str, rest: str, upper: bool) -> None:
    """A name of four signs or more, anywhere, in any case."""
    written = part.upper() if upper else part
    holds = part.casefold() in f"{rest}{written}{rest}".casefold()

    codes = _codes(f"{rest}{written}{rest}", part)

    assert ("password_personal" in codes) == holds


def test_a_short_part_of_a_name_may_stand_in_any() -> None:
    """``Li`` or ``Roy`` would forbid half of all words, an empty name every one."""
    assert _codes("royal lilies of december", "Roy", "Li", "") == set()


@pytest.mark.parametrize("sign", ["\t", "\n", "\0", "\x7f", "\x85", "\ud800"])
def test_no_control_character_is_in_it(sign: str) -> None:
    """What no keyboard types again."""
    assert "password_characters" in _codes(f"plinth orchard{sign}cobalt")


@given(st.text(ALPHABET, max_size=80), st.text(ALPHABET, min_size=4, max_size=20))
def test_no_message_holds_the_password(text: str, name: str) -> None:
    """Messages go to pages and logs; each has its code, and its rule's id."""
    found = check_password(text, personal={name}, is_common=lambda _: True)

    assert {each.message for each in found} <= _MESSAGES | {
        f"It has {len(text)} characters; it needs 12 or more. (R32)"
    }


_MESSAGES = {
    f"{text} (R32)"
    for text in (
        "It is longer than 1,024 bytes.",
        "It holds a control character.",
        "It is easily guessed; take several words that do not belong together.",
        "It holds your name, your username or your email address.",
    )
}


@pytest.mark.parametrize(
    ("text", "common"),
    [
        ("password1234", True),
        ("qwertyuiop123", True),
        ("123456789012", True),
        ("abcabcabcabc", True),
        ("aaaaaaaaaaaaaaaa", True),
        ("iloveyou2024", True),
        ("plinth orchard cobalt", False),
        ("Tr0mbone-Sand-91-Kelp", False),
    ],
)
def test_what_is_tried_first_is_common(text: str, *, common: bool) -> None:
    """Lists, keyboards, repetitions, and years behind them."""
    assert is_common(text) == common


def test_the_judge_of_common_ones_takes_its_time_from_nobody() -> None:
    """A long password is judged by its beginning: its work does not grow."""
    assert is_common("a" * 1024)
    assert not is_common("plinth orchard cobalt " * 46)


@given(st.text(ALPHABET, max_size=40))
def test_two_keyboards_mean_the_same_letter(text: str) -> None:
    """NFC, once and for all."""
    assert prepared(prepared(text)) == prepared(text)
    assert prepared("u\u0308") == prepared("ü") == "ü"
