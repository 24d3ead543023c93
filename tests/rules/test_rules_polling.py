"""What a receiver asks for when it polls (RFC 8936 section 2.2), read with bounds."""

from __future__ import annotations

from typing import Any

import pytest

from scim_connector.rules import polling
from scim_connector.rules.polling import MOST, MOST_NAMED, BadPoll, Poll


def test_nothing_asked_is_everything_and_waits() -> None:
    """Every member is optional; null is as good as absent, a strange one is ignored."""
    absent = dict.fromkeys(("maxEvents", "returnImmediately", "ack", "setErrs"))

    assert polling.read({}) == Poll()
    assert polling.read(absent | {"others": [1]}) == Poll(MOST, at_once=False)


def test_a_whole_request_is_read() -> None:
    """What was refused counts as refused, also where it is acknowledged too."""
    found = polling.read(
        {
            "maxEvents": 5,
            "returnImmediately": True,
            "ack": ["a", "b", "a"],
            "setErrs": {"b": {"err": "invalid_key", "description": "no\nkey\t\x7f"}},
        }
    )

    assert found == Poll(5, True, frozenset("a"), {"b": "invalid_key no key"})


def test_who_asks_for_no_token_does_not_wait() -> None:
    """MaxEvents 0 only acknowledges; a large one is as many as there can be."""
    assert polling.read({"maxEvents": 0}).at_once
    assert polling.read({"maxEvents": 10**12}).most == MOST


def test_what_is_told_of_a_refusal_is_cut() -> None:
    """It goes into our record, so it has an end and no control characters."""
    error = {"err": "x" * 999, "description": "y" * 9999}

    assert len(polling.read({"setErrs": {"a": error}}).refused["a"]) == 261


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([], "Send a JSON object"),
        ({"maxEvents": -1}, "maxEvents has to be a whole number"),
        ({"maxEvents": True}, "maxEvents has to be a whole number"),
        ({"maxEvents": 1.5}, "maxEvents has to be a whole number"),
        ({"returnImmediately": "yes"}, "true or false"),
        ({"ack": "a"}, "ack has to be a list"),
        ({"ack": [1]}, "ack has to be a list"),
        ({"ack": [""]}, "ack has to be a list"),
        ({"ack": ["x" * 201]}, "ack has to be a list"),
        ({"ack": [str(n) for n in range(MOST_NAMED + 1)]}, "at most 1000"),
        ({"setErrs": ["a"]}, "setErrs has to be an object"),
        ({"setErrs": {"": {"err": "x"}}}, "setErrs has to be an object"),
        ({"setErrs": {"a": "x"}}, "with err, a text"),
        ({"setErrs": {"a": {"description": "x"}}}, "with err, a text"),
    ],
)
def test_what_cannot_be_read_is_refused(body: Any, said: str) -> None:
    """With what to change."""
    with pytest.raises(BadPoll, match=said):
        polling.read(body)
