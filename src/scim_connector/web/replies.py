"""Values become replies, and problems become replies with a SCIM error."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import orjson

from scim_connector.provisioning.problems import problem_of
from scim_connector.scim import versions
from scim_connector.scim.errors import ScimError, Unauthenticated

if TYPE_CHECKING:
    from wsgiref.types import StartResponse

    from scim_connector.scim.types import Json

TYPE: Final = "application/scim+json"
_ALWAYS: Final = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
)
_LINES: Final = {int(status): f"{int(status)} {status.phrase}" for status in HTTPStatus}
Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer, ready for WSGI."""

    status: int
    headers: Headers
    body: bytes = b""

    @property
    def line(self) -> str:
        """The status line, ``201 Created``."""
        return _LINES[self.status]


def send(reply: Reply, start_response: StartResponse) -> list[bytes]:
    """Answer a WSGI request with a reply that has no length yet."""
    length = ("Content-Length", str(len(reply.body)))
    start_response(reply.line, [*reply.headers, length])
    return [reply.body]


def resource(
    text: str,
    request_id: str,
    *,
    status: int = 200,
    version: int | None = None,
    location: str | None = None,
) -> Reply:
    """A resource or a list as SCIM JSON; *text* is complete JSON."""
    body = text.encode()
    headers = [
        *_ALWAYS,
        ("Content-Type", TYPE),
        ("Content-Length", str(len(body))),
        ("X-Request-Id", request_id),
    ]
    if version is not None:
        headers.append(("ETag", versions.etag(version)))
    if location is not None:
        headers.append(("Location", location))
    return Reply(status, headers, body)


def json(value: Json, request_id: str) -> Reply:
    """A JSON value that is not stored as text."""
    return resource(orjson.dumps(value).decode(), request_id)


def empty(status: int, request_id: str, *headers: tuple[str, str]) -> Reply:
    """An answer without a body: 204, 304."""
    return Reply(status, [*_ALWAYS, ("X-Request-Id", request_id), *headers])


def unless_known(
    text: str,
    request_id: str,
    *,
    version: int,
    if_none_match: str | None,
    location: str | None = None,
) -> Reply:
    """A resource, or 304 where the client has this version already."""
    if versions.is_known(if_none_match, version):
        return empty(304, request_id, ("ETag", versions.etag(version)))
    return resource(text, request_id, version=version, location=location)


def refused(error: Exception, request_id: str) -> Reply:
    """The SCIM error for whatever went wrong."""
    problem = problem_of(error, request_id)
    text = orjson.dumps(problem.body).decode()
    made = resource(text, request_id, status=problem.status)
    headers = headers_of(problem.refusal) if problem.refusal else []
    return Reply(problem.status, [*made.headers, *headers], made.body)


def headers_of(error: ScimError) -> Headers:
    """The headers that a refusal asks for."""
    headers = []
    if isinstance(error, Unauthenticated):
        headers.append(("WWW-Authenticate", error.challenge))
    if error.retry_after is not None:
        headers.append(("Retry-After", str(error.retry_after)))
    if error.allow:
        headers.append(("Allow", ", ".join(error.allow)))
    return headers
