"""Asking other servers over HTTP, with bounds: time, size, no redirect, no proxy.

Everything another server answers is hostile: it is read up to a size, within a time,
and as strictly as what a client sends.
"""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from threading import Timer
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
    """What a server said to a form or a token: its status, its body where it is JSON."""

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


def post_token(url: str, token: str, kind: str, *, bearer: str | None) -> Answer:
    """What a server says to a signed token of a media type; raises CannotFetch.

    *bearer* opens the server, where it asks for one.
    """
    headers = {"Accept": "application/json", "Content-Type": kind}
    if bearer is not None:
        headers["Authorization"] = f"Bearer {bearer}"
    status, body = _ask("POST", url, token, headers, POST_SECONDS)
    return Answer(status, _object(body))


def post_json(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """The status a server answers to JSON with; raises CannotFetch."""
    sent = {"Accept": "*/*", "Content-Type": "application/json", **headers}
    return _ask("POST", url, body, sent, POST_SECONDS)[0]


def _object(body: bytes) -> Json | None:
    try:
        return gate.loads_object(body)
    except InvalidSyntax:
        return None


def _ask(
    method: str,
    url: str,
    body: str | bytes | None,
    headers: dict[str, str],
    seconds: float,
) -> tuple[int, bytes]:
    refusal = refuse_address(url)
    if refusal is not None:
        raise CannotFetch(refusal)
    parts = urlsplit(url)
    target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    deadline = _Deadline(seconds)
    try:
        with deadline, closing(_connected(parts, deadline)) as connection:
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            found = answer.status, _read(answer)
    except (OSError, http.client.HTTPException, ValueError) as error:
        if not deadline.is_over:
            raise CannotFetch(f"{url}: {error}") from None
    if deadline.is_over:  # what was read until then may be half an answer
        message = f"{url}: the answer took longer than {seconds:g} second"
        raise CannotFetch(f"{message}{'' if seconds == 1 else 's'}")
    return found


class _Deadline:
    """Ends a connection after some seconds, whatever its server is doing.

    The timeout of a socket is for each piece that is read: whoever sends a letter now
    and then could keep us for as long as they like.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._ends = monotonic() + seconds
        self._timer = Timer(seconds, self._cut)
        self._timer.daemon = True
        self._held: socket.socket | None = None

    @property
    def is_over(self) -> bool:
        return monotonic() >= self._ends

    def holds(self, connected: socket.socket) -> None:
        """Cut *connected* in time, by a handle that TLS does not take away."""
        self._held = connected.dup()
        self._timer.start()

    def __enter__(self) -> None:
        """Time runs already."""

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        if self._held is not None:
            self._held.close()

    def _cut(self) -> None:
        if self._held is not None:
            with suppress(OSError):
                self._held.shutdown(socket.SHUT_RDWR)


def _connected(parts: SplitResult, deadline: _Deadline) -> http.client.HTTPConnection:
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    opened = socket.create_connection((host, port), deadline.seconds)
    deadline.holds(opened)
    connection = http.client.HTTPConnection(host, port)
    if secure:
        context = ssl.create_default_context()
        opened = context.wrap_socket(opened, server_hostname=host)
        connection = http.client.HTTPSConnection(host, port, context=context)
    connection.sock = opened
    return connection


def _read(answer: http.client.HTTPResponse) -> bytes:
    read = bytearray()
    while part := answer.read1(65_536):
        read += part
        if len(read) > LARGEST:
            raise CannotFetch(f"the answer is larger than {LARGEST} bytes")
    return bytes(read)
