"""A real OpenID provider in a process of its own, and people who sign in there."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tests.server import START_SECONDS, ServerFailed, free_port


@dataclass(slots=True)
class OpenIdProvider:
    """A provider; its keys are made anew at each start."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def issuer(self) -> str:
        """The issuer, as its ID tokens name it."""
        return f"http://localhost:{self.port}"

    def start(self) -> None:
        """Start it; raises ServerFailed when it does not answer."""
        with (self.folder / "provider.err").open("ab") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "oidc_provider_mock", "-p", str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env={**os.environ, "NO_COLOR": "1"},
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise ServerFailed((self.folder / "provider.err").read_text())
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop it: from now on nobody answers at its address."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def pause(self) -> None:
        """Let it hang: it takes connections and answers none."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def knows(self, subject: str, **claims: object) -> None:
        """Make somebody known, with the claims of their ID token."""
        status = self._ask("PUT", f"/users/{quote(subject)}", claims)
        assert status == http.client.NO_CONTENT

    def _answers(self) -> bool:
        try:
            return self._ask("GET", "/.well-known/openid-configuration") < 500
        except OSError:
            return False

    def _ask(self, method: str, path: str, body: object = None) -> int:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            client.request(
                method, path, json.dumps(body), {"Content-Type": "application/json"}
            )
            return client.getresponse().status
        finally:
            client.close()


@contextmanager
def running(folder: Path) -> Iterator[OpenIdProvider]:
    """Run a provider; what it says is kept in *folder*."""
    provider = OpenIdProvider(free_port(), folder)
    provider.start()
    try:
        yield provider
    finally:
        provider.stop()
