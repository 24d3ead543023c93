"""Rehearsing connections for tests, and all that a rehearsal must leave alone."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import select

from scim_connector.administration import users as doors
from scim_connector.administration.users import NewUser
from scim_connector.directory import tables
from scim_connector.directory.database import Database
from scim_connector.directory.statements import Statement
from scim_connector.directory.users import User
from scim_connector.provisioning import rehearsal, rehearsal_table
from scim_connector.provisioning.verdicts import Forecast, Verdict
from scim_connector.rules.users import RulesViolated
from tests.house import Provider, now, operator, person, provider

_OF_A_USER = (
    tables.users,
    tables.assignments,
    tables.outbox,
    tables.sessions,
    tables.password_resets,
)
_AUDIT = Statement(
    select(tables.audit_events)
    .where(tables.audit_events.c.user_id.is_not(None))
    .order_by(tables.audit_events.c.id)
)


def digest(database: Database) -> str:
    """All that a rehearsal must leave alone, in a word."""
    reader = database.reader()
    found: list[Any] = [reader.rows(_AUDIT)]
    for table in _OF_A_USER:
        found.append(sorted(map(repr, reader.rows(Statement(select(table))))))
    return sha256(repr(found).encode()).hexdigest()


def local_user(database: Database, email: str, **more: Any) -> User:
    """A person who exists here, entered by an administrator."""
    new = NewUser(email=email, first_name="Bo", last_name="Local", mail=False, **more)
    return database.write(lambda tx: doors.add(tx, new, operator()))


def rehearsing(database: Database, **settings: Any) -> Provider:
    """A provider at a new connection that rehearses."""
    return provider(database, state="rehearsing", **settings)


def look_at(entra: Provider) -> Forecast:
    """What going live would do now."""
    return rehearsal.outcome(entra.database, entra.connection, now=now())


def table(entra: Provider) -> list[Verdict]:
    """What was said of everybody when they came."""
    rows = rehearsal_table.rows(entra.database.reader(), entra.connection)
    return [row.verdict for row in rows]


def go_live(entra: Provider, **more: Any) -> Forecast:
    """End the rehearsal, or carry out who is left."""
    return rehearsal.go_live(entra.database, entra.connection, operator(), **more)


def first_cycle(database: Database) -> tuple[Provider, dict[str, str]]:
    """Six people: two exist here, three are new, one is refused; ids by userName."""
    for name in ("ann", "ben"):
        local_user(database, f"{name}@contoso.com")
    entra = rehearsing(database, link_existing="email")
    ids = {
        name: str(entra.post(sent(name, number)).id)
        for number, name in enumerate(("ann", "ben", "cat", "dan", "eve"))
    }
    with pytest.raises(RulesViolated):
        entra.post({**sent("fay", 9), "emails": [{"value": "nothing"}]})
    return entra, ids


def sent(name: str, number: int) -> dict[str, Any]:
    """A person as the provider sends one; *number* makes the externalId."""
    named = {"givenName": name.title(), "familyName": "Doe"}
    return person(f"{name}@contoso.com", externalId=f"e{number}", name=named)
