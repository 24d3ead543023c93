"""What an application may ask about a token, and end (RFC 7662, RFC 7009).

An application sees the sessions that were opened for it and no others; one of kind
``api`` sees the tokens of API users.  Everything else is ``{"active": false}``, whatever
it is, so that nobody learns by asking.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scim_connector.accounts.closing import subject_of
from scim_connector.directory import applications
from scim_connector.login.api_keys import SCOPE
from scim_connector.login.client_credentials import Refused, presented
from scim_connector.tokens import opaque

if TYPE_CHECKING:
    from scim_connector.directory.api_keys import Program
    from scim_connector.directory.applications import Application, ApplicationSecret
    from scim_connector.directory.database import Database
    from scim_connector.directory.sessions import SignedIn
    from scim_connector.login.api_keys import ApiKeys
    from scim_connector.login.client_credentials import Request
    from scim_connector.login.gate import Door
    from scim_connector.login.sessions import Sessions
    from scim_connector.tokens.secrets import SecretKeys

INACTIVE: Final = {"active": False}
#: The kind of application that acts for API users.
FOR_PROGRAMS: Final = "api"
_SECOND: Final = 1_000_000
_NONE: Final = opaque.mint()
_HELP: Final = (
    "make one on the page of the application, or with:"
    " scim-connector application secret NAME"
)


class Introspection:
    """Answers applications about tokens; built once per process."""

    def __init__(
        self,
        database: Database,
        keys: SecretKeys,
        sessions: Sessions,
        programs: ApiKeys,
        *,
        issuer: str,
    ) -> None:
        """Judge tokens by *sessions* and *programs*, in the name of *issuer*."""
        self._database = database
        self._peppers = keys.peppers()
        self._sessions = sessions
        self._programs = programs
        self._issuer = issuer

    def ask(self, client: tuple[str, str], text: str, now: int) -> dict[str, Any]:
        """What RFC 7662 section 2.2 answers: one statement for a session.

        *client* is the name and the secret of the application; raises Refused.
        """
        token = opaque.parse(text) or _NONE
        application, found = self._asking(client, token, now)
        if application.kind == FOR_PROGRAMS:
            program = self._programs.verify(token, now)
            return dict(INACTIVE) if program is None else self._of_program(program)
        signed_in = self._sessions.judged(
            token, found, client=application.name, now=now
        )
        return dict(INACTIVE) if signed_in is None else self._of_person(signed_in)

    def revoke(self, client: tuple[str, str], text: str, door: Door) -> None:
        """End what an application holds; silent about all else (RFC 7009 §2.2)."""
        token = opaque.parse(text) or _NONE
        application, found = self._asking(client, token, door.now)
        if application.kind == FOR_PROGRAMS:
            self._programs.end(token, door.now)
            return
        signed_in = self._sessions.judged(
            token, found, client=application.name, now=door.now
        )
        if signed_in is not None:
            self._sessions.end(signed_in.session, door)

    def application(self, client: tuple[str, str], now: int) -> Application:
        """The application that shows this secret; raises Refused."""
        return self._asking(client, _NONE, now)[0]

    def _asking(
        self, client: tuple[str, str], token: opaque.Token, now: int
    ) -> tuple[Application, SignedIn | None]:
        name, text = client
        shown = opaque.parse(text) or _NONE
        row = applications.asking(self._database.reader(), shown.id, token.id)
        opens = [
            opaque.opens(shown, row[0].hash if row else "", pepper)
            for pepper in self._peppers
        ]
        if row is None or not any(opens):
            text = "This secret of an application is not known here"
            raise _unknown("unknown_secret", f"{text}; {_HELP}")
        secret, application, found = row
        _refuse(secret, application, name, now)
        return application, found

    def _of_person(self, found: SignedIn) -> dict[str, Any]:
        session = found.session
        return {
            "active": True,
            "iss": self._issuer,
            "sub": subject_of(session.user_id),
            "aud": session.client,
            "client_id": session.client,
            "username": found.username,
            "token_type": "Bearer",
            "iat": session.created_at // _SECOND,
            "exp": session.expires_at // _SECOND,
            "sid": session.id,
            "email": found.email,
            "name": f"{found.first_name} {found.last_name}".strip(),
            "roles": found.roles.split("\n") if found.roles else [],
        }

    def _of_program(self, found: Program) -> dict[str, Any]:
        return {
            "active": True,
            "iss": self._issuer,
            "sub": subject_of(found.token.user_id),
            "scope": SCOPE,
            "username": found.username,
            "token_type": "Bearer",
            "iat": found.token.created_at // _SECOND,
            "exp": found.token.expires_at // _SECOND,
            "key": found.key_name,
        }


def client_of(request: Request) -> tuple[str, str]:
    """The name and the secret an application shows; raises Refused where it does not."""
    try:
        return presented(request)
    except Refused as refused:
        if refused.reason != "no_credentials":
            raise
        text = "Send the name of the application and a secret of it"
        raise _unknown("no_credentials", f"{text}; {_HELP}") from None


def _refuse(
    secret: ApplicationSecret, application: Application, name: str, now: int
) -> None:
    state = secret.state_at(now)
    if state != "live":
        text = f"This secret is {state}; {_HELP}"
        raise _unknown(f"secret_{state}", text)
    if name != application.name:
        text = "The client_id is not the name of the application this secret is of."
        raise _unknown("other_client", text)


def _unknown(reason: str, text: str) -> Refused:
    return Refused("invalid_client", f"application_{reason}", text, status=401)
