"""Forward-auth: a proxy asks about every request before it passes it on.

Like the SCIM door this is a WSGI application in front of Flask: an application's people
wait for the answer.  An application that keeps a session itself renews it here.
"""

from __future__ import annotations

from time import time_ns
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, quote, urlencode, urljoin

import orjson

from scim_connector.accounts.closing import subject_of
from scim_connector.directory import applications
from scim_connector.login.gate import Door, NotAdmitted
from scim_connector.provisioning.problems import problem_of
from scim_connector.web import ids, replies
from scim_connector.web.cookies import session_cookie
from scim_connector.web.replies import Reply
from scim_connector.web.sources import Proxies, source_of

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from scim_connector.directory.database import Database
    from scim_connector.directory.sessions import SignedIn
    from scim_connector.login.sessions import Sessions
    from scim_connector.settings import Settings

VERIFY_PATH: Final = "/auth/verify"
RENEW_PATH: Final = "/auth/renew"
_UNAUTHORIZED: Final = 401
_PLAIN: Final = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Type", "text/plain; charset=utf-8"),
)
_JSON: Final = (*_PLAIN[:2], ("Content-Type", "application/json"))
Query = dict[str, list[str]]


class ForwardAuth:
    """``/auth/verify``: a proxy asks whether a request may pass, and as whom.

    For nginx ``auth_request`` (2xx, or 401) and for Traefik ``forwardAuth``.  With
    ``redirect=1`` a browser is sent on to sign in.  ``/auth/renew`` gives a
    bearer of a session another token for it.
    """

    def __init__(
        self, settings: Settings, database: Database, sessions: Sessions
    ) -> None:
        """Judge by *sessions*; where applications live is in *database*."""
        self._database = database
        self._address = settings.address
        self._proxies = Proxies(settings.trusted_proxies)
        self._sessions = sessions
        self.roads = {VERIFY_PATH: self._verify, RENEW_PATH: self._renew}

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> list[bytes]:
        """Answer a WSGI request, whatever happens."""
        now = time_ns() // 1000
        try:
            reply = self._answer(environ, now)
        except Exception as error:
            problem = problem_of(error, ids.of(environ, now))
            text = f"{problem.body['detail']}\n".encode()
            reply = Reply(problem.status, list(_PLAIN), text)
        return replies.send(reply, start_response)

    def _answer(self, environ: WSGIEnvironment, now: int) -> Reply:
        asked = parse_qs(environ.get("QUERY_STRING", ""))
        application, path = asked.get("application", [""])[0], environ["PATH_INFO"]
        if not application:
            text = f"Say for which application: {path}?application=NAME\n"
            return Reply(400, list(_PLAIN), text.encode())
        return self.roads[path](environ, asked, application, now)

    def _verify(
        self, environ: WSGIEnvironment, asked: Query, application: str, now: int
    ) -> Reply:
        token = _shown(environ, application)
        found = self._sessions.verify(token, client=application, now=now)
        if found is not None:
            return Reply(200, [*_PLAIN, *_identity(found)])
        if asked.get("redirect") == ["1"] and _wants_a_page(environ):
            return self._to_sign_in(environ, application)
        return Reply(_UNAUTHORIZED, list(_PLAIN), b"Sign in first.\n")

    def _renew(
        self, environ: WSGIEnvironment, _: Query, application: str, now: int
    ) -> Reply:
        """Another token for the session of a bearer; the former opens nothing more."""
        if environ["REQUEST_METHOD"] != "POST":
            return Reply(405, [*_PLAIN, ("Allow", "POST")], b"Send a POST.\n")
        source = source_of(environ, self._proxies)
        agent = environ.get("HTTP_USER_AGENT", "")
        door = Door("renewal", application, source, agent, now)
        try:
            token = self._sessions.renew(_bearer(environ), door)
        except NotAdmitted as refused:
            return Reply(_UNAUTHORIZED, list(_PLAIN), f"{refused}\n".encode())
        told = {"access_token": str(token), "token_type": "Bearer"}
        return Reply(200, list(_JSON), orjson.dumps(told))

    def _to_sign_in(self, environ: WSGIEnvironment, application: str) -> Reply:
        """Where a browser signs in; only a path is believed of what it asked for."""
        wanted = environ.get("HTTP_X_FORWARDED_URI", "/")
        query = urlencode({"application": application, "return_to": wanted})
        location = f"{self._beginning(application)}?{query}"
        return Reply(302, [*_PLAIN, ("Location", location)])

    def _beginning(self, application: str) -> str:
        """The sign-in page, by way of the host at which the session is to live."""
        found = applications.by_name(self._database.reader(), application)
        if found is not None and found.redirects:
            return urljoin(found.redirects[0], "/auth/begin")
        return f"{self._address}/login"


def _wants_a_page(environ: WSGIEnvironment) -> bool:
    """Whether a browser opens a page; programs and scripts say what else they take."""
    return "text/html" in environ.get("HTTP_ACCEPT", "text/html")


def _shown(environ: WSGIEnvironment, application: str) -> str:
    """The token of the cookie of this application, or else a bearer token."""
    token = session_cookie(environ.get("HTTP_COOKIE", ""), application)
    if token is not None:
        return token
    return _bearer(environ)


def _bearer(environ: WSGIEnvironment) -> str:
    scheme, _, bearer = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    return bearer.strip() if scheme.lower() == "bearer" else ""


def _identity(found: SignedIn) -> list[tuple[str, str]]:
    """The user in headers; percent-encoded where letters may be others than ASCII."""
    roles = found.roles.split("\n") if found.roles else []
    name = f"{found.first_name} {found.last_name}".strip()
    return [
        ("X-Auth-Subject", subject_of(found.session.user_id)),
        ("X-Auth-User", found.username),
        ("X-Auth-Email", quote(found.email, safe="@")),
        ("X-Auth-Name", quote(name, safe=" ")),
        ("X-Auth-Initials", quote(found.initials)),
        ("X-Auth-Roles", ",".join(quote(role, safe=" ") for role in roles)),
        ("X-Auth-Session", found.session.id),
    ]
