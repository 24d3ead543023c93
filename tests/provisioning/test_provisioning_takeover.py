"""How far a change of provider is: counted as people move, those left named with why."""

from __future__ import annotations

import pytest

from scim_connector.administration import connections as administration
from scim_connector.administration import users as doors
from scim_connector.directory import connections
from scim_connector.directory.database import Database
from scim_connector.provisioning import takeover
from scim_connector.provisioning.takeover import Takeover
from scim_connector.rules.users import RulesViolated
from tests import rehearsals
from tests.house import Provider, operator, patch_of, person, provider


def _old(database: Database, *names: str) -> Provider:
    """A provider with these people, each of another name."""
    old = provider(database, "old")
    for name in names:
        old.post(_sent(name))
    return old


def _sent(name: str, user_name: str = "") -> dict[str, object]:
    named = {"givenName": name.capitalize(), "familyName": "Doe"}
    mail = [{"type": "work", "value": f"{name}@contoso.com", "primary": True}]
    return person(user_name or f"{name}@contoso.com", name=named, emails=mail)


def _look(old: Provider) -> Takeover:
    reader = old.database.reader()
    return takeover.look(reader, connections.required(reader, old.connection.id))


def _numbers(state: Takeover) -> tuple[int, int, int]:
    return state.still, state.taken, state.strangers


def test_without_a_new_connection_everybody_is_still_there(database: Database) -> None:
    """The page begins with the number of people there are; nothing is safe yet."""
    state = _look(_old(database, "ann", "ben"))

    assert state.successor is None
    assert _numbers(state) == (2, 0, 0)
    assert not state.is_done


def test_the_numbers_count_down_as_people_move(database: Database) -> None:
    """Whoever is sent again moves; who is new is counted apart; then nobody is left."""
    old = _old(database, "ann", "ben")
    new = provider(database, "new", takes_over=old.connection.id)
    begun = _look(old)

    new.post(_sent("ann"))
    new.post(_sent("zoe"))
    midway = _look(old)
    new.post(_sent("ben"))
    done = _look(old)

    assert (_numbers(begun), begun.has_begun) == ((2, 0, 0), False)
    assert (_numbers(midway), midway.is_done) == ((1, 1, 1), False)
    assert [(each.username, each.why) for each in midway.left] == [
        ("ben@contoso.com", "new has sent nobody with this userName.")
    ]
    assert (_numbers(done), done.is_done, done.left) == ((0, 2, 1), True, [])


def test_inactive_people_hold_nothing_up(database: Database) -> None:
    """Whoever left before the change need not move."""
    old = _old(database, "ann")
    gone = old.post(_sent("ben"))
    old.patch(str(gone.id), patch_of(active=False))
    new = provider(database, "new", takes_over=old.connection.id)

    new.post(_sent("ann"))

    assert _look(old).is_done


def test_an_administrator_who_may_not_move_is_named(database: Database) -> None:
    """The reason says what to change; with it they move at the next request."""
    old = _old(database, "ann")
    user = old.user(str(old.post(_sent("ben")).id))
    database.write(lambda tx: doors.give_role(tx, user, "Administrator", operator()))
    new = provider(database, "new", takes_over=old.connection.id)
    new.post(_sent("ann"))
    with pytest.raises(RulesViolated):
        new.post(_sent("ben"))

    left = _look(old).left
    new.set(may_act_as_administrator=True)
    new.post(_sent("ben"))

    assert [each.user_id for each in left] == [user.id]
    assert "Holds the Administrator role" in left[0].why
    assert _look(old).is_done


def test_a_user_name_that_became_somebody_else_is_told(database: Database) -> None:
    """The new provider's person of that userName was tied to another user before."""
    old = _old(database, "ann")
    new = provider(database, "new")
    other = _sent("ann")
    other["emails"] = [{"type": "work", "value": "other@contoso.com", "primary": True}]
    stranger = new.user(str(new.post(other).id))
    new.set(takes_over=old.connection.id)

    (left,) = _look(old).left

    assert left.why.endswith(f"it stands for {stranger.username}.")


def test_a_rehearsal_says_what_would_become_of_them(database: Database) -> None:
    """Nobody has moved, and who would stay is named; going live makes it so."""
    old = _old(database, "ann", "ben", "cat")
    new = rehearsals.rehearsing(database, takes_over=old.connection.id)
    for name in ("ann", "ben", "zoe"):
        new.post(_sent(name))

    before = _look(old)
    rehearsals.go_live(new)
    after = _look(old)

    assert (_numbers(before), before.is_done) == ((1, 2, 1), False)
    assert [each.username for each in before.left] == ["cat@contoso.com"]
    assert _numbers(after) == (1, 2, 1)


def test_a_retired_one_keeps_its_numbers(database: Database) -> None:
    """Whoever had not moved is active still, and is taken over all the same."""
    old = _old(database, "ann", "ben")
    new = provider(database, "new", takes_over=old.connection.id)
    new.post(_sent("ann"))

    database.write(lambda tx: administration.retire(tx, old.connection, operator()))
    retired = _look(old)
    new.post(_sent("ben"))

    assert _numbers(retired) == (1, 1, 0)
    assert _look(old).is_done


def test_a_retired_successor_takes_over_nobody(database: Database) -> None:
    """One that was given up makes room for another."""
    old = _old(database, "ann")
    wrong = provider(database, "wrong", takes_over=old.connection.id)
    database.write(lambda tx: administration.retire(tx, wrong.connection, operator()))

    assert _look(old).successor is None
