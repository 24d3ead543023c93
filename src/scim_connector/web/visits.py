"""One authenticated request on its way to an answer."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scim_connector.provisioning import Call
from scim_connector.scim import messages
from scim_connector.scim.errors import InvalidValue, MethodNotAllowed
from scim_connector.web import bodies, replies

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from werkzeug.wrappers import Request

    from scim_connector.directory.connections import Connection
    from scim_connector.scim.projection import Projection
    from scim_connector.scim.types import Json
    from scim_connector.web.callers import Caller
    from scim_connector.web.replies import Reply

LONGEST_KEY: Final = 255
KNOWN_PARAMETERS: Final = frozenset(
    (
        *("filter", "attributes", "excludedAttributes", "sortBy", "sortOrder"),
        *("startIndex", "count", "cursor"),
    )
)


@dataclass(slots=True)
class Visit:
    """One authenticated request on its way to an answer.

    Who has its ``call`` keeps it in the request log; until then it is the door's.
    ``largest`` is the most bytes of a body; a route may allow more.  ``quirks`` are the
    rows of ``dialects.QUIRKS`` that only the address or the headers show.  ``taken_at``
    is when it was taken, where it is carried out later.
    """

    id: str
    now: int
    started: int
    caller: Caller
    path: str
    request: Request
    source: str
    largest: int
    is_handed_over: bool = False
    quirks: Counter[str] | None = None
    taken_at: int | None = None

    @property
    def connection(self) -> Connection:
        """Whose request it is."""
        return self.caller.connection

    def call(self, body: object = None, shown: Projection | None = None) -> Call:
        """The request as provisioning takes it."""
        key = self.header("HTTP_IDEMPOTENCY_KEY")
        if key is not None and not 0 < len(key) <= LONGEST_KEY:
            message = f"An Idempotency-Key has 1 to {LONGEST_KEY} characters."
            raise InvalidValue(message)
        self.is_handed_over = True
        return Call(
            request_id=self.id,
            method=self.request.method,
            path=f"/scim{self.path}",
            source=self.source,
            now=self.now,
            started=self.started,
            connection=self.caller.connection,
            credential_id=self.caller.credential_id,
            body=body if isinstance(body, dict) else None,
            shown=shown,
            idempotency_key=key,
            taken_at=self.taken_at,
        )

    def body(self) -> Json:
        """The JSON object that was sent; see ``bodies.read`` for what it raises."""
        if self.request.mimetype == "application/json":
            self.saw("json-content-type")
        return bodies.read(self.request, self.largest)

    def saw(self, quirk: str) -> None:
        """Count a row of ``dialects.QUIRKS`` for the connection."""
        if self.quirks is None:  # most requests have none
            self.quirks = Counter()
        self.quirks[quirk] += 1

    def header(self, name: str) -> str | None:
        """A request header by its WSGI name, ``HTTP_IF_MATCH``."""
        value: str | None = self.request.environ.get(name)
        return value

    @property
    def has_arguments(self) -> bool:
        """Whether the address has a query."""
        return bool(self.request.environ.get("QUERY_STRING"))

    def arguments(self) -> dict[str, str]:
        """The query parameters; of one that is given twice, the first."""
        given = arguments_of(self.request.environ)
        if not KNOWN_PARAMETERS.issuperset(given):
            self.saw("unknown-query")
        return given

    def allow(self, *methods: str) -> str:
        """The method, HEAD as GET; raises MethodNotAllowed with what is allowed."""
        method = self.request.method
        method = "GET" if method == "HEAD" else method
        if method in methods or method == "OPTIONS":
            return method
        raise MethodNotAllowed.only(methods, method)

    def options(self, *methods: str) -> Reply:
        """The answer to OPTIONS."""
        allow = ", ".join((*_told(methods), "OPTIONS"))
        return replies.empty(204, self.id, ("Allow", allow))


def arguments_of(environ: WSGIEnvironment) -> dict[str, str]:
    """The query parameters of a request; of one that is given twice, the first."""
    return messages.arguments(environ.get("QUERY_STRING", ""))


def _told(methods: tuple[str, ...]) -> tuple[str, ...]:
    """The methods for an Allow header: HEAD goes wherever GET does (RFC 9110 §9.3.2)."""
    return (*methods, "HEAD") if "GET" in methods else methods
