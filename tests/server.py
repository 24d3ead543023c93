"""The real server process, for tests that see no more of it than a provider does.

``with server.running(folder) as scim:`` starts ``scim-connector serve`` on a free port
in *folder* and stops it at the end; ``scim.send("GET", "/Users")`` asks it over HTTP,
``scim.cli("user", "list")`` runs the command line beside it on the same database.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"
CACHE = ROOT / ".cache"
PROGRAM = (sys.executable, "-m", "scim_connector.cli")
SCIM_JSON = "application/scim+json"
START_SECONDS = 30.0
STOP_SECONDS = 10.0

_BASE_URL = re.compile(r"^SCIM base URL:\s+(\S+)", re.MULTILINE)
_SERVING = re.compile(r"^Serving (\S+)", re.MULTILINE)
_TOKEN = re.compile(r"^Bearer token:\s+(\S+)", re.MULTILINE)

# Several commands in one interpreter: starting one costs more than most commands do.
_BATCH = """
import contextlib, io, json, sys
from scim_connector.cli import main
outputs = []
for arguments in json.load(sys.stdin):
    stdout = io.StringIO()
    sys.argv = ["scim-connector", *arguments]
    try:
        with contextlib.redirect_stdout(stdout):
            main()
    except SystemExit as end:
        if end.code:
            sys.exit(f"{' '.join(arguments)}: {end.code}")
    outputs.append(stdout.getvalue())
json.dump(outputs, sys.stdout)
"""


class ServerFailed(AssertionError):
    """The server did not start, or did what no server should (a traceback)."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: status, headers by lower-case name, and the bytes of the body."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        """The body as JSON; None when it is empty or no JSON."""
        try:
            return json.loads(self.content) if self.content else None
        except ValueError:
            return None


@dataclass(slots=True)
class Server:
    """A running server, its first connection's token, and its folder."""

    base_url: str
    token: str
    folder: Path
    process: subprocess.Popen[bytes]
    environment: Mapping[str, str]
    port: int | None = None
    _client: http.client.HTTPConnection | None = field(default=None, repr=False)

    @property
    def prefix(self) -> str:
        """The path of the base URL, such as /scim/v2."""
        return urlsplit(self.base_url).path

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request to *path* below the base URL, with the token and as JSON.

        *body* may be bytes, which are sent as they are. *headers* win over ours; a
        header of None is left out.
        """
        sent: dict[str, Any] = {"Authorization": f"Bearer {token or self.token}"}
        content = body if isinstance(body, bytes) else None
        if body is not None and content is None:
            content = json.dumps(body).encode()
        if content is not None:
            sent["Content-Type"] = f"{SCIM_JSON}; charset=utf-8"
        sent |= headers or {}
        kept = {name: value for name, value in sent.items() if value is not None}
        return self.send_raw(method, f"{self.prefix}{path}", kept, content)

    def send_raw(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        content: bytes | None,
    ) -> Reply:
        """Send one request exactly so, on a kept connection.

        One that the server has closed in the meantime is opened anew, once.
        """
        fresh = self._client is None
        try:
            return self._exchange(method, target, headers, content)
        except (http.client.HTTPException, OSError):
            self.disconnect()
            if fresh:
                raise
        return self._exchange(method, target, headers, content)

    def _exchange(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        content: bytes | None,
    ) -> Reply:
        if self._client is None:
            # Behind a proxy the printed address is another one than it listens on.
            place = urlsplit(self.base_url)
            host = str(place.hostname) if self.port is None else "127.0.0.1"
            port = self.port or place.port
            self._client = http.client.HTTPConnection(host, port, timeout=30)
        # A server may refuse a large body before it has read it, and close.
        with suppress(BrokenPipeError, ConnectionResetError):
            self._client.request(method, target, body=content, headers=dict(headers))
        answer = self._client.getresponse()
        received = answer.read()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, found, received)

    def disconnect(self) -> None:
        """Close the kept HTTP connection; the next request opens one."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def cli(self, *arguments: str) -> str:
        """Run one command in the server's folder; returns what it printed."""
        run = subprocess.run(
            [*PROGRAM, *arguments],
            cwd=self.folder,
            env=dict(self.environment),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if run.returncode:
            said = run.stderr or run.stdout
            message = f"{' '.join(arguments)} ended with {run.returncode}: {said}"
            raise ServerFailed(message)
        return run.stdout

    def cli_batch(self, commands: Sequence[Sequence[str]]) -> list[str]:
        """Run many commands in one interpreter; returns what each printed."""
        run = subprocess.run(
            [sys.executable, "-c", _BATCH],
            input=json.dumps([list(arguments) for arguments in commands]),
            cwd=self.folder,
            env=dict(self.environment),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if run.returncode:
            raise ServerFailed(run.stderr)
        outputs: list[str] = json.loads(run.stdout)
        return outputs

    def connection(self, name: str, *flags: str) -> str:
        """Add a connection; returns a token for it. *flags* as on the command line."""
        added = ["connection", "add", name, *flags]
        outputs = self.cli_batch([added, ["token", "create", name]])
        return outputs[1].split()[-1]

    @property
    def said(self) -> str:
        """What the server has written to its standard error so far."""
        return (self.folder / "server.err").read_text(errors="replace")

    def traceback(self, since: int = 0) -> str | None:
        """Return the standard error if it shows a traceback, else None.

        *since* leaves out what was said before: a length of ``said``.
        """
        said = self.said[since:]
        return said if "Traceback (most recent call last)" in said else None


@contextmanager
def running(
    folder: Path,
    *,
    environment: Mapping[str, str] | None = None,
    arguments: Sequence[str] = (),
    port: int | None = None,
    token: str | None = None,
) -> Iterator[Server]:
    """Serve from the empty *folder*; yields when the first request would be answered.

    *environment* is added to a clean one, *arguments* to the command line; without
    *port* it takes a free one. A house that is there already prints no *token*: give
    it. Raises ServerFailed when it does not start, does not stop, or writes a traceback.
    """
    clean = clean_environment(environment or {})
    port = port or free_port()
    with (
        (folder / "server.out").open("wb") as out,
        (folder / "server.err").open("wb") as err,
    ):
        process = subprocess.Popen(
            [*PROGRAM, "serve", "--port", str(port), *arguments],
            cwd=folder,
            env=clean,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
    server = None
    try:
        server = _started(process, folder, clean, port, token)
        yield server
    finally:
        if server is not None:
            server.disconnect()
        stopped = _stop(process)
    if traceback := server.traceback():
        raise ServerFailed(f"the server wrote a traceback:\n{traceback}")
    if not stopped:
        raise ServerFailed(f"the server did not stop within {STOP_SECONDS} s")


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def clean_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return the caller's environment without settings of ours, plus *extra*.

    Where Python is told to keep no bytecode it keeps it in our own cache: starting a
    server takes twice as long without.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("SCIM_CONNECTOR_")
    }
    paths = [str(SOURCE), kept.get("PYTHONPATH", "")]
    kept["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    kept["PYTHONUNBUFFERED"] = "1"
    if kept.pop("PYTHONDONTWRITEBYTECODE", None):
        CACHE.mkdir(exist_ok=True)
        (CACHE / ".gitignore").write_text("*\n")
        kept["PYTHONPYCACHEPREFIX"] = str(CACHE / "bytecode")
    return kept | dict(extra)


def _started(
    process: subprocess.Popen[bytes],
    folder: Path,
    environment: Mapping[str, str],
    port: int,
    token: str | None,
) -> Server:
    """Wait for the printed address and token, and for the first answer."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        said = (folder / "server.out").read_text(errors="replace")
        address, printed = _BASE_URL.search(said), _TOKEN.search(said)
        if token is not None:
            address, printed = _SERVING.search(said), None
        if address and (token or printed):
            mine = token or (printed[1] if printed else "")
            server = Server(address[1], mine, folder, process, environment, port)
            if _answers(server):
                return server
        if process.poll() is not None:
            break
        time.sleep(0.02)
    error = (folder / "server.err").read_text(errors="replace")
    said = (folder / "server.out").read_text(errors="replace")
    raise ServerFailed(f"the server did not start ({process.poll()}):\n{said}\n{error}")


def _answers(server: Server) -> bool:
    try:
        return server.send("GET", "/ServiceProviderConfig").status < 500
    except OSError:
        server.disconnect()
        return False


def _stop(process: subprocess.Popen[bytes]) -> bool:
    """Ask the server to end, as an operator's init system does; True if it did."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return False
    return True
