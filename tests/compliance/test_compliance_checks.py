"""What must not be is found, and only that."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from scim_connector.administration import users as doors
from scim_connector.administration.users import NewUser
from scim_connector.compliance import checks
from scim_connector.compliance.period import period
from scim_connector.compliance.reports import Asked
from scim_connector.directory import applications, roles, seals
from scim_connector.directory.database import Database
from scim_connector.directory.statements import Statement
from scim_connector.tokens.secrets import SecretKeys
from scim_connector.tokens.signing import SigningKeys
from tests.access import let_in
from tests.house import now, operator, patch_of, person, provider

SIGNING = SigningKeys(SecretKeys.fresh())


def _found(database: Database, *but: str, later: int = 0) -> set[str]:
    present = now() + later
    asked = Asked(now=present, at=present, period=period("2025..2035"))
    found = checks.findings(database, SIGNING, asked, but=but)
    assert all(each.sentence.endswith(".") for each in found)
    return {each.kind for each in found}


def _administrators(database: Database, *emails: str) -> None:
    if not roles.administrator_ids(database.reader()):
        database.write(roles.add_administrator)
    for email in emails:
        new = NewUser(email=email, last_name="A", mail=False, roles=("Administrator",))
        database.write(lambda tx, new=new: doors.add(tx, new, operator()))


def test_a_sound_house_has_no_finding(database: Database) -> None:
    """Two Administrators, nobody idle, nothing tampered with."""
    provider(database)
    _administrators(database, "a@x.org", "b@x.org")

    assert _found(database) == set()


def test_the_last_administrator_and_idle_people_are_found(database: Database) -> None:
    """And kinds that are left out are not looked at."""
    _administrators(database, "a@x.org")

    assert _found(database, later=200 * 86_400_000_000) == {
        "administrator",
        "never-signed-in",
    }
    assert _found(database, "administrator") == set()


def test_a_changed_record_is_found(database: Database) -> None:
    """The whole chain is checked."""
    _administrators(database, "a@x.org", "b@x.org")
    seals.seal(database, now=now())
    on = "" if database.dialect == "sqlite" else " ON audit_events"
    for statement in (
        f"DROP TRIGGER audit_events_update{on}",
        "UPDATE audit_events SET actor = 'cli:nobody' WHERE id = 1",
    ):
        _run(database, statement)

    assert _found(database) == {"audit"}


def _run(database: Database, statement: str) -> None:
    database.write(lambda tx: tx.run(Statement(text(statement))))


def test_an_application_that_has_not_heard_is_found(database: Database) -> None:
    """After five minutes: access ended here at once, there nobody knows."""
    entra = provider(database)
    _administrators(database, "a@x.org", "b@x.org")
    made: dict[str, Any] = {
        "name": "nextgen",
        "kind": "web",
        "address": None,
        "redirects": (),
        "logout_url": "https://app.example.com/logout",
    }
    database.write(lambda tx: applications.add(tx, made, now=now()))
    link = str(entra.post(person("kim.doe@x.org")).id)
    database.write(lambda tx: let_in(tx, entra.user(link)))
    entra.patch(link, patch_of(active=False))

    assert _found(database, later=3_600_000_000) == {"cut-off"}
