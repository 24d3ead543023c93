"""Undoing a batch: what is put back, what is not and why, and who trades places."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from sqlalchemy import insert

from scim_connector.accounts import Account, Act
from scim_connector.administration import roles as role_doors
from scim_connector.administration import shipped
from scim_connector.administration import users as doors
from scim_connector.administration.errors import NotPossible
from scim_connector.administration.users import NewUser
from scim_connector.compliance import undo
from scim_connector.compliance.undo import Report, Wish
from scim_connector.directory import (
    assignments,
    audit,
    connections,
    links,
    mapping_versions,
    profiles,
    roles,
    users,
)
from scim_connector.directory.database import Database, LostRace
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import audit_events
from scim_connector.mapping import language
from scim_connector.provisioning import plans
from scim_connector.rules.actors import Actor
from scim_connector.rules.events import Event
from scim_connector.rules.permissions import ALL
from tests.house import (
    Provider,
    events_of,
    now,
    operator,
    patch_of,
    person,
    provider,
    shown,
    topics,
)


def _undone(database: Database, wish: Wish | None = None, **batch: Any) -> Report:
    found = undo.find(database.reader(), **batch)
    return undo.run(database, found, operator(), wish or Wish())


def _plan(database: Database, **batch: Any) -> undo.Plan:
    found = undo.find(database.reader(), **batch)
    return undo.make(database.reader(), found, operator().actor)


def _add(database: Database, name: str, **more: Any) -> int:
    values = {"email": f"{name}@x.example", "initials": name[-2:], "username": name}
    new = NewUser(**(values | more))
    return database.write(lambda tx: doors.add(tx, new, operator())).id


def _person(database: Database, name: str, *, is_administrator: bool = True) -> Actor:
    """Somebody at the console, who is a user here."""
    user_id = _add(database, name, initials=name[:3].upper())
    return Actor.console(name, user_id, is_administrator=is_administrator)


def _edit(database: Database, user_id: int, act: Act | None = None, **new: str) -> None:
    act = act or operator()
    database.write(
        lambda tx: doors.edit(tx, users.required(tx, user_id), new, act, override=True)
    )


def _name(database: Database, user_id: int) -> str:
    return users.required(database.reader(), user_id).username


def _why(report: Report) -> list[str]:
    return [line.why for line in report.of(undo.NOT_RESTORED)]


# ------------------------------------------------------------------------- one person


def test_the_values_before_a_change_are_put_back(database: Database) -> None:
    """Every field, its events named by the undo, and nothing else is touched."""
    database.write(lambda tx: profiles.add(tx, "Office"))
    kim = _add(database, "kim.doe", first_name="Kim", last_name="Doe", profile="Office")
    began = now()
    _edit(
        database,
        kim,
        username="kim.roe",
        email="roe@x.example",
        initials="KR",
        last_name="Roe",
    )
    database.write(
        lambda tx: doors.set_profile(tx, users.required(tx, kim), None, operator())
    )

    report = _undone(database, user="kim.roe", since=began)
    user = users.required(database.reader(), kim)
    told = audit.of_user(database.reader(), kim)
    restored = next(e for e in told if e.name == "user:values:restored")

    assert (user.username, user.email, user.initials) == (
        "kim.doe",
        "kim.doe@x.example",
        "oe",
    )
    assert (user.first_name, user.last_name) == ("Kim", "Doe")
    assert profiles.name(database.reader(), user.profile_id or 0) == "Office"
    assert len(report.of(undo.RESTORED)) == 5
    assert len(orjson.loads(restored.facts)["undoes"]) == 5
    assert topics(database).count("mail:email-changed") == 2
    done = audit.newest_named(database.reader(), ["undo:done"], at_most=1)[0]
    assert orjson.loads(done.facts)["restored"] == 5


def test_undoing_again_does_only_what_is_left(database: Database) -> None:
    """The second run writes no event about anybody, with the end of the span or not."""
    kim = _add(database, "kim.doe")
    began = now()
    _edit(database, kim, username="kim.roe")
    _undone(database, user="kim.roe", since=began)
    before = events_of(database, kim)

    again = _undone(database, user="kim.doe", since=began)

    assert [line.result for line in again.lines] == [undo.AS_IT_WAS]
    assert events_of(database, kim) == before
    assert again.people == 0


def test_what_another_hand_changed_since_stays(database: Database) -> None:
    """The report says who changed it and when; other fields are put back."""
    kim = _add(database, "kim.doe", last_name="Doe")
    began = now()
    _edit(database, kim, username="kim.roe", last_name="Roe")
    ended = now()
    bob = Act(_person(database, "bob.b"), now())
    _edit(database, kim, bob, username="kim.poe")

    report = _undone(database, user="kim.poe", since=began, until=ended)

    user = users.required(database.reader(), kim)
    assert (user.username, user.last_name) == ("kim.poe", "Doe")
    assert "changed again since, by console:bob.b at" in _why(report)[0]


def test_only_the_changes_of_one_hand_are_undone(database: Database) -> None:
    """Of changes by two in turn, those of the one above the other's last are undone."""
    ann, bob = (_person(database, name) for name in ("ann.a", "bob.b"))
    kim = _add(database, "kim.aa")
    for actor, name in ((bob, "kim.bb"), (ann, "kim.cc"), (bob, "kim.dd")):
        _edit(database, kim, Act(actor, now()), username=name)

    _undone(database, actor="bob.b")

    assert _name(database, kim) == "kim.cc"


def test_a_value_somebody_took_is_named(database: Database) -> None:
    """Who has it now is said, an inactive holder too; the rest is put back."""
    kim = _add(database, "kim.doe", last_name="Doe")
    began = now()
    _edit(database, kim, username="kim.roe", last_name="Roe")
    ended = now()
    other = _add(
        database, "kim.doe", active=False, email="other@x.example", initials="OT"
    )

    report = _undone(database, user="kim.roe", since=began, until=ended)

    assert _why(report) == ["kim.doe has it now, who is inactive."]
    assert users.required(database.reader(), kim).last_name == "Doe"
    assert _name(database, other) == "kim.doe"


def test_a_value_that_breaks_a_rule_today_stays_away(database: Database) -> None:
    """What was valid when it was written and is not now is refused with the rule."""
    kim = _add(database, "kim.doe")
    _edit(database, kim, username="kim.roe")
    began = now()
    _forge(database, kim, before="k!")

    report = _undone(database, user="kim.roe", since=began)

    assert "(R6)" in _why(report)[0]
    assert _name(database, kim) == "kim.roe"


def _forge(database: Database, user_id: int, *, before: str) -> None:
    """A later change in audit, as an older version with other rules would have left."""
    facts = {"field": "username", "before": before, "after": "kim.roe"}
    event = Event("user:username:changed", facts)
    database.write(
        lambda tx: audit.record(
            tx, [event], at=now(), actor=Actor("cli", "x"), user_id=user_id
        )
    )


def test_nobody_is_reactivated_unless_named(database: Database) -> None:
    """Deactivations are listed with the command; by name the rules let them in again."""
    kim, bo = _add(database, "kim.doe"), _add(database, "bo.ray")
    began = now()
    for each in (kim, bo):
        database.write(
            lambda tx, each=each: doors.deactivate(
                tx, users.required(tx, each), operator()
            )
        )

    listed = _undone(database, since=began)
    named = _undone(database, Wish(reactivate=("Kim.Doe",)), since=began)

    told = {line.username: line.command for line in listed.of(undo.NOT_UNDONE)}
    assert told == {n: f"user reactivate {n}" for n in ("kim.doe", "bo.ray")}
    assert users.required(database.reader(), kim).active
    assert not users.required(database.reader(), bo).active
    assert [line.username for line in named.of(undo.RESTORED)] == ["kim.doe"]
    with pytest.raises(NotPossible, match="not among those"):
        _undone(database, Wish(reactivate=("nobody",)), since=began)


def test_an_administrator_is_left_to_administrators(database: Database) -> None:
    """Somebody who is none cannot put the username of one back (R21)."""
    database.write(roles.add_administrator)
    kim = _add(database, "kim.doe", roles=("Administrator",), last_name="Doe")
    began = now()
    _edit(database, kim, username="kim.roe", last_name="Roe")
    batch = undo.find(database.reader(), user="kim.roe", since=began)
    helper = Act(_person(database, "helper", is_administrator=False), now())

    report = undo.run(database, batch, helper, Wish())

    assert "(R21)" in _why(report)[0]
    user = users.required(database.reader(), kim)
    assert (user.username, user.last_name) == ("kim.roe", "Doe")


# ------------------------------------------------------------------------------- roles


def test_roles_given_and_taken_are_undone(database: Database) -> None:
    """A role given is taken back, one taken is given from here, by nobody's more."""
    for name in ("registrar", "finance"):
        database.write(lambda tx, name=name: roles.add(tx, name))
    kim = _add(database, "kim.doe", roles=("finance",))
    began = now()
    user = users.required(database.reader(), kim)
    database.write(lambda tx: doors.give_role(tx, user, "registrar", operator()))
    database.write(lambda tx: doors.take_role(tx, user, "finance", operator()))

    report = _undone(database, role="registrar", since=began)

    held = assignments.sources(database.reader(), kim)
    assert held == [("finance", "console", 0)]
    assert len(report.of(undo.RESTORED)) == 2


def _role(database: Database, name: str) -> int:
    """Add a role as a person does, with its event."""
    return database.write(lambda tx: role_doors.add(tx, name, (), operator(), own=ALL))


def _rename(database: Database, role_id: int, name: str) -> None:
    role = role_doors.find(database.reader(), role_id)
    database.write(
        lambda tx: role_doors.change(tx, role, name, (), operator(), own=ALL)
    )


def _move_role(database: Database, user_id: int, role: str, *, give: bool) -> None:
    move = doors.give_role if give else doors.take_role
    user = users.required(database.reader(), user_id)
    database.write(lambda tx: move(tx, user, role, operator()))


def test_a_role_renamed_since_it_was_given_is_taken_back(database: Database) -> None:
    """Found, named and looked for by the name it has now, a second name or a third."""
    finance = _role(database, "Finance")
    kim = _add(database, "kim.doe")
    began = now()
    _move_role(database, kim, "Finance", give=True)
    _rename(database, finance, "Money")
    _rename(database, finance, "Accounting")

    (change,) = _plan(database, role="Accounting", since=began).people[0].changes
    report = _undone(database, since=began)

    assert (change.move.role, change.now) == ("Accounting", "holds it")
    assert [line.field for line in report.of(undo.RESTORED)] == ["role Accounting"]
    assert assignments.sources(database.reader(), kim) == []


def test_given_and_taken_under_two_names_is_one_role(database: Database) -> None:
    """What was taken after the renaming is what was given before it."""
    finance = _role(database, "Finance")
    kim = _add(database, "kim.doe")
    began = now()
    _move_role(database, kim, "Finance", give=True)
    _rename(database, finance, "Accounting")
    _move_role(database, kim, "Accounting", give=False)

    report = _undone(database, since=began)

    assert [line.result for line in report.lines] == [undo.AS_IT_WAS]
    assert assignments.sources(database.reader(), kim) == []


def test_a_new_role_of_the_former_name_is_another_one(database: Database) -> None:
    """The renamed role is given back, not the one that has its name now."""
    accounting = _role(database, "Accounting")
    kim = _add(database, "kim.doe", roles=("Accounting",))
    began = now()
    _move_role(database, kim, "Accounting", give=False)
    _rename(database, accounting, "Bookkeeping")
    _role(database, "Accounting")

    report = _undone(database, since=began)

    assert [line.field for line in report.of(undo.RESTORED)] == ["role Bookkeeping"]
    assert assignments.sources(database.reader(), kim) == [
        ("Bookkeeping", "console", 0)
    ]


def test_a_role_removed_and_added_anew_is_not_given(database: Database) -> None:
    """There is no such role any more, though one has its name and the person holds it."""
    accounting = _role(database, "Accounting")
    kim = _add(database, "kim.doe", roles=("Accounting",))
    began = now()
    _move_role(database, kim, "Accounting", give=False)
    until = now()
    role = role_doors.find(database.reader(), accounting)
    database.write(lambda tx: role_doors.remove(tx, role, operator()))
    _role(database, "Accounting")

    before = _undone(database, since=began, until=until)
    _move_role(database, kim, "Accounting", give=True)
    after = _undone(database, since=began, until=until)

    gone = ["There is no such role any more."]
    assert _why(before) == _why(after) == gone
    assert before.of(undo.RESTORED) == after.of(undo.RESTORED) == []


def test_nobody_gives_back_more_than_they_may(database: Database) -> None:
    """A role that allows more than whoever undoes may do stays away (R33)."""

    def add(tx: Any) -> None:
        roles.allow(tx, roles.add(tx, "boss"), ["users.update", "settings.manage"])

    database.write(add)
    kim = _add(database, "kim.doe", roles=("boss",))
    began = now()
    user = users.required(database.reader(), kim)
    database.write(lambda tx: doors.take_role(tx, user, "boss", operator()))

    report = _undone(database, Wish(own=("users.update",)), since=began)

    assert "(R33)" in _why(report)[0]
    assert assignments.sources(database.reader(), kim) == []


def test_the_last_administrator_keeps_the_role(database: Database) -> None:
    """Undoing a grant is refused where it would take the last one away (R22)."""
    database.write(roles.add_administrator)
    kim = _add(database, "kim.doe")
    began = now()
    user = users.required(database.reader(), kim)
    database.write(lambda tx: doors.give_role(tx, user, "Administrator", operator()))

    report = _undone(database, since=began)

    assert "(R22)" in _why(report)[0]
    assert assignments.is_administrator(database.reader(), kim)


def test_what_a_group_gives_is_left_to_the_group(database: Database) -> None:
    """The report names the provider whose group it is."""
    entra = provider(database)
    scim_id = entra.post(person("kim.doe@x.example")).id or ""
    group_id = entra.post_group("Staff", scim_id)
    database.write(lambda tx: roles.add(tx, "staff"))
    entra.tie(group_id, "staff")
    began = now()
    user = entra.user(scim_id)

    report = _undone(database, role="staff", since=0, until=began)

    assert "A group of entra gives it" in _why(report)[0]
    assert assignments.names_of(database.reader(), [user.id])[user.id] == ["staff"]


# ------------------------------------------------------------------------------- swaps


@pytest.mark.parametrize("size", [2, 3, 5])
def test_people_who_traded_places_trade_back(database: Database, size: int) -> None:
    """Each has another's old username, initials and email; all get their own."""
    ids = [_add(database, f"user.{n}{n}") for n in range(size)]
    before = [users.required(database.reader(), each) for each in ids]
    began = now()
    _rotate(database, ids)

    report = _undone(database, since=began)

    after = [users.required(database.reader(), each) for each in ids]
    names = ("username", "username_key", "initials", "initials_key", "email")
    for name in (*names, "email_key"):
        assert [getattr(u, name) for u in after] == [getattr(u, name) for u in before]
    assert report.people == size
    assert not _why(report)


def _rotate(database: Database, ids: list[int]) -> None:
    """Let each have what the next one had, by way of values of nobody."""
    names = ("username", "initials", "email")
    people = [users.required(database.reader(), each) for each in ids]
    for n, each in enumerate(ids):
        free = {
            "username": f"free.{n}",
            "initials": f"F{n}",
            "email": f"f{n}@x.example",
        }
        _edit(database, each, **free)
    for n, each in enumerate(ids):
        following = people[(n + 1) % len(ids)]
        _edit(database, each, **{name: getattr(following, name) for name in names})


def test_a_chain_behind_somebody_who_stays_stays_too(database: Database) -> None:
    """Whoever waits for a value that its holder cannot give up is told whose it is."""
    first, second = _add(database, "user.aa"), _add(database, "user.bb")
    began = now()
    _edit(database, first, username="user.cc")
    _edit(database, second, username="user.aa")
    ended = now()
    _add(database, "user.bb", email="third@x.example", initials="TH")

    report = _undone(database, since=began, until=ended)

    assert sorted(_why(report)) == ["user.aa has it now.", "user.bb has it now."]
    assert _name(database, first) == "user.cc"


def test_two_who_had_the_same_value_do_not_both_get_it(database: Database) -> None:
    """The one who lost it last has it back; the other is told so."""
    first, second = _add(database, "user.aa"), _add(database, "user.bb")
    bob = _person(database, "bob.b")
    _edit(database, first, Act(bob, now()), username="user.cc")
    _edit(database, second, username="user.aa")
    _edit(database, second, Act(bob, now()), username="user.dd")

    report = _undone(database, actor="bob.b")

    assert _why(report) == ["user.dd had it later, and has it back."]
    assert (_name(database, first), _name(database, second)) == ("user.cc", "user.aa")


# ----------------------------------------------------------------- mapping and provider


def _renaming(tag: str, when: str = "always") -> str:
    """The shipped mapping, with usernames of a tag and the family name."""
    head, _, tail = shipped.text("entra").partition("[fields.username]")
    rest = tail.partition("]\n\n")[2]
    return (
        f'{head}[fields.username]\napply = "{when}"\nwhen_taken = "number"\n'
        f'candidates = [\'Join("", "{tag}", [name.familyName])\']\n\n{rest}'
    )


def _apply(database: Database, entra: Provider, text: str) -> plans.Plan:
    loaded = language.load(text, "test.toml")
    found = connections.required(database.reader(), entra.connection.id)
    changes = plans.plan(database, found, loaded, operator()).changed
    return plans.apply(database, found, loaded, operator(), named=changes)


def _people(entra: Provider, count: int) -> list[str]:
    made = []
    for n in range(count):
        name = {"givenName": "Kim", "familyName": f"Doe{n:03d}"}
        answer = entra.post(person(f"kim{n:03d}@x.example", name=name))
        made.append(answer.id or "")
    return made


def test_a_wrong_rule_is_undone_and_nobody_is_renamed_again(database: Database) -> None:
    """Pause, undo, repair the mapping, resume; then the provider repeats itself."""
    entra = provider(database, mapping=_renaming("u."))
    ids = _people(entra, 12)
    before = {each: entra.user(each).username for each in ids}
    assert _apply(database, entra, _renaming("wrong.")).changed == 12

    report = _undone(database, Wish(pause=True), connection="entra", mapping=2)
    restored = {each: entra.user(each).username for each in ids}
    paused = connections.required(database.reader(), entra.connection.id).state
    repaired = _apply(database, entra, _renaming("u."))
    entra.set(state="live")
    for n, each in enumerate(ids):
        entra.patch(each, patch_of(title=f"Title {n}"))
        entra.put(each, _again(entra, each))

    assert report.people == 12
    assert restored == before
    assert paused == "paused"
    assert repaired.changed == 0
    assert {each: entra.user(each).username for each in ids} == before


def _again(entra: Provider, scim_id: str) -> dict[str, Any]:
    """What the provider would send of somebody with another title."""
    document = entra.get(scim_id)
    document.pop("meta")
    return {**document, "title": "Another"}


def test_what_the_provider_would_write_again_is_said(database: Database) -> None:
    """Under a mapping that always derives; kept as values of here it writes nothing."""
    entra = provider(database, mapping=_renaming("u."))
    (one,) = _people(entra, 1)
    before = entra.user(one).username
    _apply(database, entra, _renaming("wrong."))

    plan = _plan(database, connection="entra", mapping=2)
    report = _undone(database, Wish(keep=True), connection="entra", mapping=2)
    user = entra.user(one)

    assert [c.field for _, c in plan.again] == ["username"]
    assert [each.name for each in plan.connections] == ["entra"]
    assert undo.lines_of(plan)[0].why == "entra has another value."
    assert report.of(undo.RESTORED)[0].why == "Kept as a value changed here."
    assert (user.username, user.overridden) == (before, frozenset({"username"}))
    link = links.of_user(database.reader(), user.id)
    assert link is not None
    local = shown(entra.service.get(entra.call("GET", "/"), one))
    assert before in str(local)


def test_a_value_changed_against_the_provider_goes_back_to_it(
    database: Database,
) -> None:
    """Undoing an override ends it: the field follows the provider again."""
    entra = provider(database)
    (one,) = _people(entra, 1)
    user = entra.user(one)
    began = now()
    _edit(database, user.id, last_name="Here")

    _undone(database, user=user.username, since=began)

    after = entra.user(one)
    assert (after.last_name, after.overridden) == ("Doe000", frozenset())


def test_changes_of_a_connection_are_those_of_its_requests(database: Database) -> None:
    """What a person changed meanwhile, and another connection, is no part of it."""
    entra, okta = provider(database), provider(database, "okta")
    one, other = _people(entra, 1)[0], okta.post(person("bo.ray@x.example")).id or ""
    entra.patch(one, patch_of(**{"name.familyName": "Wrong"}))
    okta.patch(other, patch_of(**{"name.familyName": "Right"}))

    report = _undone(database, connection="entra", only=["last_name"])

    assert entra.user(one).last_name == "Doe000"
    assert okta.user(other).last_name == "Right"
    assert [line.field for line in report.of(undo.RESTORED)] == ["last name"]


def test_applying_a_version_is_not_what_requests_changed_under_it(
    database: Database,
) -> None:
    """A rename the provider asked for under the new mapping stays."""
    entra = provider(database, mapping=_renaming("u."))
    one, other = _people(entra, 2)
    _apply(database, entra, _renaming("wrong."))
    entra.patch(other, patch_of(**{"name.givenName": "Bo"}))

    _undone(database, connection="entra", mapping=2)

    assert entra.user(one).username == "u.Doe000"
    assert entra.user(other).first_name == "Bo"


# ------------------------------------------------------------------------------- batch


def test_a_batch_must_be_named(database: Database) -> None:
    """Everything of all times is no batch; a wrong name says what there is."""
    provider(database)
    reader = database.reader()
    for wrong, said in (
        ({}, "Say which changes"),
        ({"until": 1}, "Say which changes"),
        ({"mapping": 2}, "name it too"),
        ({"connection": "entra", "mapping": 9}, "it has 1 to 1"),
        ({"role": "x"}, "no role"),
        ({"user": "x"}, "no user"),
        ({"actor": "x", "only": ["y"]}, "these can: username"),
    ):
        with pytest.raises(NotPossible, match=said):
            undo.find(reader, **wrong)  # type: ignore[arg-type]


def test_who_is_stopped_half_way_goes_on(database: Database) -> None:
    """Killed after some: what they have back stays, the next run does the others."""
    ids = [_add(database, f"user.{n}{n}") for n in range(5)]
    began = now()
    for n, each in enumerate(ids):
        _edit(database, each, username=f"other.{n}")
    batch = undo.find(database.reader(), since=began, until=now())
    told: list[int] = []

    def stop(people: int) -> None:
        told.append(people)
        if len(told) == len(ids) + 2:  # everybody looked at, two put back
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        undo.run(database, batch, operator(), Wish(), progress=stop)
    half = [_name(database, each) for each in ids]
    report = undo.run(database, batch, operator(), Wish())

    assert half == ["user.00", "user.11", "other.2", "other.3", "other.4"]
    assert [_name(database, each) for each in ids] == [f"user.{n}{n}" for n in range(5)]
    assert len(report.of(undo.RESTORED)) == 3
    assert len(report.of(undo.AS_IT_WAS)) == 2
    for each in ids:
        assert events_of(database, each).count("user:values:restored") == 1


def test_others_write_while_a_batch_is_undone(database: Database) -> None:
    """Between two people anybody may; nobody waits for the whole batch."""
    ids = [_add(database, f"user.{n}{n}") for n in range(3)]
    began = now()
    for n, each in enumerate(ids):
        _edit(database, each, username=f"other.{n}")
    batch = undo.find(database.reader(), since=began, until=now())
    added: list[int] = []

    def meanwhile(_: int) -> None:
        name = f"new.{len(added)}{len(added)}"
        added.append(_add(database, name, initials=f"N{len(added)}"))

    report = undo.run(database, batch, operator(), Wish(), progress=meanwhile)

    assert len(report.of(undo.RESTORED)) == 3
    assert len(added) == 6


def test_a_plan_writes_nothing(database: Database) -> None:
    """Not an event, not a version; and it takes no lock."""
    kim = _add(database, "kim.doe")
    began = now()
    _edit(database, kim, username="kim.roe", email="roe@x.example")
    before = (users.required(database.reader(), kim), audit.count(database.reader()))

    plan = _plan(database, since=began)

    after = (users.required(database.reader(), kim), audit.count(database.reader()))
    assert before == after
    assert (plan.restorable, plan.notices) == (1, 1)
    assert dict(plan.by_field) == {"username": 1, "email": 1}


def test_nothing_of_an_erased_person_comes_back(database: Database) -> None:
    """What was erased stays so, whatever the record still says."""
    kim = _add(database, "kim.doe")
    began = now()
    _edit(database, kim, username="erased.1")
    erased = insert(audit_events).values(
        at=now(), name="user:erased", actor="cli:x", user_id=kim, facts="{}"
    )
    database.write(lambda tx: tx.run(Statement(erased)))

    report = _undone(database, since=began)

    assert _why(report) == ["The person was erased; nothing of theirs comes back."]


def test_who_waits_for_the_database_does_not_stop_the_others(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody faster costs one person, who is named; the next run does them."""
    first, second = _add(database, "user.aa"), _add(database, "user.bb")
    began = now()
    for n, each in enumerate((first, second)):
        _edit(database, each, username=f"other.{n}")
    save, failed = Account.save, [first]

    def busy(account: Account) -> None:
        if account.user.id in failed:
            raise LostRace
        save(account)

    monkeypatch.setattr(Account, "save", busy)
    report = _undone(database, since=began)
    failed.clear()
    again = _undone(database, since=began)

    assert [line.username for line in report.of(undo.RESTORED)] == ["user.bb"]
    assert "undo the batch once more" in _why(report)[0]
    assert [line.username for line in again.of(undo.RESTORED)] == ["user.aa"]
    assert mapping_versions.every(database.reader(), 1) == []
