"""A page for each person an auditor names, and a line for each who is not found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from scim_connector.administration import users as doors
from scim_connector.administration.errors import NotPossible
from scim_connector.administration.users import NewUser
from scim_connector.compliance import printed, sample
from scim_connector.compliance.sample_rows import TEMPLATE, read
from scim_connector.directory import roles
from scim_connector.directory.database import Database
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

    (page,) = _made(database, "name,left_on\nKim Doe,2026-01-31\n").pages

    assert page.finding == "Still active, although HR says they left on 2026-01-31."


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
