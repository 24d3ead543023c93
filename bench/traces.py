"""``python -m bench.traces``: what a request costs more while traces are sent.

One directory is served three times: without traces, with the traces of every request,
and with those of one in ten.  They take turns operation by operation, and what they send
goes to a collector here, which throws it away.
"""

from __future__ import annotations

import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Final

from bench import measuring, targets
from bench.measuring import Cell, Directory, Plan
from bench.operations import OPERATIONS
from bench.seed import CACHE, seeded

USERS: Final = 1_000
ROUNDS: Final = 3
SECONDS: Final = 2.0
OFF: Final = "off"
_ONE_IN_TEN: Final = {
    "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
    "OTEL_TRACES_SAMPLER_ARG": "0.1",
}
#: Larger than the queue's own default, or a loader's speed would drop most spans.
_QUEUE: Final = {"OTEL_BSP_MAX_QUEUE_SIZE": "65536"}


def main() -> int:
    """Measure and print."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=CACHE)))
        address = stack.enter_context(_collector())
        on = {
            "SCIM_CONNECTOR_TRACES": "on",
            "OTEL_EXPORTER_OTLP_ENDPOINT": address,
            **_QUEUE,
        }
        served = {OFF: {}, "on": on, "one in ten": {**on, **_ONE_IN_TEN}}
        directories = []
        for name, settings in served.items():
            people = seeded(USERS, folder / name)
            target = stack.enter_context(targets.ours(people.folder, **settings))
            directories.append(Directory(name, target, people))
        bare = stack.enter_context(targets.bare())
        loader = stack.enter_context(
            ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        )
        plan = Plan(loader, bare, tuple(directories), ROUNDS, SECONDS)
        cells = list(measuring.measure(plan))
    print(_report(cells, list(served)))
    return 0


@contextmanager
def _collector() -> Iterator[str]:
    """The address of a collector that takes everything and keeps nothing."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _report(cells: list[Cell], names: list[str]) -> str:
    """Microseconds of CPU for one request, and how many times that of no traces."""
    lines = [f"{'CPU us':<24}" + "".join(f"{name:>20}" for name in names)]
    for operation in OPERATIONS:
        used = {name: _median(cells, operation.name, name) for name in names}
        shown = (f"{used[n] * 1e6:>11,.0f} ({used[n] / used[OFF]:.2f})" for n in names)
        lines.append(f"{operation.name:<24}" + "".join(f"{text:>20}" for text in shown))
    return "\n".join(lines)


def _median(cells: list[Cell], operation: str, server: str) -> float:
    return median(
        cell.cpu
        for cell in cells
        if cell.operation == operation and cell.server == server
    )


if __name__ == "__main__":
    sys.exit(main())
