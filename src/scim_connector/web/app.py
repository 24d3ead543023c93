"""The WSGI application: the SCIM door in front, Flask behind it for everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import Flask, Response

from scim_connector.web.arrivals import LATE, Arrivals
from scim_connector.web.metrics import PATH as METRICS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from scim_connector.web.console import Console
    from scim_connector.web.forward_auth import ForwardAuth
    from scim_connector.web.health import Health
    from scim_connector.web.metrics import Metrics
    from scim_connector.web.oauth import OAuth
    from scim_connector.web.pages import Pages
    from scim_connector.web.published import Published

SCIM: Final = "/scim"
_WITHOUT_BODY: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def create_app(
    doors: Mapping[str, WSGIApplication],
    health: Health,
    metrics: Metrics,
    oauth: OAuth,
    forward_auth: ForwardAuth,
    published: Published,
    pages: Pages,
    console: Console,
) -> Flask:
    """Build the WSGI application from its parts (``wiring`` makes them).

    *doors* are the applications that ask who calls before they read anything, by where
    they stand.
    """
    # Below /auth/, which a proxy hands to the gate at the host of every application.
    app = Flask(__name__, static_url_path="/auth/static")
    app.add_url_rule("/healthz", view_func=health.live)
    app.add_url_rule("/readyz", view_func=health.ready)
    app.add_url_rule(METRICS, view_func=metrics.show)
    published.put_on(app)
    pages.put_on(app)
    console.put_on(app)
    app.register_error_handler(404, _nothing)
    roads: dict[str, WSGIApplication] = {
        **dict.fromkeys(oauth.roads, oauth),
        **dict.fromkeys(forward_auth.roads, forward_auth),
    }
    app.wsgi_app = _in_front(doors, roads, app.wsgi_app, console.late)  # type: ignore[assignment,method-assign]
    return app


def _in_front(
    doors: Mapping[str, WSGIApplication],
    roads: Mapping[str, WSGIApplication],
    pages: WSGIApplication,
    late: Collection[str],
) -> WSGIApplication:
    """Everything below a door meets it first; what is asked often needs no Flask.

    A door asks who calls before it reads a body, and so do the *late* pages, which take
    a large one; bodies for the rest are of strangers.
    """
    arrivals = Arrivals()

    def answer(
        environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        for place, door in doors.items():
            if path.startswith(place) and path[len(place) :][:1] in {"", "/"}:
                return door(environ, start_response)
        app = roads.get(path, pages)
        if path in late:
            environ[LATE] = True
            return app(environ, start_response)
        if environ["REQUEST_METHOD"] in _WITHOUT_BODY:
            return app(environ, start_response)
        return arrivals.into(app, environ, start_response)

    return answer


def _nothing(_: Exception) -> Response:
    text = "There is nothing here. The SCIM base URL ends in /scim/v2.\n"
    return Response(text, 404, mimetype="text/plain")
