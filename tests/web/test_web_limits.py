"""The rate limit: a bucket for each connection, and the answer when it is empty."""

from __future__ import annotations

from pathlib import Path

import pytest

from scim_connector.scim.errors import TooManyRequests
from scim_connector.settings import BadSettings, Settings
from scim_connector.web.limits import BURST, RateLimit
from tests.web.door import open_door, refusal


def test_a_bucket_empties_and_fills() -> None:
    """Twice the rate at once, then the rate; a second fills it by the rate."""
    clock = [0.0]
    limit = RateLimit(25, lambda: clock[0])
    for _ in range(25 * BURST):
        limit.take(1)
    with pytest.raises(TooManyRequests, match="25 requests a second") as refused:
        limit.take(1)
    limit.take(2)  # another connection has its own
    clock[0] += 1
    for _ in range(25):
        limit.take(1)
    with pytest.raises(TooManyRequests):
        limit.take(1)

    assert refused.value.retry_after == 1


def test_no_limit_is_no_limit() -> None:
    """0 switches it off."""
    limit = RateLimit(0, lambda: 0.0)
    for _ in range(10_000):
        limit.take(1)


def test_a_flood_is_answered_and_counted(tmp_path: Path) -> None:
    """429 as a SCIM error with whole seconds; nothing of it reaches the request log."""
    door = open_door(tmp_path, rate_limit=25)
    answers = [door.send("GET", "/Users?count=0") for _ in range(200)]
    refused = [answer for answer in answers if answer.status_code == 429]
    door.gatherer.flush()
    door.house.database.close()

    assert refused
    assert answers[0].status_code == 200
    assert "requests a second" in refusal(refused[0], 429)
    assert refused[0].headers["Retry-After"] == "1"


@pytest.mark.parametrize("rate", ["1", "24", "-5", "x"])
def test_a_limit_below_what_providers_need_is_refused(rate: str) -> None:
    """Entra ID asks for 25 requests a second."""
    with pytest.raises(BadSettings, match="RATE_LIMIT"):
        Settings.load({"SCIM_CONNECTOR_RATE_LIMIT": rate})
