"""The access list of a past instant is the one that was made then."""

from __future__ import annotations

import random
from contextlib import suppress

from scim_connector.administration import erasing, shipped
from scim_connector.administration import roles as role_doors
from scim_connector.administration import users as doors
from scim_connector.administration.connections import retire
from scim_connector.administration.errors import NotPossible
from scim_connector.administration.users import NewUser
from scim_connector.compliance.reports.standing import Standing, everybody
from scim_connector.directory import profiles, roles, users
from scim_connector.directory.database import Database
from scim_connector.rules.permissions import ALL
from scim_connector.rules.users import RulesViolated
from scim_connector.scim.errors import ScimError
from tests.house import Provider, now, operator, patch_of, person, provider

STEPS = 90
EVERYBODY = users.Query(at_most=10_000)
#: The shipped mapping, with the role that Entra sends tied to one here.
MAPPING = shipped.text("entra").replace('# "Registrar" =', '"Registrar" =')
Row = tuple[object, ...]


def _row(each: Standing) -> Row:
    fields = ("username", "email", "initials", "first_name", "last_name")
    values = tuple(each.value(field) for field in fields)
    return each.user.id, each.active, *values, each.roles, each.profile, each.source


def _without_names(rows: list[Row], gone: set[int]) -> list[Row]:
    """The rows without what was erased: names, username, address and initials."""
    return [(*row[:2], *row[7:]) if row[0] in gone else row for row in rows]


def _listed(database: Database, at: int, present: int) -> list[Row]:
    with database.snapshot() as reader:
        return [_row(each) for each in everybody(reader, at=at, now=present)]


class _Life:
    """Random changes by a provider and by people; roles have one name throughout."""

    def __init__(self, database: Database, entra: Provider, seed: int) -> None:
        self.database = database
        self.entra = entra
        self.chance = random.Random(seed)  # noqa: S311 - repeatable
        self.links: list[str] = []

    def step(self) -> None:
        act = self.chance.choice(
            [
                *(self.join, self.join, self.move, self.leave, self.come_back),
                *(self.remove, self.rename, self.give, self.take, self.profile),
                *(self.hire, self.again, self.erase),
            ]
        )
        with suppress(RulesViolated, ScimError, NotPossible, IndexError):
            act()

    def join(self) -> None:
        name = f"{self.chance.choice('abcdefgh')}.{self.chance.randrange(40)}@x.org"
        roles_sent = [{"value": "Registrar"}] if self.chance.random() < 0.5 else []
        self.links.append(
            str(self.entra.post(person(name, externalId=name, roles=roles_sent)).id)
        )

    def again(self) -> None:
        """Somebody who was removed is sent once more (decision 12)."""
        user = self.somebody()
        name = user.email
        self.links.append(str(self.entra.post(person(name, externalId=name)).id))

    def move(self) -> None:
        family = self.chance.choice(["Ray", "Fox", "Hill"])
        body = patch_of(**{"name.familyName": family})
        self.entra.patch(self.chance.choice(self.links), body)

    def leave(self) -> None:
        self.entra.patch(self.chance.choice(self.links), patch_of(active=False))

    def come_back(self) -> None:
        self.entra.patch(self.chance.choice(self.links), patch_of(active=True))

    def remove(self) -> None:
        self.entra.delete(self.links.pop(self.chance.randrange(len(self.links) or 1)))

    def somebody(self) -> users.User:
        found = users.search(self.database.reader(), users.Query())
        return self.chance.choice(found)

    def rename(self) -> None:
        user, email = self.somebody(), f"new{self.chance.randrange(99)}@x.org"
        values = {"email": email}
        self.database.write(
            lambda tx: doors.edit(tx, user, values, operator(), override=True)
        )

    def give(self) -> None:
        user, role = self.somebody(), self.chance.choice(["Registrar", "Teacher"])
        self.database.write(lambda tx: doors.give_role(tx, user, role, operator()))

    def take(self) -> None:
        user, role = self.somebody(), self.chance.choice(["Registrar", "Teacher"])
        self.database.write(lambda tx: doors.take_role(tx, user, role, operator()))

    def profile(self) -> None:
        user = self.somebody()
        self.database.write(lambda tx: doors.set_profile(tx, user, "Staff", operator()))

    def hire(self) -> None:
        email = f"h{self.chance.randrange(999)}@x.org"
        new = NewUser(email=email, first_name="Jo", last_name="Hire", mail=False)
        self.database.write(lambda tx: doors.add(tx, new, operator()))

    def erase(self) -> None:
        """Somebody who left is erased, with whatever roles and profile they had."""
        found = users.search(self.database.reader(), users.Query(active=False))
        erasing.erase(self.database, self.chance.choice(found).username, operator())


def test_the_past_is_the_list_that_was_made_then(database: Database) -> None:
    """Whatever happened since: joins, moves, leaves, removals, returns, roles."""
    for seed in range(3):
        entra = provider(database, f"entra{seed}", mapping=MAPPING)
        if not seed:
            database.write(lambda tx: roles.add(tx, "Registrar"))
            database.write(lambda tx: roles.add(tx, "Teacher"))
            database.write(lambda tx: profiles.add(tx, "Staff"))
        life = _Life(database, entra, seed)
        lists = {}
        for _ in range(STEPS):
            life.step()
            at = now()
            lists[at] = _listed(database, at, at)
        present = now()

        gone = {u.id for u in users.search(database.reader(), EVERYBODY) if u.erased_at}
        for at, then in lists.items():
            listed = _listed(database, at, present)
            assert _without_names(listed, gone) == _without_names(then, gone)
        assert gone
        everyone = lists[max(lists)]
        assert any(row[7] for row in everyone)
        assert any(not row[1] for row in everyone)


def test_a_renamed_role_has_its_present_name_in_the_past(database: Database) -> None:
    """So a role is one role over its whole life, and nobody seems to have lost it."""
    entra = provider(database)
    role_id = database.write(lambda tx: roles.add(tx, "Clerk"))
    link = str(entra.post(person("kim.doe@x.org")).id)
    user = entra.user(link)
    database.write(lambda tx: doors.give_role(tx, user, "Clerk", operator()))
    then = now()
    role = roles.by_id(database.reader(), role_id)
    assert role is not None
    database.write(
        lambda tx: role_doors.change(tx, role, "Officer", (), operator(), own=ALL)
    )
    database.write(lambda tx: doors.take_role(tx, user, "Officer", operator()))

    with database.snapshot() as reader:
        (past,) = everybody(reader, at=then, now=now())
        (present,) = everybody(reader, at=now(), now=now())
    assert past.roles == ("Officer",)
    assert present.roles == ()


def test_who_is_erased_had_a_role_and_a_profile(database: Database) -> None:
    """The past keeps both; what told of the person is gone from it (R34)."""
    database.write(lambda tx: roles.add(tx, "Registrar"))
    database.write(lambda tx: profiles.add(tx, "Staff"))
    new = NewUser("kim.doe@x.org", roles=("Registrar",), profile="Staff", mail=False)
    user = database.write(lambda tx: doors.add(tx, new, operator()))
    database.write(lambda tx: doors.deactivate(tx, user, operator()))
    before = now()
    done = erasing.erase(database, user.username, operator())

    with database.snapshot() as reader:
        (past,) = everybody(reader, at=before, now=now())
        (present,) = everybody(reader, at=now(), now=now())
    assert (past.roles, past.profile) == (("Registrar",), "Staff")
    assert (present.roles, present.profile) == ((), None)
    assert past.value("username") == done.username


def test_a_retired_connection_manages_nobody_from_then_on(database: Database) -> None:
    """Before it did, and the list of that instant still says so (decision 13)."""
    entra = provider(database)
    entra.post(person("kim.doe@x.org"))
    before = now()
    database.write(lambda tx: retire(tx, entra.connection, operator()))

    with database.snapshot() as reader:
        (past,) = everybody(reader, at=before, now=now())
        (present,) = everybody(reader, at=now(), now=now())
    assert (past.source, past.former) == ("entra", None)
    assert past.managed_by == "entra"
    assert (present.source, present.former) == (None, "entra")
    assert present.managed_by == "Not managed (was entra, retired)"


def test_who_was_taken_over_is_managed_by_the_new_one(database: Database) -> None:
    """Also where the former connection was retired before they moved."""
    okta = provider(database, "okta")
    okta.post(person("kim.doe@x.org"))
    database.write(lambda tx: retire(tx, okta.connection, operator()))
    entra = provider(database, takes_over=okta.connection.id)
    between = now()
    entra.post(person("kim.doe@x.org"))

    with database.snapshot() as reader:
        (past,) = everybody(reader, at=between, now=now())
        (present,) = everybody(reader, at=now(), now=now())
    assert past.managed_by == "Not managed (was okta, retired)"
    assert present.managed_by == "entra"


def test_every_way_to_lose_a_role_is_an_event(database: Database) -> None:
    """Also for who comes back after removal: the past keeps what they had (D12)."""
    entra = provider(database, mapping=MAPPING)
    database.write(lambda tx: roles.add(tx, "Registrar"))
    body = person("kim.doe@x.org", externalId="1", roles=[{"value": "Registrar"}])
    link = str(entra.post(body).id)
    user = entra.user(link)
    database.write(lambda tx: doors.give_role(tx, user, "Registrar", operator()))
    before = now()
    entra.delete(link)
    entra.post(person("kim.doe@x.org", externalId="1"))

    with database.snapshot() as reader:
        (past,) = everybody(reader, at=before, now=now())
    assert past.roles == ("Registrar",)
    assert users.required(database.reader(), user.id).active
