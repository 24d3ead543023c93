"""What is around every page: headers, the guard against other sites, who stands there."""

from __future__ import annotations

from time import time_ns
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import structlog
from flask import (
    Flask,
    Response,
    has_request_context,
    make_response,
    redirect,
    render_template,
    request,
)
from werkzeug.exceptions import HTTPException

from scim_connector.directory.failures import LostRace
from scim_connector.directory.locking import DatabaseBusy
from scim_connector.login.gate import OWN_PAGES, Door
from scim_connector.provisioning.problems import busy
from scim_connector.web import cookies, ids
from scim_connector.web.arrivals import LATE
from scim_connector.web.sources import Proxies, source_of

if TYPE_CHECKING:
    from scim_connector.settings import Settings

#: Nothing is loaded from elsewhere, nothing runs, nobody frames us.
CONTENT_SECURITY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none';"
    " frame-ancestors 'none'; form-action 'self'"
)
_POLICY: Final = "Content-Security-Policy"
_HEADERS: Final = {
    _POLICY: CONTENT_SECURITY,
    # Never a path, because those of mailed links are secrets.  Under no-referrer browsers
    # would hide the origin of our own forms from us ("Origin: null").
    "Referrer-Policy": "strict-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}
#: Signing out at the host of an application; /logout is at the gate's own.
SIGN_OUT: Final = "/auth/logout"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_LARGEST: Final = 64 * 1024
_LONGEST_PATH: Final = 2000
_log = structlog.get_logger("pages")


class Frame:
    """The frame of the pages of one installation."""

    def __init__(self, settings: Settings) -> None:
        """Be at the address of *settings*, in the organisation's name."""
        self.address = settings.address
        self.organisation = settings.organisation
        self._origin = origin_of(settings.address)
        self._proxies = Proxies(settings.trusted_proxies)

    def put_on(self, app: Flask) -> None:
        """Bound the size of forms; show a page where something went wrong."""
        app.config["MAX_CONTENT_LENGTH"] = _LARGEST
        app.register_error_handler(Exception, self._failed)

    # -------------------------------------------------------------- around a request

    def guard(self) -> Response | None:
        """Refuse a form that another site has sent (CSRF), before anything is done.

        Signing out is at the host of the application, where the gate does not know its
        own name: there the browser says whether the form is of the same host.
        A NUL is in nothing that is kept here, and PostgreSQL takes no text with one.
        """
        given = request.args if LATE in request.environ else request.values
        if any("\0" in value for value in given.values()):
            return self.page(
                "message.html",
                400,
                title="This cannot be read",
                text="The address or the form holds a NUL character.",
            )
        if request.method in _SAFE or request.url_rule is None or self._is_own():
            return None
        return self.page(
            "message.html",
            403,
            title="Not sent from here",
            text=f"This form was not sent from {self.address}. Open the page there and"
            " try again.",
        )

    def _is_own(self) -> bool:
        origin = request.headers.get("Origin")
        site = request.headers.get("Sec-Fetch-Site")
        if request.path == SIGN_OUT and site == "same-origin":
            return True
        return is_sent_from(self._origin, origin=origin, site=site)

    def finish(self, response: Response) -> Response:
        """Put the headers on every answer that Flask gives."""
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        if request.endpoint != "static":
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    def _failed(self, error: Exception) -> Response | HTTPException:
        """A page without details; the log has them."""
        if isinstance(error, HTTPException):
            return error
        if isinstance(error, (DatabaseBusy, LostRace)):
            words = {"title": "Try again in a moment", "text": busy(error).detail}
            return later(self.page("message.html", 503, **words), error)
        text = f"Nothing was changed. Try again in a moment. {noted(error)}"
        return self.page("message.html", 500, title="Something went wrong", text=text)

    # ----------------------------------------------------------------- what it gives

    def page(
        self, name: str, status: int = 200, *, leads_to: str = "", **words: Any
    ) -> Response:
        """A page in the frame.

        Its forms may end at *leads_to* as well, an address elsewhere: browsers hold
        the redirect after a form to ``form-action`` too.
        """
        words.setdefault("organisation", self.organisation)
        answer = make_response(render_template(name, status=status, **words), status)
        if leads_to:
            answer.headers[_POLICY] = f"{CONTENT_SECURITY} {origin_of(leads_to)}"
        return answer

    def door(self, road: str, client: str = OWN_PAGES) -> Door:
        """Where the one who asks stands."""
        return Door(
            road=road,
            client=client,
            network=source_of(request.environ, self._proxies),
            agent=request.headers.get("User-Agent", ""),
            now=now(),
        )

    def token(self, client: str) -> str:
        """The session token of the browser at an application, empty without one."""
        header = request.environ.get("HTTP_COOKIE", "")
        return cookies.session_cookie(header, client) or ""


def later(answer: Response, error: DatabaseBusy | LostRace) -> Response:
    """Say on an answer when to come again."""
    answer.headers["Retry-After"] = str(busy(error).retry_after)
    return answer


def noted(error: Exception) -> str:
    """Keep a fault of ours in the log; returns the sentence by which it is found there.

    The path is left out: those of mailed links are secrets.
    """
    is_asked = has_request_context()
    request_id = ids.of(request.environ if is_asked else {}, now())
    page = request.endpoint if is_asked else None
    _log.exception("unexpected error", request_id=request_id, page=page, exc_info=error)
    return f"The log has the reason, as request {request_id}."


def is_sent_from(own: str, *, origin: str | None, site: str | None) -> bool:
    """Whether a browser says that it sends from our *own* origin (CSRF).

    *origin* and *site* are its ``Origin`` and ``Sec-Fetch-Site``; older browsers send
    the first alone, and a page that was opened by hand has the second alone.
    """
    if origin not in {None, "null"}:
        return origin == own
    return site in {"same-origin", "none"}


def now() -> int:
    """The present in microseconds UTC."""
    return time_ns() // 1000


def origin_of(address: str) -> str:
    """Scheme, host and port of an address."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def cookie(name: str) -> str:
    """One cookie of the request, empty without it."""
    return cookies.named(request.environ.get("HTTP_COOKIE", ""), name) or ""


def set_cookie(
    response: Response, name: str, value: str, *, seconds: int | None = None
) -> None:
    """Set a cookie for this host alone; for *seconds*, or until the browser ends."""
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path="/",
        secure=True,
        httponly=True,
        samesite="Lax",
    )


def drop_cookie(response: Response, name: str) -> None:
    """Make the browser forget a cookie."""
    set_cookie(response, name, "", seconds=0)


def go_to(address: str) -> Response:
    """Send the browser on, with a GET."""
    answer = redirect(address, 303)
    assert isinstance(answer, Response)  # noqa: S101 - Flask makes its own kind
    return answer


def own_path(text: str | None, otherwise: str = "/") -> str:
    """A path of this host to send somebody on to; anything else becomes *otherwise*."""
    if text is None or not text.startswith("/") or len(text) > _LONGEST_PATH:
        return otherwise
    is_plain = all(" " < sign < "\x7f" and sign != "\\" for sign in text)
    return text if is_plain and not text.startswith("//") else otherwise
