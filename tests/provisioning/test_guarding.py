"""The guard at work: an alert once, changes held until approved, and what it costs."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from scim_connector.administration import guard as administration
from scim_connector.administration import overview
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import audit, connections, mass_changes, roles
from scim_connector.directory.database import Database, Reader
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import GUARDED
from scim_connector.provisioning.guarding import HeldBack
from scim_connector.rules.guard import HOUR, KINDS
from scim_connector.web.console.home import sentence
from tests import house
from tests.house import (
    Provider,
    last_entry,
    operator,
    patch_of,
    person,
    provider,
)


def _people(entra: Provider, count: int) -> list[str]:
    return [entra.post(person(f"user{n:02d}@x.example")).id or "" for n in range(count)]


def _set(entra: Provider, kind: str, **chosen: Any) -> None:
    found = connections.required(entra.database.reader(), entra.connection.id)
    entra.database.write(
        lambda tx: administration.set_threshold(tx, found, kind, chosen, operator())
    )


def _approve(entra: Provider, *kinds: str, **how: Any) -> list[str]:
    found = connections.required(entra.database.reader(), entra.connection.id)
    return entra.database.write(
        lambda tx: administration.approve(tx, found, kinds, operator(), **how)
    )


def _deactivate(entra: Provider, ids: list[str]) -> list[str]:
    """Deactivate each; the ids of those that were held back."""
    held = []
    for each in ids:
        try:
            entra.patch(each, patch_of(active=False))
        except HeldBack:
            held.append(each)
    return held


def _seen(database: Database) -> list[dict[str, Any]]:
    events = audit.newest_named(database.reader(), ["mass_change:seen"], at_most=99)
    return [orjson.loads(event.facts) for event in events]


# ------------------------------------------------------------------------------- alert


def test_an_alert_comes_once_and_nothing_is_held(database: Database) -> None:
    """By default everybody is deactivated, and one event tells of it."""
    entra = provider(database)
    ids = _people(entra, 9)

    held = _deactivate(entra, ids)

    assert held == []
    assert not any(entra.user(each).active for each in ids)
    assert _seen(database) == [
        {"kind": "deactivations", "most": 5, "hours": 1, "held": False}
    ]
    look = overview.look(database.reader(), house.now())
    assert [each.sentence for each in look.mass_changes] == [
        "More than 5 people were deactivated through entra."
    ]
    assert look.held_back == []


def test_two_who_notice_at_once_tell_it_once(database: Database) -> None:
    """Requests side by side, each over the threshold: one alert, no failure."""
    entra = provider(database)
    ids = _people(entra, 24)
    found = connections.required(database.reader(), entra.connection.id)

    def work(some: list[str]) -> None:
        _deactivate(Provider(database, found), some)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, [ids[n::4] for n in range(4)]))

    assert not any(entra.user(each).active for each in ids)
    assert len(_seen(database)) == 1


def test_the_share_is_that_of_the_people_of_the_connection(database: Database) -> None:
    """Nobody is told of 5 in 9; the count alone is reached later."""
    entra = provider(database)
    ids = _people(entra, 9)
    _set(entra, "deactivations", most=7, share=0)

    _deactivate(entra, ids[:7])
    before = _seen(database)
    _deactivate(entra, ids[7:])

    assert before == []
    assert [each["most"] for each in _seen(database)] == [7]


def test_each_kind_and_each_span_has_its_own(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Renames are told beside deactivations, and again once the span is over."""
    entra = provider(database)
    ids = _people(entra, 14)
    for each in ids[:6]:
        entra.patch(each, patch_of(**{"name.familyName": "Other"}))
    _deactivate(entra, ids[:6])
    later = house.now() + 2 * HOUR
    clock = iter(range(later, later + 10**9, 1_000_000))
    monkeypatch.setattr(house, "now", lambda: next(clock))
    _deactivate(entra, ids[6:])

    kinds = [each["kind"] for each in reversed(_seen(database))]
    assert kinds == ["renames", "deactivations", "deactivations"]


def test_a_group_that_loses_its_members_is_one_request(database: Database) -> None:
    """Everybody it takes a role from is counted, not the request."""
    entra = provider(database)
    ids = _people(entra, 7)
    database.write(lambda tx: roles.add(tx, "staff"))
    group_id = entra.post_group("Staff", *ids)
    entra.tie(group_id, "staff")

    entra.delete_group(group_id)

    assert [each["kind"] for each in _seen(database)] == ["role_removals"]


def test_what_people_do_here_is_not_the_provider(database: Database) -> None:
    """Another connection, and the console, count for nobody."""
    entra, okta = provider(database), provider(database, "okta")
    ids = _people(entra, 5)
    others = [okta.post(person(f"other{n}@x.example")).id or "" for n in range(5)]

    _deactivate(entra, ids)
    _deactivate(okta, others)

    assert _seen(database) == []


def test_a_kind_that_is_not_watched_is_not_seen(database: Database) -> None:
    """Off is off."""
    entra = provider(database)
    _set(entra, "deactivations", is_on=False)

    _deactivate(entra, _people(entra, 9))

    assert _seen(database) == []


# -------------------------------------------------------------------------------- hold


def test_what_is_held_waits_until_somebody_approves(database: Database) -> None:
    """429 with Retry-After; nothing was changed; approved, the next try succeeds."""
    entra = provider(database)
    ids = _people(entra, 9)
    _set(entra, "deactivations", holds=True)

    held = _deactivate(entra, ids)
    entry = last_entry(entra)
    look = overview.look(database.reader(), house.now())
    with pytest.raises(HeldBack, match="Nothing was changed") as refusal:
        entra.patch(held[0], patch_of(active=False))
    still = [entra.user(each).active for each in held]
    approved = _approve(entra)
    after = _deactivate(entra, held)

    assert held == ids[5:]
    assert (refusal.value.status, refusal.value.retry_after) == (429, 300)
    assert (entry.status, entry.reason, entry.outcome) == (429, "HeldBack", "Failure")
    assert all(still)
    assert [each["held"] for each in _seen(database)] == [True]
    assert sentence(look, house.now()) == "Changes wait for you to approve them: entra."
    assert "keeps all access until then" in look.held_back[0].sentence
    assert look.cards[0].state == "Holds changes back"
    assert approved == ["deactivations"]
    assert after == []
    assert not any(entra.user(each).active for each in ids)


def test_a_hold_stays_when_its_span_is_over(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing trickles through an hour later, or a week."""
    entra = provider(database)
    ids = _people(entra, 8)
    _set(entra, "deactivations", holds=True)
    _deactivate(entra, ids[:7])
    later = house.now() + 170 * HOUR
    clock = iter(range(later, later + 10**9, 1_000_000))
    monkeypatch.setattr(house, "now", lambda: next(clock))

    assert _deactivate(entra, ids[7:]) == ids[7:]


def test_an_approval_ends_and_the_guard_counts_anew(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What passed by it counts no more; five more pass, the sixth is held again."""
    entra = provider(database)
    ids = _people(entra, 20)
    _set(entra, "deactivations", holds=True)
    _deactivate(entra, ids[:6])
    _approve(entra, lasts=HOUR)
    _deactivate(entra, ids[5:12])
    later = house.now() + HOUR + 1
    clock = iter(range(later, later + 10**9, 1_000_000))
    monkeypatch.setattr(house, "now", lambda: next(clock))

    assert _deactivate(entra, ids[12:]) == ids[17:]
    assert len(mass_changes.held(database.reader(), entra.connection.id)) == 1


def test_other_requests_are_served_while_some_are_held(database: Database) -> None:
    """A title, a newcomer, a reactivation and a rename are no deactivation."""
    entra = provider(database)
    ids = _people(entra, 7)
    _set(entra, "deactivations", holds=True)
    _deactivate(entra, ids)

    entra.patch(ids[6], patch_of(title="Dean"))
    entra.patch(ids[0], patch_of(active=True))
    entra.post(person("new@x.example"))

    assert entra.user(ids[0]).active
    assert entra.get(ids[6])["title"] == "Dean"


def test_a_kind_can_be_approved_ahead(database: Database) -> None:
    """Before a planned change; without a word of which, there is nothing to approve."""
    entra = provider(database)
    ids = _people(entra, 9)
    _set(entra, "deactivations", holds=True)
    with pytest.raises(NotPossible, match="holds nothing back"):
        _approve(entra)
    with pytest.raises(NotPossible, match="not watched"):
        _approve(entra, "shoes")

    _approve(entra, "deactivations")

    assert _deactivate(entra, ids) == []


def test_no_hold_stays_once_it_only_tells(database: Database) -> None:
    """Switched back to an alert, whoever waited is let through by the next try."""
    entra = provider(database)
    ids = _people(entra, 8)
    _set(entra, "deactivations", holds=True)
    held = _deactivate(entra, ids)

    _set(entra, "deactivations", holds=False)

    assert held
    assert _deactivate(entra, held) == []


@pytest.mark.parametrize(
    "chosen",
    [{"most": 4}, {"most": 10**7}, {"share": 101}, {"share": -1}, {"hours": 0}],
)
def test_numbers_that_cannot_be_are_refused(
    database: Database, chosen: dict[str, int]
) -> None:
    """With what they may be; nothing is kept."""
    entra = provider(database)

    with pytest.raises(NotPossible, match="is from"):
        _set(entra, "renames", **chosen)

    assert connections.required(database.reader(), entra.connection.id).guard == {}


# -------------------------------------------------------------------------------- cost


def _counting(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """A count of the statements since it was last asked."""
    ran: list[str] = []
    execute = Reader._execute

    def counted(reader: Reader, statement: Statement, values: Any) -> Any:
        ran.append(statement.sql(reader.dialect))
        return execute(reader, statement, values)

    monkeypatch.setattr(Reader, "_execute", counted)

    def since() -> int:
        count = sum("mass_changes" in each or "link_counts" in each for each in ran)
        ran.clear()
        return count

    return since


def test_only_a_watched_change_costs_a_statement(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A title asks the guard nothing; a deactivation one thing beside the counters."""
    entra = provider(database)
    one, other = _people(entra, 2)
    since = _counting(monkeypatch)

    entra.patch(one, patch_of(title="Dean"))
    title = since()
    entra.patch(one, patch_of(title="Dean"))
    nothing = since()
    entra.patch(one, patch_of(active=False))
    watched = since()
    _set(entra, "deactivations", is_on=False)
    since()
    entra.patch(other, patch_of(active=False))
    unwatched = since()

    assert (title, nothing) == (0, 0)
    assert watched - unwatched == 1


def test_the_count_reads_the_index_alone(database: Database) -> None:
    """However many events there are: the plan of the query names the guard's index."""
    if database.dialect != "sqlite":
        pytest.skip("the planner of PostgreSQL chooses by the size of the table")
    reader = database.reader()
    for kind in KINDS:
        statement = mass_changes._STANDING[kind]
        sql, values = statement.bound(
            "sqlite", {"of_connection": 1, "of_kind": kind, "since": 0, "at_most": 51}
        )
        plan = reader.raw.execute(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()
        said = " ".join(str(row[-1]) for row in plan)
        assert "USING COVERING INDEX ix_audit_events_guard" in said, said
        assert "SCAN audit_events" not in said


def test_the_index_holds_what_is_counted(database: Database) -> None:
    """The condition of the index, of the migration and of the query are one text."""
    reader = database.reader()
    if database.dialect == "sqlite":
        query = "SELECT sql FROM sqlite_master WHERE name = 'ix_audit_events_guard'"
        assert GUARDED in reader.value(Statement(text(query)))
    else:
        query = (
            "SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_audit_events_guard'"
        )
        found = reader.value(Statement(text(query)))
        assert all(f"'{n}'" in found for names in KINDS.values() for n in names)


def test_two_kinds_set_from_one_reading_both_stay(database: Database) -> None:
    """Whoever read the connection before the other change takes nothing back."""
    connection_id = database.write(
        lambda tx: connections.add(tx, "both", kind="entra", now=0)
    )
    read = connections.required(database.reader(), connection_id)

    for kind in ("renames", "deactivations"):
        database.write(
            lambda tx, kind=kind: administration.set_threshold(
                tx, read, kind, {"most": 7}, operator()
            )
        )

    held = connections.required(database.reader(), connection_id).guard
    assert {kind: held[kind]["most"] for kind in held} == {
        "renames": 7,
        "deactivations": 7,
    }
