"""A tiny application behind the proxy: it shows what reached it, and takes logouts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs

import jwt

LOGOUT = "/logout-calls"
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>NextGen</title>
<link rel="icon" href="data:,"><h1>NextGen</h1><p>{path}</p><pre>{headers}</pre></html>
"""


@dataclass(slots=True)
class Application:
    """Where it listens, every request that reached it, and every logout token."""

    port: int
    seen: list[dict[str, str]] = field(default_factory=list)
    logouts: list[dict[str, Any]] = field(default_factory=list)
    told: Event = field(default_factory=Event)

    @property
    def logout_url(self) -> str:
        """Where the gate calls when a session is over."""
        return f"http://127.0.0.1:{self.port}{LOGOUT}"


@contextmanager
def running() -> Iterator[Application]:
    """Serve on a free port until the end of the block."""
    listening = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    app = Application(listening.server_address[1])
    listening.app = app  # type: ignore[attr-defined]
    thread = Thread(target=listening.serve_forever, name="application")
    thread.start()
    try:
        yield app
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        headers = dict(self.headers.items())
        self._app.seen.append(headers)
        shown = json.dumps(headers, indent=1, sort_keys=True)
        self._answer(200, _PAGE.format(path=self.path, headers=shown))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if self.path == LOGOUT:
            token = parse_qs(body)["logout_token"][0]
            unchecked = {"verify_signature": False, "verify_aud": False}
            self._app.logouts.append(jwt.decode(token, options=unchecked))
            self._app.told.set()
        self._answer(200, "")

    @property
    def _app(self) -> Application:
        app: Application = self.server.app  # type: ignore[attr-defined]
        return app

    def _answer(self, status: int, text: str) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""
