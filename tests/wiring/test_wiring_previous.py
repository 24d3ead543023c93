"""The version before, still serving while the schema of this one is already there.

An upgrade with two servers goes through such a time: the schema grows first, then one
process after the other is replaced.  The version before is taken from the history of
this repository: what stood before the newest migration was added.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import postgres, server
from tests.house import patch_of, person
from tests.server import Server

VERSIONS = Path("src/scim_connector/directory/migrations/versions")


def _git(*arguments: str) -> bytes:
    run = subprocess.run(
        ["git", "-C", str(server.ROOT), *arguments],
        capture_output=True,
        check=False,
    )
    return run.stdout if run.returncode == 0 else b""


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source of the version before the newest migration."""
    newest = max((server.ROOT / VERSIONS).glob("0*.py")).name
    added = _git("log", "-1", "--format=%H", "--diff-filter=A", "--", VERSIONS / newest)
    whole = (
        _git("archive", f"{added.decode().strip()}^", "src", "mappings")
        if added
        else b""
    )
    if not whole:
        pytest.skip("this is no clone with its history")
    folder = tmp_path_factory.mktemp("previous")
    with tarfile.open(fileobj=io.BytesIO(whole)) as packed:
        packed.extractall(folder, filter="data")
    assert not (folder / VERSIONS / newest).exists()
    return folder / "src"


@dataclass
class Beside:
    """Two servers of one database: the version before, and this one."""

    old: Server
    new: Server

    def command(self, *arguments: str) -> str:
        """Run a command of this version."""
        return self.new.cli(*arguments)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def beside(
    request: pytest.FixtureRequest,
    previous: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Beside]:
    """The old one has served already when the schema grows under it."""
    folder = tmp_path_factory.mktemp("beside")
    environment = {"SCIM_CONNECTOR_DATABASE_URL": f"sqlite:///{folder}/house.db"}
    if request.param == "postgresql":
        running: postgres.Postgres = request.getfixturevalue("postgres_server")
        environment["SCIM_CONNECTOR_DATABASE_URL"] = running.create("beside")
    then = {**environment, "PYTHONPATH": str(previous)}
    with server.running(folder, environment=then) as old:
        assert old.send("POST", "/Users", person("before@contoso.com")).status == 201
        _upgrade(folder, environment)
        second = tmp_path_factory.mktemp("second")
        key = "SCIM_CONNECTOR_SECRET_KEY_FILE"
        now = {**environment, key: str(_key(folder))}
        with server.running(second, environment=now, token=old.token) as new:
            yield Beside(old, new)


def _key(folder: Path) -> Path:
    (found,) = folder.glob("*.key")
    return found


def _upgrade(folder: Path, environment: Mapping[str, str]) -> None:
    run = subprocess.run(
        [*server.PROGRAM, "db", "upgrade"],
        cwd=folder,
        env=server.clean_environment(environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr


def _made(by: Server, user_name: str) -> str:
    reply = by.send("POST", "/Users", person(user_name))
    assert reply.status == 201, reply.content
    return str(reply.body["id"])


def test_the_old_one_goes_on(beside: Beside) -> None:
    """It creates, changes, lists, ends and removes as before."""
    scim_id = _made(beside.old, "by.old@contoso.com")
    changed = beside.old.send("PATCH", f"/Users/{scim_id}", patch_of(title="Dean"))
    listed = beside.old.send("GET", "/Users?count=100")
    ended = beside.old.send("PATCH", f"/Users/{scim_id}", patch_of(active=False))
    removed = beside.old.send("DELETE", f"/Users/{scim_id}")

    statuses = [each.status for each in (changed, listed, ended, removed)]
    assert statuses == [200, 200, 200, 204]


def test_each_serves_what_the_other_wrote(beside: Beside) -> None:
    """Created by one and changed by the other, both ways."""
    for one, other in ((beside.old, beside.new), (beside.new, beside.old)):
        scim_id = _made(one, f"from.{id(one)}@contoso.com")
        changed = other.send("PATCH", f"/Users/{scim_id}", patch_of(title="Dean"))
        shown = one.send("GET", f"/Users/{scim_id}")

        assert changed.status == 200
        assert shown.body["title"] == "Dean"


def test_nothing_is_broken_by_it(beside: Beside) -> None:
    """The database is sound, and one chain of audit has what both did."""
    _made(beside.old, "last.old@contoso.com")
    _made(beside.new, "last.new@contoso.com")

    assert "All is well." in beside.command("db", "check")
    beside.command("audit", "verify")


def test_the_version_before_is_another(previous: Path, beside: Beside) -> None:
    """The old one runs the old source: this test tests what it says."""
    command = Path(f"/proc/{beside.old.process.pid}/environ")
    if sys.platform == "linux":
        assert f"PYTHONPATH={previous}" in command.read_bytes().decode()
