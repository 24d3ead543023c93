"""The token endpoint: which road a token request takes (RFC 6749, RFC 8693)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scim_connector.login import token_exchange
from scim_connector.login.client_credentials import Refused

if TYPE_CHECKING:
    from scim_connector.login.api_keys import ApiKeys
    from scim_connector.login.client_credentials import (
        ClientCredentials,
        Issued,
        Request,
    )
    from scim_connector.login.token_exchange import TokenExchange

CLIENT_CREDENTIALS: Final = "client_credentials"
GRANTS: Final = (CLIENT_CREDENTIALS, token_exchange.GRANT)


class TokenEndpoint:
    """Issues every kind of token; built once per process."""

    def __init__(
        self, providers: ClientCredentials, programs: ApiKeys, people: TokenExchange
    ) -> None:
        """Connections go to *providers*, keys of API users to *programs*.

        An ID token that an application brings goes to *people*.
        """
        self._providers = providers
        self._programs = programs
        self._people = people

    def issue(self, request: Request, source: str) -> dict[str, Any]:
        """The answer to a token request from *source*; raises Refused."""
        grant = request.form.get("grant_type")
        if grant is None:
            message = "grant_type is missing; send client_credentials."
            raise Refused("invalid_request", "no_grant_type", message)
        if grant not in GRANTS:
            message = f"Served here are: {', '.join(GRANTS)}."
            raise Refused("unsupported_grant_type", "other_grant_type", message)
        if grant == token_exchange.GRANT:
            return self._people.exchange(request, source)
        return _answer(self._by_credentials(request))

    def _by_credentials(self, request: Request) -> Issued:
        is_assertion = any(name.startswith("client_assertion") for name in request.form)
        if not is_assertion and self._programs.concerns(request):
            return self._programs.exchange(request)
        return self._providers.exchange(request)


def _answer(issued: Issued) -> dict[str, Any]:
    return {
        "access_token": str(issued.token),
        "token_type": "Bearer",
        "expires_in": issued.lives,
        "scope": issued.scope,
    }
