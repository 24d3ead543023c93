"""Long work on a page: the page begins at once and tells how far it is, then ends.

The answer is written while the work goes on, so that progress needs no script and no
memory between requests.  The work runs in a thread of its own and is carried to its end
even if the browser leaves; it is one transaction, so there is no half of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from queue import Empty, Queue
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, TypeVar

import structlog
from flask import Response, copy_current_request_context, render_template
from markupsafe import escape

from scim_connector.web.console.desk import REFUSALS, sentence_of

if TYPE_CHECKING:
    from scim_connector.web.console.desk import Desk, Person

#: Where the template leaves the place for what comes later.
MARK: Final = "<!-- the result -->"
#: So often the page tells how far it is, seconds.
EVERY: Final = 1.0
T = TypeVar("T")
_UNKNOWN: Final = "Something went wrong; nothing was changed. The log has it."
_log = structlog.get_logger("console")


def page(
    desk: Desk,
    me: Person,
    work: Callable[[Callable[[int], None]], T],
    tell: Callable[[T | Exception], str],
    *,
    total: int,
    **words: Any,
) -> Response:
    """The page of *work*, which is given a function that counts what is done.

    *tell* makes HTML of the result, or of what the work was refused by.  The words are
    those of ``working.html``.
    """
    whole = desk.page(me, "working.html", **words)
    head, _, foot = whole.get_data(as_text=True).partition(MARK)
    running = _Running(copy_current_request_context(work))
    ending = copy_current_request_context(tell)

    def lines() -> Iterator[str]:
        yield head
        yield from running.lines(total)
        yield ending(running.result)
        yield foot

    answer = Response(lines(), whole.status, mimetype="text/html")
    for name in ("Content-Security-Policy", "Vary"):
        answer.headers[name] = whole.headers[name]
    # Or a proxy waits for the end before it shows the beginning.
    answer.headers["X-Accel-Buffering"] = "no"
    return answer


def trouble(error: Exception) -> str:
    """What the work was refused by, in place of a result."""
    said = sentence_of(error) if isinstance(error, REFUSALS) else _UNKNOWN
    if said is _UNKNOWN:
        _log.exception("unexpected error", exc_info=error)
    return render_template("console/trouble.html", said=said)


class _Running:
    """The work in its thread, and what it has counted so far."""

    def __init__(self, work: Callable[[Callable[[int], None]], Any]) -> None:
        self.result: Any = None
        self._done = 0
        self._ended: Queue[None] = Queue()
        self._work = work
        Thread(target=self._run, name="long work", daemon=True).start()

    def _run(self) -> None:
        try:
            self.result = self._work(self._count)
        except Exception as error:
            self.result = error
        finally:
            self._ended.put(None)

    def _count(self, more: int) -> None:
        self._done += more

    def lines(self, total: int) -> Iterator[str]:
        """How far it is, now and then, until it has ended."""
        began = monotonic()
        while True:
            try:
                self._ended.get(timeout=EVERY)
            except Empty:
                seconds = monotonic() - began
                said = f"{self._done:,} of {total:,}, after {seconds:.0f} seconds"
                yield f'<p class="hint going">{escape(said)}</p>\n'
            else:
                return
