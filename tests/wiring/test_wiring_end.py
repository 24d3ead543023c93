"""How a server ends, what it survives, and further starts that are refused."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests import server
from tests.server import PROGRAM, SOURCE, Server

ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE)}


def _run(
    folder: Path, *arguments: str, **settings: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *arguments],
        cwd=folder,
        env={**ENVIRONMENT, **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _serve(folder: Path, *options: str, **settings: str) -> str:
    """What a refused start says: one line on stderr, and exit code 2."""
    port = str(server.free_port())
    ended = _run(folder, "serve", "--port", port, *options, **settings)
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
    said = [line for line in ended.stderr.splitlines() if line.strip()]
    assert len(said) == 1, ended.stderr
    return said[0]


def _person(number: int) -> dict[str, object]:
    mail = f"user{number}@contoso.com"
    return {"userName": mail, "emails": [{"value": mail}]}


def _workers(scim: Server) -> list[int]:
    """The processes that the server started to answer requests."""
    return _children(scim.process.pid)


def _children(first: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{first}/task").iterdir():
        found += [int(word) for word in (task / "children").read_text().split()]
    return [
        pid
        for pid in found
        if b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


# -------------------------------------------------------------------------- the end


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_within_five_seconds(
    tmp_path: Path, sent: signal.Signals
) -> None:
    """Exit code 0, no trace, nobody left behind, reads of the last second kept."""
    with server.running(tmp_path) as scim:
        assert scim.send("POST", "/Users", _person(1)).status == 201
        last = scim.send("GET", "/Users?count=0").headers["x-request-id"]
        workers = _workers(scim)
        began = monotonic()
        scim.process.send_signal(sent)
        code = scim.process.wait(10)
        took = monotonic() - began
        said = scim.said
        shown = json.loads(scim.cli("log", "show", last, "--json"))

    assert code == 0
    assert took < 5
    assert "Traceback" not in said
    assert len(workers) == 2
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
    assert shown["status"] == 200


def test_a_killed_worker_is_replaced(tmp_path: Path) -> None:
    """Kill -9 in the middle of writing: nothing answered is lost, writing goes on."""
    with server.running(tmp_path) as scim:
        statuses = []
        for number in range(30):
            if number in {10, 20}:
                os.kill(_workers(scim)[0], signal.SIGKILL)
            statuses.append(_tried(scim, number))
        deadline = monotonic() + 15
        while len(_workers(scim)) < 2 and monotonic() < deadline:
            sleep(0.1)
        alive = len(_workers(scim))
        total = scim.send("GET", "/Users?count=0").body["totalResults"]
        told = scim.cli("db", "check")

    assert statuses == [201] * 30
    assert (alive, total) == (2, 30)
    assert told.strip() == "All is well."


def test_nothing_serves_on_alone(tmp_path: Path) -> None:
    """Kill -9 of the first process: those it started end, and the port is free."""
    with server.running(tmp_path) as scim:
        left = _workers(scim)
        scim.process.kill()
        scim.process.wait()
        assert _left_of(left) == []
        scim.disconnect()
        with pytest.raises(OSError, match="refused"):
            scim.send("GET", "/Users")

    assert len(left) == 2


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("after", [0, 0.3])
def test_it_ends_while_it_starts(
    tmp_path: Path, sent: signal.Signals, after: float
) -> None:
    """Told to end, or killed, before its workers serve: all are gone.

    At once, but for one that was forked that moment: it is killed after four seconds.
    """
    port = str(server.free_port())
    with subprocess.Popen(
        [*PROGRAM, "serve", "--port", port],
        cwd=tmp_path,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as first:
        while len(started := _children(first.pid)) < 2:
            assert first.poll() is None
            sleep(0.002)
        sleep(after)
        first.send_signal(sent)
        left = _left_of(started)
        said = first.communicate(timeout=15)[1]

    assert left == []
    assert not after or "refused to gracefully stop" not in said
    assert "Traceback" not in said


def _left_of(processes: list[int]) -> list[int]:
    """Those of *processes* that have not ended within 15 seconds."""
    deadline = monotonic() + 15
    while any(map(_is_there, processes)) and monotonic() < deadline:
        sleep(0.05)
    return [pid for pid in processes if _is_there(pid)]


def _is_there(pid: int) -> bool:
    """Whether a process lives; one that only waits to be collected does not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def _tried(scim: Server, number: int) -> int:
    """The status of a POST, sent again while no worker answers."""
    deadline = monotonic() + 15
    while True:
        try:
            return scim.send("POST", "/Users", _person(number)).status
        except OSError:
            if monotonic() > deadline:
                raise
            sleep(0.1)


def test_it_goes_on_from_what_a_crash_left(tmp_path: Path) -> None:
    """Kill -9 of every process: whatever was answered is there, the file is well."""
    with server.running(tmp_path) as scim:
        for number in range(5):
            assert scim.send("POST", "/Users", _person(number)).status == 201
        for pid in (scim.process.pid, *_workers(scim)):
            os.kill(pid, signal.SIGKILL)
        scim.process.wait(5)
    left = json.loads(_run(tmp_path, "user", "list", "--json").stdout)

    assert len(left) == 5
    assert _run(tmp_path, "db", "check").stdout.strip() == "All is well."


# ------------------------------------------------------------------ refused starts


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://nobody@127.0.0.1:1/none", "cannot be read"),
        ("postgresql://u:hunter2@127.0.0.1:1/none", "cannot be read"),
        ("mysql://root@localhost/x", "SCIM_CONNECTOR_DATABASE_URL"),
        ("nonsense", "SCIM_CONNECTOR_DATABASE_URL"),
        ("sqlite:///missing/folder/house.db", "cannot be made"),
        ("sqlite:///.", "cannot be"),
    ],
)
def test_a_database_that_cannot_be_had(tmp_path: Path, url: str, told: str) -> None:
    """One sentence without the password, and the folder stays empty, no key in it."""
    said = _serve(tmp_path, SCIM_CONNECTOR_DATABASE_URL=url)

    assert told in said
    assert "hunter2" not in said
    assert list(tmp_path.iterdir()) == []


def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    """A SQLite file with foreign tables is refused, byte for byte as before."""
    with closing(sqlite3.connect(tmp_path / "scim-connector.db")) as raw, raw:
        raw.execute("CREATE TABLE songs (title TEXT)")
    before = (tmp_path / "scim-connector.db").read_bytes()

    assert "belongs to another program" in _serve(tmp_path)
    assert (tmp_path / "scim-connector.db").read_bytes() == before
    assert not (tmp_path / "scim-connector.key").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--tls-cert", "none.pem", "--tls-key", "none.pem"), "none.pem"),
        (("--tls-cert", "c.pem"), "belong together"),
        (("--host", "203.0.113.1"), "Cannot listen on 203.0.113.1"),
        (("--host", "no.such.host.invalid"), "Cannot listen on no.such.host.invalid"),
        (("--config", "none.toml"), "There is no settings file none.toml"),
    ],
)
def test_an_option_that_cannot_be_good(
    tmp_path: Path, options: tuple[str, ...], told: str
) -> None:
    """Said before anything is made."""
    assert told in _serve(tmp_path, *options)
    assert list(tmp_path.iterdir()) == []


def test_files_that_are_no_certificate(tmp_path: Path) -> None:
    """Read before anything is made, not when the workers start."""
    pem = tmp_path / "x.pem"
    pem.write_text("nonsense")
    said = _serve(tmp_path, "--tls-cert", "x.pem", "--tls-key", "x.pem")

    assert "Cannot serve https with x.pem and x.pem" in said
    assert list(tmp_path.iterdir()) == [pem]


@pytest.mark.parametrize("variable", ["SECRET_KEY_FILE", "SECRET_KEY"])
def test_a_key_that_cannot_be_kept(tmp_path: Path, variable: str) -> None:
    """A folder that is not there, or no key at all: nothing is made."""
    name = f"SCIM_CONNECTOR_{variable}"

    assert name in _serve(tmp_path, **{name: "missing/house.key"})
    assert list(tmp_path.iterdir()) == []


# --------------------------------------------------------------------- first starts


def test_a_first_run_cut_short_is_finished(tmp_path: Path) -> None:
    """A key that a crash left without a database is taken up, not refused."""
    _run(tmp_path, "db", "upgrade")
    for file in tmp_path.glob("scim-connector.db*"):
        file.unlink()
    key = (tmp_path / "scim-connector.key").read_text()

    again = _run(tmp_path, "db", "upgrade")

    assert again.returncode == 0, again.stderr
    assert "Bearer token:" in again.stdout
    assert (tmp_path / "scim-connector.key").read_text() == key


def test_two_first_starts_at_once_make_one_house(tmp_path: Path) -> None:
    """Whoever comes second finds the house, or is refused; the key fits afterwards."""
    starts = [
        subprocess.Popen(
            [*PROGRAM, "db", "upgrade"],
            cwd=tmp_path,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    ended = [(*start.communicate(timeout=60), start.returncode) for start in starts]
    tokens = [out for out, _, code in ended if code == 0 and "Bearer token" in out]
    after = _run(tmp_path, "db", "check")

    assert {code for _, _, code in ended} <= {0, 2}
    assert not [err for _, err, _ in ended if "Traceback" in err]
    assert len(tokens) == 1
    assert after.stdout.strip() == "All is well.", after.stderr


def test_an_edited_mapping_file_is_mentioned(tmp_path: Path) -> None:
    """The start goes on with the applied version and says that the file differs."""
    _run(tmp_path, "db", "upgrade")
    _run(tmp_path, "mapping", "new", "our.toml", "--from", "entra")
    added = ("connection", "add", "entra", "--kind", "entra", "--mapping", "our.toml")
    assert _run(tmp_path, *added).returncode == 0
    with (tmp_path / "our.toml").open("a") as file:
        file.write("# edited\n")
    told = _run(tmp_path, "db", "upgrade").stdout
    served = subprocess.Popen(
        [*PROGRAM, "serve", "--port", str(server.free_port())],
        cwd=tmp_path,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert served.stdout is not None
    line = served.stdout.readline()
    sleep(1)
    served.terminate()
    served.communicate(timeout=20)

    assert "Nothing to do" in told
    assert "our.toml differs from what connection entra works with" in line
    assert "scim-connector mapping apply entra our.toml" in line
