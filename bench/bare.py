"""A bare Flask route on the server settings of ``scim-connector serve``: the yardstick.

``python -m bench.bare PORT`` serves it; what it costs is the price of Flask itself.
"""

from __future__ import annotations

import sys

from flask import Flask, Response
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from scim_connector.tokens.turns import THREADS

app = Flask(__name__, static_folder=None)
_HEADERS = (("Content-Type", "application/scim+json"),)


@app.get("/hello")
def hello() -> Response:
    """Answer a few bytes, and do nothing else."""
    return Response('{"hello":"world"}', 200, _HEADERS)


def main(port: int) -> None:
    """Serve with as many processes and threads as ``serve`` has."""
    Granian(
        "bench.bare:app",
        address="127.0.0.1",
        port=port,
        interface=Interfaces.WSGI,
        workers=2,
        blocking_threads=THREADS,
        log_level=LogLevels.warning,
    ).serve()


if __name__ == "__main__":
    main(int(sys.argv[1]))
