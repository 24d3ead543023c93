"""Forms and Basic credentials of OAuth requests, read with bounds (RFC 6749)."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote_plus

from scim_connector.login.client_credentials import Refused, Request

if TYPE_CHECKING:
    from collections.abc import Mapping

LARGEST: Final = 64 * 1024
FORM: Final = "application/x-www-form-urlencoded"
_MOST_FIELDS: Final = 20


def request_of(environ: Mapping[str, Any], now: int) -> Request:
    """The request as a use case takes it; raises Refused."""
    kind = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if kind != FORM:
        raise Refused("invalid_request", "no_form", f"Send the parameters as {FORM}.")
    fields = fields_of(_body(environ))
    return Request(fields, basic_of(environ.get("HTTP_AUTHORIZATION")), now)


def _body(environ: Mapping[str, Any]) -> bytes:
    length = environ.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > LARGEST:
        message = f"The request is larger than {LARGEST} bytes."
        raise Refused("invalid_request", "too_large", message, status=413)
    body: bytes = environ["wsgi.input"].read(int(length))
    return body


def fields_of(body: bytes) -> dict[str, str]:
    """The fields of a form; raises Refused for one that is given twice."""
    try:
        text = body.decode()
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        message = "The form cannot be read."
        raise Refused("invalid_request", "unreadable_form", message) from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        message = "A parameter is given twice."
        raise Refused("invalid_request", "parameter_twice", message)
    return fields


def basic_of(header: str | None) -> tuple[str, str] | None:
    """Client and secret of an Authorization header (RFC 6749 section 2.3.1)."""
    if header is None:
        return None
    scheme, _, encoded = header.partition(" ")
    try:
        if scheme.lower() != "basic":
            raise ValueError
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        message = "The Authorization header must be Basic, with client_id and secret."
        raise Refused(
            "invalid_client", "unreadable_header", message, status=401
        ) from None
    name, _, secret = text.partition(":")
    return unquote_plus(name), unquote_plus(secret)
