"""Long work: one JSON at its end, or a line now and then, and the result as the last.

Lines are for whoever asks for them (``Accept: application/jsonl``).  The work is carried
to its end whichever it is, and even if they leave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from scim_connector.web.admin_api import answers, shapes
from scim_connector.web.long_work import Count, Running

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

    from scim_connector.web.admin_api.shapes import Shape
    from scim_connector.web.replies import Headers

TYPE: Final = "application/jsonl"
_SAYS: Final = (
    "One JSON value in each line: how far it is, at once and every second, then the"
    " result or the problem. The status is 200 as soon as the work has begun."
)


@dataclass(frozen=True, slots=True)
class Work:
    """Long work that is found good and may begin: its steps, and the doing of it.

    ``do`` is given a function that counts the steps that are done.
    """

    steps: int
    do: Callable[[Count], Any]

    def done(self) -> Any:
        """Do it, and tell nobody before its end."""
        return self.do(lambda more: None)


@dataclass(frozen=True, slots=True)
class Lines:
    """An answer that is written while the work goes on."""

    headers: Headers
    body: Iterator[bytes]
    line: str = "200 OK"


def is_wanted(request: Request) -> bool:
    """Whether the caller would rather have lines than one JSON at the end."""
    kinds = request.accept_mimetypes
    return kinds.best_match([answers.TYPE, TYPE]) == TYPE


def lines(work: Work, request_id: str) -> Lines:
    """The answer to *work*, which begins now."""
    headers = [
        *answers.ALWAYS,
        ("Content-Type", TYPE),
        ("X-Request-Id", request_id),
        # Or a proxy waits for the end before it shows the beginning.
        ("X-Accel-Buffering", "no"),
    ]
    running = Running(work.do, work.steps)
    return Lines(headers, _told(running, work.steps, request_id))


def _told(running: Running, steps: int, request_id: str) -> Iterator[bytes]:
    yield _line("progress", {"done": 0, "of": steps})
    for moment in running.moments():
        yield _line("progress", {"done": moment.done, "of": steps})
    if isinstance(running.result, Exception):
        problem, _ = answers.told(running.result, request_id)
        yield _line("problem", problem)
    else:
        yield _line("result", running.result)


def _line(name: str, value: Any) -> bytes:
    return orjson.dumps({name: value}, option=orjson.OPT_APPEND_NEWLINE)


# ---------------------------------------------------------------------------- as data

SHAPES: Final = {
    "Progress": shapes.answer(
        progress=shapes.answer(
            done=shapes.number("Steps that are done."),
            of=shapes.number("Steps there were when it began."),
        )
    )
}


def shape_of(result: Shape) -> Shape:
    """The lines of an answer that ends in *result*."""
    line = {
        "anyOf": [
            shapes.ref("Progress"),
            shapes.answer(result=result),
            shapes.answer(problem=shapes.ref("Problem")),
        ]
    }
    return shapes.many(line, _SAYS)
