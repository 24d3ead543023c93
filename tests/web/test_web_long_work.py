"""Long work that is told while it goes on, and ends whoever listens."""

from __future__ import annotations

from threading import Event

from scim_connector.web.long_work import Count, Running

SOON = 10.0


def test_it_is_told_how_far_the_work_is() -> None:
    """A moment for each that passes, with what is done until then; then the result."""
    told, go_on = Event(), Event()

    def work(count: Count) -> str:
        count(2)
        told.set()
        assert go_on.wait(SOON)
        return "made"

    running = Running(work, 5)
    assert told.wait(SOON)
    moments = running.moments(every=0.01)
    first, second = next(moments), next(moments)
    go_on.set()
    list(moments)

    assert (first.done, second.done) == (2, 2)
    assert first.seconds < second.seconds
    assert running.result == "made"


def test_what_refused_the_work_is_its_result() -> None:
    """Nothing is raised where nobody could catch it."""
    refusal = ValueError("no")

    def work(_: Count) -> None:
        raise refusal

    running = Running(work, 1)
    list(running.moments())

    assert running.result is refusal


def test_work_goes_on_when_nobody_listens() -> None:
    """Who asked has left after one moment; the work is carried to its end."""
    go_on, ended = Event(), Event()

    def work(_: Count) -> None:
        assert go_on.wait(SOON)
        ended.set()

    moments = Running(work, 1).moments(every=0.01)
    next(moments)
    moments.close()
    go_on.set()

    assert ended.wait(SOON)


def test_work_that_is_run_again_is_never_more_than_done() -> None:
    """A transaction that lost a race counts its steps twice."""
    again, go_on = Event(), Event()

    def work(count: Count) -> None:
        for _ in range(2):
            count(3)
        again.set()
        assert go_on.wait(SOON)

    running = Running(work, 3)
    assert again.wait(SOON)
    moment = next(running.moments(every=0.01))
    go_on.set()

    assert moment.done == 3
