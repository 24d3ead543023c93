"""``audit``: listed, sealed, verified against a kept head, exported."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from scim_connector.directory import seals
from scim_connector.directory.database import Database

Run = Callable[..., Result]


def _seal(folder: Path) -> None:
    database = Database(f"sqlite:///{folder / 'scim-connector.db'}")
    seals.seal(database, now=time.time_ns() // 1000)
    database.close()


def test_the_record_is_listed_and_exported(run: Run, tmp_path: Path) -> None:
    """The newest first on the screen; the oldest first in a file nobody else reads."""
    run("user", "add", "--email", "ann@example.com", "--last", "=Ann")

    listed = run("audit", "list", "ann@example.com").output
    lines = run("audit", "export", "events.jsonl").output
    run("audit", "export", "events.csv")

    assert "user:created" in listed
    text = (tmp_path / "events.jsonl").read_text()
    events = [json.loads(line) for line in text.splitlines()]
    assert f"{len(events)} events are in events.jsonl." in lines
    assert [e["id"] for e in events] == sorted(e["id"] for e in events)
    table = (tmp_path / "events.csv").read_text()
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [row["name"] for row in rows] == [e["name"] for e in events]
    assert (tmp_path / "events.jsonl").stat().st_mode & 0o777 == 0o600
    refused = run("audit", "export", "events.csv", code=2)
    assert "exists already" in refused.output


def test_an_export_that_cannot_be_written_says_so(run: Run) -> None:
    """With exit 2 and one sentence."""
    refused = run("audit", "export", "nofolder/events.csv", code=2)

    assert "nofolder/events.csv cannot be written: No such file" in refused.output


def test_a_kept_head_is_verified(run: Run, tmp_path: Path) -> None:
    """Sound at first; after the end was cut off, exit 1 with the place."""
    run("user", "add", "--email", "ann@example.com", "--last", "Ann")
    assert "Nothing is sealed yet" in run("audit", "head", code=2).output
    _seal(tmp_path)
    head = run("audit", "head").output
    (tmp_path / "head.txt").write_text(head + "\n" + head)
    good = run("audit", "verify", "--head", "head.txt").output
    assert "events are as they were written, and 2 heads are in the chain" in good

    with sqlite3.connect(tmp_path / "scim-connector.db") as raw:
        raw.execute("DROP TRIGGER audit_seals_delete")
        raw.execute("DELETE FROM audit_seals")

    bad = run("audit", "verify", "--head", "head.txt", code=1).output
    assert "Broken: head.txt line 1: event " in bad
    assert "Broken: head.txt line 3: event " in bad
    assert "was cut off, or an older copy was put back" in bad
