"""Where the endpoints of an OpenID provider are (OpenID Connect Discovery 1.0)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Final

from scim_connector.tokens import fetching
from scim_connector.tokens.fetching import CannotFetch
from scim_connector.tokens.kept import Kept

if TYPE_CHECKING:
    from scim_connector.scim.types import Json

_PLACE: Final = "/.well-known/openid-configuration"
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True, slots=True)
class Metadata:
    """What an OpenID provider says of itself, as far as we use it."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    takes_basic: bool = True


def fetch(issuer: str) -> Metadata:
    """The metadata of an issuer; raises CannotFetch, also where it makes no sense."""
    document = fetching.get_json(f"{issuer.rstrip('/')}{_PLACE}")
    if document.get("issuer") != issuer:
        said = str(document.get("issuer"))[:200]
        message = f"the provider at {issuer} says its issuer is {said!r}"
        raise CannotFetch(f"{message}; the two must be the same to the letter")
    places = {name: _endpoint(document, name) for name in _ENDPOINTS}
    methods = document.get("token_endpoint_auth_methods_supported")
    # Without the list it is client_secret_basic (section 3 of the standard).
    basic = not isinstance(methods, list) or "client_secret_basic" in methods
    return Metadata(issuer=issuer, takes_basic=basic, **places)


def _endpoint(document: Json, name: str) -> str:
    address = document.get(name)
    if not isinstance(address, str):
        raise CannotFetch(f"the provider publishes no {name}")
    refusal = fetching.refuse_address(address, f"Its {name}")
    if refusal is not None:
        raise CannotFetch(refusal)
    return address


class MetadataSource:
    """The metadata of every provider, as one process keeps them."""

    def __init__(
        self,
        clock: Callable[[], float] = monotonic,
        fetching: Callable[[str], Metadata] = fetch,
    ) -> None:
        """Begin with none."""
        self._kept = Kept("metadata", clock, fetching)

    def metadata(self, issuer: str) -> Metadata:
        """The metadata of an issuer; raises CannotFetch."""
        return self._kept.value(issuer)
