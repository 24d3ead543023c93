"""The WSGI application: the SCIM door in front, Flask behind it for everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response

from scim_connector.login.client_credentials import TOKEN_PATH

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from scim_connector.web.door import ScimDoor
    from scim_connector.web.health import Health
    from scim_connector.web.oauth import OAuth


def create_app(door: ScimDoor, health: Health, oauth: OAuth) -> Flask:
    """Build the WSGI application from its parts (``wiring`` makes them)."""
    app = Flask(__name__, static_folder=None)
    app.add_url_rule("/healthz", view_func=health.live)
    app.add_url_rule("/readyz", view_func=health.ready)
    app.add_url_rule(TOKEN_PATH, view_func=oauth.token, methods=["POST"])
    metadata = "/.well-known/oauth-authorization-server"
    app.add_url_rule(metadata, view_func=oauth.metadata)
    app.register_error_handler(404, _nothing)
    app.wsgi_app = _in_front(door, app.wsgi_app)  # type: ignore[assignment,method-assign]
    return app


def _in_front(door: ScimDoor, pages: WSGIApplication) -> WSGIApplication:
    """Everything under /scim, in whatever form, meets the door first."""

    def answer(
        environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith("/scim") and path[5:6] in {"", "/"}:
            return door(environ, start_response)
        return pages(environ, start_response)

    return answer


def _nothing(_: Exception) -> Response:
    text = "There is nothing here. The SCIM base URL ends in /scim/v2.\n"
    return Response(text, 404, mimetype="text/plain")
