"""The servers that are measured, and what the operating system says they cost."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_START_SECONDS: Final = 60.0
_NONE: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Target:
    """A running server: its port and the process it was started as."""

    port: int
    process: subprocess.Popen[bytes]

    def cpu(self) -> float:
        """Return the seconds of CPU that the whole process tree has used so far."""
        return sum(_cpu(pid) for pid in _tree(self.process.pid))

    def memory(self) -> float:
        """Return the memory of the process tree in MiB, shared pages in proportion."""
        return sum(_memory(pid) for pid in _tree(self.process.pid))


@contextmanager
def bare() -> Iterator[Target]:
    """Serve the bare Flask route."""
    port = _free_port()
    with _started(
        [sys.executable, "-m", "bench.bare", str(port)], port, ROOT
    ) as target:
        yield target


@contextmanager
def ours(folder: Path, **settings: str) -> Iterator[Target]:
    """Serve the directory in *folder* as an operator would; *settings* are variables."""
    port = _free_port()
    serve = [sys.executable, "-m", "scim_connector.cli", "serve", "--port", str(port)]
    with _started(serve, port, folder, settings) as target:
        yield target


@contextmanager
def _started(
    command: list[str], port: int, folder: Path, settings: Mapping[str, str] = _NONE
) -> Iterator[Target]:
    log = folder / f"bench-{port}.log" if folder != ROOT else Path(os.devnull)
    with log.open("wb") as said:
        process = subprocess.Popen(  # noqa: S603 - our own programs
            command,
            cwd=folder,
            env=_environment() | settings,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
    try:
        _wait(port, process)
        yield Target(port, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _environment() -> dict[str, str]:
    """Return the environment without settings of ours, with our source in the path."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("SCIM_CONNECTOR_")
    }
    kept["SCIM_CONNECTOR_RATE_LIMIT"] = "0"
    kept["PYTHONPATH"] = f"{ROOT / 'src'}{os.pathsep}{ROOT}"
    return kept


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/hello", timeout=5).close()
        except urllib.error.HTTPError:
            return  # ours has nothing there, and says so
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the server did not start: {process.args!r}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# ------------------------------------------------------------------------------ /proc


def _tree(root: int) -> list[int]:
    """Return a process and all of its descendants."""
    parents = {pid: _stat(pid)[1] for pid in _every_process()}
    tree = [root]
    for pid in tree:
        tree += [child for child, parent in parents.items() if parent == str(pid)]
    return tree


def _every_process() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _stat(pid: int) -> list[str]:
    """Return the fields of a process behind its name; empty ones when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ["", "0"] + ["0"] * 50
    return text.rpartition(")")[2].split()


def _cpu(pid: int) -> float:
    user, system = _stat(pid)[11:13]
    return (int(user) + int(system)) / _TICKS


def _memory(pid: int) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0
