"""Values become replies, exceptions become SCIM errors: the only error table."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import orjson
import structlog

from scim_connector.directory.constraints import ConstraintBroken
from scim_connector.directory.database import (
    DatabaseUnavailable,
    LostRace,
    StatementTimeout,
)
from scim_connector.directory.locking import DatabaseBusy
from scim_connector.rules.users import RulesViolated
from scim_connector.scim import errors, versions
from scim_connector.scim.errors import (
    ScimError,
    Unauthenticated,
    Unavailable,
    Uniqueness,
)

if TYPE_CHECKING:
    from scim_connector.scim.types import Json

TYPE: Final = "application/scim+json"
_ALWAYS: Final = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
)
RETRY_SOON: Final = 2

_log = structlog.get_logger("web")
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


def refused(error: Exception, request_id: str) -> Reply:
    """The SCIM error for whatever went wrong; the unexpected keeps its reason."""
    status, body, headers = _error(error, request_id)
    body["detail"] = f"{body['detail']} [request {request_id}]"
    made = resource(orjson.dumps(body).decode(), request_id, status=status)
    return Reply(status, [*made.headers, *headers], made.body)


def _error(error: Exception, request_id: str) -> tuple[int, Json, Headers]:
    if isinstance(error, RulesViolated):
        body = errors.body(error.status, error.scim_type, error.detail)
        return error.status, body, []
    if isinstance(error, DatabaseUnavailable):
        _log.error("database unavailable", request_id=request_id, reason=str(error))
    known = _known(error)
    if known is not None:
        return known.status, known.body(), _headers(known)
    _log.exception("unexpected error", request_id=request_id, exc_info=error)
    detail = (
        "Something went wrong here, and nothing was changed; the log has the reason."
    )
    return 500, errors.body(500, None, detail), []


def _known(error: Exception) -> ScimError | None:
    """The protocol's word for what the store says."""
    match error:
        case ScimError():
            return error
        case DatabaseBusy() | LostRace():
            text = "The database is busy; nothing was changed. Try again."
            return Unavailable(text, retry_after=RETRY_SOON)
        case StatementTimeout():
            text = "This takes longer than a request may; nothing was changed."
            return Unavailable(text, retry_after=RETRY_SOON)
        case DatabaseUnavailable():
            text = "The database cannot be reached; nothing was changed. Try again."
            return Unavailable(text, retry_after=RETRY_SOON)
        case ConstraintBroken():
            text = f"A value of {error.name} was taken at the same moment. Try again."
            return Uniqueness(text)
    return None


def _headers(error: ScimError) -> Headers:
    headers = []
    if isinstance(error, Unauthenticated):
        headers.append(("WWW-Authenticate", 'Bearer realm="scim"'))
    if error.retry_after is not None:
        headers.append(("Retry-After", str(error.retry_after)))
    if error.allow:
        headers.append(("Allow", ", ".join(error.allow)))
    return headers
