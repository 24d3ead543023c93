"""Who calls: a person by the session of their browser, or an API user by a token.

A token of an API user is what its key was exchanged for at ``/oauth2/token``.  Either
may do what the roles of that user carry, asked anew for each request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scim_connector.directory import roles
from scim_connector.login.gate import OWN_PAGES
from scim_connector.scim.errors import Forbidden, Unauthenticated
from scim_connector.tokens import opaque
from scim_connector.web import cookies
from scim_connector.web.console.desk import Person
from scim_connector.web.pages.frame import is_sent_from, origin_of

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from scim_connector.directory.database import Database
    from scim_connector.login.api_keys import ApiKeys
    from scim_connector.login.sessions import Sessions

_WORDS: Final = 2
_HOW: Final = (
    "Send the token of an API user as: Authorization: Bearer TOKEN; it is exchanged for"
    " a key at /oauth2/token. Or sign in to the console and call from there."
)
_UNKNOWN: Final = (
    "This token is not known here: it is no API user's, or its hour is over. Exchange"
    " the key of an API user for another at /oauth2/token."
)


class _Unknown(Unauthenticated):
    """A token that opens nothing."""

    challenge = f'{Unauthenticated.challenge}, error="invalid_token"'


class Callers:
    """Knows who calls; built once per process."""

    def __init__(
        self, address: str, database: Database, sessions: Sessions, programs: ApiKeys
    ) -> None:
        """Judge cookies by *sessions* and tokens by *programs*, at *address*."""
        self._address = address
        self._origin = origin_of(address)
        self._database = database
        self._sessions = sessions
        self._programs = programs

    def known(self, environ: WSGIEnvironment, now: int) -> Person:
        """Who calls, and what they may do; raises Unauthenticated.

        Where there is a token, the cookie is not looked at.
        """
        header = environ.get("HTTP_AUTHORIZATION")
        if header is not None:
            return self._program(header, now)
        token = cookies.session_cookie(environ.get("HTTP_COOKIE", ""), OWN_PAGES)
        found = self._sessions.verify(token or "", client=OWN_PAGES, now=now)
        if found is None:
            raise Unauthenticated(_HOW)
        name = f"{found.first_name} {found.last_name}".strip() or found.username
        carried = self._carried(found.session.user_id)
        factor = found.session.second_factor
        return Person(found.session.user_id, found.username, name, carried, factor)

    def _program(self, header: str, now: int) -> Person:
        words = header.split()
        if len(words) != _WORDS or words[0].lower() != "bearer":
            raise Unauthenticated(_HOW)
        token = opaque.parse(words[1])
        found = None if token is None else self._programs.verify(token, now)
        if found is None:
            raise _Unknown(_UNKNOWN)
        user_id = found.token.user_id
        return Person(user_id, found.username, found.username, self._carried(user_id))

    def _carried(self, user_id: int) -> frozenset[str]:
        return roles.permissions_of(self._database.reader(), user_id)

    def refuse_other_sites(self, environ: WSGIEnvironment) -> None:
        """Refuse what a browser sends with its cookie from another site (CSRF).

        No other site has a token, so who calls with one is not asked.
        """
        if "HTTP_AUTHORIZATION" in environ:
            return
        origin = environ.get("HTTP_ORIGIN")
        site = environ.get("HTTP_SEC_FETCH_SITE")
        if not is_sent_from(self._origin, origin=origin, site=site):
            raise Forbidden(
                f"This was not sent from {self._address}. A program calls with the"
                " token of an API user, not with a cookie."
            )
