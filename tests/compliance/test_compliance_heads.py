"""Signed heads at intervals: when, by whom, and where they can be read again."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING

import orjson
from structlog.testing import capture_logs

from scim_connector.administration import webhooks as webhook_doors
from scim_connector.compliance import chain
from scim_connector.compliance.heads import Heads
from scim_connector.directory import audit, outbox, seals
from scim_connector.directory.database import Database
from scim_connector.rules.actors import Actor
from scim_connector.rules.events import Event
from scim_connector.tokens.secrets import SecretKeys
from scim_connector.tokens.signing import SigningKeys
from tests.house import operator

if TYPE_CHECKING:
    import pytest

SIGNING = SigningKeys(SecretKeys.fresh())
HOUR = 3_600_000_000
BEGIN = 1_700_000_000_000_000


def _heads(file: Path | None = None) -> Heads:
    return Heads(SIGNING, "https://scim.example.com", HOUR, file)


def _sealed(database: Database) -> None:
    event, ann = Event("user:deactivated"), Actor.operator("ann")
    database.write(lambda tx: audit.record(tx, [event], at=1, actor=ann))
    seals.seal(database, now=2)


def _last(head: str | None) -> int:
    assert head is not None
    return int(SIGNING.opened_head(head)["last_event"])


def test_a_head_is_signed_when_it_is_time(database: Database) -> None:
    """At first, then an hour later, and only when something was sealed since."""
    heads = _heads()
    assert heads.keep(database, BEGIN) is None
    _sealed(database)

    first = heads.keep(database, BEGIN + 1)
    _sealed(database)
    early = heads.keep(database, BEGIN + HOUR)
    second = heads.keep(database, BEGIN + HOUR + 1)
    nothing_new = heads.keep(database, BEGIN + 5 * HOUR)

    assert (_last(first), early, _last(second), nothing_new) == (1, None, 2, None)


def test_one_of_all_processes_signs(database: Database) -> None:
    """However many ask at the same moment, and one of them again."""
    _sealed(database)
    everybody = [_heads() for _ in range(4)]
    together = Barrier(4)

    def keep(heads: Heads) -> str | None:
        together.wait(5)
        return heads.keep(database, BEGIN)

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(keep, everybody))

    assert len([head for head in made if head]) == 1


def test_a_head_is_one_line_of_the_log(database: Database) -> None:
    """With the head alone: it says by itself what it proves."""
    _sealed(database)
    with capture_logs() as logs:
        head = _heads().keep(database, BEGIN)

    assert logs == [{"event": "audit head", "head": head, "log_level": "info"}]


def test_the_file_grows_and_proves(database: Database, tmp_path: Path) -> None:
    """Each head is a line more, read by nobody else, and all of them are verified."""
    file = tmp_path / "heads.txt"
    heads = _heads(file)
    made = []
    for hour in range(3):
        _sealed(database)
        made.append(heads.keep(database, BEGIN + hour * HOUR))

    lines = file.read_text().splitlines()

    assert lines == made
    assert file.stat().st_mode & 0o777 == 0o600
    kept = [chain.Kept(line, f"line {n}") for n, line in enumerate(lines, 1)]
    assert chain.findings(database.reader(), SIGNING, kept) == []
    kept[1] = chain.Kept("nonsense", "line 2")
    assert chain.findings(database.reader(), SIGNING, kept) == [
        "line 2: the head was not signed by a key of this installation"
    ]


def test_a_head_is_posted_to_webhooks(database: Database) -> None:
    """To those that keep heads, written with it; it proves what the log's proves."""
    keys, url, act = SecretKeys.fresh(), "https://keep.example.com/", operator()
    for name, kind in (("keeper", "heads"), ("pager", "alerts")):
        database.write(
            lambda tx, n=name, k=kind: webhook_doors.add(  # type: ignore[misc]
                tx, keys, n, url, act, kinds=(k,)
            )
        )
    seals.seal(database, now=2)

    head = _heads().keep(database, BEGIN)

    (waits,) = outbox.waiting(database.reader())
    told = orjson.loads(waits.payload)
    assert (waits.topic, told["type"]) == ("webhook:audit.head", "audit.head")
    assert told["data"] == {"head": head, "last_event": _last(head)}
    assert chain.findings(database.reader(), SIGNING, [chain.Kept(head or "")]) == []


def test_a_file_that_cannot_be_written_is_told(
    database: Database, tmp_path: Path
) -> None:
    """The head is in the log all the same, and the next one comes in its time."""
    _sealed(database)
    with capture_logs() as logs:
        head = _heads(tmp_path / "missing" / "heads.txt").keep(database, BEGIN)

    assert [line["event"] for line in logs] == [
        "audit head",
        "audit head not in the file",
    ]
    assert logs[0]["head"] == head


def test_a_link_in_the_place_of_the_file_is_not_followed(
    database: Database, tmp_path: Path
) -> None:
    """What somebody put there to have another file written stays as it is."""
    other, file = tmp_path / "other", tmp_path / "heads.txt"
    other.write_text("")
    file.symlink_to(other)
    _sealed(database)

    _heads(file).keep(database, BEGIN)

    assert other.read_text() == ""


def test_every_line_waits_for_the_disk(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A head that was told is not lost with the machine."""
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    _sealed(database)

    _heads(tmp_path / "heads.txt").keep(database, BEGIN)

    assert len(synced) == 1
