"""What the token endpoint does before anything is exchanged."""

from __future__ import annotations

from scim_connector.web.oauth import Throttle


def test_a_source_that_fails_too_often_waits() -> None:
    """So many failures a minute, then whole seconds to wait; others are not held."""
    throttle = Throttle(most=3, per=60)
    for second in range(3):
        assert throttle.wait("192.0.2.1", second) == 0
        throttle.failed("192.0.2.1", second)

    assert throttle.wait("192.0.2.1", 10) == 50
    assert throttle.wait("192.0.2.1", 59.9) == 1
    assert throttle.wait("192.0.2.2", 10) == 0
    assert throttle.wait("192.0.2.1", 60) == 0


def test_a_failure_after_the_minute_counts_anew() -> None:
    """The count begins with the first failure of a minute."""
    throttle = Throttle(most=2, per=60)
    throttle.failed("x", 0)
    throttle.failed("x", 100)

    assert throttle.wait("x", 101) == 0
    throttle.failed("x", 101)
    assert throttle.wait("x", 102) == 58
