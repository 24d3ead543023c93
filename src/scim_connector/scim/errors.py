"""Every refusal of the protocol, one class each.

ScimError
├── InvalidSyntax         400 invalidSyntax
├── InvalidFilter         400 invalidFilter
├── InvalidPath           400 invalidPath
├── InvalidValue          400 invalidValue
├── NoTarget              400 noTarget
├── Mutability            400 mutability
├── TooMany               400 tooMany
├── InvalidCursor         400 invalidCursor
├── ExpiredCursor         400 expiredCursor
├── InvalidCount          400 invalidCount
├── Unauthenticated       401
├── Forbidden             403
├── Sensitive             403 sensitive
├── NotFound              404
├── MethodNotAllowed      405
├── Uniqueness            409 uniqueness
├── VersionMismatch       412
├── TooLarge              413
├── UnsupportedMediaType  415
├── TooManyRequests       429
├── NotSupported          501
└── Unavailable           503

The base class is never raised. ``web`` turns any of them into one answer
(RFC 7644 section 3.12), so the text of ``detail`` is read by an administrator: it
says what to change.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from scim_connector.scim.types import ERROR, Json


def body(status: int, scim_type: str | None, detail: str) -> Json:
    """Return the SCIM error message as JSON (RFC 7644 section 3.12).

    *status* becomes a string there; *scim_type* is left out when it is None.
    """
    message: Json = {"schemas": [ERROR], "status": str(status)}
    if scim_type is not None:
        message["scimType"] = scim_type
    message["detail"] = detail
    return message


class ScimError(Exception):
    """A request that the protocol refuses; the base of all of them.

    *retry_after* is a whole number of seconds (Okta obeys nothing else), *allow* the
    methods that the address does serve (405 only).
    """

    status: ClassVar[int] = 400
    scim_type: ClassVar[str | None] = None

    def __init__(
        self,
        detail: str,
        *,
        retry_after: int | None = None,
        allow: tuple[str, ...] = (),
    ) -> None:
        """Keep the sentence that the administrator will read."""
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after
        self.allow = allow

    def body(self) -> Json:
        """Return the SCIM error message for this refusal."""
        return body(self.status, self.scim_type, self.detail)


class InvalidSyntax(ScimError):
    """400 invalidSyntax: the body is no JSON, or not a message of this kind."""

    scim_type = "invalidSyntax"


class InvalidFilter(ScimError):
    """400 invalidFilter: the filter cannot be read, or does not fit the schema."""

    scim_type = "invalidFilter"


class InvalidPath(ScimError):
    """400 invalidPath: the path of a PATCH operation names nothing we know."""

    scim_type = "invalidPath"


class InvalidValue(ScimError):
    """400 invalidValue: a value is missing, of the wrong type or too long."""

    scim_type = "invalidValue"


class NoTarget(ScimError):
    """400 noTarget: the filter of a PATCH path matches no element."""

    scim_type = "noTarget"


class Mutability(ScimError):
    """400 mutability: the attribute is readOnly, or immutable and already set."""

    scim_type = "mutability"


class TooMany(ScimError):
    """400 tooMany: the filter costs more than the server will spend on it."""

    scim_type = "tooMany"


class InvalidCursor(ScimError):
    """400 invalidCursor: not one we gave to this caller for this list (RFC 9865)."""

    scim_type = "invalidCursor"


class ExpiredCursor(ScimError):
    """400 expiredCursor: the walk took too long, or its place is gone (RFC 9865)."""

    scim_type = "expiredCursor"


class InvalidCount(ScimError):
    """400 invalidCount: above the most, or another than on the first page (RFC 9865)."""

    scim_type = "invalidCount"


class Unauthenticated(ScimError):
    """401: no credential, or one that does not (or no longer) open anything.

    *challenge* is what the client is told in ``WWW-Authenticate`` (RFC 6750 section 3).
    """

    status = 401
    challenge = 'Bearer realm="scim"'


class Forbidden(ScimError):
    """403: the credential is valid and may not do this."""

    status = 403


class Sensitive(ScimError):
    """403 sensitive: personal data does not belong into an address; use .search."""

    status = 403
    scim_type = "sensitive"


class NotFound(ScimError):
    """404: there is no such resource for this connection, or no such address."""

    status = 404


class MethodNotAllowed(ScimError):
    """405: the address exists and does not serve this method; see ``allow``."""

    status = 405

    @classmethod
    def only(cls, served: Sequence[str], method: str) -> Self:
        """The refusal of *method* where *served* are; HEAD goes wherever GET does."""
        allow = (*served, "HEAD") if "GET" in served else tuple(served)
        allowed = ", ".join(served)
        message = f"{method[:20]} is not served at this address, only {allowed}."
        return cls(message, allow=allow)


class Uniqueness(ScimError):
    """409 uniqueness: a value that must be unique is taken (RFC 7644 section 3.3)."""

    status = 409
    scim_type = "uniqueness"


class Conflict(ScimError):
    """409: what the request names is not there to be named (RFC 7644 section 3.7.1)."""

    status = 409


class VersionMismatch(ScimError):
    """412: the resource has changed since the version named in If-Match."""

    status = 412


class TooLarge(ScimError):
    """413: the body is larger than ``maxPayloadSize``."""

    status = 413


class UnsupportedMediaType(ScimError):
    """415: the body is not announced as SCIM JSON or JSON."""

    status = 415


class KeyUsed(ScimError):
    """422: an Idempotency-Key that was sent with another request before."""

    status = 422


class TooManyRequests(ScimError):
    """429: the connection asks faster than it may; ``retry_after`` says when."""

    status = 429


class NotSupported(ScimError):
    """501: the operation is part of the standard and not offered here."""

    status = 501


class Unavailable(ScimError):
    """503: the server cannot do this now; ``retry_after`` says when to come back."""

    status = 503
