"""The guard's thresholds: by count and by share, what is stored, what is watched."""

from __future__ import annotations

import pytest

from scim_connector.rules import guard
from scim_connector.rules.events import EVENTS
from scim_connector.rules.guard import Threshold


@pytest.mark.parametrize(
    ("people", "limit"),
    [(0, 5), (10, 5), (100, 5), (120, 6), (900, 45), (1000, 50), (100_000, 50)],
)
def test_the_smaller_of_count_and_share_counts(people: int, limit: int) -> None:
    """5 % of few is never less than five people, of many never more than the count."""
    assert Threshold(most=50, share=5).limit(people) == limit


def test_without_a_share_only_the_count_counts() -> None:
    """Share 0 leaves it out."""
    assert Threshold(most=80, share=0).limit(10) == 80


def test_what_is_stored_replaces_the_default() -> None:
    """One kind set, the others as shipped: an alert, nothing held."""
    found = guard.thresholds({"renames": {"most": 7, "holds": True}})

    assert found["renames"] == Threshold(most=7, holds=True)
    assert found["deactivations"] == Threshold()
    assert not found["deactivations"].holds


def test_every_watched_event_exists() -> None:
    """A kind counts events that audit knows, and each is of one kind."""
    assert EVENTS.keys() >= guard.EVENTS
    assert sum(map(len, guard.KINDS.values())) == len(guard.EVENTS)
    assert guard.kinds_of(["user:role:revoked", "user:created"]) == ["role_removals"]
    assert guard.kinds_of(["user:created", "sessions:ended"]) == []


def test_a_threshold_is_said_in_words() -> None:
    """Count, share, span and what follows."""
    assert (
        Threshold().said()
        == "more than 50 or 5 % of its people within an hour: an alert"
    )
    held = Threshold(most=9, share=0, hours=3, holds=True)
    assert held.said() == "more than 9 within 3 hours: held until somebody approves"
    assert Threshold(is_on=False).said() == "not watched"
