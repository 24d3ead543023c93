"""Many people at once: import, rollout, and a new mapping over everybody."""

from __future__ import annotations

import json

import pytest

from scim_connector.administration import importing, shipped
from scim_connector.administration import users as doors
from scim_connector.administration.importing import Unreadable
from scim_connector.administration.users import NewUser
from scim_connector.directory import mapping_versions, roles, users
from scim_connector.directory.connections import by_id
from scim_connector.directory.database import Database
from scim_connector.mapping import language
from scim_connector.provisioning import exports, plans, rollout
from scim_connector.provisioning.exports import UnknownExport
from scim_connector.provisioning.plans import TooManyChanges
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
        ['There is no profile "Standard office"; add it first: profile add.'],
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
