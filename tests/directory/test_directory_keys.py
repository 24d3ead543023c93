"""States the database itself makes impossible, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import delete, text, update

from scim_connector.directory import access, audit, connections, seals, users
from scim_connector.directory.constraints import ConstraintBroken, broken_by
from scim_connector.directory.database import Database, Transaction
from scim_connector.directory.locking import DatabaseBusy
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import (
    api_keys,
    api_tokens,
    audit_events,
    password_resets,
    sessions,
    sso_identities,
)
from scim_connector.directory.tables import users as users_table
from scim_connector.rules.actors import Actor
from scim_connector.rules.events import Event
from scim_connector.rules.users import Draft
from tests import access as rows
from tests.access import put
from tests.house import person, provider

ANN = Actor.operator("ann")


def _user(database: Database, name: str, **more: Any) -> users.User:
    draft = Draft(name, name[:2].upper(), f"{name}@x.example", **more)
    return database.write(lambda tx: users.add(tx, draft, {}, trusted=True, now=1))


Bad = Callable[[Transaction, users.User, users.User, users.User], object]

BAD: dict[str, Bad] = {
    "a session of an API user": lambda tx, _, api, __: put(
        tx, sessions, **rows.session(api)
    ),
    "a session of an inactive user": lambda tx, _, __, gone: put(
        tx, sessions, **rows.session(gone)
    ),
    "a session that calls an inactive user active": lambda tx, _, __, gone: put(
        tx, sessions, **rows.session(gone, user_active=True)
    ),
    "a password link of an API user": lambda tx, _, api, __: put(
        tx, password_resets, **rows.reset(api)
    ),
    "a key of a person": lambda tx, person_, _, __: put(
        tx, api_keys, **rows.key(person_)
    ),
    "an API token of a person": lambda tx, person_, api, __: (
        put(tx, api_keys, **rows.key(api)),
        put(tx, api_tokens, **rows.token(person_)),
    ),
    "a sign-in identity of an API user": lambda tx, _, api, __: put(
        tx,
        sso_identities,
        issuer="i",
        subject="s",
        user_id=api.id,
        user_is_api=True,
        connection_id=connections.add(tx, "entra", kind="entra", now=1),
        bound_at=1,
    ),
    "a person in the API App": lambda tx, person_, _, __: (
        access.install_api_app(tx),
        access.configure_api_app(tx, person_.id, now=1),
    ),
    "an inactive user in the API App": lambda tx, _, __, gone: (
        access.install_api_app(tx),
        access.configure_api_app(tx, gone.id, now=1),
    ),
    "a person made an API user": lambda tx, person_, _, __: tx.run(
        Statement(
            update(users_table)
            .where(users_table.c.id == person_.id)
            .values(is_api_user=True)
        )
    ),
    "a deleted user": lambda tx, person_, _, __: tx.run(
        Statement(delete(users_table).where(users_table.c.id == person_.id))
    ),
    "an API user of another type": lambda tx, _, api, __: tx.run(
        Statement(
            update(users_table)
            .where(users_table.c.id == api.id)
            .values(user_type="teacher")
        )
    ),
}


@pytest.mark.parametrize("bad", BAD)
def test_the_database_refuses(database: Database, bad: str) -> None:
    """The composite keys and triggers make the forbidden states impossible."""
    person_ = _user(database, "person")
    api = _user(database, "robot", api_user=True)
    gone = _user(database, "absent", active=False)

    with pytest.raises(ConstraintBroken):
        database.write(lambda tx: BAD[bad](tx, person_, api, gone))


def test_a_user_with_a_session_cannot_become_inactive(database: Database) -> None:
    """Deactivation has to end the sessions first; the order is not a matter of care."""
    user = _user(database, "person")
    database.write(lambda tx: put(tx, sessions, **rows.session(user)))

    with pytest.raises(ConstraintBroken):
        database.write(lambda tx: users.change(tx, user.id, {"active": False}))


@pytest.mark.parametrize("statement", ["update", "delete"])
def test_audit_is_append_only(database: Database, statement: str) -> None:
    """Nobody changes or removes an audited event (D35)."""
    database.write(
        lambda tx: audit.record(tx, [Event("user:created")], at=1, actor=ANN)
    )
    change = {
        "update": Statement(update(audit_events).values(actor="nobody")),
        "delete": Statement(delete(audit_events)),
    }[statement]

    with pytest.raises(ConstraintBroken):
        database.write(lambda tx: tx.run(change))


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("username", Draft("person", "QQ", "q@x.example")),
        ("initials", Draft("another", "pe", "q@x.example")),
        ("email", Draft("another", "QQ", "PERSON@x.example")),
    ],
)
def test_a_broken_index_is_named(database: Database, field: str, other: Draft) -> None:
    """Both drivers' words become the same short name."""
    _user(database, "person")

    with pytest.raises(ConstraintBroken) as broken:
        database.write(lambda tx: users.add(tx, other, {}, trusted=True, now=1))

    assert broken.value.name == field


def test_unknown_words_of_a_driver_stay() -> None:
    """A message no pattern knows is passed on, first line only."""
    assert broken_by("FOREIGN KEY constraint failed\nmore") == (
        "FOREIGN KEY constraint failed"
    )


# --------------------------------------------------------------------------- sealing


def _events(database: Database, count: int) -> None:
    for number in range(count):
        event = Event("user:created", {"type": str(number)})
        database.write(
            lambda tx, event=event: audit.record(tx, [event], at=1, actor=ANN)
        )


def test_seals_are_sound_until_somebody_meddles(database: Database) -> None:
    """The chain finds an edit, a removal and a swap of sealed events (D35)."""
    _events(database, 5)
    assert seals.has_unsealed(database.reader())
    assert seals.seal(database, now=2) == 5
    _events(database, 3)
    seals.seal(database, now=3)
    assert list(seals.findings(database.reader())) == []
    assert not seals.has_unsealed(database.reader())

    drop = "DROP TRIGGER audit_events_update"
    on = "" if database.dialect == "sqlite" else " ON audit_events"
    database.write(lambda tx: tx.run(Statement(text(drop + on))))
    edit = update(audit_events).where(audit_events.c.id == 6).values(actor="x")
    database.write(lambda tx: tx.run(Statement(edit)))

    assert "6 to 8" in str(list(seals.findings(database.reader())))


# ----------------------------------------------------------------------- transactions


def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    """Whatever the work raises, nothing of it is kept."""

    def work(tx: Transaction) -> None:
        users.add(tx, Draft("person", "PE", "p@x.example"), {}, trusted=True, now=1)
        raise KeyError

    with pytest.raises(KeyError):
        database.write(work)

    assert users.by_username_key(database.reader(), "person") is None


def test_a_savepoint_undoes_only_its_block(database: Database) -> None:
    """The transaction goes on after a refused step."""

    def work(tx: Transaction) -> None:
        users.add(tx, Draft("first", "F", "f@x.example"), {}, trusted=True, now=1)
        with pytest.raises(ConstraintBroken), tx.savepoint():
            users.add(tx, Draft("first", "G", "g@x.example"), {}, trusted=True, now=1)
        users.add(tx, Draft("third", "H", "h@x.example"), {}, trusted=True, now=1)

    database.write(work)

    assert users.by_username_key(database.reader(), "third") is not None


def test_a_writer_that_waits_too_long_is_told(tmp_path: Any) -> None:
    """The writer lock is waited for a bounded time, then it is DatabaseBusy (D44)."""
    url = f"sqlite:///{tmp_path}/x.db"
    holder, waiter = Database(url), Database(url, lock_timeout=0.05)
    inside, done = threading.Event(), threading.Event()

    def hold(_: Transaction) -> None:
        inside.set()
        done.wait(5)

    thread = threading.Thread(target=lambda: holder.write(hold))
    thread.start()
    inside.wait(5)
    with pytest.raises(DatabaseBusy):
        waiter.write(lambda tx: None)
    done.set()
    thread.join()
    waiter.write(lambda tx: None)

    holder.close()
    waiter.close()


def test_people_of_one_name_at_once_all_get_values_of_their_own(
    database: Database,
) -> None:
    """Twelve creates of one name at once: distinct initials and usernames."""
    entra = provider(database)

    def create(number: int) -> str:
        return str(entra.post(person(f"kim.doe@{number}.example")).id)

    with ThreadPoolExecutor(6) as pool:
        made = [entra.user(link_id) for link_id in pool.map(create, range(12))]

    assert len({user.initials_key for user in made}) == 12
    assert len({user.username_key for user in made}) == 12


def test_one_of_many_equal_posts_wins(database: Database) -> None:
    """The same POST eight times at once: one 201, the others 409, one user (T36)."""
    entra = provider(database)

    def create(_: int) -> int:
        try:
            return entra.post(person("kim.doe@contoso.com")).status
        except Exception as error:
            return int(error.status)  # type: ignore[attr-defined]

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(create, range(8)))

    assert statuses == [201] + [409] * 7
