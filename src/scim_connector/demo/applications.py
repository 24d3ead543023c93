"""The applications of the college, and its security desk: they take what they are told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Final

from scim_connector.demo.stage import HOST

NEXTGEN: Final = "nextgen"
#: An application whose logout address nobody answers at, so that one can see that too.
CLASSIC: Final = "classic"
NOBODY: Final = f"http://{HOST}:9/logout"
_MOST_BYTES: Final = 64 * 1024


class _Listener(BaseHTTPRequestHandler):
    """Takes a token or a message and says that it is done."""

    timeout = 5

    def do_POST(self) -> None:
        """Answer 204: for a logout, a security event and a webhook it means "taken"."""
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(min(length, _MOST_BYTES))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def listening() -> Iterator[str]:
    """The address of a machine that takes everything while this lasts."""
    server = ThreadingHTTPServer((HOST, 0), _Listener)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
