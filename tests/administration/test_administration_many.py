"""Many people at once: import, rollout, and a new mapping over everybody."""

from __future__ import annotations

import csv
import io
import json

import pytest

from scim_connector.administration import importing, shipped, user_files
from scim_connector.administration import users as doors
from scim_connector.administration.connections import retire
from scim_connector.administration.importing import Unreadable
from scim_connector.administration.users import NewUser
from scim_connector.directory import mapping_versions, roles, users
from scim_connector.directory.connections import by_id
from scim_connector.directory.database import Database
from scim_connector.directory.users import Query
from scim_connector.mapping import language
from scim_connector.provisioning import exports, plans, rollout
from scim_connector.provisioning.exports import UnknownExport
from scim_connector.provisioning.plans import TooManyChanges
from scim_connector.rules.permissions import CREATE_USERS
from tests.house import events_of, now, operator, person, provider, topics

HEADER = "username,email,initials,first_name,last_name,type,active,roles,api_user\n"


def _imported(database: Database, text: str, **how: bool) -> importing.Report:
    rows = importing.read(text)
    importing.judge(database.reader(), rows)
    return importing.write(database, rows, operator(), **how)


def test_the_template_is_a_good_file(database: Database) -> None:
    """What --template prints can be imported once its roles exist."""
    for name in ("registrar", "finance"):
        database.write(lambda tx, name=name: roles.add(tx, name))
    rows = importing.read(importing.TEMPLATE)
    importing.judge(database.reader(), rows)

    assert [row.problems for row in rows] == [
        ['There is no profile "Standard office"; add it first.'],
        [],
    ]


def test_users_of_the_classic_application_come_in(database: Database) -> None:
    """The import is the one door for teachers; no mail unless asked (D20, D34)."""
    report = _imported(
        database, HEADER + "bo.teacher,bo@x.example,BT,Bo,T,Teacher Only,yes,,no\n"
    )

    made = users.by_username_key(database.reader(), "bo.teacher")
    assert made is not None
    assert (report.created, made.user_type) == (1, "teacher_only")
    assert topics(database) == []


def test_the_same_file_again_changes_nothing(database: Database) -> None:
    """The same username is the same person: changes only where the file differs."""
    text = HEADER + "ann.lee,ann@x.example,AL,Ann,Lee,,yes,,no\n"
    _imported(database, text)

    again = _imported(database, text)
    changed = _imported(database, text.replace("Lee,,yes", "Roe,,no"))

    after = users.by_username_key(database.reader(), "ann.lee")
    assert after is not None
    assert (again.unchanged, changed.changed) == (1, 1)
    assert (after.last_name, after.active) == ("Roe", False)
    assert "user:deactivated" in events_of(database, after.id)


def test_every_problem_of_every_row_is_found_before_anything(
    database: Database,
) -> None:
    """Rules, twins in the file, unknown roles and wrong words, all at once."""
    rows = importing.read(
        HEADER
        + "ann.lee,ann@x.example,AL,,,,maybe,,no\n"
        + "ann.lee,bad,AL,,,chief,yes,nobody,no\n"
    )
    importing.judge(database.reader(), rows)

    first, second = (" ".join(row.problems) for row in rows)
    assert 'active is "maybe"; write yes or no.' in first
    for told in (
        'username "ann.lee" stands in line 2 already.',
        'initials "AL" stands in line 2 already.',
        'type is "chief"; write one of',
        'There is no role "nobody"',
        'Email "bad" is not valid',
    ):
        assert told in second


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("username,email\n", "missing: initials"),
        ("username,email,initials,emial\n", 'did you mean "email"?'),
        (HEADER, "a header and no rows"),
    ],
)
def test_a_file_that_is_no_list_is_told(text: str, told: str) -> None:
    """A wrong header says what to change."""
    with pytest.raises(Unreadable, match="(?i)" + told.replace("?", r"\?")):
        importing.read(text)


@pytest.mark.parametrize(
    "text",
    [
        HEADER + "ann.lee,ann@x.example,AL\0,Ann,Lee,,yes,,no\n",
        HEADER + '"' + "a" * 200_000 + '"\n',
    ],
)
def test_a_file_that_is_no_text_is_told(text: str) -> None:
    """A NUL, which no database keeps, and a cell without an end."""
    with pytest.raises(Unreadable, match=r"NUL|no CSV"):
        importing.read(text)


def test_semicolons_between_the_cells_are_read() -> None:
    """Spreadsheets write them where the comma stands in numbers; roles keep theirs."""
    (row,) = importing.read(
        HEADER.replace(",", ";") + 'ann.lee;ann@x.example;AL;Ann;Lee;;yes;"a; b";no\n'
    )

    assert (row.cells["email"], row.cells["roles"]) == ("ann@x.example", "a; b")


def test_an_import_judges_by_what_whoever_imports_may_do(database: Database) -> None:
    """Without "Update users" nobody known changes; no role goes further (R21, R33)."""
    database.write(roles.add_administrator)
    admin = NewUser(email="boss@x.example", roles=("Administrator",))
    database.write(lambda tx: doors.add(tx, admin, operator()))
    own = {CREATE_USERS.id}
    rows = importing.read(
        HEADER
        + "boss@x.example,mine@x.example,B,,,,,,no\n"
        + "ann.lee,ann@x.example,AL,,,,,Administrator,no\n"
        + "bo.lee,bo@x.example,BL,,,,,,no\n"
    )

    importing.judge(database.reader(), rows, own=own)

    changed, too_much, fine = (" ".join(row.problems) for row in rows)
    assert 'do not carry "Update users"' in changed
    assert "email of an Administrator cannot be changed by you" in changed
    assert "Administrator allows what you may not do yourself" in too_much
    assert fine == ""


def test_what_came_to_stand_against_a_row_is_found_when_it_is_written(
    database: Database,
) -> None:
    """A row judged for one who may more is refused whole where less is carried."""
    _imported(database, HEADER + "ann.lee,ann@x.example,AL,Ann,Lee,,yes,,no\n")
    rows = importing.read(HEADER + "ann.lee,ann@x.example,AL,Eve,Lee,,no,,no\n")
    importing.judge(database.reader(), rows)

    report = importing.write(database, rows, operator(), own={CREATE_USERS.id})

    after = users.by_username_key(database.reader(), "ann.lee")
    assert after is not None
    assert (report.changed, len(report.refused)) == (0, 1)
    assert (after.first_name, after.active) == ("Ann", True)


def test_a_field_a_provider_manages_is_refused(database: Database) -> None:
    """As at every door: it is changed there, or it is shown as changed here (D19)."""
    entra = provider(database)
    entra.post(person("kim.doe@contoso.com", name={"givenName": "Kim"}))
    held = users.by_username_key(database.reader(), "kim.doe@contoso.com")
    assert held is not None

    report = _imported(
        database,
        "username,email,initials,first_name\n"
        f"{held.username},{held.email},{held.initials},Tim\n",
    )

    assert report.refused == [
        (
            2,
            held.username,
            "first name: managed by connection entra, change it there.",
        )
    ]


def test_a_row_may_change_whom_a_retired_connection_left(database: Database) -> None:
    """Nobody could change them there any more (decision 13)."""
    entra = provider(database)
    held = entra.user(str(entra.post(person("tom@contoso.com")).id))
    database.write(lambda tx: retire(tx, entra.connection, operator()))

    report = _imported(
        database,
        "username,email,initials,first_name\n"
        f"{held.username},{held.email},{held.initials},Tim\n",
    )

    assert (report.refused, report.changed) == ([], 1)


def test_the_last_administrators_do_not_leave_together(database: Database) -> None:
    """Each could go alone; the file takes both, so both rows are refused (R22)."""
    database.write(roles.add_administrator)
    for name in ("ada", "bea"):
        admin = NewUser(email=f"{name}@x.example", roles=("Administrator",))
        database.write(lambda tx, admin=admin: doors.add(tx, admin, operator()))
    found = users.search(database.reader(), Query())
    text = "".join(f"{u.username},{u.email},{u.initials},no\n" for u in found)
    header = "username,email,initials,active\n"
    both = importing.read(header + text)
    one = importing.read(header + text.splitlines()[0] + "\n")

    importing.judge(database.reader(), both)
    importing.judge(database.reader(), one)

    assert [len(row.problems) for row in both] == [1, 1]
    assert "(R22)" in both[0].problems[0]
    assert one[0].problems == []


def test_who_comes_back_by_a_list_keeps_every_rule(database: Database) -> None:
    """Reactivation by import checks everything, and mails nobody (D27, D34)."""
    text = HEADER + "ann.lee,ann@x.example,AL,Ann,Lee,,no,,no\n"
    _imported(database, text)

    report = _imported(database, text.replace(",no,,no", ",yes,,no"))

    after = users.by_username_key(database.reader(), "ann.lee")
    assert after is not None
    assert (report.changed, after.active, topics(database)) == (1, True, [])


def test_a_plan_of_other_users_has_another_fingerprint(database: Database) -> None:
    """The same file means something else once the users have changed."""
    text = HEADER + "ann.lee,ann@x.example,AL,Ann,Lee,,yes,,no\n"

    def seen() -> str:
        rows = importing.read(text)
        importing.judge(database.reader(), rows)
        return importing.fingerprint(rows)

    before, again = seen(), seen()
    _imported(database, text.replace("Lee,,", "Roe,,"))

    assert before == again != seen()


def test_what_is_exported_and_read_back_changes_nobody(database: Database) -> None:
    """Teachers, API users, roles and what a spreadsheet would calculate included."""
    database.write(lambda tx: roles.add(tx, "+1 desk"))
    _imported(
        database,
        HEADER
        + "ann.lee,ann@x.example,AL,-Ann,Lee,,no,+1 desk,no\n"
        + "bo.lee,bo@x.example,BL,Bo,Lee,teacher,yes,,no\n"
        + "cy.lee,cy@x.example,CL,''=Cy,Lee,,yes,,yes\n",
    )
    found = users.search(database.reader(), Query())
    out = io.StringIO()
    writer = csv.DictWriter(out, importing.COLUMNS)
    writer.writeheader()
    writer.writerows(user_files.lines(database.reader(), found))

    rows = importing.read(out.getvalue())
    importing.judge(database.reader(), rows)

    assert {row.action for row in rows} == {"nothing"}, rows
    assert [user.first_name for user in found] == ["-Ann", "Bo", "'=Cy"]
    assert ",'-Ann," in out.getvalue()
    assert ",''=Cy," in out.getvalue()


# --------------------------------------------------------------------------- rollout


def test_a_rollout_tries_everybody_and_keeps_nothing(database: Database) -> None:
    """Collisions among the newcomers show; nobody is there afterwards."""
    local = NewUser(email="old@x.example", first_name="O", last_name="Ld")
    database.write(lambda tx: doors.add(tx, local, operator()))
    entra = provider(database)
    people = [
        (1, person("kim.doe@a.example")),
        (2, person("kim.doe@b.example")),
        (3, person("other@b.example", emails=[{"value": "KIM.doe@a.example"}])),
        (4, {"userName": ""}),
    ]

    result = rollout.forecast(database, entra.connection, people, now=now())

    assert [v.outcome for v in result.verdicts] == [
        "would create",
        "would create",
        "would refuse",
        "would refuse",
    ]
    assert result.verdicts[0].initials != result.verdicts[1].initials
    assert [v.reason for v in result.refused] == ["email_taken", "invalidValue"]
    assert [user.username for user in result.unmatched] == ["old@x.example"]
    assert users.by_email_key(database.reader(), "kim.doe@a.example") is None


@pytest.mark.parametrize(
    "text",
    [
        "userPrincipalName,displayName,givenName,surname,mail,id,accountEnabled\n"
        "kim@x.example,Kim Doe,Kim,Doe,kim.doe@x.example,1,True\n",
        "login,firstName,lastName,email,status\n"
        "kim@x.example,Kim,Doe,kim.doe@x.example,ACTIVE\n",
        json.dumps(
            {
                "userName": "kim@x.example",
                "name": {"givenName": "Kim", "familyName": "Doe"},
                "emails": [{"value": "kim.doe@x.example"}],
                "active": True,
            }
        ),
    ],
    ids=["Entra", "Okta", "JSON Lines"],
)
def test_people_lists_of_providers_are_read(text: str) -> None:
    """Entra's download, Okta's list and SCIM JSON Lines give the same person."""
    ((_, found),) = exports.read(text)

    assert found["userName"] == "kim@x.example"
    assert found["name"] == {"givenName": "Kim", "familyName": "Doe"}
    assert found["emails"][0]["value"] == "kim.doe@x.example"
    assert found["active"] is True


@pytest.mark.parametrize("text", ["name,age\nx,1\n", '{"userName": }\n'])
def test_an_unknown_list_is_told(text: str) -> None:
    """A file of no known form says which forms are, or which line is wrong."""
    with pytest.raises(UnknownExport, match=r"expected SCIM JSON Lines|Line 1"):
        exports.read(text)


# ----------------------------------------------------------------------- a new mapping

BY_NAME = (
    shipped.text("entra")
    .replace('apply      = "on_create"       # sign-in', 'apply = "always" # sign-in')
    .replace(
        "'CleanUsername([userName])',",
        "'CleanUsername(Join(\".\", [name.familyName], [name.givenName]))',",
        1,
    )
)


def test_a_plan_shows_and_keeps_nothing(database: Database) -> None:
    """Mapping plan lists who would change; applying wants their number (D17)."""
    entra = provider(database)
    made = [str(entra.post(person(f"kim{n}@x.example")).id) for n in range(3)]
    new = language.load(BY_NAME, "new.toml")

    plan = plans.plan(database, entra.connection, new, operator())
    with pytest.raises(TooManyChanges, match="--changes 3"):
        plans.apply(database, entra.connection, new, operator())
    before = [entra.user(link_id).username for link_id in made]
    done = plans.apply(database, entra.connection, new, operator(), named=3)

    after = [entra.user(link_id).username for link_id in made]
    assert (plan.people, plan.changed, done.changed) == (3, 3, 3)
    assert before == [f"kim{n}@x.example" for n in range(3)]
    assert after[0] == "doe.kim"
    assert len({*before, *after}) == 6
    connection = by_id(database.reader(), entra.connection.id)
    assert connection is not None
    assert connection.mapping_number == 2
    numbers = [
        v.number for v in mapping_versions.every(database.reader(), connection.id)
    ]
    assert numbers == [1, 2]
