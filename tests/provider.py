"""A real OpenID provider in a process of its own, and people who sign in there."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

from tests.server import START_SECONDS, ServerFailed, free_port


@dataclass
class ProviderProcess:
    """A provider in a process of its own; what it says is kept in *folder*."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes] | None = field(default=None, kw_only=True)

    @property
    def issuer(self) -> str:
        """The issuer, as its ID tokens name it."""
        return f"http://localhost:{self.port}"

    def _run(self, command: Sequence[str], **more: Any) -> None:
        """Start a program; raises ServerFailed when it does not answer."""
        with (self.folder / "provider.err").open("ab") as said:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, **more
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise ServerFailed((self.folder / "provider.err").read_text())
            time.sleep(0.05)

    def _answers(self) -> bool:
        address = f"{self.issuer}/.well-known/openid-configuration"
        try:
            with urlopen(address, timeout=5) as answer:  # noqa: S310 - our own address
                return int(answer.status) == http.client.OK
        except OSError:
            return False

    def stop(self) -> None:
        """Stop it: from now on nobody answers at its address."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


class OpenIdProvider(ProviderProcess):
    """A provider; its keys are made anew at each start."""

    def start(self) -> None:
        """Start it; raises ServerFailed when it does not answer."""
        command = [sys.executable, "-m", "oidc_provider_mock", "-p", str(self.port)]
        self._run(command, env={**os.environ, "NO_COLOR": "1"})

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
