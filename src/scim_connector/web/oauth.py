"""/oauth2: tokens are issued, asked about and ended (RFC 6749, 7523, 7662, 7009, 8414).

One WSGI application in front of Flask for all three, because an application may ask
about a token on every request of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import monotonic, time_ns
from typing import TYPE_CHECKING, Any, Final

import orjson

from scim_connector.login import client_credentials
from scim_connector.login.api_keys import SCOPE as API_SCOPE
from scim_connector.login.client_credentials import TOKEN_PATH, Refused
from scim_connector.login.gate import Door
from scim_connector.login.introspection import client_of
from scim_connector.login.token_endpoint import GRANTS, TokenEndpoint
from scim_connector.provisioning.problems import problem_of
from scim_connector.tokens.assertions import ALGORITHMS
from scim_connector.web import ids, replies
from scim_connector.web.forms import request_of
from scim_connector.web.replies import Reply
from scim_connector.web.sources import Proxies, source_of
from scim_connector.web.throttle import Throttle

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from scim_connector.login.client_credentials import Request
    from scim_connector.login.introspection import Introspection
    from scim_connector.provisioning import RequestGatherer
    from scim_connector.settings import Settings

INTROSPECT_PATH: Final = "/oauth2/introspect"
REVOKE_PATH: Final = "/oauth2/revoke"
JWKS_PATH: Final = "/.well-known/jwks.json"
_UNAUTHORIZED: Final = 401
_HEADERS: Final = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Type", "application/json"),
)
Road = Callable[["Request", str], dict[str, Any]]


class OAuth:
    """The endpoints below /oauth2."""

    def __init__(
        self,
        settings: Settings,
        endpoint: TokenEndpoint,
        introspection: Introspection,
        gatherer: RequestGatherer,
        throttle: Throttle | None = None,
    ) -> None:
        """Issue by *endpoint*, answer by *introspection*; *gatherer* counts refusals."""
        self._proxies = Proxies(settings.trusted_proxies)
        self._endpoint = endpoint
        self._introspection = introspection
        self._gatherer = gatherer
        self._throttle = throttle or Throttle()
        self.roads: Mapping[str, Road] = {
            TOKEN_PATH: self._token,
            INTROSPECT_PATH: self._introspect,
            REVOKE_PATH: self._revoke,
        }

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> list[bytes]:
        """Answer a WSGI request to one of :attr:`roads`, whatever happens."""
        now, source = time_ns() // 1000, source_of(environ, self._proxies)
        path = environ["PATH_INFO"]
        try:
            self._throttle.refuse_flood(source, monotonic())
            _refuse_other_methods(environ)
            reply = _answer(200, self.roads[path](request_of(environ, now), source))
        except Refused as refusal:
            if refusal.status == _UNAUTHORIZED:
                self._throttle.failed(source, monotonic())
            self._gatherer.refused(f"token_{refusal.reason}", source, path, now)
            reply = _refused(refusal)
        except Exception as error:
            problem = problem_of(error, ids.of(environ, now))
            told = problem.body["detail"]
            body = {"error": "server_error", "error_description": told}
            reply = _answer(problem.status, body)
        return replies.send(reply, start_response)

    def _token(self, request: Request, source: str) -> dict[str, Any]:
        return self._endpoint.issue(request, source)

    def _introspect(self, request: Request, _: str) -> dict[str, Any]:
        client = client_of(request)
        return self._introspection.ask(client, _token_of(request), request.now)

    def _revoke(self, request: Request, source: str) -> dict[str, Any]:
        client = client_of(request)
        door = Door("revocation", client[0], source, "", request.now)
        self._introspection.revoke(client, _token_of(request), door)
        return {}


def _token_of(request: Request) -> str:
    """The token that is asked about; raises Refused where there is none."""
    token = request.form.get("token", "")
    if not token:
        message = "token is missing: send the token that is asked about."
        raise Refused("invalid_request", "no_token", message)
    return token


def metadata(issuer: str) -> dict[str, Any]:
    """What RFC 8414 asks an authorization server to publish."""
    by_secret = ["client_secret_basic", "client_secret_post"]
    return {
        "issuer": issuer,
        "token_endpoint": f"{issuer}{TOKEN_PATH}",
        "jwks_uri": f"{issuer}{JWKS_PATH}",
        "grant_types_supported": list(GRANTS),
        "response_types_supported": [],
        "scopes_supported": [client_credentials.SCOPE, API_SCOPE],
        "token_endpoint_auth_methods_supported": [*by_secret, "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "introspection_endpoint": f"{issuer}{INTROSPECT_PATH}",
        "introspection_endpoint_auth_methods_supported": by_secret,
        "revocation_endpoint": f"{issuer}{REVOKE_PATH}",
        "revocation_endpoint_auth_methods_supported": by_secret,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
    }


def _refuse_other_methods(environ: WSGIEnvironment) -> None:
    if environ["REQUEST_METHOD"] != "POST":
        message = "Send a POST with a form."
        raise Refused("invalid_request", "no_post", message, status=405)


def _answer(status: int, body: dict[str, Any]) -> Reply:
    """A JSON answer that nobody keeps."""
    return Reply(status, list(_HEADERS), orjson.dumps(body))


def _refused(refusal: Refused) -> Reply:
    """A refusal in the words of RFC 6749 section 5.2."""
    told = {"error": refusal.error, "error_description": str(refusal)}
    made = _answer(refusal.status, told)
    if refusal.status == _UNAUTHORIZED:
        made.headers.append(("WWW-Authenticate", 'Basic realm="scim"'))
    if refusal.status == 405:  # noqa: PLR2004 - Method Not Allowed
        made.headers.append(("Allow", "POST"))
    if refusal.wait:
        made.headers.append(("Retry-After", str(refusal.wait)))
    return made
