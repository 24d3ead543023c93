"""Long work on a page: the page begins at once and tells how far it is, then ends.

The answer is written while the work goes on, so that progress needs no script and no
memory between requests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, TypeVar

from flask import Response, copy_current_request_context, render_template
from markupsafe import escape

from scim_connector.web.console.desk import REFUSALS, sentence_of
from scim_connector.web.long_work import Running
from scim_connector.web.pages.frame import noted

if TYPE_CHECKING:
    from scim_connector.web.console.desk import Desk, Person

#: Where the template leaves the place for what comes later.
MARK: Final = "<!-- the result -->"
T = TypeVar("T")
_UNKNOWN: Final = "Something went wrong; nothing was changed."


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
    running = Running(copy_current_request_context(work), total)
    ending = copy_current_request_context(tell)

    def lines() -> Iterator[str]:
        yield head
        for moment in running.moments():
            said = f"{moment.done:,} of {total:,}, after {moment.seconds:.0f} seconds"
            yield f'<p class="hint going">{escape(said)}</p>\n'
        yield ending(running.result)
        yield foot

    answer = Response(lines(), whole.status, mimetype="text/html")
    for name in ("Content-Security-Policy", "Vary"):
        answer.headers[name] = whole.headers[name]
    # Or a proxy waits for the end before it shows the beginning.
    answer.headers["X-Accel-Buffering"] = "no"
    return answer


def trouble(error: Exception, *, unknown: str = _UNKNOWN) -> str:
    """What the work was refused by, in place of a result.

    *unknown* is said of what nobody expected, before where the log has it.
    """
    if isinstance(error, REFUSALS):
        said = sentence_of(error)
    else:
        said = f"{unknown} {noted(error)}"
    return render_template("console/trouble.html", said=said)
