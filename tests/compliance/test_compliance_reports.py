"""Each report: what its rows say, its population, and that it never counts wrong."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import text

from scim_connector.administration import connections as connection_doors
from scim_connector.administration import guard
from scim_connector.administration import users as doors
from scim_connector.administration.errors import NotPossible
from scim_connector.administration.users import NewUser
from scim_connector.compliance import reports
from scim_connector.compliance.period import instant, period
from scim_connector.compliance.reports import KINDS, Asked, Report, changes
from scim_connector.compliance.reports.report import instant as shown
from scim_connector.delivery.retention import Retention
from scim_connector.directory import roles, seals, users
from scim_connector.directory.database import Database
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import api_keys
from scim_connector.rules.events import EVENTS
from scim_connector.rules.users import UserType
from tests.access import key, let_in, put
from tests.house import Provider, now, operator, patch_of, person, provider

DAY = 86_400_000_000


def _asked(**more: Any) -> Asked:
    """About everything that has happened on the clock of these tests."""
    present = now()
    every = period("2025..2035")
    return replace(Asked(now=present, at=present, period=every), **more)


def _rows(made: Report) -> list[dict[str, Any]]:
    return list(made.whole()["rows"])


def _made(database: Database, name: str, **more: Any) -> Report:
    return reports.made(database, name, _asked(**more))


def _add(database: Database, email: str, **more: Any) -> users.User:
    new = NewUser(email=email, first_name="Bo", last_name="Local", mail=False, **more)
    return database.write(lambda tx: doors.add(tx, new, operator()))


def _joined(entra: Provider, name: str) -> str:
    return str(entra.post(person(name, externalId=name)).id)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.id)
def test_a_report_tells_its_population(database: Database, kind: reports.Kind) -> None:
    """Rows, time and the hash of the CSV file, which can be counted again (D35)."""
    entra = provider(database)
    link = _joined(entra, "kim.doe@x.org")
    entra.patch(link, patch_of(active=False))
    _add(database, "=cmd@x.org", username="formula.user")

    made = _made(database, kind.id)
    body = "".join(made.csv()).encode()
    rows = list(csv.reader(io.StringIO(body.decode(), newline="")))
    whole = json.loads(made.json())

    assert whole["population"]["csv_sha256"] == sha256(body).hexdigest()
    assert whole["population"]["rows"] == len(rows) - 1 == len(whole["rows"])
    assert tuple(rows[0]) == kind.columns
    assert whole["cannot_see"]
    assert made.summary
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row)


def test_an_unknown_report_names_those_there_are(database: Database) -> None:
    """And the future is refused."""
    with pytest.raises(NotPossible, match="there are: access, leavers, joiners"):
        _made(database, "everything")
    with pytest.raises(NotPossible, match="future"):
        _made(database, "access", at=now() + DAY)


def test_the_access_list_has_everybody(database: Database) -> None:
    """Active and inactive, where roles come from, and who manages whom."""
    entra = provider(database)
    database.write(lambda tx: roles.add(tx, "Registrar"))
    link = _joined(entra, "kim.doe@x.org")
    user = entra.user(link)
    database.write(lambda tx: doors.give_role(tx, user, "Registrar", operator()))
    _add(database, "bo@x.org", active=False)

    kim, bo = _rows(_made(database, "access"))

    assert (kim["active"], kim["managed_by"]) == ("yes", "entra")
    assert (kim["roles"], kim["roles_through"]) == (
        "Registrar",
        "Registrar: given here",
    )
    assert (bo["active"], bo["managed_by"]) == ("no", "Not managed by a provider")


def test_leavers_are_timed_from_the_request(database: Database) -> None:
    """With what was ended; the share within the target is said."""
    entra = provider(database)
    link = _joined(entra, "kim.doe@x.org")
    database.write(lambda tx: let_in(tx, entra.user(link)))
    entra.patch(link, patch_of(active=False))

    made = _made(database, "leavers")
    (kim,) = _rows(made)

    assert (kim["username"], kim["connection"]) == ("kim.doe@x.org", "entra")
    assert kim["sessions"].startswith("1 at ")
    assert kim["cut_ms"] >= 0
    assert "of 1 (" in made.summary[0]
    assert _rows(_made(database, "leavers", period=period("1999"))) == []


def test_joiners_have_a_source_and_their_roles(database: Database) -> None:
    """Who was created, came back active, or was linked again while inactive."""
    entra = provider(database)
    database.write(lambda tx: roles.add(tx, "Registrar"))
    link = _joined(entra, "kim.doe@x.org")
    _add(database, "bo@x.org", roles=("Registrar",))
    _add(database, "cy@x.org", active=False)
    entra.patch(link, patch_of(active=False))
    entra.patch(link, patch_of(active=True))
    entra.delete(link)
    _joined(entra, "kim.doe@x.org")

    found = _rows(_made(database, "joiners"))

    assert [(row["how"], row["connection"]) for row in found] == [
        ("created", "entra"),
        ("created", None),
        ("created inactive", None),
        ("made active again", "entra"),
        ("was inactive and came back", "entra"),
    ]
    assert found[1]["roles"] == "Registrar"
    assert found[1]["by"] == "cli:ann"


def test_exceptions_are_named_by_kind(database: Database) -> None:
    """Local accounts, API users, endless and unused credentials, fields changed here."""
    entra = provider(database)
    database.write(
        lambda tx: connection_doors.create_token(
            tx, entra.connection, pepper=b"x" * 32, expires_at=None, act=operator()
        )
    )
    link = _joined(entra, "kim.doe@x.org")
    user = entra.user(link)
    _add(database, "bo@x.org")
    _add(database, "robot@x.org", api_user=True)
    database.write(
        lambda tx: doors.edit(
            tx, user, {"first_name": "Kimi"}, operator(), override=True
        )
    )
    later = now() + 200 * DAY

    found = _rows(_made(database, "exceptions", now=later, at=later))

    kinds = {row["exception"] for row in found}
    assert kinds == {
        "Not managed by a provider",
        "API user",
        "Credential without an end",
        "Credential not used",
        "Never signed in",
        "Changed here",
        "Last Administrator",
    }
    (changed,) = [row for row in found if row["exception"] == "Changed here"]
    assert (changed["what"], changed["detail"]) == ("kim.doe@x.org", "first_name")
    (robot,) = [row for row in found if row["exception"] == "API user"]
    assert "created by cli:ann" in robot["detail"]


def test_who_came_back_lately_may_have_never_signed_in_yet(database: Database) -> None:
    """The days count from when somebody last got access, not from their creation."""
    back = _add(database, "back@x.org", active=False)
    _add(database, "idle@x.org")
    later = now() + 200 * DAY
    recent = replace(operator(), now=later - 5 * DAY)
    database.write(lambda tx: doors.reactivate(tx, back, recent))

    found = _rows(_made(database, "exceptions", now=later, at=later))
    after = _rows(_made(database, "exceptions", now=later + 100 * DAY))

    never = [row["what"] for row in found if row["exception"] == "Never signed in"]
    assert never == ["idle@x.org"]
    since = {
        row["what"]: row["since"]
        for row in after
        if row["exception"] == "Never signed in"
    }
    assert since["back@x.org"] == shown(recent.now)
    assert since["idle@x.org"] != since["back@x.org"]


def test_who_is_left_at_a_retired_connection_is_an_exception(
    database: Database,
) -> None:
    """Nobody would end their access, in no report or sheet that says who manages them."""
    entra = provider(database)
    _joined(entra, "kim.doe@x.org")
    database.write(lambda tx: connection_doors.retire(tx, entra.connection, operator()))

    found = _rows(_made(database, "exceptions"))
    (listed,) = _rows(_made(database, "access"))

    (kim,) = [row for row in found if row["exception"] == "Not managed by a provider"]
    assert (kim["what"], kim["of"]) == ("kim.doe@x.org", "entra, retired")
    assert listed["managed_by"] == "Not managed (was entra, retired)"


def test_a_key_that_has_expired_is_no_exception(database: Database) -> None:
    """It opens nothing any more, so nobody is asked why it is not used."""
    robot = _add(database, "robot@x.org", api_user=True)
    later = now() + 200 * DAY
    database.write(lambda tx: put(tx, api_keys, **key(robot, "old", expires_at=DAY)))
    database.write(lambda tx: put(tx, api_keys, **key(robot, "live")))

    found = _rows(_made(database, "exceptions", now=later, at=later))

    named = {row["what"] for row in found if row["exception"] == "Credential not used"}
    assert named == {"API key live"}
    (program,) = [row for row in found if row["exception"] == "API user"]
    assert program["detail"].startswith("active, 1 keys")


def test_rule_proof_finds_what_the_rules_forbid(database: Database) -> None:
    """All 0 as long as the database refuses it; counted, not believed, where not."""
    _add(database, "bo@x.org", username="bo.local")
    _add(database, "cy@x.org", username="cy.local")
    assert {row["found"] for row in _rows(_made(database, "rule-proof"))} == {0}

    constraint = "uq_users_initials_key"
    if database.dialect == "sqlite":
        spoil = "UPDATE users SET username = 'no good' WHERE username = 'bo.local'"
    else:
        drop = Statement(text(f"ALTER TABLE users DROP CONSTRAINT {constraint}"))
        database.write(lambda tx: tx.run(drop))
        spoil = "UPDATE users SET initials_key = 'same'"
    database.write(lambda tx: tx.run(Statement(text(spoil))))

    made = _made(database, "rule-proof")
    (broken,) = [row for row in _rows(made) if row["holds"] == "no"]
    assert broken["found"] == 1
    assert "form" in broken["must_be_0"] or "initials" in broken["must_be_0"]
    assert made.summary == ("1 rules are broken.",)


def test_differences_say_whose_value_it_is(database: Database) -> None:
    """Held inactive, and changed here against the provider (D19, D28)."""
    entra = provider(database)
    link = _joined(entra, "kim.doe@x.org")
    user = entra.user(link)
    assert _rows(_made(database, "differences")) == []

    values = {"first_name": "Kimi"}
    database.write(lambda tx: doors.edit(tx, user, values, operator(), override=True))
    database.write(lambda tx: doors.deactivate(tx, user, operator()))
    entra.patch(link, patch_of(active=True))

    made = _made(database, "differences")
    assert [tuple(row.values()) for row in _rows(made)] == [
        ("kim.doe@x.org", "entra", "active", "active", "inactive", "Held inactive"),
        ("kim.doe@x.org", "entra", "first_name", "Kim", "Kimi", "Changed here"),
    ]
    assert made.summary == ("1 of 1 managed users differ.",)


def test_changes_of_the_configuration_have_an_author(database: Database) -> None:
    """And nobody's daily life is among them."""
    entra = provider(database)
    database.write(
        lambda tx: connection_doors.change(
            tx, entra.connection, {"strict": True}, operator()
        )
    )
    _joined(entra, "kim.doe@x.org")

    (change,) = _rows(_made(database, "changes"))

    assert (change["event"], change["by"]) == ("connection:changed", "cli:ann")
    assert "strict" in change["facts"]
    assert all(name in EVENTS for name in changes.NAMES)
    assert not any(name.startswith(("user:", "session")) for name in changes.NAMES)


#: What events are about that tell of people and their access.
OF_PEOPLE = {
    *("user", "sessions", "session", "resets", "password", "link", "mail", "email"),
    *("factor", "api_keys", "api_tokens", "api_token", "access_token", "conflict"),
    "last_administrator",
}
#: What a provider does, what happens by itself, and what sets nothing up.
NOTHING_SET_UP = {
    *("group:created", "group:changed", "group:removed", "database:backup"),
    *("sign_in:refused", "sign_in:bound", "api_app:user_removed"),
}


def test_every_event_that_sets_something_up_is_a_change() -> None:
    """A new event is in the report, or somebody said here that it is none."""
    left = {name for name in EVENTS if name not in changes.NAMES}

    of_people = {name for name in left if name.partition(":")[0] in OF_PEOPLE}
    assert left - of_people == NOTHING_SET_UP


def test_who_sets_the_guard_is_told(database: Database) -> None:
    """Whoever switches it off before a mass change is in the report."""
    entra = provider(database)
    off = {"is_on": False}
    database.write(
        lambda tx: guard.set_threshold(
            tx, entra.connection, "deactivations", off, operator()
        )
    )

    (change,) = _rows(_made(database, "changes"))

    assert (change["event"], change["by"]) == ("guard:changed", "cli:ann")


def test_what_retention_let_go_of_is_said(database: Database) -> None:
    """An access list of before is refused; a period says where it begins."""
    _add(database, "bo@x.org")
    seals.seal(database, now=now())
    _add(database, "cy@x.org")
    seals.seal(database, now=now())
    before = now() - 100 * DAY
    retention = Retention(None, DAY)
    later = now() + 2 * DAY
    for _ in range(5):
        retention.round(database, later)

    with pytest.raises(NotPossible, match="who had access before cannot be told"):
        _made(database, "access", now=later, at=before)
    joiners = _made(database, "joiners", now=later)
    assert "what happened before is not in here" in joiners.summary[-1]
    assert len(_rows(_made(database, "access", now=later, at=later))) == 2


def test_the_classic_types_are_in_the_access_list(database: Database) -> None:
    """Whoever came by import is a user like others."""
    _add(database, "tea@x.org", user_type=UserType.TEACHER)

    (teacher,) = _rows(_made(database, "access"))

    assert teacher["type"] == "teacher"


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("2026", "2026-01-01", "2027-01-01"),
        ("2026Q4", "2026-10-01", "2027-01-01"),
        ("2026-12", "2026-12-01", "2027-01-01"),
        ("2026-02-28", "2026-02-28", "2026-03-01"),
        ("2026-10-05..2026-10-06", "2026-10-05", "2026-10-07"),
        ("2025Q4..2026Q1", "2025-10-01", "2026-04-01"),
    ],
)
def test_a_period_is_read(asked: str, start: str, end: str) -> None:
    """From the first instant of its first day up to the end of its last (UTC)."""
    found = period(asked)

    assert found.start == instant(f"{start}T00:00")
    assert found.end == instant(f"{end}T00:00")
    assert found.holds(found.start)
    assert not found.holds(found.end)


@pytest.mark.parametrize("asked", ["", "Q4", "2026Q5", "2026-13", "2026..2025", "x..y"])
def test_what_is_no_period_is_refused(asked: str) -> None:
    """With how to write one, or that it ends before it begins."""
    with pytest.raises(NotPossible, match=r"write 2026|before it begins"):
        period(asked)


def test_a_day_as_an_instant_is_its_end() -> None:
    """Whoever asks for the access on a day means when that day was over."""
    assert instant("2026-12-31") == instant("2027-01-01T00:00") - 1
    with pytest.raises(NotPossible, match="no instant"):
        instant("yesterday")
