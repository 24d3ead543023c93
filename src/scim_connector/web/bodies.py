"""The body of a request: its size, its type and its encoding, before it is parsed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scim_connector.scim import gate
from scim_connector.scim.errors import InvalidSyntax, TooLarge, UnsupportedMediaType

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

    from scim_connector.scim.types import Json

MOST_DRAINED = 8 * 1024 * 1024
_TYPES = {"application/scim+json", "application/json", ""}


def read(request: Request, largest: int) -> Json:
    """The JSON object of a body; raises TooLarge, UnsupportedMediaType, InvalidSyntax."""
    _refuse_type(request)
    announced = request.content_length
    if announced is not None and announced > largest:
        drain(request, announced)
        raise _too_large(largest)
    body = request.stream.read(largest + 1 if announced is None else announced)
    if len(body) > largest:
        drain(request, MOST_DRAINED)
        raise _too_large(largest)
    if not body.strip():
        raise InvalidSyntax(gate.NO_BODY)
    return gate.loads_object(body)


def drain(request: Request, announced: int) -> None:
    """Read a body that is refused, up to a bound.

    A client that is still sending when the connection closes never sees the answer.
    """
    left = min(announced, MOST_DRAINED)
    while left > 0 and (part := request.stream.read(min(left, 65_536))):
        left -= len(part)


def _refuse_type(request: Request) -> None:
    if request.mimetype not in _TYPES:
        message = f"Content-Type {request.mimetype[:60]} is not read here"
        raise UnsupportedMediaType(f"{message}; send application/scim+json.")
    charset = request.mimetype_params.get("charset", "utf-8").strip('"').lower()
    if charset not in {"utf-8", "utf8", "us-ascii"}:
        message = f"charset {charset[:20]} is not read here; send UTF-8."
        raise UnsupportedMediaType(message)
    encoding = request.headers.get("Content-Encoding", "identity").lower()
    if encoding not in {"identity", ""}:
        message = f"Content-Encoding {encoding[:20]} is not read here; send it plain."
        raise UnsupportedMediaType(message)


def _too_large(largest: int) -> TooLarge:
    return TooLarge(f"The body is larger than {largest} bytes; send less at once.")
