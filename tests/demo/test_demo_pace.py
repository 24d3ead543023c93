"""How fast the demo goes, told by a clock that stands still unless somebody sleeps."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from scim_connector.demo.pace import Pace
from scim_connector.demo.playing import READY_SECONDS, wait_until_ready
from tests import server


@dataclass
class Clock:
    """A time that passes while somebody sleeps, and when it is moved."""

    now: float = 100.0
    slept: list[float] = field(default_factory=list)

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_no_more_requests_go_than_the_pace_allows() -> None:
    """Ten requests at two a second take four and a half seconds."""
    clock = Clock()
    pace = Pace(2.0, clock.read, clock.sleep)

    for _ in range(10):
        pace.wait()

    assert clock.now - 100.0 == pytest.approx(4.5)


def test_a_pause_is_not_made_up_for() -> None:
    """After a long silence the next two requests still keep their distance."""
    clock = Clock()
    pace = Pace(2.0, clock.read, clock.sleep)
    pace.wait()
    clock.now += 60

    pace.wait()
    pace.wait()

    assert clock.slept == [0.5]


def test_waiting_for_a_server_has_an_end() -> None:
    """Where nobody ever answers, waiting gives up after a minute."""
    clock = Clock()
    address = f"http://127.0.0.1:{server.free_port()}"

    ready = wait_until_ready(address, clock=clock.read, sleep=clock.sleep)

    assert not ready
    assert clock.now - 100.0 == pytest.approx(READY_SECONDS, abs=1)
