"""Retention: what is old goes, a little at a time, and the chain of audit holds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest
from sqlalchemy import delete, select, text, update

from scim_connector.compliance import chain
from scim_connector.delivery.retention import REST, Retention
from scim_connector.directory import (
    audit,
    installation,
    pruning,
    request_log,
    seals,
)
from scim_connector.directory.constraints import ConstraintBroken
from scim_connector.directory.database import Database
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import (
    audit_events,
    audit_personal,
    audit_seals,
)
from scim_connector.rules.actors import Actor
from scim_connector.rules.events import Event
from scim_connector.tokens.secrets import SecretKeys
from scim_connector.tokens.signing import SigningKeys
from tests.house import now, person, provider

DAY = 24 * 3600 * 1_000_000
BEGIN = 1_700_000_000_000_000
SIGNING = SigningKeys(SecretKeys.fresh())
ANN = Actor.operator("ann")


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "BATCH", 2)


def _days(database: Database, count: int, *, first: int = 0) -> None:
    """A seal of three events on each of so many days, one of them about a person."""
    for day in range(first, first + count):
        at = BEGIN + day * DAY
        told = Event("user:created", {"username": f"p{day}", "type": "administrative"})
        events = [told, Event("user:held"), Event("user:deactivated")]
        database.write(
            lambda tx, events=events, at=at: audit.record(
                tx, events, at=at, actor=ANN, user_id=7
            )
        )
        seals.seal(database, now=at + 1)


def _until_done(database: Database, retention: Retention, at: int) -> int:
    """Rounds until there is nothing to do; returns how many it took."""
    for rounds in range(1, 100):
        retention.round(database, at)
        if retention.again_at:
            return rounds
    raise AssertionError("it never ends")


def _run(database: Database, clause: Any) -> None:
    database.write(lambda tx: tx.run(Statement(clause)))


def _ids(database: Database, column: Any) -> list[int]:
    rows = database.reader().rows(Statement(select(column).order_by(column)))
    return [row[0] for row in rows]


def _head(database: Database) -> chain.Kept:
    issuer = "https://scim.example.com"
    reader = database.reader()
    return chain.Kept(chain.signed_head(reader, SIGNING, issuer=issuer, now=1))


# ------------------------------------------------------------------------------ audit


def test_whole_seals_go_and_the_chain_holds(database: Database) -> None:
    """Three of six days; audit tells of it, and a head kept before proves the rest."""
    _days(database, 3)
    early = _head(database)
    _days(database, 3, first=3)
    late = _head(database)
    retention = Retention(bodies=None, events=10 * DAY)

    rounds = _until_done(database, retention, BEGIN + 12 * DAY + DAY // 2)
    seals.seal(database, now=BEGIN + 13 * DAY)

    reader = database.reader()
    assert _ids(database, audit_events.c.id) == list(range(10, 20))
    assert _ids(database, audit_personal.c.event_id) == [10, 13, 16]
    assert len(_ids(database, audit_seals.c.id)) == 7
    assert rounds > 4
    (told,) = audit.newest_named(reader, ["audit:pruned"], at_most=5)
    hashes = seals.hashes(reader)
    assert orjson.loads(told.facts) == {"upto": 9, "events": 9, "hash": hashes[9]}
    assert told.actor == "house:retention"
    assert chain.findings(reader, SIGNING, [early, late]) == []
    assert seals.since(reader) == BEGIN + 2 * DAY + 1


def test_nothing_younger_goes(database: Database) -> None:
    """What is a day old at the edge stays; the boundary moves a day at a time."""
    _days(database, 6)
    retention = Retention(bodies=None, events=10 * DAY)

    _until_done(database, retention, BEGIN + 10 * DAY + DAY // 2)

    assert len(_ids(database, audit_events.c.id)) == 18
    assert seals.since(database.reader()) is None


def test_the_boundary_moves_on(database: Database) -> None:
    """A second pruning tells of the rest, and the first is gone with its time."""
    _days(database, 3)
    retention = Retention(bodies=None, events=10 * DAY)
    _until_done(database, retention, BEGIN + 12 * DAY)
    seals.seal(database, now=BEGIN + 12 * DAY)
    _days(database, 2, first=12)
    _until_done(database, retention, BEGIN + 23 * DAY)
    seals.seal(database, now=BEGIN + 23 * DAY)

    told = audit.newest_named(database.reader(), ["audit:pruned"], at_most=5)

    assert len(told) == 1
    assert _ids(database, audit_events.c.id)[0] > 9
    assert list(seals.findings(database.reader())) == []


def test_what_is_not_pruned_is_refused_still(database: Database) -> None:
    """The database deletes up to the boundary and no further, and updates nothing."""
    _days(database, 6)
    refused = (
        delete(audit_events),
        delete(audit_events).where(audit_events.c.id == 10),
        update(audit_events).where(audit_events.c.id == 1).values(actor="x"),
        delete(audit_seals).where(audit_seals.c.last_event == 3),
    )
    for clause in (*refused, delete(audit_events).where(audit_events.c.id == 1)):
        with pytest.raises(ConstraintBroken):
            _run(database, clause)

    before = BEGIN + 2 * DAY + 2
    database.write(lambda tx: pruning.move_boundary(tx, before=before, now=now()))

    for clause in refused:
        with pytest.raises(ConstraintBroken):
            _run(database, clause)
    _run(database, delete(audit_events).where(audit_events.c.id == 9))


def test_a_check_amid_pruning_is_no_alarm(database: Database) -> None:
    """Some rows below the boundary are gone, some are there still."""
    _days(database, 6)
    retention = Retention(bodies=None, events=10 * DAY)
    retention.round(database, BEGIN + 13 * DAY)

    assert len(_ids(database, audit_events.c.id)) == 17
    assert list(seals.findings(database.reader())) == []


def test_who_prunes_by_hand_is_found(database: Database) -> None:
    """Moving the boundary is not enough, and nor is an event that tells another one."""
    _days(database, 6)
    database.write(lambda tx: installation.write(tx, installation.PRUNED, "9"))
    _run(database, delete(audit_events).where(audit_events.c.id <= 9))
    said = "the oldest events are let go of, and audit tells of no such pruning"
    assert list(seals.findings(database.reader())) == [said]

    forged = Event("audit:pruned", {"upto": 9, "events": 9, "hash": "0" * 64})
    database.write(lambda tx: audit.record(tx, [forged], at=1, actor=ANN))

    assert list(seals.findings(database.reader())) == [said]


def test_a_seal_that_was_taken_out_is_found(database: Database) -> None:
    """Of pruned events the seals are proof still."""
    _days(database, 6)
    _until_done(database, Retention(None, 10 * DAY), BEGIN + 13 * DAY)
    on = "" if database.dialect == "sqlite" else " ON audit_seals"
    _run(database, text(f"DROP TRIGGER audit_seals_delete{on}"))

    _run(database, delete(audit_seals).where(audit_seals.c.last_event == 6))

    (told,) = seals.findings(database.reader())
    assert told == "the seal of events 7 to 9 does not follow the one before"


def test_many_prune_at_once(database: Database) -> None:
    """Every process does it; one event tells of it, and nothing is lost."""
    _days(database, 6)
    each = [Retention(bodies=None, events=10 * DAY) for _ in range(3)]

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda r: _until_done(database, r, BEGIN + 13 * DAY), each))
    seals.seal(database, now=BEGIN + 13 * DAY)

    told = audit.newest_named(database.reader(), ["audit:pruned"], at_most=5)
    assert len(told) == 1
    assert list(seals.findings(database.reader())) == []


# ------------------------------------------------------------------------ request log


def test_bodies_go_and_requests_stay(database: Database) -> None:
    """With their steps and how they ended; the newer ones keep theirs."""
    entra = provider(database)
    for number in range(5):
        entra.post(person(f"p{number}@contoso.com"))
    entries = list(reversed(request_log.newest(database.reader(), at_most=9)))
    edge = entries[3].at
    retention = Retention(bodies=DAY, events=None)

    rounds = _until_done(database, retention, edge + DAY)

    after = list(reversed(request_log.newest(database.reader(), at_most=9)))
    assert [e.request_body is None for e in after] == [True] * 3 + [False] * 2
    assert [e.response_body is None for e in after] == [True] * 3 + [False] * 2
    assert [(e.steps, e.identity, e.status) for e in after] == [
        (e.steps, e.identity, e.status) for e in entries
    ]
    assert rounds == 3


def test_requests_go_with_the_events_of_their_time(database: Database) -> None:
    """But for the newest, whose number must not be given again."""
    entra = provider(database)
    for number in range(5):
        entra.post(person(f"p{number}@contoso.com"))
    at = now() + 100 * DAY

    _until_done(database, Retention(bodies=DAY, events=10 * DAY), at)

    (left,) = request_log.newest(database.reader(), at_most=9)
    assert (left.identity, left.request_body) == ("p4@contoso.com", None)
    entra.post(person("p5@contoso.com"))
    (newest, _) = request_log.newest(database.reader(), at_most=9)
    assert newest.request_body is not None


def test_zero_keeps_everything(database: Database) -> None:
    """Neither bodies nor events go when nobody said how long."""
    _days(database, 3)
    entra = provider(database)
    entra.post(person("kim@contoso.com"))

    rounds = _until_done(database, Retention(None, None), now() + 9_999 * DAY)

    assert rounds == 1
    (entry,) = request_log.newest(database.reader(), at_most=9)
    assert entry.request_body is not None
    assert _ids(database, audit_events.c.id)[0] == 1


def test_it_rests_when_nothing_is_due(database: Database) -> None:
    """A process looks again after a while, not every second."""
    _days(database, 6)
    retention = Retention(bodies=None, events=10 * DAY)
    begin = BEGIN + 10 * DAY
    retention.round(database, begin)

    retention.round(database, begin + REST - 1)

    assert retention.again_at == begin + REST
