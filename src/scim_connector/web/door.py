"""/scim: one door for every address and method, authenticated before routing.

The door is a WSGI application in front of Flask: nothing that Flask does for pages
(sessions, URL maps, redirects) is wanted here, and it would cost more than the answer.
"""

from __future__ import annotations

from time import perf_counter_ns, time_ns
from typing import TYPE_CHECKING, Any, Final

from werkzeug.wrappers import Request

from scim_connector.directory.request_counts import NOBODY
from scim_connector.provisioning import entries
from scim_connector.scim.errors import ScimError, TooManyRequests
from scim_connector.web import ids, replies
from scim_connector.web.answering import answered
from scim_connector.web.callers import UNKNOWN, Callers, Refused
from scim_connector.web.limits import RateLimit
from scim_connector.web.sources import Proxies, source_of
from scim_connector.web.visits import Visit

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from scim_connector.provisioning import RequestGatherer
    from scim_connector.settings import Settings
    from scim_connector.web.callers import Caller
    from scim_connector.web.me import MyDoor
    from scim_connector.web.replies import Reply
    from scim_connector.web.scim import Scim

#: From here on a status says that the fault is ours.
FAILED: Final = 500


class ScimDoor:
    """Answers everything under ``/scim``."""

    def __init__(
        self,
        settings: Settings,
        callers: Callers,
        scim: Scim,
        me: MyDoor,
        gatherer: RequestGatherer,
    ) -> None:
        """Let in whom *callers* know, to what *scim* serves; built once per process.

        Whose token is their own is let in to *me*.
        """
        self._largest = settings.max_body
        self._proxies = Proxies(settings.trusted_proxies)
        self._limit = RateLimit(settings.rate_limit)
        self._callers = callers
        self._scim = scim
        self._me = me
        self._gatherer = gatherer

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> list[bytes]:
        """Answer a WSGI request under ``/scim``, whatever happens."""
        reply = self.answer(Request(environ, populate_request=False))
        start_response(reply.line, reply.headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [reply.body]

    def answer(self, request: Request) -> Reply:
        """Authenticate, route and answer; every exception becomes a SCIM error."""
        started, now = perf_counter_ns(), time_ns() // 1000
        request_id = ids.of(request.environ, now)
        path = _text(request.environ.get("PATH_INFO", ""))[len("/scim") :]
        source = source_of(request.environ, self._proxies)
        caller: Caller | None = None
        try:
            caller = self._callers.authenticate(request.environ, now)
            self._limit.take(caller.connection.id)
            self._gatherer.used(caller.credential_id, now)
            visit = Visit(
                id=request_id,
                now=now,
                started=started,
                caller=caller,
                path=path,
                request=request,
                source=source,
                largest=self._largest,
            )
            return answered(visit, self._scim.answer, self._gatherer)
        except Refused as error:
            mine = self._mine(error, request.environ, path, request_id, now)
            if mine is not None:
                return mine
            self._gatherer.refused(error.reason, source, path, now)
            return replies.refused(error, request_id)
        except TooManyRequests as error:
            name = f"connection {caller.connection.name}" if caller else "nobody"
            self._gatherer.refused("rate_limited", name, path, now)
            return replies.refused(error, request_id)
        except Exception as error:
            reply = replies.refused(error, request_id)
            if reply.status >= FAILED and not isinstance(error, ScimError):
                self._failed(request.method, caller, reply.status, started)
            return reply

    def _failed(
        self, method: str, caller: Caller | None, status: int, started: int
    ) -> None:
        """Count what failed here; the log of requests knows nothing of it."""
        whose = NOBODY if caller is None else caller.connection.id
        took = (perf_counter_ns() - started) // 1000
        self._gatherer.answered(
            whose, entries.ACTIONS.get(method, "Read"), status, took
        )

    def _mine(
        self, error: Refused, environ: Any, path: str, request_id: str, now: int
    ) -> Reply | None:
        """The answer to whoever calls with a token of their own; None for a stranger."""
        if error.reason != UNKNOWN:
            return None
        try:
            user_id = self._me.whose(environ, now)
            if user_id is None:
                return None
            return self._me.answer(user_id, path, environ, request_id)
        except Exception as problem:
            return replies.refused(problem, request_id)


def _text(path: str) -> str:
    """A path that every database can store: PostgreSQL's text holds no NUL."""
    return path.replace("\0", "\ufffd")
