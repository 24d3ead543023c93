"""/oauth2/token and what clients read about it (RFC 6749, RFC 7523, RFC 8414)."""

from __future__ import annotations

import base64
import binascii
from time import monotonic, time_ns
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote_plus

from flask import Response, json, request

from scim_connector.login.client_credentials import (
    SCOPE,
    TOKEN_PATH,
    Refused,
    Request,
)
from scim_connector.provisioning.problems import problem_of
from scim_connector.tokens.assertions import ALGORITHMS
from scim_connector.web import ids
from scim_connector.web.sources import source_of

if TYPE_CHECKING:
    from scim_connector.login.client_credentials import ClientCredentials
    from scim_connector.provisioning import RequestGatherer
    from scim_connector.settings import Settings

LARGEST: Final = 64 * 1024
_FORM: Final = "application/x-www-form-urlencoded"
_MOST_FIELDS: Final = 20
_SOURCES: Final = 10_000


class Throttle:
    """Lets a source fail so often a minute; what it counts stays in this process."""

    def __init__(self, most: int = 60, per: float = 60.0) -> None:
        """Allow *most* failures within *per* seconds."""
        self._most = most
        self._per = per
        self._failed: dict[str, tuple[float, int]] = {}

    def wait(self, source: str, now: float) -> int:
        """Seconds until *source* may try again, 0 for now."""
        began, count = self._failed.get(source, (now, 0))
        if now - began >= self._per or count < self._most:
            return 0
        return max(1, int(self._per - (now - began)))

    def failed(self, source: str, now: float) -> None:
        """Count a failure."""
        began, count = self._failed.get(source, (now, 0))
        if now - began >= self._per:
            began, count = now, 0
        if len(self._failed) >= _SOURCES:
            self._failed.clear()
        self._failed[source] = (began, count + 1)


class OAuth:
    """The token endpoint and its metadata."""

    def __init__(
        self,
        settings: Settings,
        exchange: ClientCredentials,
        gatherer: RequestGatherer,
        throttle: Throttle | None = None,
    ) -> None:
        """Exchange by *exchange*; refusals are counted by *gatherer*."""
        self._issuer = settings.address
        self._proxies = frozenset(settings.trusted_proxies)
        self._exchange = exchange
        self._gatherer = gatherer
        self._throttle = throttle or Throttle()

    def metadata(self) -> Response:
        """What RFC 8414 asks an authorization server to publish."""
        return _json(
            200,
            {
                "issuer": self._issuer,
                "token_endpoint": f"{self._issuer}{TOKEN_PATH}",
                "grant_types_supported": ["client_credentials"],
                "response_types_supported": [],
                "scopes_supported": [SCOPE],
                "token_endpoint_auth_methods_supported": [
                    "client_secret_basic",
                    "client_secret_post",
                    "private_key_jwt",
                ],
                "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
            },
        )

    def token(self) -> Response:
        """Exchange a secret or an assertion for an access token."""
        now, source = time_ns() // 1000, source_of(request.environ, self._proxies)
        try:
            self._refuse_flood(source)
            issued = self._exchange.exchange(_request(now))
        except Refused as refusal:
            if refusal.status == 401:  # noqa: PLR2004 - Unauthorized
                self._throttle.failed(source, monotonic())
            self._gatherer.refused(f"token_{refusal.reason}", source, TOKEN_PATH, now)
            return _refused(refusal)
        except Exception as error:
            problem = problem_of(error, ids.request_id(now))
            body = {
                "error": "server_error",
                "error_description": problem.body["detail"],
            }
            return _json(problem.status, body)
        return _json(
            200,
            {
                "access_token": str(issued.token),
                "token_type": "Bearer",
                "expires_in": issued.lives,
                "scope": SCOPE,
            },
        )

    def _refuse_flood(self, source: str) -> None:
        wait = self._throttle.wait(source, monotonic())
        if wait:
            message = f"Too many refused requests from {source}; wait {wait} seconds."
            raise Refused("slow_down", "flood", message, status=429, wait=wait)


def _request(now: int) -> Request:
    """The request as the use case takes it; raises Refused."""
    if request.mimetype != _FORM:
        raise Refused("invalid_request", "no_form", f"Send the parameters as {_FORM}.")
    if (request.content_length or 0) > LARGEST:
        message = f"The request is larger than {LARGEST} bytes."
        raise Refused("invalid_request", "too_large", message, status=413)
    body = request.stream.read(LARGEST + 1)[:LARGEST]
    return Request(_fields(body), _basic(request.headers.get("Authorization")), now)


def _fields(body: bytes) -> dict[str, str]:
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


def _basic(header: str | None) -> tuple[str, str] | None:
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


def _refused(refusal: Refused) -> Response:
    body = {"error": refusal.error, "error_description": str(refusal)}
    made = _json(refusal.status, body)
    if refusal.status == 401:  # noqa: PLR2004 - Unauthorized
        made.headers["WWW-Authenticate"] = 'Basic realm="scim"'
    if refusal.wait:
        made.headers["Retry-After"] = str(refusal.wait)
    return made


def _json(status: int, body: dict[str, Any]) -> Response:
    made = Response(json.dumps(body), status, mimetype="application/json")
    made.headers["Cache-Control"] = "no-store"
    made.headers["X-Content-Type-Options"] = "nosniff"
    return made
