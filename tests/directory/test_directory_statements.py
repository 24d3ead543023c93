"""Statements: whatever SQLAlchemy leaves for later stands in the text that is run."""

from __future__ import annotations

from functools import partial

from sqlalchemy import bindparam, func, select

from scim_connector.directory import roles
from scim_connector.directory import tables as t
from scim_connector.directory.database import Database
from scim_connector.directory.statements import Statement

_NAMES = Statement(
    select(func.aggregate_strings(t.roles.c.name, "\n")).where(
        t.roles.c.name.in_(["Registrar", "Tutor"]), t.roles.c.name != bindparam("but")
    )
)


def test_a_list_of_constants_and_a_literal_reach_the_database(
    database: Database,
) -> None:
    """An IN of constants and the separator of an aggregate are in the SQL that is run."""
    for name in ("Registrar", "Tutor", "Librarian"):
        database.write(partial(roles.add, name=name))

    held = database.reader().value(_NAMES, but="Tutor")

    assert held == "Registrar"
