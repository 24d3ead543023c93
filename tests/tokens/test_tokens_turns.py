"""Turns: slow work never takes every thread."""

from __future__ import annotations

from threading import Event, Thread

import pytest

from scim_connector.tokens.turns import AT_ONCE, THREADS, WAITING, TooBusy, Turns


def _hold(turns: Turns, until: Event, inside: list[int]) -> Thread:
    def work() -> None:
        with turns.one():
            inside.append(1)
            until.wait(10)

    thread = Thread(target=work)
    thread.start()
    return thread


def test_whoever_finds_all_places_taken_is_refused_at_once() -> None:
    """Two work, two wait, the fifth is told when to come again; later all is free."""
    turns, until, inside = Turns(), Event(), list[int]()
    threads = [_hold(turns, until, inside) for _ in range(AT_ONCE + WAITING)]
    while turns._inside < AT_ONCE + WAITING:
        pass

    with pytest.raises(TooBusy, match="Try again in a few seconds"), turns.one():
        pytest.fail("a fifth was let in")

    assert len(inside) == AT_ONCE
    until.set()
    for thread in threads:
        thread.join()
    with turns.one():
        assert len(inside) == AT_ONCE + WAITING


def test_whoever_waits_too_long_is_refused() -> None:
    """A turn that does not come within the time is none."""
    turns, until = Turns(at_once=1, waiting=1, seconds=0.01), Event()
    thread = _hold(turns, until, [])
    while turns._inside < 1:
        pass

    with pytest.raises(TooBusy), turns.one():
        pytest.fail("two were inside")

    until.set()
    thread.join()


def test_some_threads_are_left_whatever_is_slow() -> None:
    """The server has more threads than places for slow work."""
    assert THREADS > AT_ONCE + WAITING
