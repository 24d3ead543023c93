"""What the door hands to the log: sources, knocks, and no secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from scim_connector.directory import refusals, request_log
from tests.web.door import Door, open_door, person

FORGED = {"X-Forwarded-For": "203.0.113.7, 198.51.100.9"}


def _sources(door: Door) -> tuple[str, str]:
    """The address shown for a refused caller, and the entry of a known one."""
    door.send("GET", "/Users", headers={"Authorization": "", **FORGED})
    known = door.send("POST", "/Users", person("kim@contoso.com"), headers=FORGED)
    door.gatherer.flush()
    reader = door.house.database.reader()
    ((_, reason, source, count, _, path),) = refusals.every(reader)
    assert (reason, count, path) == ("no_token", 1, "/v2/Users")
    kept = request_log.by_request_id(reader, known.headers["X-Request-Id"])
    assert kept is not None
    return source, kept.steps


def test_a_forwarded_address_is_believed_from_a_named_proxy(tmp_path: Path) -> None:
    """The last address of X-Forwarded-For, which the proxy itself wrote."""
    source, steps = _sources(open_door(tmp_path, trusted_proxies=("127.0.0.1",)))

    assert source == "198.51.100.9"
    assert "198.51.100.9" in steps
    assert "203.0.113.7" not in steps


def test_a_forwarded_address_is_not_believed_from_others(tmp_path: Path) -> None:
    """Without a named proxy anybody could write any address into the log."""
    source, steps = _sources(open_door(tmp_path, trusted_proxies=("192.0.2.1",)))

    assert source == "127.0.0.1"
    assert "127.0.0.1" in steps
    assert "198.51.100.9" not in steps


@pytest.mark.parametrize("header", ["", ",", "x" * 9000, "a, "])
def test_an_odd_forwarded_header_is_no_harm(tmp_path: Path, header: str) -> None:
    """A proxy that forwards nonsense is answered, its header is cut."""
    door = open_door(tmp_path, trusted_proxies=("127.0.0.1",))
    answer = door.send(
        "GET", "/Users", headers={"Authorization": "", "X-Forwarded-For": header}
    )
    door.gatherer.flush()
    ((_, _, source, *_),) = refusals.every(door.house.database.reader())

    assert answer.status_code == 401
    assert 0 < len(source) <= 45


def test_the_reasons_at_the_door_are_counted_apart(door: Door) -> None:
    """One row for each reason and source, with a count and a sample (decision 33)."""
    for header in ("", "", "Basic x", "Bearer a Bearer b", "Bearer Bearer c"):
        door.send("GET", "/Users", headers={"Authorization": header})
    door.gatherer.flush()
    rows = refusals.every(door.house.database.reader())

    assert {(row[1], row[3]) for row in rows} == {
        ("no_token", 2),
        ("other_scheme", 1),
        ("unknown_token", 1),
        ("bearer_twice", 1),
    }


def test_no_secret_reaches_the_log(door: Door, tmp_path: Path) -> None:
    """Neither the token nor a password sent is anywhere in the database."""
    door.send("POST", "/Users", person("kim@contoso.com", password="hunter2-secret"))
    door.send("GET", f"/Users?access_token={door.token}")
    door.gatherer.flush()
    with_wal = b"".join(file.read_bytes() for file in tmp_path.glob("house.db*"))

    assert b"hunter2-secret" not in with_wal
    assert door.token.split("_", 2)[2].encode() not in with_wal


@pytest.mark.parametrize(
    "path",
    ["/Schemas", "/ServiceProviderConfig", "/ResourceTypes", "/Groups", "/Users"],
)
def test_every_read_is_kept(door: Door, path: str) -> None:
    """Decision 33: the calls of Test Connection show in the log, whichever they are."""
    answer = door.send("GET", path)
    door.gatherer.flush()
    kept = request_log.by_request_id(
        door.house.database.reader(), answer.headers["X-Request-Id"]
    )

    assert kept is not None
    assert (kept.action, kept.outcome, kept.status) == ("Read", "Success", 200)
    assert kept.path == f"/scim/v2{path}"


@pytest.mark.parametrize("path", ["/Users?count=few", "/Groups?startIndex=first"])
def test_a_refused_page_is_kept(door: Door, path: str) -> None:
    """Decision 33: a list asked for by what is no number shows in the log, too."""
    answer = door.send("GET", path)
    door.gatherer.flush()
    kept = request_log.by_request_id(
        door.house.database.reader(), answer.headers["X-Request-Id"]
    )

    assert kept is not None
    assert (kept.action, kept.outcome, kept.status) == ("Read", "Failure", 400)
