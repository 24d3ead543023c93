"""What the Admin API writes when the transaction loses a race and is run again."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from scim_connector.administration import users as administration
from scim_connector.administration.users import NewUser
from scim_connector.directory import conflicts, profiles
from scim_connector.directory.database import Database, LostRace, Transaction
from scim_connector.rules.users import RulesViolated
from scim_connector.web.admin_api import conflict_batches, users
from scim_connector.web.admin_api.routes import Visit
from tests.house import operator, person, provider

KIM = "kim.doe@contoso.com"


def losing_once(database: Database) -> Callable[[Callable[[Transaction], Any]], Any]:
    """A ``write`` whose first try is rolled back at its very end."""

    def write(work: Callable[[Transaction], Any]) -> Any:
        tries = iter((True, False))

        def raced(tx: Transaction) -> Any:
            done = work(tx)
            if next(tries):
                raise LostRace
            return done

        return database.write(raced)

    return write


def test_an_edit_that_is_run_again_loses_nothing(database: Database) -> None:
    """The second try writes all that was asked: the name, and the profile too."""
    new = NewUser(email=KIM, first_name="Kim", last_name="Doe", mail=False)
    user = database.write(lambda tx: administration.add(tx, new, operator()))
    database.write(lambda tx: profiles.add(tx, "Staff"))
    visit = SimpleNamespace(
        reader=database.reader(),
        places={"user_id": user.id},
        body={"last_name": " Ray ", "profile": "Staff"},
        act=operator,
        write=losing_once(database),
    )

    answer = users.edit_user(cast("Visit", visit))

    assert (answer["last_name"], answer["profile"]) == ("Ray", "Staff")


def test_a_batch_that_is_run_again_decides_each_once(database: Database) -> None:
    """The second try tells of each what was done, not that it is closed already."""
    new = NewUser(email=KIM, first_name="Kim", last_name="Doe", mail=False)
    database.write(lambda tx: administration.add(tx, new, operator()))
    entra = provider(database)
    with pytest.raises(RulesViolated):
        entra.post(person(KIM))
    (entry,) = conflicts.every(database.reader())
    visit = SimpleNamespace(
        reader=database.reader(),
        body={"remedy": "link", "conflicts": [entry.id, entry.id + 1]},
        act=operator,
        write=losing_once(database),
    )

    told = conflict_batches.decide_conflicts(cast("Visit", visit))

    assert told["decided"] == 1
    assert [each["why_not"] is None for each in told["items"]] == [True, False]
    assert entra.post(person(KIM)).id
