"""A disk that is full, with the log on it too: refused, and back by itself."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import server


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of four megabytes, which only root can make."""
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"no file system can be made here: {made.stderr.strip()}")
    yield tmp_path
    subprocess.run(["umount", "--lazy", tmp_path], check=True)


def person(name: str) -> dict[str, Any]:
    return {"userName": name, "emails": [{"value": name, "primary": True}]}


def test_a_full_disk_is_503_until_there_is_room(disk: Path) -> None:
    """Writes are told when to come again and change nothing; reads go on (T80)."""
    with server.running(disk) as scim:
        assert scim.send("POST", "/Users", person("one@contoso.com")).status == 201
        room = os.statvfs(disk)
        filler = disk / "filler"
        filler.write_bytes(b"0" * room.f_bavail * room.f_bsize)
        refused = scim.send("POST", "/Users", person("two@contoso.com"))
        read = scim.send("GET", "/Users?count=0")
        filler.unlink()
        taken = scim.send("POST", "/Users", person("two@contoso.com"))
        told = scim.cli("db", "check")
        scim.cli("audit", "verify")

    assert refused.status == 503
    assert int(refused.headers["retry-after"]) > 0
    assert "nothing was changed" in refused.body["detail"]
    assert read.body["totalResults"] == 1
    assert taken.status == 201
    assert told.strip() == "All is well."
