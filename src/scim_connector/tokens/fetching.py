"""Asking other servers over HTTP, with bounds: time, size, no redirect, no proxy.

Everything another server answers is hostile: it is read up to a size, within a time,
and as strictly as what a client sends.
"""

from __future__ import annotations

import base64
import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, quote_plus, urlencode, urlsplit

from scim_connector.scim import gate
from scim_connector.scim.errors import InvalidSyntax
from scim_connector.settings import is_loopback

if TYPE_CHECKING:
    from scim_connector.scim.types import Json

GET_SECONDS: Final = 3.0
POST_SECONDS: Final = 5.0
LARGEST: Final = 1024 * 1024
_OK: Final = 200


class CannotFetch(Exception):
    """Another server could not be asked; the text says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said to a form: its status, and its body where that is JSON."""

    status: int
    body: Json | None


def refuse_address(url: str, what: str = "The address") -> str | None:
    """Why an address is not taken: https, or http to this machine itself."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return f"{what} cannot be read."
    if parts.scheme == "https" and parts.hostname:
        return None
    if parts.scheme == "http" and is_loopback(parts.hostname or ""):
        return None
    return f"{what} must be an https address."


def get_json(url: str) -> Json:
    """The JSON object at *url*; raises CannotFetch."""
    status, body = _ask("GET", url, None, {"Accept": "application/json"}, GET_SECONDS)
    if status != _OK:
        raise CannotFetch(f"{url} answered {status}")
    found = _object(body)
    if found is None:
        raise CannotFetch(f"{url} answered no JSON object")
    return found


def post_form(
    url: str,
    fields: Mapping[str, str],
    *,
    basic: tuple[str, str] | None = None,
) -> Answer:
    """What a server says to a form; raises CannotFetch when it says nothing.

    *basic* is sent as RFC 6749 section 2.3.1 has it.
    """
    headers = {
        "Accept": "application/json",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    if basic is not None:
        pair = ":".join(quote_plus(part) for part in basic)
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    status, body = _ask("POST", url, urlencode(fields), headers, POST_SECONDS)
    return Answer(status, _object(body))


def _object(body: bytes) -> Json | None:
    try:
        return gate.loads_object(body)
    except InvalidSyntax:
        return None


def _ask(
    method: str, url: str, body: str | None, headers: dict[str, str], seconds: float
) -> tuple[int, bytes]:
    refusal = refuse_address(url)
    if refusal is not None:
        raise CannotFetch(refusal)
    ends = monotonic() + seconds
    parts = urlsplit(url)
    connection = _connection(parts, seconds)
    try:
        target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        connection.request(method, target, body, headers)
        answer = connection.getresponse()
        return answer.status, _read(answer, ends, seconds)
    except (OSError, http.client.HTTPException, ssl.SSLError, ValueError) as error:
        raise CannotFetch(f"{url}: {error}") from None
    finally:
        connection.close()


def _connection(parts: SplitResult, seconds: float) -> http.client.HTTPConnection:
    host = parts.hostname or ""
    if parts.scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(
            host, parts.port, timeout=seconds, context=context
        )
    return http.client.HTTPConnection(host, parts.port, timeout=seconds)


def _read(answer: http.client.HTTPResponse, ends: float, seconds: float) -> bytes:
    read = bytearray()
    while part := answer.read1(65_536):
        read += part
        if len(read) > LARGEST:
            raise CannotFetch(f"the answer is larger than {LARGEST} bytes")
        if monotonic() > ends:
            raise CannotFetch(f"the answer took longer than {seconds:.0f} seconds")
    return bytes(read)
