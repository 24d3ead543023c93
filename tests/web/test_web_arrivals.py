"""Forms of strangers: read before anything else, and only so many at once."""

from __future__ import annotations

import io
from collections.abc import Iterable
from threading import Event, Thread
from typing import Any

import pytest

from scim_connector.web.arrivals import Arrivals
from scim_connector.web.forms import LARGEST


class Slow(io.BytesIO):
    """A body that stops in the middle until somebody goes on."""

    def __init__(self) -> None:
        super().__init__(b"a=b")
        self.asked, self.goes_on = Event(), Event()

    def read(self, size: int | None = -1, /) -> bytes:
        self.asked.set()
        if size:
            self.goes_on.wait(10)
        return super().read(size)


class Told(dict[str, str]):
    """The headers of an answer, and its status."""

    status = ""

    def start(self, status: str, headers: Iterable[tuple[str, str]], *_: Any) -> Any:
        self.status = status
        self.update(headers)


def echo(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Answers what it was sent."""
    start_response("200 OK", [])
    return [environ["wsgi.input"].read()]


def send(arrivals: Arrivals, body: io.BytesIO, length: str) -> tuple[Told, bytes]:
    told = Told()
    environ = {"wsgi.input": body, "CONTENT_LENGTH": length}
    answer = arrivals.into(echo, environ, told.start)
    return told, b"".join(answer)


def test_who_comes_while_too_many_arrive_is_told_when_to_come_again() -> None:
    """503 with Retry-After, at once; when one form is here the next is read."""
    arrivals, slow = Arrivals(most=1), Slow()
    first = Thread(target=send, args=(arrivals, slow, "3"))
    first.start()
    slow.asked.wait(10)
    busy, _ = send(arrivals, io.BytesIO(b"a=b"), "3")
    slow.goes_on.set()
    first.join()
    free, body = send(arrivals, io.BytesIO(b"a=b"), "3")

    assert busy.status == "503 Service Unavailable"
    assert int(busy["Retry-After"]) > 0
    assert (free.status, body) == ("200 OK", b"a=b")


@pytest.mark.parametrize("length", ["", "x", str(LARGEST + 1)])
def test_what_has_no_small_length_is_not_waited_for(length: str) -> None:
    """Nothing is read of it, and the application decides."""
    slow = Slow()
    told, body = send(Arrivals(), slow, length)

    assert (told.status, body) == ("200 OK", b"")
    assert slow.tell() == 0


def test_an_application_that_works_holds_no_place() -> None:
    """Only arriving counts: the place is free before the application answers."""
    arrivals, told = Arrivals(most=1), Told()

    def asks_again(_: dict[str, Any], __: Any) -> list[bytes]:
        return [send(arrivals, io.BytesIO(b"c=d"), "3")[1]]

    environ = {"wsgi.input": io.BytesIO(b"a=b"), "CONTENT_LENGTH": "3"}
    assert b"".join(arrivals.into(asks_again, environ, told.start)) == b"c=d"
