"""What compose.postgres.yaml starts, as processes: two web, two workers, nginx."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

from tests import tls
from tests.e2e import nginx
from tests.server import (
    PROGRAM,
    ROOT,
    START_SECONDS,
    ServerFailed,
    clean_environment,
    free_port,
)

BALANCER = ROOT / "deploy" / "nginx" / "balancer.conf"


@dataclass(slots=True)
class Container:
    """One service of the compose file: a group of processes that ends as one."""

    name: str
    command: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str]
    #: Where it answers; None for a worker.
    port: int | None = None
    process: subprocess.Popen[bytes] | None = None
    started: int = 0

    def start(self) -> None:
        """Start it, its words in a file of its own."""
        self.started += 1
        with (self.folder / f"{self.name}.{self.started}.out").open("wb") as out:
            self.process = subprocess.Popen(
                [*PROGRAM, *self.command],
                cwd=self.folder,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_healthy(self) -> None:
        """Ask what the image's own check asks until it is answered."""
        address = f"http://127.0.0.1:{self.port}/healthz"
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with suppress(OSError), urlopen(address, timeout=4):
                return
            time.sleep(0.1)
        raise ServerFailed(self.said)

    def kill(self) -> None:
        """End all of it at once with SIGKILL, as the end of a container does."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Ask it to end."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait(20)

    @property
    def said(self) -> str:
        """What all its starts wrote."""
        files = sorted(self.folder.glob(f"{self.name}.*.out"))
        return "\n".join(file.read_text(errors="replace") for file in files)


@dataclass(slots=True)
class Topology:
    """The port of nginx, a token, and the containers that may be killed."""

    port: int
    token: str
    folder: Path
    environment: Mapping[str, str]
    webs: list[Container] = field(default_factory=list)
    workers: list[Container] = field(default_factory=list)

    def cli(self, *arguments: str) -> str:
        """Run a command beside it."""
        done = subprocess.run(
            [*PROGRAM, *arguments],
            cwd=self.folder,
            env=dict(self.environment),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ServerFailed(f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout


@contextmanager
def running(folder: Path, settings: Mapping[str, str]) -> Iterator[Topology]:
    """Start everything in the order of the compose file; *settings* are the shared."""
    port = free_port()
    environment = clean_environment(
        {
            "SCIM_CONNECTOR_PUBLIC_URL": f"https://127.0.0.1:{port}",
            "SCIM_CONNECTOR_TRUSTED_PROXIES": "127.0.0.1",
            **settings,
        }
    )
    topology = Topology(port, "", folder, environment)
    made = re.search(
        r"^Bearer token: +(\S+)$", topology.cli("db", "upgrade"), re.MULTILINE
    )
    assert made is not None
    topology.token = made[1]
    ports = [free_port(), free_port()]
    topology.webs = [_web(topology, n, at) for n, at in enumerate(ports, 1)]
    topology.workers = [
        Container(f"worker-{n}", ("worker",), folder, environment) for n in (1, 2)
    ]
    with ExitStack() as stack:
        for container in (*topology.webs, *topology.workers):
            container.start()
            stack.callback(container.stop)
        for web in topology.webs:
            web.wait_until_healthy()
        stack.enter_context(nginx.running(folder, port, _placed(port, ports, folder)))
        yield topology


def _web(topology: Topology, number: int, port: int) -> Container:
    environment = {**topology.environment, "SCIM_CONNECTOR_DELIVER": "no"}
    command = ("serve", "--port", str(port))
    return Container(f"web-{number}", command, topology.folder, environment, port)


def _placed(port: int, webs: list[int], folder: Path) -> str:
    """The balancer's configuration with the ports and files of a test in it."""
    certificate, key = tls.certificate(folder)
    text = BALANCER.read_text()
    for written, here in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("172.30.86.21:8080", f"127.0.0.1:{webs[0]}"),
        ("172.30.86.22:8080", f"127.0.0.1:{webs[1]}"),
        ("/etc/ssl/scim-connector/fullchain.pem", certificate),
        ("/etc/ssl/scim-connector/privkey.pem", key),
    ):
        assert text.count(written) == 1, f"{BALANCER.name}: {written!r}"
        text = text.replace(written, here)
    return text
