"""Access reviews: what was decided is carried out through the rules, or named."""

from __future__ import annotations

import csv
import io

import pytest

from scim_connector.administration import users as doors
from scim_connector.administration.errors import NotPossible
from scim_connector.administration.users import NewUser
from scim_connector.compliance import review
from scim_connector.directory import assignments, audit, roles, users
from scim_connector.directory.database import Database
from tests.house import now, operator, person, provider


def _add(database: Database, email: str, *given: str) -> users.User:
    new = NewUser(email=email, first_name="Bo", last_name="L", mail=False, roles=given)
    return database.write(lambda tx: doors.add(tx, new, operator()))


def _sheet(database: Database, **decisions: str) -> str:
    """The sheet as it comes back: a decision for each username and item."""
    rows = list(csv.DictReader(io.StringIO("".join(review.sheet(database, now())))))
    out = io.StringIO()
    writer = csv.DictWriter(out, review.FIELDS)
    writer.writeheader()
    for row in rows:
        decision = decisions.get(row["item"], "")
        reviewer = "Head of IT" if decision else ""
        writer.writerow({**row, "decision": decision, "reviewer": reviewer})
    return out.getvalue()


def test_a_sheet_has_each_account_and_each_role(database: Database) -> None:
    """Of active users alone; inactive ones can do nothing."""
    database.write(lambda tx: roles.add(tx, "Registrar"))
    _add(database, "bo@x.org", "Registrar")
    gone = _add(database, "cy@x.org")
    database.write(lambda tx: doors.deactivate(tx, gone, operator()))

    rows = list(csv.DictReader(io.StringIO(_sheet(database))))

    assert [row["item"] for row in rows] == ["account", "Registrar"]
    assert rows[1]["through"] == "given here"


def test_decisions_are_carried_out(database: Database) -> None:
    """A confirmed account stays, a revoked role goes; both are in audit."""
    database.write(lambda tx: roles.add(tx, "Registrar"))
    user = _add(database, "bo@x.org", "Registrar")
    sheet = _sheet(database, account="confirm", Registrar="Revoke")

    done = review.carry_out(database, review.read(sheet), operator())

    assert (done.confirmed, len(done.revoked), done.refused) == (1, 1, [])
    reader = database.reader()
    assert assignments.names_of(reader, [user.id]) == {}
    events = [e for e in audit.of_user(reader, user.id) if e.name == "review:decided"]
    assert len(events) == 2
    assert '"reviewer":"Head of IT"' in events[0].facts


def test_a_revoked_account_is_deactivated_and_held(database: Database) -> None:
    """A dry run keeps it as it is."""
    user = _add(database, "bo@x.org")
    decisions = review.read(_sheet(database, account="revoke"))

    review.carry_out(database, decisions, operator(), dry=True)
    assert users.required(database.reader(), user.id).active
    review.carry_out(database, decisions, operator())

    assert users.required(database.reader(), user.id).held_by == "ann"


def test_what_cannot_be_carried_out_is_named(database: Database) -> None:
    """A role the provider gives; the same sheet a second time."""
    mapping_role = "Registrar"
    entra = provider(database)
    database.write(lambda tx: roles.add(tx, mapping_role))
    link = str(entra.post(person("kim.doe@x.org")).id)
    role_id = roles.by_names(database.reader(), [mapping_role])[mapping_role]
    group = entra.post_group("Registrars", link)
    _tie(database, group, role_id)
    sheet = _sheet(database, account="revoke", Registrar="revoke")

    done = review.carry_out(database, review.read(sheet), operator())
    again = review.carry_out(database, review.read(sheet), operator())

    (refused,) = done.refused
    assert refused.item == mapping_role
    assert "taken back there" in refused.problem
    assert "inactive already" in again.refused[0].problem


def _tie(database: Database, group_id: str, role_id: int) -> None:
    from scim_connector.accounts import groups as account_groups  # noqa: PLC0415
    from scim_connector.directory import groups  # noqa: PLC0415

    def work(tx: object) -> None:
        (group,) = [g for g in groups.every(tx, 1) if g.id == group_id]  # type: ignore[arg-type]
        account_groups.tie(tx, group, role_id, operator(), source="console")  # type: ignore[arg-type]

    database.write(work)


def test_somebody_else_under_the_id_is_not_touched(database: Database) -> None:
    """A sheet whose username is no longer the user's is refused."""
    user = _add(database, "bo@x.org")
    sheet = _sheet(database, account="revoke").replace(user.username, "else.who")

    done = review.carry_out(database, review.read(sheet), operator())

    assert "export the sheet anew" in done.refused[0].problem
    assert users.required(database.reader(), user.id).active


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("user_id,username\n1,x\n", "lacks the columns item, reviewer, decision"),
        (
            "user_id,username,item,reviewer,decision\n1,x,account,,revoke\n",
            "Line 2 has a decision and no reviewer",
        ),
        (
            "user_id,username,item,reviewer,decision\n1,x,account,Ann,maybe\n",
            "neither confirm nor revoke",
        ),
        ("user_id,username,item,reviewer,decision\nx,x,account,,\n", "no user_id"),
        ("user_id,username,item,reviewer,decision\n²,x,account,,\n", '"²" is no'),
        (
            f"user_id,username,item,reviewer,decision\n{'9' * 23},x,account,,\n",
            "no user_id",
        ),
    ],
)
def test_a_sheet_that_cannot_be_read_says_why(text: str, said: str) -> None:
    """With the line, and before anything is carried out."""
    with pytest.raises(NotPossible, match=said):
        review.read(text)


def test_a_sheet_saved_with_semicolons_is_read(database: Database) -> None:
    """As spreadsheets save it where the comma is in numbers."""
    user = _add(database, "bo@x.org")
    rows = csv.reader(io.StringIO(_sheet(database, account="revoke")))
    out = io.StringIO()
    csv.writer(out, delimiter=";").writerows(rows)

    done = review.carry_out(database, review.read(out.getvalue()), operator())

    assert len(done.revoked) == 1
    assert not users.required(database.reader(), user.id).active


def test_the_greatest_user_id_is_refused_as_nobody(database: Database) -> None:
    """A number that fits a sheet and no user is a sentence, not an error."""
    sheet = f"user_id,username,item,reviewer,decision\n{'9' * 18},x,account,A,revoke\n"

    done = review.carry_out(database, review.read(sheet), operator())

    assert "There is no user x with the id 999" in done.refused[0].problem


def test_an_empty_decision_is_left_open(database: Database) -> None:
    """Nothing happens by silence."""
    _add(database, "bo@x.org")

    done = review.carry_out(database, review.read(_sheet(database)), operator())

    assert (done.open, done.confirmed, done.revoked) == (1, 0, [])
