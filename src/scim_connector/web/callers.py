"""Who is calling: a bearer token becomes a credential and its connection.

This comes before routing, so a caller without a token learns nothing about addresses.
Every refusal says what is wrong with the token, never whether it nearly fitted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scim_connector.directory import connections, credentials, trusts
from scim_connector.login.client_credentials import terms_of
from scim_connector.scim.errors import Unauthenticated
from scim_connector.tokens import assertions, opaque

if TYPE_CHECKING:
    from scim_connector.directory.async_requests import Asked
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.credentials import Credential
    from scim_connector.directory.database import Database, Reader
    from scim_connector.tokens.assertions import KeyOf
    from scim_connector.tokens.secrets import SecretKeys

#: The reason of a token that is no connection's; it may be a user's own.
UNKNOWN = "unknown_token"
_NOTHING_SHOWN = frozenset({"no_token", "other_scheme"})
_DOTS_OF_A_JWT = 2
_NONE = opaque.mint()
_HELP = (
    "make one on the page of its connection, or with:"
    " scim-connector token create CONNECTION"
)
_RENEW = "get another at /oauth2/token, with a secret or trust that is alive."


class Refused(Unauthenticated):
    """A 401 with the short reason it is counted by."""

    def __init__(self, reason: str, detail: str) -> None:
        """Keep the reason for the counters and the sentence for the caller."""
        super().__init__(detail)
        self.reason = reason
        if reason not in _NOTHING_SHOWN:
            self.challenge = f'{self.challenge}, error="invalid_token"'


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller.

    *reads_people* is true for an application that reads everybody and writes nothing.
    """

    credential_id: str
    connection: Connection
    reads_people: bool = False


class Callers:
    """Knows callers by their tokens; one statement for each request."""

    def __init__(self, database: Database, keys: SecretKeys, key_of: KeyOf) -> None:
        """Look tokens up in *database*, hashed with the sub-keys of *keys*.

        *key_of* finds the keys of issuers, for Entra's own token alone.
        """
        self._database = database
        self._key_of = key_of
        self._peppers = keys.peppers()

    def authenticate(self, environ: dict[str, Any], now: int) -> Caller:
        """The caller of a WSGI request; raises Refused (401)."""
        text = _bearer(environ.get("HTTP_AUTHORIZATION", ""))
        if text.count(".") == _DOTS_OF_A_JWT:
            return self._signed(text, now)
        token = opaque.parse(text) or _NONE
        found = credentials.caller(self._database.reader(), token.id)
        if found is None or not self._opens(token, found[0]):
            raise Refused(
                UNKNOWN,
                f"This token is not known here; check that it was pasted whole, or {_HELP}",
            )
        credential, connection = found
        _refuse_dead(credential, connection, now)
        return Caller(credential.id, connection, credential.kind == "reader")

    def _signed(self, text: str, now: int) -> Caller:
        """The caller of a signed token that is sent as it is (Entra, blank secret)."""
        try:
            issuer = assertions.claimed(text).issuer
            found = trusts.of_issuer(self._database.reader(), issuer)
            direct = [(trust, caller) for trust, caller in found if trust.is_direct]
            if not direct:
                message = (
                    "Signed tokens are not taken here; exchange it at /oauth2/token,"
                )
                raise Refused("signed_token", f"{message} or {_HELP}")
            trust, connection = direct[0]
            assertions.verify(text, terms_of(trust), self._key_of, now=now)
        except assertions.BadAssertion as error:
            message = f"The token is refused. {error}"
            raise Refused(f"signed_{error.reason}", message) from None
        except assertions.KeysUnavailable as error:
            message = f"The keys of the issuer cannot be fetched now: {error}"
            raise Refused("keys_unavailable", message) from None
        if connection.state == "retired":
            message = f"Connection {connection.name} is retired; it answers no more."
            raise Refused("connection_retired", message)
        return Caller(trust.id, connection)

    def _opens(self, token: opaque.Token, credential: Credential) -> bool:
        hashes = [opaque.opens(token, credential.hash, p) for p in self._peppers]
        return any(hashes)


def remembered(reader: Reader, asked: Asked) -> tuple[Caller, Refused | None]:
    """Who asked for what is carried out now, and why they may no more, if so.

    A token that was good when the request was taken may have ended since by itself; one
    that was taken back opens nothing.
    """
    found = credentials.caller(reader, asked.credential_id)
    if found is None:
        connection = connections.required(reader, asked.connection_id)
        message = f"The token this was asked with is gone; {_HELP}"
        return Caller(asked.credential_id, connection), Refused("token_gone", message)
    credential, connection = found
    caller = Caller(credential.id, connection)
    try:
        _refuse_dead(credential, connection, asked.taken_at)
    except Refused as refusal:
        return caller, refusal
    return caller, None


def _refuse_dead(credential: Credential, connection: Connection, now: int) -> None:
    if credential.kind == "secret":
        message = "This is a client secret; exchange it at /oauth2/token for a token"
        raise Refused("secret_as_token", f"{message} and send that.")
    state = credential.state_at(now)
    if state != "live":
        advice = _RENEW if credential.kind == "access" else _HELP
        raise Refused(f"token_{state}", f"This token is {state}; {advice}")
    if connection.state == "retired":
        message = f"Connection {connection.name} is retired; it answers no more."
        raise Refused("connection_retired", message)


def _bearer(header: str) -> str:
    """What stands behind "Bearer", empty for more than one word."""
    words: Sequence[str] = header.split()
    if not words:
        message = "Send the token as: Authorization: Bearer TOKEN;"
        raise Refused("no_token", f"{message} {_HELP}")
    if words[0].lower() != "bearer":
        message = f"Only bearer tokens are known here, not {words[0][:20]};"
        raise Refused("other_scheme", f"{message} {_HELP}")
    if len(words) > 2 and words[1].lower() == "bearer":  # noqa: PLR2004
        message = 'The word "Bearer" stands twice: paste the token alone, without it,'
        raise Refused("bearer_twice", f"{message} into the provider's token field.")
    return words[1] if len(words) == 2 else ""  # noqa: PLR2004
