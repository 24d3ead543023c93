"""Keys of API users, on both databases: exchanged, told, expired, refused, ended."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import time_ns
from typing import Any

import pytest
from sqlalchemy import select, update

from scim_connector.administration import api_app, api_keys, connections
from scim_connector.administration import users as doors
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import access, audit, users
from scim_connector.directory import api_keys as rows
from scim_connector.directory.database import Database
from scim_connector.directory.locking import DatabaseBusy
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import api_app as app_table
from scim_connector.directory.tables import api_keys as keys_table
from scim_connector.directory.tables import api_tokens as tokens_table
from scim_connector.directory.tables import audit_events
from scim_connector.login.api_keys import ApiKeys
from scim_connector.login.client_credentials import LIVES, Refused, Request
from scim_connector.tokens import opaque
from tests.house import events_of, provider
from tests.programs import (
    HOUR,
    KEYS,
    SECOND,
    at,
    by_key,
    human,
    install,
    new_key,
    robot,
)


@pytest.fixture
def programs(database: Database) -> ApiKeys:
    """Keys are exchanged, and the API App is installed."""
    install(database)
    return ApiKeys(database, KEYS)


def refused(programs: ApiKeys, request: Request) -> Refused:
    with pytest.raises(Refused) as caught:
        programs.exchange(request)
    assert (caught.value.error, caught.value.status) == ("invalid_client", 401)
    return caught.value


def test_a_key_becomes_a_token_of_an_hour(
    database: Database, programs: ApiKeys
) -> None:
    """In the form or in the header; the token says whose it is until the hour is over."""
    user = robot(database)
    key = new_key(database, user, "nightly")
    now = time_ns() // 1000
    issued = programs.exchange(by_key("robot.one", key, now=now))
    form = {"grant_type": "client_credentials"}
    in_header = Request(form, ("ROBOT.ONE", str(key)), now)

    assert (issued.lives, issued.scope) == (LIVES, "api")
    assert programs.exchange(in_header).lives == LIVES
    found = programs.verify(issued.token, now + HOUR - 1)
    assert found is not None
    assert (found.username, found.key_name) == ("robot.one", "nightly")
    assert programs.verify(issued.token, now + HOUR) is None


def test_only_hashes_are_stored(database: Database, programs: ApiKeys) -> None:
    """Neither a key nor a token stands anywhere in the database, audit included."""
    user = robot(database)
    key = new_key(database, user)
    issued = programs.exchange(by_key("robot.one", key))
    stored = [
        str(row)
        for table in (keys_table, tokens_table, audit_events)
        for row in database.reader().rows(Statement(select(table)))
    ]

    assert key.id in " ".join(stored)
    for secret in (key.secret, issued.token.secret):
        assert not any(secret in row for row in stored)


def test_keys_are_changed_without_a_gap(database: Database, programs: ApiKeys) -> None:
    """Two live at once; the revoked one dies with its tokens, the other goes on."""
    user = robot(database)
    old, new = new_key(database, user, "old"), new_key(database, user, "new")
    of_old = programs.exchange(by_key("robot.one", old)).token
    of_new = programs.exchange(by_key("robot.one", new)).token
    now = time_ns() // 1000
    before = programs.verify(of_old, now)
    database.write(lambda tx: api_keys.revoke(tx, old.id, at()))

    assert before is not None
    assert programs.verify(of_old, now) is None
    assert programs.verify(of_new, now) is not None
    assert refused(programs, by_key("robot.one", old)).reason == "unknown_key"


def test_a_key_is_told_when_it_was_last_used(
    database: Database, programs: ApiKeys
) -> None:
    """Never at first; then the instant of the last exchange."""
    user = robot(database)
    key = new_key(database, user)
    unused = rows.of_user(database.reader(), user.id)[0]
    now = time_ns() // 1000
    programs.exchange(by_key("robot.one", key, now=now))

    assert unused.last_used_at is None
    assert rows.of_user(database.reader(), user.id)[0].last_used_at == now


def test_a_token_never_outlives_its_key(database: Database, programs: ApiKeys) -> None:
    """Half an hour before the key ends a token gets half an hour; then there is none."""
    user = robot(database)
    now = time_ns() // 1000
    key = new_key(database, user, expires_at=now + 10 * HOUR)
    late = programs.exchange(by_key("robot.one", key, now=now + 9 * HOUR + HOUR // 2))
    ended = refused(programs, by_key("robot.one", key, now=now + 10 * HOUR))

    assert late.lives == LIVES // 2
    assert programs.verify(late.token, now + 10 * HOUR) is None
    assert (ended.reason, "expired" in str(ended)) == ("key_expired", True)


def test_keys_work_only_while_the_api_app_is_installed(database: Database) -> None:
    """A key can be made before; it opens once the App is there (R13, R14)."""
    user = robot(database)
    key = new_key(database, user)
    programs = ApiKeys(database, KEYS)
    early = refused(programs, by_key("robot.one", key))
    install(database)
    token = programs.exchange(by_key("robot.one", key)).token
    there = programs.verify(token, time_ns() // 1000)
    database.write(lambda tx: api_app.uninstall(tx, at()))

    assert early.reason == "api_app_missing"
    assert there is not None
    assert programs.verify(token, time_ns() // 1000) is None
    assert refused(programs, by_key("robot.one", key)).reason == "api_app_missing"


def test_a_token_is_judged_by_the_installation_each_time(
    database: Database, programs: ApiKeys
) -> None:
    """Whatever became of the token's row: no App, no use of it, from the next request."""
    token = programs.exchange(
        by_key("robot.one", new_key(database, robot(database)))
    ).token
    gone = Statement(update(app_table).values(installed=False))
    database.write(lambda tx: tx.run(gone))

    assert programs.verify(token, time_ns() // 1000) is None


@pytest.mark.parametrize("also_reactivated", [False, True])
def test_deactivation_kills_keys_and_tokens_for_good(
    database: Database, programs: ApiKeys, also_reactivated: bool
) -> None:
    """The very next exchange and use are refused, and reactivation revives nothing."""
    user = robot(database)
    key = new_key(database, user)
    token = programs.exchange(by_key("robot.one", key)).token
    database.write(lambda tx: api_app.configure(tx, "robot.one", at()))
    database.write(lambda tx: doors.deactivate(tx, user, at()))
    if also_reactivated:
        gone = users.required(database.reader(), user.id)
        database.write(lambda tx: doors.reactivate(tx, gone, at()))

    assert programs.verify(token, time_ns() // 1000) is None
    assert refused(programs, by_key("robot.one", key)).reason == "unknown_key"
    assert rows.of_user(database.reader(), user.id) == []
    assert access.api_app_state(database.reader()) == (True, None)
    told = events_of(database, user.id)
    for name in ("api_tokens:revoked", "api_keys:revoked", "api_app:user_removed"):
        assert name in told


def test_a_refused_key_is_kept_with_its_reason(
    database: Database, programs: ApiKeys
) -> None:
    """Whoever shows a real key and is refused stands in audit; a guess does not."""
    user = robot(database)
    now = time_ns() // 1000
    key = new_key(database, user, expires_at=now + HOUR)
    refused(programs, by_key("robot.one", key, now=now + 2 * HOUR))
    refused(programs, by_key("robot.two", key))
    refused(programs, by_key("robot.one", opaque.Token(key.id, opaque.mint().secret)))
    kept = [
        event.facts
        for event in audit.of_user(database.reader(), user.id)
        if event.name == "api_token:refused"
    ]

    assert len(kept) == 2
    assert "key_expired" in kept[0]
    assert "other_client" in kept[1]


def test_a_guess_waits_for_nobody(database: Database, programs: ApiKeys) -> None:
    """A wrong secret is refused without the writer lock (decision 33)."""
    key = new_key(database, robot(database))
    guess = by_key("robot.one", opaque.Token(key.id, opaque.mint().secret))

    def refuse_inside(_: object) -> Refused:
        return refused(programs, guess)

    assert database.write(refuse_inside).reason == "unknown_key"


@pytest.mark.parametrize(
    ("kind", "told"), [("person", "for API users alone"), ("gone", "is inactive")]
)
def test_nobody_else_gets_a_key(database: Database, kind: str, told: str) -> None:
    """People sign in, and an inactive API user is reactivated first."""
    user: Any = human(database) if kind == "person" else robot(database, active=False)

    with pytest.raises(NotPossible, match=told):
        new_key(database, user)


def test_a_dead_key_is_told_apart_from_a_connections_secret(
    database: Database, programs: ApiKeys
) -> None:
    """Whoever shows a key that is gone reads how to make a key, a provider its secret."""
    entra = provider(database)
    key = new_key(database, robot(database))
    database.write(lambda tx: api_keys.revoke(tx, key.id, at()))
    secret = database.write(
        lambda tx: connections.create_token(
            tx,
            entra.connection,
            pepper=KEYS.peppers()[0],
            expires_at=None,
            act=at(),
            kind="secret",
        )
    )

    assert programs.concerns(by_key("robot.one", key))
    assert not programs.concerns(by_key("scim-1", key))
    assert not programs.concerns(by_key("robot.one", secret))
    assert not programs.concerns(by_key("robot.one", "nonsense"))


def test_so_many_keys_and_no_more(database: Database) -> None:
    """The eleventh is refused with what to do."""
    user = robot(database)
    for number in range(api_keys.MOST):
        new_key(database, user, f"key {number}")

    with pytest.raises(NotPossible, match="revoke one first"):
        new_key(database, user)


def test_the_api_app_takes_one_active_api_user(database: Database) -> None:
    """No person, nobody inactive, not before it is installed; another replaces it."""
    first = robot(database)
    robot(database, "robot.two", active=False)
    human(database)
    second = robot(database, "robot.three")

    def configured(name: str) -> None:
        database.write(lambda tx: api_app.configure(tx, name, at()))

    with pytest.raises(NotPossible, match="is not installed"):
        configured("robot.one")
    install(database)
    with pytest.raises(NotPossible, match="is a person"):
        configured("kim.doe")
    with pytest.raises(NotPossible, match="is inactive"):
        configured("robot.two")
    configured("robot.one")
    assert access.api_app_state(database.reader()) == (True, first.id)
    configured("robot.three")

    assert access.api_app_state(database.reader()) == (True, second.id)


def test_an_end_that_a_program_asks_for_is_kept(
    database: Database, programs: ApiKeys
) -> None:
    """A token that is given back opens nothing, and audit says so."""
    user = robot(database)
    token = programs.exchange(by_key("robot.one", new_key(database, user))).token
    now = time_ns() // 1000 + SECOND

    assert programs.end(token, now)
    assert programs.verify(token, now) is None
    assert not programs.end(token, now)
    assert events_of(database, user.id)[-1] == "api_token:ended"


def test_no_token_outlives_a_deactivation(
    database: Database, programs: ApiKeys
) -> None:
    """Four programs exchange without pause: the deactivation wins, every token is dead.

    Whoever only ever exchanges cannot hold their own end off (D26, D27).
    """
    over = Event()

    def client(name: str, key: opaque.Token) -> list[opaque.Token]:
        issued = []
        while not over.is_set():
            try:
                issued.append(programs.exchange(by_key(name, key)).token)
            except Refused:
                break
            except DatabaseBusy:
                continue
        return issued

    for number in range(5):
        user = robot(database, f"robot.{number}")
        key = new_key(database, user)
        with ThreadPoolExecutor(4) as pool:
            clients = [pool.submit(client, user.username, key) for _ in range(4)]
            try:
                while "api_token:issued" not in events_of(database, user.id):
                    pass
                database.write(lambda tx, user=user: doors.deactivate(tx, user, at()))  # type: ignore[misc]
                now = time_ns() // 1000
            except BaseException:
                over.set()
                raise
        tokens = [token for each in clients for token in each.result()]

        assert tokens
        assert [token for token in tokens if programs.verify(token, now)] == []
