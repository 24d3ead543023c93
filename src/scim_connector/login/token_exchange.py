"""Token exchange: an application brings an ID token and gets a session (RFC 8693).

For applications that sign people in at the provider themselves (a desktop client).  The
token must have been given to this very application: its audience and authorized party
are the client id that the application has at the provider, as it was registered here.
It is at most five minutes old and good for one exchange.  Who may come in is decided by
the same gate as everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from scim_connector.directory import applications, sso, trusts
from scim_connector.login.client_credentials import Refused
from scim_connector.login.gate import Door, NotAdmitted, keep_refusal
from scim_connector.login.identities import refused_token
from scim_connector.login.introspection import FOR_PROGRAMS, client_of
from scim_connector.login.sso import CannotSignIn
from scim_connector.tokens import assertions
from scim_connector.tokens.assertions import BadAssertion

if TYPE_CHECKING:
    from scim_connector.directory.applications import Application
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Database, Reader, Transaction
    from scim_connector.directory.sso import SignIn
    from scim_connector.login.client_credentials import Request
    from scim_connector.login.introspection import Introspection
    from scim_connector.login.sso import SingleSignOn
    from scim_connector.tokens.id_token import Identity
    from scim_connector.tokens.opaque import Token

GRANT: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
_TYPE: Final = "urn:ietf:params:oauth:token-type:"
ID_TOKEN: Final = f"{_TYPE}id_token"
ACCESS_TOKEN: Final = f"{_TYPE}access_token"
#: How many seconds ago an ID token may have been issued.
OLDEST: Final = 300
ROAD: Final = "exchange"
_SECOND: Final = 1_000_000
_USED: Final = "The ID token was exchanged before; sign in again for another one."
_WAIT: Final = 30
#: Parameters of RFC 8693 that mean nothing here; refused, for they restrict a token.
_NOT_SERVED: Final = ("actor_token", "actor_token_type", "resource", "scope")


class TokenExchange:
    """Exchanges ID tokens of providers; built once per process."""

    def __init__(
        self,
        database: Database,
        introspection: Introspection,
        single: SingleSignOn,
    ) -> None:
        """*introspection* knows applications, *single* signs people in."""
        self._database = database
        self._introspection = introspection
        self._single = single

    def exchange(self, request: Request, source: str) -> dict[str, Any]:
        """The answer of RFC 8693 section 2.2.1; raises Refused.

        Why somebody is not admitted stands in audit and in the sign-in log alone.
        """
        application = self._introspection.application(client_of(request), request.now)
        _check_form(request.form, application)
        door = Door(ROAD, application.name, source, "", request.now)
        try:
            token = self._admitted(request.form["subject_token"], application, door)
        except NotAdmitted as refused:
            keep_refusal(self._database, refused, door)
            reason = f"exchange_{refused.refusal.code}"
            raise Refused("invalid_request", reason, str(refused)) from None
        except CannotSignIn as error:
            raise _unavailable(error) from None
        return {
            "access_token": str(token),
            "issued_token_type": ACCESS_TOKEN,
            "token_type": "Bearer",
            "expires_in": self._single.lasts // _SECOND,
        }

    def _admitted(self, text: str, application: Application, door: Door) -> Token:
        """Open a session for whom an ID token names; raises NotAdmitted."""
        reader = self._database.reader()
        settings, connection, client_id = _registered(reader, text, application)
        try:
            identity = self._single.judge(
                settings, text, client_id=client_id, oldest=OLDEST, now=door.now
            )
            return self._database.write(
                lambda tx: self._open(tx, settings, connection, identity, door)
            )
        except NotAdmitted as refused:
            refused.facts["connection"] = connection.name
            raise

    def _open(
        self,
        tx: Transaction,
        settings: SignIn,
        connection: Connection,
        identity: Identity,
        door: Door,
    ) -> Token:
        """Remember the token until nobody could take it any more, and open a session."""
        if trusts.is_used(tx, identity.digest):
            raise refused_token(_USED)
        until = (identity.expires + assertions.LEEWAY) * _SECOND
        trusts.use(tx, identity.digest, expires_at=until)
        return self._single.admit_identity(tx, settings, connection, identity, door)


def _check_form(form: Mapping[str, str], application: Application) -> None:
    """Refuse what is no exchange of an ID token for a session (RFC 8693 §2.1)."""
    if application.kind == FOR_PROGRAMS:
        text = f"{application.name} is of kind api; it acts for API users, not people."
        raise Refused("unauthorized_client", "exchange_kind", text)
    if not form.get("subject_token"):
        raise _bad("subject_token", "subject_token is missing: send the ID token.")
    if form.get("subject_token_type") != ID_TOKEN:
        raise _bad("subject_token_type", f"subject_token_type must be {ID_TOKEN}.")
    if form.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
        text = f"Only {ACCESS_TOKEN} is issued; leave requested_token_type out."
        raise _bad("requested_token_type", text)
    if form.get("audience", application.name) != application.name:
        text = f"A session is for {application.name} alone; leave audience out."
        raise Refused("invalid_target", "exchange_audience", text)
    for name in _NOT_SERVED:
        if name in form:
            raise _bad(name, f"{name} is not served here; leave it out.")


def _registered(
    reader: Reader, text: str, application: Application
) -> tuple[SignIn, Connection, str]:
    """Through which connection a token may open a session, and for which client id.

    Of several connections with one issuer it is the one whose client id is named.
    Raises NotAdmitted.
    """
    try:
        said = assertions.claimed(text)
    except BadAssertion as error:
        raise refused_token(f"The ID token is refused. {error}") from None
    offered = [each for each in sso.offered(reader) if each[0].issuer == said.issuer]
    if not offered:
        issuer = said.issuer[:120]
        raise refused_token(f"Nobody signs in through a provider {issuer!r} now.")
    held = {
        at: client for at, _, client in applications.clients(reader, application.id)
    }
    found = [(*each, held[each[1].id]) for each in offered if each[1].id in held]
    if not found:
        name, at = application.name, offered[0][1].name
        hint = (
            f"Register it on the page of {name}, or with:"
            f" scim-connector application client {name} {at} CLIENT_ID"
        )
        refused = refused_token(f"{name} has no client id at connection {at}.")
        refused.facts["hint"] = hint
        raise refused
    named = _audience(said.claims.get("aud"))
    return next((each for each in found if each[2] in named), found[0])


def _audience(claim: Any) -> list[Any]:
    return claim if isinstance(claim, list) else [claim]


def _bad(name: str, text: str) -> Refused:
    return Refused("invalid_request", f"exchange_{name}", text)


def _unavailable(error: CannotSignIn) -> Refused:
    return Refused(
        "temporarily_unavailable",
        "exchange_unavailable",
        str(error),
        status=503,
        wait=_WAIT,
    )
