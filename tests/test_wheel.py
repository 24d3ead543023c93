"""The wheel is complete: installed alone, it serves from an empty folder."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "scim_connector"
PINS = ROOT / "requirements" / "run.txt"
START_SECONDS = 60


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with the backend that is installed here."""
    folder = tmp_path_factory.mktemp("wheel")
    run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)])
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel and the pinned run set, and nothing else, into a new venv."""
    venv = tmp_path_factory.mktemp("clean") / "venv"
    run([base_python(), "-m", "venv", "--without-pip", str(venv)])
    install(venv, "--require-hashes", "-r", str(PINS))
    install(venv, "--no-deps", str(wheel))
    return venv


def base_python() -> str:
    """Give the interpreter beneath our own virtual environment, which has pip."""
    return str(getattr(sys, "_base_executable", sys.executable))


def install(venv: Path, *what: str) -> None:
    """Install *what*: with uv from its cache where ./dev left it, else with pip."""
    python = ["--python", str(venv / "bin" / "python")]
    uv = shutil.which("uv", path=f"{ROOT / '.tools' / 'bin'}{os.pathsep}{path()}")
    if uv:
        cached = [uv, "pip", "install", "--quiet", "--offline", *python, *what]
        if subprocess.run(cached, capture_output=True, check=False).returncode == 0:
            return
    run([base_python(), "-m", "pip", "--quiet", *python, "install", *what])


def path() -> str:
    return os.environ.get("PATH", os.defpath)


def run(command: list[str]) -> None:
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


@contextmanager
def serving(environment: Path, folder: Path) -> Iterator[Path]:
    """Serve from *folder* on a free port; give the file that the server prints to."""
    printed = folder.parent / "printed.txt"
    program = str(environment / "bin" / "scim-connector")
    with (
        printed.open("w") as output,
        subprocess.Popen(
            [program, "serve", "--port", str(free_port())],
            cwd=folder,
            env={"PATH": path(), "HOME": str(folder.parent)},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as server,
    ):
        try:
            yield printed
        finally:
            stop(server)


def stop(server: subprocess.Popen[bytes]) -> None:
    """Ask the server to stop, and end its whole session if it will not."""
    server.terminate()
    try:
        server.wait(timeout=15)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        raise


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def first_start(printed: Path) -> tuple[str, str]:
    """Wait for the base URL and the bearer token of a first start."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        text = printed.read_text()
        url = re.search(r"^SCIM base URL: +(\S+)$", text, re.MULTILINE)
        token = re.search(r"^Bearer token: +(scimc_\S+)$", text, re.MULTILINE)
        if url and token:
            return url[1], token[1]
        time.sleep(0.05)
    pytest.fail(
        f"no base URL and token within {START_SECONDS} s:\n{printed.read_text()}"
    )


def get(url: str, token: str) -> tuple[int, bytes]:
    """GET *url*, waiting for the server's port to open."""
    parts = urlsplit(url)
    deadline = time.monotonic() + START_SECONDS
    while True:
        connection = http.client.HTTPConnection(parts.netloc, timeout=10)
        try:
            connection.request(
                "GET", parts.path, headers={"Authorization": f"Bearer {token}"}
            )
            answer = connection.getresponse()
            return answer.status, answer.read()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        finally:
            connection.close()


def sources(folder: Path) -> set[str]:
    """Name the files below *folder*, without what Python and editors leave there."""
    return {
        str(file.relative_to(folder))
        for file in folder.rglob("*")
        if file.is_file()
        and "__pycache__" not in file.parts
        and not file.name.startswith(".")
    }


def test_the_wheel_carries_the_package_whole(wheel: Path) -> None:
    """Code, migrations, templates and static files of src are all in the wheel."""
    inside = set(zipfile.ZipFile(wheel).namelist())
    package = {
        f"scim_connector/{name}" for name in sources(ROOT / "src/scim_connector")
    }

    assert package - inside == set()
    assert "scim_connector/py.typed" in inside
    assert "scim_connector/delivery/templates/welcome.html" in inside
    assert "scim_connector/delivery/templates/welcome.txt" in inside
    assert any(
        re.fullmatch(r"scim_connector/directory/migrations/versions/\w+\.py", name)
        for name in inside
    )


@pytest.mark.parametrize("provider", ["entra", "okta", "generic"])
def test_the_wheel_carries_the_shipped_mappings(wheel: Path, provider: str) -> None:
    """Each shipped mapping lies inside the package, equal to the one on top."""
    with zipfile.ZipFile(wheel) as archive:
        carried = archive.read(f"scim_connector/mappings/{provider}.toml")

    assert carried == (ROOT / "mappings" / f"{provider}.toml").read_bytes()


def test_the_wheel_alone_serves(environment: Path, tmp_path: Path) -> None:
    """From an empty folder, the printed token opens the printed base URL."""
    folder = tmp_path / "empty"
    folder.mkdir()

    with serving(environment, folder) as printed:
        url, token = first_start(printed)
        status, body = get(f"{url}/ServiceProviderConfig", token)

    assert status == 200, body
    assert json.loads(body)["patch"]["supported"] is True
