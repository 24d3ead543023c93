"""The checker itself: it finds every break, and accuses nobody of what may be right."""

from __future__ import annotations

from typing import Any

import pytest

from tests.history.checker import (
    DEACTIVATE,
    OK,
    REACTIVATE,
    REFUSED,
    UNKNOWN,
    Operation,
    check,
    summary,
)


def op(
    kind: str, asked: int, answered: int, outcome: str = OK, **more: Any
) -> Operation:
    """An operation of kim."""
    return Operation(kind, "kim", asked, answered, outcome, **more)


CUT = op(DEACTIVATE, 10, 20, road="PATCH")
BACK = op(REACTIVATE, 30, 40)
SESSION = op("sign in", 1, 2)


@pytest.mark.parametrize(
    ("history", "what"),
    [
        ([CUT, op("sign in", 21, 22)], "let in while inactive"),
        ([CUT, BACK, op("sign in", 21, 29)], "let in while inactive"),
        ([SESSION, CUT, op("verify", 25, 26, using=SESSION)], "let in while inactive"),
        (
            [SESSION, CUT, BACK, op("verify", 50, 51, using=SESSION)],
            "opened by what had died",
        ),
        (
            [CUT, op("verify", 41, 42, using=op("sign in", 15, 29)), BACK],
            "opened by what had died",
        ),
    ],
)
def test_a_break_is_found(history: list[Operation], what: str) -> None:
    """Whatever is granted after the answer is named, also after somebody is back."""
    broken = check(history)

    assert [each.what for each in broken] == [what]


@pytest.mark.parametrize(
    "history",
    [
        pytest.param([SESSION, op("verify", 5, 6, using=SESSION), CUT], id="before"),
        pytest.param([CUT, op("sign in", 19, 25)], id="asked before the answer"),
        pytest.param([CUT, op("sign in", 21, 22, REFUSED)], id="refused"),
        pytest.param([CUT, op("sign in", 21, 22, UNKNOWN)], id="unknown"),
        pytest.param([CUT, BACK, op("sign in", 29, 31)], id="as they came back"),
        pytest.param(
            [CUT, op(REACTIVATE, 30, 40, UNKNOWN), op("sign in", 50, 51)],
            id="back, perhaps",
        ),
        pytest.param(
            [op(DEACTIVATE, 10, 20, UNKNOWN), op("sign in", 21, 22)],
            id="perhaps never cut",
        ),
        pytest.param(
            [CUT, BACK, op("verify", 50, 51, using=op("sign in", 29, 35))],
            id="a session that may be of the new time",
        ),
        pytest.param(
            [CUT, Operation("sign in", "lee", 21, 22, OK)], id="somebody else"
        ),
    ],
)
def test_what_may_be_right_is_no_break(history: list[Operation]) -> None:
    """Before, at once, refused, unknown, after a return, of somebody else: all fine."""
    assert check(history) == []


def test_a_refused_return_lets_nobody_in() -> None:
    """A reactivation that was refused ends no deactivation."""
    refused = op(REACTIVATE, 30, 40, REFUSED)

    assert check([CUT, refused, op("sign in", 50, 51)])


def test_the_summary_counts_by_kind_and_outcome() -> None:
    """A reader sees what was asked, and how often each answer came."""
    text = summary([CUT, SESSION, op("sign in", 3, 4, REFUSED)])

    assert "deactivate by PATCH" in text
    assert [line.split()[-3:] for line in text.splitlines() if "sign in" in line] == [
        ["1", "1", "0"]
    ]
