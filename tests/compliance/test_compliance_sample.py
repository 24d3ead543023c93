"""A page for each person an auditor names, and a line for each who is not found."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from time import perf_counter_ns
from typing import Any

import pytest

from scim_connector.accounts import Act
from scim_connector.administration import users as doors
from scim_connector.administration.connections import retire
from scim_connector.administration.errors import NotPossible
from scim_connector.administration.users import NewUser
from scim_connector.compliance import printed, sample
from scim_connector.compliance.reports.report import instant
from scim_connector.compliance.sample_finding import Course, finding
from scim_connector.compliance.sample_rows import TEMPLATE, read
from scim_connector.directory import roles, users
from scim_connector.directory.database import Database
from scim_connector.rules.actors import Actor
from tests.access import let_in
from tests.house import now, operator, patch_of, person, provider


def _made(database: Database, text: str) -> sample.Sample:
    return sample.made(database, read(text), now())


def test_each_person_has_a_page(database: Database) -> None:
    """First access, who let them in, each cut-off with its request, the history."""
    entra = provider(database)
    database.write(lambda tx: roles.add(tx, "Registrar"))
    link = str(entra.post(person("kim.doe@x.org")).id)
    user = entra.user(link)
    database.write(lambda tx: doors.give_role(tx, user, "Registrar", operator()))
    database.write(lambda tx: let_in(tx, user))
    entra.patch(link, patch_of(active=False))

    (page,) = _made(database, "email\nKIM.doe@x.org\n").pages

    assert page.user.id == user.id
    assert page.roles == ["Registrar"]
    assert page.source == "entra"
    assert "created by connection:entra" in page.approved_by
    assert "Registrar given by cli:ann on 20" in page.approved_by
    (cut,) = page.cuts
    assert cut.by == "connection:entra"
    assert cut.ended["sessions"] == {"nextgen": 1, "classic": 1}
    assert cut.request_id is not None
    assert page.finding == f"Cut off at {cut.cut_at}."
    assert page.history[0][1] == "A user was created."


def _cuts(database: Database) -> Sequence[sample.Cut]:
    return _made(database, "username\nkim.doe@x.org\n").pages[0].cuts


@pytest.mark.parametrize(("days", "said"), [(-2, "after that day"), (2, "before its")])
def test_the_day_of_hr_is_compared(database: Database, days: int, said: str) -> None:
    """How long after the end of that day, or before it, access ended."""
    entra = provider(database)
    link = str(entra.post(person("kim.doe@x.org")).id)
    entra.patch(link, patch_of(active=False))
    (asked_at,) = [cut.asked_at for cut in _cuts(database)]
    day = date.fromisoformat(asked_at[:10]) + timedelta(days=days)

    (page,) = _made(database, f"username,left_on\nkim.doe@x.org,{day}\n").pages

    assert said in (page.cuts[0].after_left or "")
    assert str(day) in page.finding


def test_who_should_have_left_is_a_finding(database: Database) -> None:
    """HR names a day, and the account is still active."""
    entra = provider(database)
    entra.post(person("kim.doe@x.org"))

    (page,) = _made(database, "name,left_on\nKim Doe,2025-01-31\n").pages

    assert page.finding == "Still active, although HR says they left on 2025-01-31."


DAY = 24 * 3_600_000_000


def _lived(database: Database, *moves: tuple[str, int]) -> int:
    """A person added 400 days ago, cut off and back so many days ago; the present."""
    present = now()

    new = NewUser(email="kim@x.org", first_name="Kim", last_name="D", mail=False)
    user = database.write(lambda tx: doors.add(tx, new, _act(present - 400 * DAY)))
    for move, days in moves:
        door = doors.deactivate if move == "cut" else doors.reactivate
        _move(database, user.id, door, _act(present - days * DAY))
    return present


def _act(at: int) -> Act:
    return Act(Actor.operator("ann"), at, started=perf_counter_ns())


def _move(database: Database, user_id: int, door: Any, act: Act) -> None:
    database.write(lambda tx: door(tx, users.required(tx, user_id), act))


def _finding(database: Database, present: int, days: int) -> str:
    """What is found of somebody who left so many days ago by HR."""
    day = (instant(present - days * DAY) or "")[:10]
    (page,) = _made(database, f"email,left_on\nkim@x.org,{day}\n").pages
    return page.finding.replace(day, "DAY", 1)


def test_who_came_back_was_cut_off_that_day(database: Database) -> None:
    """Active again is no finding against HR's day, and the page says since when."""
    present = _lived(database, ("cut", 240), ("back", 100))

    found = _finding(database, present, 240)

    since = instant(present - 100 * DAY)
    assert re.fullmatch(
        rf"Cut off 0 days \d+ hours before its end \(DAY\); active again since {since}\.",
        found,
    )


def test_who_left_again_is_judged_by_the_cut_of_the_day(database: Database) -> None:
    """Not by the newest one, which is named beside it."""
    present = _lived(database, ("cut", 240), ("back", 100), ("cut", 0))

    found = _finding(database, present, 240)

    assert "Cut off 0 days" in found
    assert "before its end (DAY); active again later, and cut off at 20" in found


def test_a_late_cut_is_the_first_after_the_day(database: Database) -> None:
    """Who was active at the end of that day, and came back after the late cut."""
    present = _lived(database, ("cut", 300), ("back", 250), ("cut", 230), ("back", 9))

    found = _finding(database, present, 240)

    assert re.match(r"Cut off (9|10) days \d+ hours after that day \(DAY\); ", found)


def test_who_came_back_and_should_have_left_is_a_finding(database: Database) -> None:
    """A cut-off before they came back is none of the day they should have left."""
    present = _lived(database, ("cut", 300), ("back", 250))

    found = _finding(database, present, 240)

    assert found == "Still active, although HR says they left on DAY."


def test_a_day_to_come_is_no_finding(database: Database) -> None:
    """They are active, as they should be; who is cut off already is so before it."""
    present = _lived(database)
    ahead = _finding(database, present, -3)
    user = users.by_email_key(database.reader(), "kim@x.org")
    assert user is not None
    _move(database, user.id, doors.deactivate, _act(present))

    gone = _finding(database, present, -3)

    assert ahead == "Active; HR says they leave on DAY."
    assert re.fullmatch(r"Cut off 3 days \d+ hours before its end \(DAY\)\.", gone)


@pytest.mark.parametrize(
    ("active", "back", "said"),
    [
        (
            True,
            [9 * DAY],
            "Inactive on that day (1970-01-05), with no cut-off on record;",
        ),
        (False, [], "Inactive since they were created; there was nothing to cut off."),
    ],
)
def test_who_was_never_cut_off_is_said(
    active: bool, back: list[int], said: str
) -> None:
    """Added inactive, and made active later or not."""
    course = Course(active=active, cuts=[], back=back, now=20 * DAY)

    assert finding(course, "1970-01-05").startswith(said)


def test_who_came_back_without_a_record_of_it_is_active_again() -> None:
    """Events are forgotten after a while, and cut-offs are not."""
    course = Course(active=True, cuts=[4 * DAY], back=[], now=20 * DAY)

    assert finding(course, "1970-01-04").endswith("(1970-01-04); active again.")


def test_whom_a_retired_connection_left_is_managed_by_nobody(
    database: Database,
) -> None:
    """And the page says who did (decision 13)."""
    entra = provider(database)
    entra.post(person("kim.doe@x.org"))
    database.write(lambda tx: retire(tx, entra.connection, operator()))

    (page,) = _made(database, "username\nkim.doe@x.org\n").pages

    assert page.source == "Not managed (was entra, retired)"


def test_who_is_not_found_is_listed_with_the_reason(database: Database) -> None:
    """A stranger, an id that is none, and a name that two people have."""
    for email in ("a@x.org", "b@x.org"):
        new = NewUser(email=email, first_name="Kim", last_name="Doe", mail=False)
        database.write(lambda tx, new=new: doors.add(tx, new, operator()))

    made = _made(database, "id,name\n99,\nx,\n,Kim Doe\n,Who Else\n")

    whys = [why for _, why in made.missing]
    assert whys[0] == whys[1] == "Nobody here has this id, active or not."
    assert whys[2].startswith("2 people have this name (")
    assert whys[3] == "Nobody here has this name, active or not."
    assert made.pages == []
    assert [line[0] for line in sample.lines(made)] == [
        "99",
        "x",
        "Kim Doe",
        "Who Else",
    ]


def test_a_sample_is_printed_with_everything_escaped(database: Database) -> None:
    """What a provider sent stands in it as text."""
    entra = provider(database)
    bad = "<script>alert(1)</script>"
    entra.post(person("kim.doe@x.org", name={"givenName": bad, "familyName": "D"}))

    made = _made(database, "email\nkim.doe@x.org\nno@x.org\n")
    page = printed.sample(made, style="p { color: black }")

    assert bad not in page
    assert "&lt;script&gt;" in page
    assert "no@x.org: Nobody here has this email" in page
    assert "<style>p { color: black }</style>" in page


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "first line must name"),
        ("department\nx\n", "first line must name"),
        ("email\n", "no rows"),
        ("email,left_on\na@x.org,31.12.2026\n", 'left_on "31.12.2026" is no day'),
        ("email\n\n ,\n", "names nobody"),
        ("id\n" + "1\n" * 1001, "1000 people at most"),
    ],
)
def test_a_list_that_cannot_be_read_says_what_to_change(text: str, said: str) -> None:
    """With the line, where there is one."""
    with pytest.raises(NotPossible, match=said):
        read(text)


def test_the_template_is_a_list() -> None:
    """Whoever starts from it has a list that can be read."""
    (row,) = read(TEMPLATE)

    assert (row.column, row.left_on) == ("email", "2026-11-30")
