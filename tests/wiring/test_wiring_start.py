"""Starting: what a start refuses, in one sentence and with nothing changed."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from time import sleep
from urllib.request import Request, urlopen

import pytest

from scim_connector.settings import Settings
from scim_connector.wiring import create_app, prepare
from tests import postgres, server, tls
from tests.server import PROGRAM, SOURCE, Server


def _run(
    folder: Path, *arguments: str, **settings: str
) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), **settings}
    return subprocess.run(
        [*PROGRAM, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _made(folder: Path) -> None:
    """A house that was prepared and is not served."""
    made = _run(folder, "db", "upgrade")
    assert made.returncode == 0, made.stderr


def _revision(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "scim-connector.db")) as raw, raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")


def _garbage(folder: Path) -> None:
    (folder / "scim-connector.db").write_bytes(b"no database" * 500)


def _broken_mapping(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "scim-connector.db")) as raw, raw:
        raw.execute("UPDATE mapping_versions SET text = 'version = 1'")


def _settings(text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / "scim-connector.toml").write_text(text) and None


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "newer schema": (_revision, "was made by a newer scim-connector"),
    "unreadable database": (_garbage, "cannot be read"),
    "missing key": (
        lambda folder: (folder / "scim-connector.key").unlink(),
        "scim-connector.key is missing",
    ),
    "wrong key": (
        lambda folder: (folder / "scim-connector.key").write_text("A" * 43 + "="),
        "is not the one this database was made with",
    ),
    "no key": (
        lambda folder: (folder / "scim-connector.key").write_text("x"),
        "32 bytes in base64",
    ),
    "broken mapping": (_broken_mapping, "The applied mapping is broken"),
    "unknown setting": (
        _settings("prot = 1"),
        "unknown setting prot; did you mean port?",
    ),
    "bad setting": (_settings('port = "x"'), 'port "x": write a whole number'),
    "half of TLS": (_settings('tls_cert = "c.pem"'), "belong together"),
    "bad address": (_settings('public_url = "x"'), "write an address such as https://"),
    "bad file": (_settings("port ="), "scim-connector.toml:"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_start_that_cannot_be_good_changes_nothing(tmp_path: Path, what: str) -> None:
    """One clear sentence, exit code 2, every file as before."""
    _made(tmp_path)
    break_it, told = BROKEN[what]
    break_it(tmp_path)
    before = {
        f.name: f.read_bytes() for f in tmp_path.iterdir() if "-" not in f.name[-4:]
    }

    ended = _run(tmp_path, "serve", "--port", str(server.free_port()))

    after = {
        f.name: f.read_bytes() for f in tmp_path.iterdir() if "-" not in f.name[-4:]
    }
    assert ended.returncode == 2
    assert told in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
    assert "Traceback" not in ended.stderr
    assert after == before


def test_a_taken_port_is_told_before_anything_is_made(tmp_path: Path) -> None:
    """An empty folder stays empty when the port is taken."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = _run(tmp_path, "serve", "--port", str(taken.getsockname()[1]))

    assert ended.returncode == 2
    assert "Choose another --port" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_misspelt_variable_is_told(tmp_path: Path) -> None:
    """An unknown SCIM_CONNECTOR_ variable is an error with a suggestion."""
    ended = _run(tmp_path, "settings", SCIM_CONNECTOR_PROT="1")

    assert ended.returncode == 2
    assert "did you mean SCIM_CONNECTOR_PORT?" in ended.stderr


def test_a_start_says_nothing_that_needs_no_heed(tmp_path: Path) -> None:
    """The first thing an operator reads holds no warning of the server below."""
    with server.running(tmp_path) as scim:
        said = (tmp_path / "server.out").read_text() + scim.said

    assert "WARNING" not in said


def test_plain_http_for_other_machines_is_warned_of(tmp_path: Path) -> None:
    """Who listens beyond this machine without TLS is told what can be read on the way."""
    everywhere = {"SCIM_CONNECTOR_HOST": "0.0.0.0"}  # noqa: S104 - this is the test
    with server.running(tmp_path, environment=everywhere):
        said = (tmp_path / "server.out").read_text()

    assert "Warning: other machines reach 0.0.0.0:" in said


def test_a_second_start_prints_no_secret(tmp_path: Path) -> None:
    """The first start prints a token once; files are private (0600).

    The setup link is printed until there is an administrator.
    """
    with server.running(tmp_path) as scim:
        first = (tmp_path / "server.out").read_text()
        scim.cli("user", "add", "--email", "ada@example.com", "--last", "Ada")
        scim.cli("user", "role", "add", "ada@example.com", "Administrator")
    port = server.free_port()
    again = subprocess.Popen(
        [*PROGRAM, "serve", "--port", str(port)],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert again.stdout is not None
    line = again.stdout.readline()
    assert _status(f"http://127.0.0.1:{port}/healthz") == 200
    again.terminate()
    second = line + again.communicate(timeout=20)[0]

    assert "scimc_" in first
    assert "/setup/scimc_" in first
    assert line.startswith("Serving ")
    assert "scimc_" not in second
    assert again.returncode == 0
    for name in ("scim-connector.db", "scim-connector.key"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


def _post(scim: Server, number: int) -> int:
    mail = f"user{number}@contoso.com"
    request = Request(  # noqa: S310 - our own server
        f"{scim.base_url}/Users",
        json.dumps({"userName": mail, "emails": [{"value": mail}]}).encode(),
        {
            "Authorization": f"Bearer {scim.token}",
            "Content-Type": "application/scim+json",
        },
    )
    with urlopen(request, timeout=30) as answer:  # noqa: S310
        return int(answer.status)


def test_two_workers_and_the_command_line_write_together(tmp_path: Path) -> None:
    """Posts and commands at once: everybody is there, and the check says well."""
    with server.running(tmp_path) as scim:
        with ThreadPoolExecutor(4) as pool:
            posts = pool.map(lambda number: _post(scim, number), range(40))
            for number in range(4):
                scim.cli("user", "add", "--email", f"local{number}@x.example")
            statuses = list(posts)
        listed = scim.send("GET", "/Users?count=0").body
        told = scim.cli("db", "check")

    assert statuses == [201] * 40
    assert listed["totalResults"] == 40
    assert told.strip() == "All is well."


def test_it_serves_on_postgresql(
    tmp_path: Path, postgres_server: postgres.Postgres
) -> None:
    """One URL selects PostgreSQL; the rest is the same (D5)."""
    environment = {"SCIM_CONNECTOR_DATABASE_URL": postgres_server.create("served")}
    with server.running(tmp_path, environment=environment) as scim:
        assert _post(scim, 1) == 201
        found = scim.send("GET", "/Users?filter=userName%20sw%20%22user1%22").body
        told = scim.cli("db", "check")
    postgres_server.drop("served")

    assert found["totalResults"] == 1
    assert told.strip() == "All is well."
    assert not (tmp_path / "scim-connector.db").exists()


def test_the_wsgi_factory_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """create_app(settings) is a WSGI application for any server."""
    monkeypatch.chdir(tmp_path)
    settings = Settings.load({})
    welcome = prepare(settings).welcome
    assert welcome is not None
    client = create_app(settings).test_client()

    bearer = {"Authorization": f"Bearer {welcome.token}"}
    answers = [
        client.get("/scim/v2/Users", headers=bearer).status_code,
        client.get("/scim/v2/Users").status_code,
        client.get("/healthz").status_code,
        client.get("/readyz").status_code,
        client.get("/nowhere").status_code,
    ]

    assert answers == [200, 401, 200, 200, 404]


def test_https_with_an_own_certificate(tmp_path: Path) -> None:
    """--tls-cert and --tls-key answer https, and the base URL says so."""
    with tls.running(tmp_path) as secured:
        status = secured.status()

    assert f"https://127.0.0.1:{secured.port}/scim/v2" in secured.printed
    assert status == 200


def _status(url: str) -> int:
    """The status of a GET, once the server answers."""
    for _ in range(100):
        try:
            with urlopen(url, timeout=5) as answer:  # noqa: S310
                return int(answer.status)
        except OSError:
            sleep(0.1)
    return 0
