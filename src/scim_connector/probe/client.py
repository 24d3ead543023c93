"""HTTP as an identity provider speaks it: its headers, no redirects, one at a time."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

SCIM_JSON: Final = "application/scim+json"
BODY_TYPE: Final = f"{SCIM_JSON}; charset=utf-8"
CONNECT_SECONDS: Final = 10.0
#: Okta gives up a request after so long (Okta: SCIM FAQ).
ANSWER_SECONDS: Final = 60.0
MOST_BYTES: Final = 16 * 1024 * 1024
CHUNK: Final = 64 * 1024

#: What each provider sends with every request. Entra's GETs have no Accept of SCIM
#: (github.com/MicrosoftDocs/azure-docs/issues/94189).
HEADERS: Final[dict[str, dict[str, str]]] = {
    "entra": {},
    "okta": {
        "User-Agent": "Okta SCIM Client 1.0.0",
        "Accept": SCIM_JSON,
        "Accept-Charset": "utf-8",
    },
}


class BadAddress(ValueError):
    """The URL is none a provider could call."""


class NoAnswer(Exception):
    """Nobody answered, or not in HTTP; the text says what happened."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers by lower-case name, and the bytes of the body."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        """The body as JSON; None when it is empty or no JSON."""
        try:
            return json.loads(self.content) if self.content else None
        except (ValueError, RecursionError):
            return None

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in small letters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Request:
    """One request; *target* is path and query below the base URL, encoded."""

    method: str
    target: str
    content: bytes | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Client:
    """Speaks to one server as one provider; raises NoAnswer."""

    base_url: str
    provider: str
    token: str = field(repr=False)
    verify: bool = True
    answer_seconds: float = ANSWER_SECONDS

    def __post_init__(self) -> None:
        """Refuse what is no address, with BadAddress."""
        place = urlsplit(self.base_url)
        try:
            known = place.scheme in {"http", "https"} and place.hostname
            place.port  # noqa: B018 - raises ValueError for a port that is none
        except ValueError:
            known = None
        if not known or place.query or place.fragment or place.username:
            message = (
                f"{self.base_url}: write the SCIM base URL, such as"
                " https://scim.example.com/scim/v2, without query."
            )
            raise BadAddress(message)

    def send(self, request: Request) -> Answer:
        """Send one request on a connection of its own; redirects are not followed."""
        connection = self._connection()
        try:
            connection.connect()
            connection.sock.settimeout(self.answer_seconds)
            return self._exchange(connection, request)
        except TimeoutError:
            message = f"no answer within {self.answer_seconds:.0f} s"
            raise NoAnswer(message) from None
        except ssl.SSLCertVerificationError as error:
            message = f"the certificate is not trusted: {error.verify_message}"
            raise NoAnswer(message) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NoAnswer(str(error) or type(error).__name__) from None
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        place = urlsplit(self.base_url)
        host = place.hostname or ""
        if place.scheme == "http":
            return http.client.HTTPConnection(host, place.port, timeout=CONNECT_SECONDS)
        context = ssl.create_default_context()
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection(
            host, place.port, timeout=CONNECT_SECONDS, context=context
        )

    def _exchange(
        self, connection: http.client.HTTPConnection, request: Request
    ) -> Answer:
        target = urlsplit(self.base_url).path.rstrip("/") + request.target
        headers = self._headers(request)
        connection.request(request.method, target, request.content, headers)
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, _read(response))

    def _headers(self, request: Request) -> Mapping[str, str]:
        token = self.token if request.token is None else request.token
        sent = {**HEADERS[self.provider], "Authorization": f"Bearer {token}"}
        if request.content is not None:
            sent["Content-Type"] = BODY_TYPE
        return sent


def _read(response: http.client.HTTPResponse) -> bytes:
    """The body; NoAnswer for one no provider would read to its end."""
    parts: list[bytes] = []
    size = 0
    while chunk := response.read(CHUNK):
        parts.append(chunk)
        size += len(chunk)
        if size > MOST_BYTES:
            message = f"the answer is longer than {MOST_BYTES // 1024 // 1024} MiB"
            raise NoAnswer(message)
    return b"".join(parts)
