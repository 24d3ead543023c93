"""Initials and username chosen anew, and former ones kept for who had them."""

from __future__ import annotations

import random
from typing import Any

import pytest

from scim_connector.administration import naming
from scim_connector.administration import users as doors
from scim_connector.administration.errors import NotPossible
from scim_connector.administration.users import NewUser
from scim_connector.delivery.housekeeping import keep_house
from scim_connector.directory import links, names, users
from scim_connector.directory.database import Database
from scim_connector.directory.users import User
from scim_connector.rules.users import RulesViolated
from scim_connector.scim.errors import ScimError
from scim_connector.scim.types import LOCAL
from tests.house import (
    Provider,
    events_of,
    local,
    operator,
    patch_of,
    person,
    provider,
    topics,
)

KIM = "kim.doe@contoso.com"
DAY = 24 * 3600 * 1_000_000


def _add(database: Database, email: str = KIM, **more: Any) -> User:
    named = {"first_name": "Kim", "last_name": "Doe", "mail": False} | more
    new = NewUser(email=email, **named)
    return database.write(lambda tx: doors.add(tx, new, operator()))


def _recompute(database: Database, user: User, **chosen: str) -> User:
    present = users.required(database.reader(), user.id)
    return database.write(lambda tx: naming.recompute(tx, present, chosen, operator()))


def _states(database: Database, user: User, field: Any) -> dict[str, str]:
    present = users.required(database.reader(), user.id)
    found = naming.candidates(database.reader(), present)[field]
    return {each.value: each.state for each in found.every}


def _married(entra: Provider) -> User:
    """Somebody whose name changed at the provider; nothing local moved by it (D19)."""
    made = entra.post(person(KIM))
    changed = {"givenName": "Kim", "familyName": "Ray"}
    entra.patch(str(made.id), patch_of(name=changed, userName="kim.ray@contoso.com"))
    return entra.user(str(made.id))


def test_candidates_follow_the_mapping_of_the_connection(database: Database) -> None:
    """Present, taken and by whom, free; each with the expression it came from."""
    entra = provider(database)
    other = _add(database, "kr@x.example", initials="KR")
    user = _married(entra)

    found = naming.candidates(database.reader(), user)

    initials = found["initials"]
    assert (initials.present, initials.proposal) == ("KD", "KRA")
    (taken, *_) = initials.every
    assert (taken.value, taken.state, taken.holder) == ("KR", "taken", other)
    assert taken.why == f"taken by {other.username}"
    assert "Initials(" in taken.source
    assert found["username"].proposal == "kim.ray@contoso.com"


def test_who_has_no_provider_gets_what_a_new_user_would(database: Database) -> None:
    """Without a connection the candidates are those of the shipped mapping."""
    user = _add(database, initials="ZZ", username="somebody")

    found = naming.candidates(database.reader(), user)

    assert found["initials"].proposal == "KD"
    assert found["username"].proposal == KIM


def test_a_recompute_changes_what_is_chosen_and_keeps_the_former(
    database: Database,
) -> None:
    """Other initials and username; the former wait for their user; userName stays."""
    entra = provider(database)
    user = _married(entra)
    before = topics(database)

    after = _recompute(database, user, initials="KR", username="kim.ray@contoso.com")

    link = links.of_user(database.reader(), user.id)
    assert link is not None
    seen = entra.get(link.id)
    assert (after.initials, after.username) == ("KR", "kim.ray@contoso.com")
    assert seen[LOCAL]["local"]["username"] == "kim.ray@contoso.com"
    assert seen["userName"] == "kim.ray@contoso.com"
    kept = dict(names.kept_for(database.reader(), user.id))
    assert {field: held.key for field, held in kept.items()} == {
        "initials": "kd",
        "username": KIM,
    }
    told = events_of(database, user.id)
    assert told.count("user:name:kept") == 2
    assert "user:username:changed" in told
    assert topics(database) == before


def test_a_former_value_is_given_to_nobody_else(database: Database) -> None:
    """A newcomer moves on, a stated wish is 409, an edit is refused, all say why (R2)."""
    entra = provider(database)
    user = _married(entra)
    _recompute(database, user, initials="KR", username="kim.ray@contoso.com")
    bob = _add(database, "bob@x.example", initials="BB", username="bobby")
    wish = {LOCAL: {"initials": "KD"}}

    newcomer = local(entra.post(person(KIM, emails=[{"value": "k2@contoso.com"}])))
    with pytest.raises(RulesViolated) as stated:
        entra.post(person("k3@contoso.com", **wish))
    with pytest.raises(RulesViolated) as edited:
        database.write(lambda tx: doors.edit(tx, bob, {"username": KIM}, operator()))

    assert newcomer["initials"] != "KD"
    assert newcomer["username"] != KIM
    assert stated.value.status == 409
    assert 'Initials "KD" are kept for another user for a while (R2).' in str(
        stated.value
    )
    assert "is kept for another user for a while (R7)." in str(edited.value)


def test_its_user_takes_a_former_value_back(database: Database) -> None:
    """What is kept is free for who had it, and taken for who looks at it."""
    user = _add(database, initials="ZZ")
    other = _add(database, "kim@x.example", initials="YY")
    _recompute(database, user, initials="KD")
    database.write(lambda tx: doors.edit(tx, user, {"initials": "ZZ"}, operator()))
    database.write(
        lambda tx: names.keep(tx, "initials", "kd", user_id=user.id, until=DAY)
    )

    mine = _states(database, user, "initials")["KD"]
    theirs = naming.candidates(database.reader(), other)["initials"].every[0]
    back = _recompute(database, user, initials="KD")

    assert mine == "free"
    assert theirs.state == "kept"
    assert theirs.why == f"kept for {user.username} until 1970-01-02"
    assert back.initials == "KD"
    assert _states(database, user, "initials")["KD"] == "present"


def test_after_its_time_a_former_value_is_free(database: Database) -> None:
    """Housekeeping gives it back after 90 days, and not before."""
    user = _add(database, initials="ZZ")
    act = operator()
    database.write(lambda tx: naming.recompute(tx, user, {"initials": "KD"}, act))
    ((_, held),) = names.kept_for(database.reader(), user.id)

    ended = [
        names.has_ended(database.reader(), now=act.now + days * DAY - 1)
        for days in (90, 91)
    ]
    database.write(
        lambda tx: names.keep(tx, "initials", "zz", user_id=user.id, until=1)
    )
    keep_house(database)
    other = _add(database, "bob@x.example", initials="ZZ")

    assert held.until == act.now + 90 * DAY
    assert ended == [False, True]
    assert other.initials == "ZZ"
    assert names.kept_for(database.reader(), user.id) == []


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ({"initials": "QQ"}, 'The mapping does not derive "QQ"'),
        ({"initials": "KD"}, 'Initials "KD" are taken by an active user'),
        ({"initials": "ZZ"}, "has these values already"),
        ({}, "has these values already"),
    ],
)
def test_only_a_free_candidate_is_taken(
    database: Database, chosen: dict[str, str], told: str
) -> None:
    """Any other value is refused with what to do instead; nothing is kept."""
    user = _add(database, initials="ZZ")
    _add(database, "bob@x.example", initials="KD")

    with pytest.raises((NotPossible, RulesViolated), match=told):
        _recompute(database, user, **chosen)

    assert names.kept_for(database.reader(), user.id) == []


def test_what_the_provider_states_is_changed_there(database: Database) -> None:
    """A stated wish has no candidates here (D18)."""
    entra = provider(database)
    made = entra.post(person(KIM, **{LOCAL: {"initials": "XY"}}))
    user = entra.user(str(made.id))

    found = naming.candidates(database.reader(), user)["initials"]

    assert (found.every, found.proposal) == ((), None)
    assert "provider states the initials" in (found.fixed or "")
    with pytest.raises(NotPossible, match="change the value there"):
        _recompute(database, user, initials="KD")


def test_a_number_is_kept_until_something_better_is_free(database: Database) -> None:
    """With every candidate taken the present number stays, or the next one is named."""
    taken = [f"k{n}@x.example" for n in range(12)]
    added = [
        _add(database, email, username=f"user{n:02}") for n, email in enumerate(taken)
    ]
    numbered = added[-1]
    hand = _add(database, "hand@x.example", initials="QQ", username="hand.made")

    mine = naming.candidates(database.reader(), numbered)["initials"]
    next_one = naming.candidates(database.reader(), hand)["initials"]

    assert mine.proposal == mine.present == numbered.initials
    assert next_one.proposal is not None
    assert next_one.proposal not in {u.initials for u in added}
    assert _recompute(database, hand, initials=next_one.proposal).initials


def test_consequences_are_named(database: Database) -> None:
    """What a person and the applications notice, and what stays."""
    entra = provider(database)
    user = _married(entra)
    api = _add(database, "api@x.example", api_user=True, initials="AP")

    both = " ".join(naming.consequences(database.reader(), user))
    one = " ".join(naming.consequences(database.reader(), user, ["initials"]))
    program = " ".join(naming.consequences(database.reader(), api))

    assert "by the new username" in both
    assert "X-Auth-Initials and X-Auth-User" in both
    assert "kim.ray@contoso.com at entra, is not touched" in both
    assert "kept for 90 days" in both
    assert "by the new username" not in one
    assert "X-Auth" not in program


# ---------------------------------------------------------------------------- for ever


@pytest.mark.parametrize("seed", range(4))
def test_a_kept_value_is_never_given_to_another(database: Database, seed: int) -> None:
    """Whatever people and providers do, a kept value has its user or nobody (R2, R7)."""
    dice = random.Random(seed)  # noqa: S311 - a walk that can be repeated
    entra = provider(database)
    people = [
        _add(database, f"p{n}@x.example", username=f"kim.doe{n}") for n in range(4)
    ]

    for step in range(30):
        user = users.required(database.reader(), dice.choice(people).id)
        try:
            _step(dice, database, entra, user, step)
        except (NotPossible, RulesViolated, ScimError):
            continue
        _assert_kept(database)

    assert _kept(database)


def _step(
    dice: random.Random, database: Database, entra: Provider, user: User, step: int
) -> None:
    """Recompute, or want what is kept for somebody, here or by a provider's wish."""
    field = dice.choice(naming.FIELDS)
    former = [key for _, kept, key in _kept(database) if kept == field]
    wanted = dice.choice([*former, getattr(user, field)])
    match dice.randrange(4):
        case 0:
            found = naming.candidates(database.reader(), user)[field]
            wanted = dice.choice([c.value for c in found.every if c.is_possible])
            _recompute(database, user, **{field: wanted})
        case 1:
            database.write(lambda tx: doors.edit(tx, user, {field: wanted}, operator()))
        case 2:
            wish = {LOCAL: {field: wanted}}
            entra.post(person(f"s{step}@contoso.com", **wish))
        case _:
            entra.post(person(f"kim.doe{dice.randrange(4)}@x.example"))


def _kept(database: Database) -> list[tuple[int, str, str]]:
    reader = database.reader()
    found = users.search(reader, users.Query())
    return [
        (user.id, field, held.key)
        for user in found
        for field, held in names.kept_for(reader, user.id)
    ]


def _assert_kept(database: Database) -> None:
    reader = database.reader()
    for user_id, field, key in _kept(database):
        look = users.by_initials_key if field == "initials" else users.by_username_key
        holder = look(reader, key)
        assert holder is None or holder.id == user_id
