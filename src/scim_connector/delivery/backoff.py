"""When something that could not be delivered is tried again."""

from __future__ import annotations

from typing import Final

MOST_ATTEMPTS: Final = 24
_MINUTE: Final = 60 * 1_000_000
#: The waits after the first attempts, in minutes; afterwards the last one again.
_WAITS: Final = (1, 5, 15, 60, 180)


def next_try(attempts: int, now: int, best_before: int | None) -> int | None:
    """When to try again after *attempts* failed ones, or None to give up.

    Instants are microseconds UTC.  It is given up when the next try would not come
    before *best_before*, and after 24 attempts, which is some 58 hours.
    """
    if attempts >= MOST_ATTEMPTS:
        return None
    wait = _WAITS[min(max(attempts, 1), len(_WAITS)) - 1]
    again_at = now + wait * _MINUTE
    if best_before is not None and again_at >= best_before:
        return None
    return again_at
