"""What happens when two do it at once: the bad interleavings, on both databases."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from scim_connector.directory import (
    access,
    assignments,
    audit,
    conflicts,
    counters,
    outbox,
    roles,
    seals,
    users,
)
from scim_connector.directory.constraints import ConstraintBroken
from scim_connector.directory.database import Database, Transaction
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import sessions
from scim_connector.rules.actors import Actor
from scim_connector.rules.events import Event
from scim_connector.rules.users import Draft
from tests import access as access_rows
from tests.access import put
from tests.house import patch_of, person, provider

_SESSIONS = Statement(
    text(
        "SELECT count(*) FROM sessions s JOIN users u ON u.id = s.user_id"
        " WHERE NOT u.active"
    )
)


def _user(database: Database, name: str = "person") -> users.User:
    draft = Draft(name, name[0] + name[-2:], f"{name}@x.example")
    return database.write(lambda tx: users.add(tx, draft, {}, trusted=True, now=1))


def _sign_in(tx: Transaction, user: users.User, session: str) -> None:
    put(tx, sessions, **access_rows.session(user, session, user_active=True))


def _deactivate(tx: Transaction, user: users.User) -> Any:
    ended = access.end_everything(tx, user.id)
    users.change(tx, user.id, {"active": False})
    return ended


# ------------------------------------------------------------- signing in, and being out


def test_a_login_between_the_steps_of_a_deactivation_is_ended(
    database: Database,
) -> None:
    """A session inserted after the others were ended stops the deactivation once.

    With an ordinary foreign key this interleaving leaves an inactive user signed in
    (local rules 2.1).  SQLite has one writer, so it cannot happen there.
    """
    if database.dialect == "sqlite":
        return
    user, tries = _user(database), []
    begun, ended_others = threading.Event(), threading.Event()

    def sign_in(tx: Transaction) -> None:
        _sign_in(tx, user, "late")
        begun.set()
        ended_others.wait(5)

    def deactivate(tx: Transaction) -> Any:
        tries.append(access.end_everything(tx, user.id).sessions)
        ended_others.set()
        users.change(tx, user.id, {"active": False})

    with ThreadPoolExecutor(1) as pool:
        login = pool.submit(database.write, sign_in)
        begun.wait(5)
        database.write(deactivate)
        login.result()

    assert tries == [0, 1]
    assert database.reader().value(_SESSIONS) == 0


def test_a_login_behind_a_deactivation_is_refused(database: Database) -> None:
    """Whoever signs in while the account is being ended does not come in."""
    user = _user(database)
    ended, tried = threading.Event(), threading.Event()

    def deactivate(tx: Transaction) -> None:
        _deactivate(tx, user)
        ended.set()
        tried.wait(5)

    def sign_in() -> None:
        ended.wait(5)
        tried.set()
        database.write(lambda tx: _sign_in(tx, user, "late"))

    with ThreadPoolExecutor(1) as pool:
        login = pool.submit(sign_in)
        database.write(deactivate)
        with pytest.raises(ConstraintBroken):
            login.result()

    assert database.reader().value(_SESSIONS) == 0


def test_after_any_mixture_nobody_inactive_is_signed_in(database: Database) -> None:
    """Logins and deactivations at once, many times: never an inactive user inside."""
    people = [_user(database, f"person{n:02}") for n in range(15)]

    def sign_in(number: int) -> bool:
        user = people[number % len(people)]
        try:
            database.write(lambda tx: _sign_in(tx, user, str(number)))
        except ConstraintBroken:
            return False
        return True

    def deactivate(user: users.User) -> None:
        database.write(lambda tx: _deactivate(tx, user))

    with ThreadPoolExecutor(6) as pool:
        logins = pool.map(sign_in, range(60))
        list(pool.map(deactivate, people))
        list(logins)

    assert database.reader().value(_SESSIONS) == 0
    left = database.reader().value(Statement(text("SELECT count(*) FROM sessions")))
    assert left == 0


def test_the_last_two_administrators_cannot_leave_at_once(database: Database) -> None:
    """Each counts the other; one of them is refused all the same (R22)."""
    entra = provider(database)
    (role,) = roles.administrator_ids(database.reader())

    def add(name: str) -> str:
        body = person(f"{name}@contoso.com", name={"givenName": name})
        link_id = str(entra.post(body).id)
        user = entra.user(link_id)
        database.write(
            lambda tx: assignments.grant(
                tx, user.id, role, source="console", connection_id=0, now=1
            )
        )
        return link_id

    ids = [add("Ann"), add("Bob")]
    both = threading.Barrier(2)

    def leave(link_id: str) -> int:
        both.wait()
        try:
            return entra.patch(link_id, patch_of(active=False)).status
        except Exception as error:
            return int(error.status)  # type: ignore[attr-defined]

    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(leave, ids))

    assert statuses == [200, 403]
    assert sum(entra.user(link_id).active for link_id in ids) == 1


# ---------------------------------------------------------------------- values and rows


def test_twenty_at_once_get_values_of_their_own(database: Database) -> None:
    """Forty people of one name by twenty threads: all created, all distinct."""
    entra = provider(database)

    def create(number: int) -> str:
        return str(entra.post(person(f"kim.doe@{number}.example")).id)

    with ThreadPoolExecutor(20) as pool:
        made = [entra.user(link_id) for link_id in pool.map(create, range(40))]

    assert len({user.initials_key for user in made}) == 40
    assert len({user.username_key for user in made}) == 40
    assert counters.wrong(database.reader()) == []
    assert counters.totals(database.reader(), entra.connection.id) == (40, 40)


def test_one_of_many_equal_wishes_wins(database: Database) -> None:
    """Eight people are given one address at once: one gets it, the others 409 (T37)."""
    entra = provider(database)
    ids = [entra.post(person(f"kim.{n}@contoso.com")).id for n in range(8)]
    change = patch_of(emails=[{"value": "kim@contoso.com", "primary": True}])

    def wish(link_id: str) -> int:
        try:
            return entra.patch(link_id, change).status
        except Exception as error:
            return int(error.status)  # type: ignore[attr-defined]

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(wish, ids))
    addresses = [entra.user(link_id).email for link_id in ids]

    assert statuses == [200] + [409] * 7
    assert addresses.count("kim@contoso.com") == 1


def test_a_conflict_met_by_many_at_once_is_one_entry(database: Database) -> None:
    """Eight workers run into the same conflict: one row, counted eight times."""
    connection_id = provider(database).connection.id

    def ask(number: int) -> None:
        database.write(
            lambda tx: conflicts.ask(
                tx,
                connection_id=connection_id,
                kind="email_taken",
                identity="kim",
                detail="taken",
                now=number,
            )
        )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(8)))

    (entry,) = conflicts.every(database.reader())
    assert entry.times == 8


def test_counts_are_folded_while_others_write(database: Database) -> None:
    """Adding up the rows of a block loses none that is being written (D42)."""
    entra = provider(database)

    def create(number: int) -> None:
        entra.post(person(f"user{number}@contoso.com"))

    def fold(_: int) -> None:
        database.write(counters.fold)

    with ThreadPoolExecutor(4) as pool:
        creates = pool.map(create, range(24))
        list(pool.map(fold, range(12)))
        list(creates)

    database.write(counters.fold)
    assert counters.wrong(database.reader()) == []
    assert not counters.is_crowded(database.reader())
    assert counters.blocks(database.reader(), entra.connection.id) == [(0, 24)]


def test_two_workers_never_send_the_same_message(database: Database) -> None:
    """Each due message is leased by one of those who ask at once."""

    def add(tx: Transaction) -> None:
        for _ in range(12):
            outbox.add(tx, "mail:welcome", {}, user_id=None, now=1)

    database.write(add)

    def work(_: int) -> list[int]:
        taken = database.write(lambda tx: outbox.lease(tx, now=2, until=9, at_most=3))
        return [message.id for message in taken]

    with ThreadPoolExecutor(4) as pool:
        taken = [each for some in pool.map(work, range(8)) for each in some]

    assert sorted(taken) == sorted(set(taken))
    assert len(taken) == 12


# ------------------------------------------------------------------------------- sealing


def _record(tx: Transaction, number: int) -> None:
    audit.record(
        tx,
        [Event("user:created", {"type": str(number)})],
        at=number,
        actor=Actor.operator("test"),
    )


def test_the_sealer_stops_below_a_running_transaction(database: Database) -> None:
    """A row committed late below others is sealed in its turn (D36)."""
    if database.dialect == "sqlite":
        return
    written, free = threading.Event(), threading.Event()

    def slowly(tx: Transaction) -> None:
        _record(tx, 1)
        written.set()
        free.wait(5)

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(database.write, slowly)
        written.wait(5)
        database.write(lambda tx: _record(tx, 2))
        early = seals.seal(database, now=3)
        free.set()
        slow.result()
    later = seals.seal(database, now=4)

    assert (early, later) == (0, 2)
    assert list(seals.findings(database.reader())) == []


def test_an_event_has_its_transaction_before_its_number(database: Database) -> None:
    """Else it could sleep between the two, and be committed below a seal (D36).

    The number is taken through a function of our own here, which refuses to give one
    to a transaction that PostgreSQL has not numbered yet.
    """
    if database.dialect == "sqlite":
        return
    url = database.url.render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "CREATE SCHEMA probe; CREATE FUNCTION probe.nextval(text) RETURNS bigint"
            " LANGUAGE plpgsql AS $$ BEGIN"
            " IF pg_current_xact_id_if_assigned() IS NULL THEN"
            " RAISE 'a number before the transaction'; END IF;"
            " RETURN pg_catalog.nextval($1::regclass); END $$"
        )

    def work(tx: Transaction) -> None:
        tx.run(Statement(text("SET LOCAL search_path = probe, pg_catalog, public")))
        _record(tx, 1)

    database.write(work)

    assert seals.seal(database, now=2) == 1


def test_sealers_and_writers_at_once_make_one_sound_chain(database: Database) -> None:
    """However they meet, every event is in exactly one seal, and all seals hold."""

    def write(number: int) -> None:
        database.write(lambda tx: _record(tx, number))

    def seal(number: int) -> int:
        return seals.seal(database, now=number)

    with ThreadPoolExecutor(6) as pool:
        writes = pool.map(write, range(60))
        sealed = sum(pool.map(seal, range(20)))
        list(writes)
    sealed += seal(99)

    assert sealed == 60
    assert list(seals.findings(database.reader())) == []
    assert not seals.has_unsealed(database.reader())
