"""A real nginx, with the very file that lies in deploy/."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.server import ROOT, START_SECONDS, ServerFailed

WORKED = ROOT / "deploy" / "nginx" / "forward-auth.conf"
GATE_HOST = "sign-in.example.com"
APPLICATION_HOST = "nextgen.example.com"

# Everything in one folder, nothing as another user, and its own end when asked.
_AROUND = """
daemon off;
pid nginx.pid;
error_log error.log;
events {{ worker_connections 256; }}
http {{
    access_log access.log;
    client_body_temp_path tmp;
    proxy_temp_path tmp;
    fastcgi_temp_path tmp;
    uwsgi_temp_path tmp;
    scgi_temp_path tmp;
    include {included};
}}
"""


def placed(port: int, gate: int, application: int, certificate: tuple[str, str]) -> str:
    """The worked configuration with the ports and files of a test in it."""
    text = WORKED.read_text()
    for written, here in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("127.0.0.1:8080", f"127.0.0.1:{gate}"),
        ("127.0.0.1:3000", f"127.0.0.1:{application}"),
        ("/etc/ssl/example.com.fullchain.pem", certificate[0]),
        ("/etc/ssl/example.com.key", certificate[1]),
    ):
        assert written in text, f"{WORKED.name} does not say {written!r} any more"
        text = text.replace(written, here)
    return text


@contextmanager
def running(folder: Path, port: int, configuration: str) -> Iterator[None]:
    """Run nginx with *configuration* in *folder*; raises ServerFailed."""
    (folder / "forward-auth.conf").write_text(configuration)
    main = _AROUND.format(included=folder / "forward-auth.conf")
    (folder / "nginx.conf").write_text(main)
    (folder / "tmp").mkdir()
    command = ["nginx", "-p", f"{folder}/", "-c", "nginx.conf", "-e", "error.log"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        _wait(process, port, folder)
        yield
    finally:
        process.terminate()
        process.wait(10)


def _wait(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise ServerFailed((folder / "error.log").read_text())
