"""What breaks behind the door is a SCIM error too (decision 31)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.web.door import Door, open_door, person, refusal


def _break(folder: Path, sql: str) -> None:
    with closing(sqlite3.connect(folder / "house.db")) as raw, raw:
        raw.execute("PRAGMA foreign_keys = OFF")
        raw.execute(sql)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "GET"])
def test_the_unexpected_is_a_500_without_a_trace(
    door: Door, tmp_path: Path, method: str
) -> None:
    """A damaged row: the caller reads a sentence, the log line has the reason."""
    path = f"/Users/{door.made('kim@contoso.com')}?attributes=userName"
    _break(tmp_path, "UPDATE links SET served = '{'")
    body = {"Operations": [{"op": "replace", "path": "title", "value": "Lead"}]}
    sent = {"PUT": person("kim@contoso.com", title="Lead"), "PATCH": body}
    with capture_logs() as logs:
        answer = door.send(method, path, sent.get(method))

    detail = refusal(answer, 500)
    assert "Something went wrong here, and nothing was changed" in detail
    assert not [w for w in ("Traceback", "orjson", ".py") if w in answer.text]
    (line,) = [one for one in logs if one["log_level"] == "error"]
    assert line["request_id"] == answer.headers["X-Request-Id"]
    assert isinstance(line["exc_info"], ValueError)


@pytest.mark.parametrize("table", ["outbox", "link_emails", "request_log"])
def test_a_missing_table_is_a_503_and_changes_nothing(
    door: Door, tmp_path: Path, table: str
) -> None:
    """The transaction is undone whole; the log line has the reason and the id."""
    _break(tmp_path, f"ALTER TABLE {table} RENAME TO away")
    with capture_logs() as logs:
        broken = door.send("POST", "/Users", person("kim@contoso.com"))
    _break(tmp_path, f"ALTER TABLE away RENAME TO {table}")

    assert "nothing was changed" in refusal(broken, 503)
    assert table not in broken.text
    (line,) = logs
    assert line["request_id"] == broken.headers["X-Request-Id"]
    assert table in line["reason"]
    assert door.send("GET", "/Users").get_json()["totalResults"] == 0
    assert door.made("kim@contoso.com")


def test_a_busy_database_is_503_with_retry_after(door: Door, tmp_path: Path) -> None:
    """Whoever waits too long to write is told when to come again (decision 44)."""
    with closing(sqlite3.connect(tmp_path / "house.db")) as raw:
        raw.execute("BEGIN IMMEDIATE")
        answer = door.send("POST", "/Users", person("kim@contoso.com"))
        read = door.send("GET", "/Users")
        raw.rollback()

    assert "The database is busy; nothing was changed" in refusal(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0
    assert read.status_code == 200
    assert door.made("kim@contoso.com")


def test_a_lost_database_is_503(tmp_path: Path) -> None:
    """Not a page of the server, not a 500: the provider tries again later."""
    door = open_door(tmp_path)
    for file in tmp_path.glob("house.db*"):
        file.write_bytes(b"no database at all" * 999)
    door.house.database.close()
    with capture_logs() as logs:
        answer = door.send("GET", "/Users")
        ready = door.client.get("/readyz")
        live = door.client.get("/healthz")

    assert answer.status_code == 503, answer.text
    refusal(answer, 503)
    assert answer.headers["Retry-After"]
    assert [one["event"] for one in logs] == ["database unavailable"]
    assert (ready.status_code, ready.text) == (503, "no database\n")
    assert live.status_code == 200


def test_the_probes_need_no_token_and_tell_nothing(door: Door) -> None:
    """/healthz and /readyz are for whoever keeps the process running."""
    assert door.client.get("/healthz").text == "alive\n"
    assert door.client.get("/readyz").text == "ready\n"
    assert door.client.head("/readyz").status_code == 200
    assert door.client.post("/healthz").status_code == 405
