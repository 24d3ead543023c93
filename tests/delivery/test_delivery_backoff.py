"""When something is tried again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scim_connector.delivery.backoff import MOST_ATTEMPTS, next_try

MINUTE = 60 * 1_000_000
INSTANTS = st.integers(min_value=0, max_value=4_000_000_000_000_000)


def test_the_waits_grow() -> None:
    """The next tries come after 1, 5, 15 and 60 minutes, then every three hours."""
    waits = [next_try(attempts, 0, None) for attempts in range(1, 7)]

    assert waits == [wait * MINUTE for wait in (1, 5, 15, 60, 180, 180)]


@given(
    attempts=st.integers(min_value=1, max_value=40),
    now=INSTANTS,
    best_before=st.none() | INSTANTS,
)
def test_a_next_try_is_of_use(attempts: int, now: int, best_before: int | None) -> None:
    """A next try lies ahead, before the best-before, and is one of 24 at most.

    Giving up has one of these reasons: the next try would break the bound.
    """
    again_at = next_try(attempts, now, best_before)

    unbounded = next_try(attempts, now, None)
    if again_at is None:
        assert attempts >= MOST_ATTEMPTS or (
            best_before is not None
            and unbounded is not None
            and unbounded >= best_before
        )
    else:
        assert attempts < MOST_ATTEMPTS
        assert now < again_at <= now + 180 * MINUTE
        assert best_before is None or again_at < best_before


@given(now=INSTANTS, life=st.integers(min_value=0, max_value=10_000 * MINUTE))
def test_trying_ends(now: int, life: int) -> None:
    """Whoever follows the advice stops, within 24 attempts and before the best-before."""
    attempts, at, instants = 1, now, [now]
    while (following := next_try(attempts, at, now + life)) is not None:
        attempts, at = attempts + 1, following
        instants.append(at)

    assert len(instants) <= MOST_ATTEMPTS
    assert all(instant < now + life for instant in instants[1:])
