"""Forms of strangers: read whole before anything else, and only so many at once.

The server hands over a request when its headers are there; the thread that reads the
body waits for the rest, for as long as the sender likes. Whoever could let any number
of threads wait would keep a deactivation waiting. Under ``/scim`` a body is read only
after its token was recognised, so what is guarded is everything else.
"""

from __future__ import annotations

from http import HTTPStatus
from io import BytesIO
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Final

from scim_connector.tokens.turns import ARRIVING, RETRY_SECONDS
from scim_connector.web.forms import LARGEST

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

#: Set for a request whose body is read by its page, once it is known who sends it.
LATE: Final = "scim_connector.late"
#: Seconds that a form waits for others, which are mostly there in a moment.
_PATIENCE: Final = 0.02
_BUSY: Final = b"Too many forms arrive at this moment. Try again in a few seconds.\n"


class Arrivals:
    """Lets so many threads of a process wait for the forms of strangers."""

    def __init__(self, most: int = ARRIVING) -> None:
        """*most* wait at once."""
        self._free = BoundedSemaphore(most)

    def into(
        self,
        app: WSGIApplication,
        environ: WSGIEnvironment,
        start_response: StartResponse,
    ) -> Iterable[bytes]:
        """Let *app* answer when the body is here; 503 while too many are on their way."""
        if not self._free.acquire(timeout=_PATIENCE):
            return _busy(start_response)
        try:
            body = environ["wsgi.input"].read(_size(environ))
        finally:
            self._free.release()
        environ["wsgi.input"] = BytesIO(body)
        return app(environ, start_response)


def _size(environ: WSGIEnvironment) -> int:
    """How much to read: nothing of a body without a length, or of one too large.

    Browsers and OAuth clients tell the length; a too large one is refused by it.
    """
    told = environ.get("CONTENT_LENGTH") or ""
    return int(told) if told.isdigit() and int(told) <= LARGEST else 0


def _busy(start_response: StartResponse) -> list[bytes]:
    status = HTTPStatus.SERVICE_UNAVAILABLE
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(_BUSY))),
        ("Cache-Control", "no-store"),
        ("Retry-After", str(RETRY_SECONDS)),
    ]
    start_response(f"{status.value} {status.phrase}", headers)
    return [_BUSY]
