"""The table of a rehearsal: what was said of each when they came, page by page."""

from __future__ import annotations

import pytest

from scim_connector.directory import rehearsed
from scim_connector.directory.database import Database
from scim_connector.provisioning import rehearsal_table
from scim_connector.provisioning.rehearsal_table import Place
from scim_connector.rules.users import RulesViolated
from tests.house import Provider
from tests.rehearsals import first_cycle, go_live, local_user, look_at, sent, table


def _refused(entra: Provider, *names: str) -> None:
    for number, name in enumerate(names):
        with pytest.raises(RulesViolated):
            entra.post({**sent(name, 50 + number), "emails": [{"value": "nothing"}]})


def test_a_table_goes_on_behind_any_row(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From each place the rest, across batches and into the refused: nobody twice."""
    entra, _ = first_cycle(database)
    _refused(entra, "gil", "hal")
    monkeypatch.setattr(rehearsed, "BATCH", 2)
    reader = database.reader()
    rows = list(rehearsal_table.rows(reader, entra.connection))

    for number, row in enumerate(rows, start=1):
        rest = rehearsal_table.rows(reader, entra.connection, after=row.place)
        assert list(rest) == rows[number:]
    answered = [row.verdict.answered for row in rows]
    assert answered == [True] * 5 + [False] * 3
    assert [row.verdict for row in rows] == table(entra)


def test_a_table_is_narrowed_and_counted(database: Database) -> None:
    """By outcome; the counts are those of the rows."""
    entra, _ = first_cycle(database)
    reader = database.reader()

    linked = rehearsal_table.rows(reader, entra.connection, outcome="would link")

    assert [row.verdict.identity for row in linked] == [
        "ann@contoso.com",
        "ben@contoso.com",
    ]
    assert rehearsal_table.counts(reader, entra.connection) == {
        "would link": 2,
        "would create": 3,
        "would refuse": 1,
    }


def test_whom_nobody_matches_is_what_going_live_leaves(database: Database) -> None:
    """Local users no row links, page by page: whom judging anew names too."""
    entra, _ = first_cycle(database)
    for name in ("uma", "vic", "wes"):
        local_user(database, f"{name}@contoso.com")
    reader = database.reader()
    seen: list[str] = []
    while page := rehearsal_table.unmatched(
        reader, entra.connection, after=seen[-1] if seen else "", at_most=2
    ):
        seen += [user.username_key for user in page]

    assert seen == [user.username_key for user in look_at(entra).unmatched]
    assert [key.partition("@")[0] for key in seen] == ["uma", "vic", "wes"]


def test_who_is_left_after_going_live_stays_listed(database: Database) -> None:
    """The refused alone; nobody else waits any more."""
    entra, _ = first_cycle(database)
    go_live(entra)

    (left,) = rehearsal_table.rows(database.reader(), entra.connection)

    assert (left.place.answered, left.verdict.outcome) == (False, "would refuse")
    for seq in (left.place.seq, 10**18 - 1):
        beyond = Place(answered=False, seq=seq)
        after = rehearsal_table.rows(database.reader(), entra.connection, after=beyond)
        assert list(after) == []
