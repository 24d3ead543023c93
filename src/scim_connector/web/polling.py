"""/events: receivers of security events ask for them (RFC 8936).

One WSGI application in front of Flask.  Nothing is read of a request before its token
is known, and only so many threads of a process answer receivers: half of them may wait
for an event, and none of them is missing when a provider asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from time import monotonic, time_ns
from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson
from werkzeug.wrappers import Request

from scim_connector.administration import receivers as doors
from scim_connector.directory import receivers
from scim_connector.login.client_credentials import Refused as Flooded
from scim_connector.provisioning.problems import problem_of
from scim_connector.rules import polling
from scim_connector.scim.errors import (
    InvalidSyntax,
    MethodNotAllowed,
    NotFound,
    TooManyRequests,
    Unavailable,
)
from scim_connector.tokens import opaque
from scim_connector.tokens.turns import POLLING
from scim_connector.web import bodies, ids, replies
from scim_connector.web.callers import Refused
from scim_connector.web.forms import LARGEST
from scim_connector.web.limits import RateLimit
from scim_connector.web.replies import Reply
from scim_connector.web.sources import Proxies, source_of
from scim_connector.web.throttle import Throttle

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from scim_connector.directory.database import Database
    from scim_connector.directory.receivers import Receiver
    from scim_connector.provisioning import RequestGatherer
    from scim_connector.rules.polling import Poll, Polled
    from scim_connector.settings import Settings
    from scim_connector.tokens.secrets import SecretKeys

PATH: Final = "/events"
#: So often a receiver may ask each process in a second; it is made to wait anyway.
A_SECOND: Final = 10
#: Seconds that a request waits for others, which are mostly answered in a moment.
_PATIENCE: Final = 0.25
_NONE: Final = opaque.mint()
_UNAUTHORIZED: Final = 401
_HELP: Final = (
    "make another on the page of the receiver, or with:"
    " scim-connector receiver token NAME"
)
_HEADERS: Final = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Type", "application/json"),
)


class Answering(Protocol):
    """What knows the events of a receiver."""

    def answer(self, receiver: Receiver, poll: Poll) -> Polled:
        """Settle what the request names, and give what is not settled."""


class PollingDoor:
    """Answers everything under ``/events``."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        keys: SecretKeys,
        polls: Answering,
        gatherer: RequestGatherer,
        throttle: Throttle | None = None,
    ) -> None:
        """Let receivers in to what *polls* has for them; built once per process."""
        self._proxies = Proxies(settings.trusted_proxies)
        self._database = database
        self._keys = keys
        self._polls = polls
        self._gatherer = gatherer
        self._throttle = throttle or Throttle()
        self._limit = RateLimit(A_SECOND, who="This receiver")
        self._inside = BoundedSemaphore(POLLING)

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> list[bytes]:
        """Answer a WSGI request under ``/events``, whatever happens."""
        now, source = time_ns() // 1000, source_of(environ, self._proxies)
        try:
            self._throttle.refuse_flood(source, monotonic())
            reply = self._answer(environ)
        except Flooded as refusal:
            reply = _flooded(refusal)
        except Exception as error:
            reason = _reason_of(error)
            if reason:
                self._gatherer.refused(reason, source, PATH, now)
            reply = _refused(error, ids.request_id(now))
        if reply.status == _UNAUTHORIZED:
            self._throttle.failed(source, monotonic())
        return replies.send(reply, start_response)

    def _answer(self, environ: WSGIEnvironment) -> Reply:
        receiver = self._caller(environ)
        self._limit.take(receiver.id)
        if environ["PATH_INFO"] != place_of(receiver):
            message = f"This token is for {place_of(receiver)}; send it there."
            raise NotFound(message)
        if environ["REQUEST_METHOD"] != "POST":
            raise MethodNotAllowed.only(("POST",), environ["REQUEST_METHOD"])
        with self._place():
            polled = self._polls.answer(receiver, _read(environ))
        body = {"sets": polled.tokens, "moreAvailable": polled.more}
        return _reply(200, body)

    def _caller(self, environ: WSGIEnvironment) -> Receiver:
        """The receiver whose token is shown; raises Refused (401)."""
        scheme, _, text = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer":
            message = "Send the token of the receiver as: Authorization: Bearer TOKEN;"
            raise Refused("no_token", f"{message} {_HELP}.")
        token = opaque.parse(text.strip()) or _NONE
        found = receivers.by_token(self._database.reader(), token.id)
        if not doors.opens(self._keys, found, token) or found is None:
            message = "This token of a receiver is not known here"
            raise Refused("unknown_token", f"{message}; {_HELP}.")
        return found

    @contextmanager
    def _place(self) -> Iterator[None]:
        """One of the threads for receivers; raises Unavailable when there is none."""
        if not self._inside.acquire(timeout=_PATIENCE):
            message = "Many receivers ask at this moment; nothing is lost. Ask again."
            raise Unavailable(message, retry_after=1)
        try:
            yield
        finally:
            self._inside.release()


def place_of(receiver: Receiver) -> str:
    """Where a receiver asks, below the public address."""
    return f"{PATH}/{receiver.id}"


def address_of(each: Receiver, public: str) -> str:
    """Where tokens are posted, or where one that polls asks for them."""
    return f"{public}{place_of(each)}" if each.polls else each.url


def _read(environ: WSGIEnvironment) -> Poll:
    """What is asked for; raises ScimError with what to change."""
    body = bodies.read(Request(environ, populate_request=False), LARGEST)
    try:
        return polling.read(body)
    except polling.BadPoll as error:
        raise InvalidSyntax(str(error)) from None


def _reason_of(error: Exception) -> str:
    """By what a refusal is counted; empty for what is none of the caller's doing."""
    if isinstance(error, Refused):
        return f"receiver_{error.reason}"
    return "rate_limited" if isinstance(error, TooManyRequests) else ""


def _refused(error: Exception, request_id: str) -> Reply:
    """A refusal in the words of RFC 8935 section 2.4, which has the same members."""
    problem = problem_of(error, request_id)
    is_stranger = problem.status == _UNAUTHORIZED
    code = "authentication_failed" if is_stranger else "invalid_request"
    made = _reply(problem.status, {"err": code, "description": problem.body["detail"]})
    if problem.refusal is not None:
        made.headers.extend(replies.headers_of(problem.refusal))
    return made


def _flooded(refusal: Flooded) -> Reply:
    body = {"err": "access_denied", "description": str(refusal)}
    made = _reply(refusal.status, body)
    made.headers.append(("Retry-After", str(refusal.wait)))
    return made


def _reply(status: int, body: dict[str, Any]) -> Reply:
    """A JSON answer that nobody keeps."""
    return Reply(status, list(_HEADERS), orjson.dumps(body))
