"""Every kind of row is written and read back alike on both databases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from scim_connector.directory import (
    access,
    assignments,
    audit,
    conflicts,
    connections,
    counters,
    credentials,
    links,
    mapping_versions,
    names,
    outbox,
    profiles,
    quirks,
    refusals,
    request_log,
    roles,
    users,
)
from scim_connector.directory.constraints import ConstraintBroken
from scim_connector.directory.database import Database, Transaction
from scim_connector.directory.links import Link, LinkColumns
from scim_connector.directory.request_log import Entry
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import (
    api_keys,
    api_tokens,
    password_resets,
    sessions,
    sso_identities,
)
from scim_connector.directory.users import Query, User
from scim_connector.rules.actors import Actor
from scim_connector.rules.events import Event
from scim_connector.rules.lifecycle import CutOff
from scim_connector.rules.users import Draft, Holder, Taken, UserType
from tests import access as rows
from tests.access import put


def _connection(database: Database, name: str = "Entra", **settings: Any) -> int:
    return database.write(
        lambda tx: connections.add(tx, name, kind="entra", now=1, **settings)
    )


def _user(database: Database, name: str, **more: Any) -> User:
    draft = Draft(name, name[:3], f"{name}@x.example", **more)
    return database.write(lambda tx: users.add(tx, draft, {}, trusted=True, now=1))


def _columns(name: str = "kim@x.example", **more: Any) -> LinkColumns:
    columns = LinkColumns(
        external_id="e-1",
        user_name=name,
        user_name_key=name,
        display_name_key="kim doe",
        family_name_key="doe",
        given_name_key="kim",
        employee_number_key="7",
        local_username_key="kimdoe",
        local_initials_key="kd",
        active=True,
        emails=(name,),
        served='{"userName":"kim"}',
        search='{"username": "kim"}',
    )
    return replace(columns, **more)


def _link(database: Database, connection_id: int, user: User, **more: Any) -> Link:
    return database.write(
        lambda tx: links.add(
            tx,
            connection_id=connection_id,
            user_id=user.id,
            link_id=f"id-{user.id}",
            asked_active=True,
            columns=_columns(f"{user.username}@x.example", **more),
            now=5,
        )
    )


# ------------------------------------------------------------------------------ users


def test_a_user_is_read_back_as_written(database: Database) -> None:
    """Every column keeps its value and its type; flags are truth, not numbers."""
    added = _user(database, "Person", first_name="Ann", api_user=True)
    reader = database.reader()

    assert users.by_id(reader, added.id) == added
    assert users.required(reader, added.id).is_api_user is True
    assert users.by_username_key(reader, "person") == added
    assert users.by_email_key(reader, "person@x.example") == added
    assert users.by_initials_key(reader, "per") == added
    assert users.by_id(reader, added.id + 1) is None
    with pytest.raises(LookupError):
        users.required(reader, added.id + 1)


def test_columns_of_a_user_are_changed_alone(database: Database) -> None:
    """What is not named stays as it was."""
    added = _user(database, "person")
    changes = {"held_by": "ann", "held_at": 9, "overrides": '["email"]'}

    database.write(lambda tx: users.change(tx, added.id, changes))

    changed = users.required(database.reader(), added.id)
    assert changed == replace(added, **changes)
    assert changed.overridden == {"email"}


def test_taken_names_the_holder_of_each_value(database: Database) -> None:
    """Inactive holders count; the user who is being changed does not (R2, R5, R7)."""
    here = _user(database, "person")
    gone = _user(database, "absent", active=False)

    def taken(except_user: int | None) -> Taken:
        return names.taken(
            database.reader(),
            username_key="person",
            initials_key="abs",
            email_key="free@x.example",
            except_user=except_user,
        )

    assert taken(None) == Taken(username=Holder.ACTIVE, initials=Holder.INACTIVE)
    assert taken(here.id) == Taken(initials=Holder.INACTIVE)
    assert taken(gone.id) == Taken(username=Holder.ACTIVE)


def test_free_values_are_those_nobody_holds(database: Database) -> None:
    """A handful is asked for at once, in one statement; none is none."""
    _user(database, "person")
    reader = database.reader()

    assert names.free_values(reader, "username", ["person", "other"]) == {"other"}
    assert names.free_values(reader, "initials", ["per", "per", "ot"]) == {"ot"}
    assert names.free_values(reader, "username", []) == set()


def test_numbers_go_on_where_they_were(database: Database) -> None:
    """A base remembers its next number, for each field its own."""
    for number in (2, 7):
        database.write(
            lambda tx, n=number: names.remember_number(tx, "username", "kim", n)
        )

    reader = database.reader()
    assert names.next_number(reader, "username", "kim") == 7
    assert names.next_number(reader, "initials", "kim") is None


def test_a_list_of_users_is_narrowed(database: Database) -> None:
    """Each filter of the list, and the next page behind the last key."""
    ann = _user(database, "ann.person", first_name="Ärmel", last_name="Zed")
    bob = _user(database, "bob.person", active=False)
    robot = _user(database, "robot", api_user=True)
    teacher = _user(database, "teacher", user_type=UserType.TEACHER)
    connection_id = _connection(database)
    _link(database, connection_id, ann)
    role = database.write(lambda tx: roles.add(tx, "Staff"))
    database.write(
        lambda tx: assignments.grant(
            tx, bob.id, role, source="console", connection_id=0, now=1
        )
    )

    def found(**narrowed: Any) -> list[str]:
        return [u.username for u in users.search(database.reader(), Query(**narrowed))]

    assert found() == [u.username for u in (ann, bob, robot, teacher)]
    assert found(words="PERSON") == ["ann.person", "bob.person"]
    assert found(words="Ärm") == ["ann.person"]
    assert found(words="zED") == ["ann.person"]
    assert found(words="%") == []
    assert found(active=False) == ["bob.person"]
    assert found(api_user=True) == ["robot"]
    assert found(user_type="teacher") == ["teacher"]
    assert found(role_id=role) == ["bob.person"]
    assert found(connection_id=connection_id) == ["ann.person"]
    assert found(managed=True) == ["ann.person"]
    assert found(managed=False, at_most=2) == ["bob.person", "robot"]
    assert found(managed=False, after="robot") == ["teacher"]
    unmanaged = [u.username for u in users.without_link(database.reader())]
    assert unmanaged == ["bob.person", "robot", "teacher"]


# ------------------------------------------------------------------------------ links


def test_a_link_is_read_back_as_written(database: Database) -> None:
    """By id, by userName, by user: the same row, on its own connection only."""
    here, there = _connection(database), _connection(database, "Okta")
    user = _user(database, "person")
    added = _link(database, here, user)
    reader = database.reader()

    assert links.by_id(reader, here, added.id) == added
    assert links.live_by_user_name(reader, here, added.user_name_key) == added
    assert links.of_user(reader, user.id) == added
    assert links.served(reader, here, added.id) == (added.served, 1)
    assert links.by_id(reader, there, added.id) is None
    assert links.served(reader, there, added.id) is None


@pytest.mark.parametrize(
    "change",
    [
        {"active": False},
        {"display_name_key": None, "given_name_key": "kimberly"},
        {"external_id": None, "employee_number_key": None},
        {"user_name": "New@x.example", "user_name_key": "new@x.example"},
        {"local_username_key": "other", "local_initials_key": "ot"},
        {"emails": ()},
        {"emails": ("b@x.example", "a@x.example")},
        {},
    ],
)
def test_a_changed_link_has_exactly_the_new_columns(
    database: Database, change: dict[str, Any]
) -> None:
    """Only what differs is written, and the row is as if all had been."""
    connection_id = _connection(database)
    link = _link(database, connection_id, _user(database, "person"))
    columns = _columns("person@x.example", **change)

    updated = database.write(
        lambda tx: links.update_to(
            tx, link, asked_active=False, columns=columns, version=2, now=8
        )
    )

    reader = database.reader()
    names = [n for n in LinkColumns.__dataclass_fields__ if n != "emails"]
    row = reader.row(Statement(text(f"SELECT {', '.join(names)} FROM links")))  # noqa: S608
    emails = reader.rows(
        Statement(text("SELECT value_key FROM link_emails ORDER BY position"))
    )
    assert row is not None
    stored = dict(zip(names, row, strict=True))
    search = stored.pop("search")
    assert stored == {n: v for n, v in columns.values().items() if n != "search"}
    assert search in (columns.search, {"username": "kim"})
    assert tuple(key for (key,) in emails) == columns.emails
    assert links.of_user(reader, link.local_user_id) == updated
    assert (updated.version, updated.asked_active) == (2, False)
    assert counters.totals(reader, connection_id) == (1, int(columns.active))


def test_a_hidden_link_is_found_only_by_matching(database: Database) -> None:
    """After a DELETE the id is nobody's; a later POST still finds it (D12)."""
    connection_id = _connection(database)
    link = _link(database, connection_id, _user(database, "person"))
    other = _link(database, connection_id, _user(database, "other"), external_id="e-2")

    database.write(lambda tx: links.hide(tx, link, why="deleted", now=9))
    database.write(lambda tx: links.hide(tx, other, why="unlinked", now=9))

    reader = database.reader()
    assert links.by_id(reader, connection_id, link.id) is None
    assert links.of_user(reader, link.local_user_id) is None
    hidden = [replace(link, hidden_at=9)]
    assert links.matches(reader, connection_id, "e-1", "nobody") == hidden
    assert links.matches(reader, connection_id, None, link.user_name_key) == hidden
    assert links.matches(reader, connection_id, "e-2", other.user_name_key) == []
    assert links.batch(reader, connection_id, after=0, at_most=5) == []
    assert counters.totals(reader, connection_id) == (0, 0)


def test_only_one_link_of_a_user_and_of_a_name_is_live(database: Database) -> None:
    """The indexes refuse a second, and say which; hidden ones do not count (D8, D9)."""
    connection_id = _connection(database)
    user, other = _user(database, "person"), _user(database, "other")
    link = _link(database, connection_id, user)

    def again(whose: User, name: str) -> None:
        columns = _columns(name)
        database.write(
            lambda tx: links.add(
                tx,
                connection_id=connection_id,
                user_id=whose.id,
                link_id=f"again-{name}",
                asked_active=True,
                columns=columns,
                now=6,
            )
        )

    with pytest.raises(ConstraintBroken) as broken:
        again(other, link.user_name_key)
    assert broken.value.name == "user_name"
    with pytest.raises(ConstraintBroken) as broken:
        again(user, "free@x.example")
    assert broken.value.name == "live_user"

    database.write(lambda tx: links.hide(tx, link, why="deleted", now=9))
    again(user, link.user_name_key)
    assert links.of_user(database.reader(), user.id) is not None


def test_what_was_asked_is_remembered_alone(database: Database) -> None:
    """The provider's wish changes nothing that it sees, and no version (D28)."""
    link = _link(database, _connection(database), _user(database, "person"))

    database.write(lambda tx: links.ask_active(tx, link, False))

    found = links.of_user(database.reader(), link.local_user_id)
    assert found == replace(link, asked_active=False)


def test_a_rehearsed_link_stands_for_nobody(database: Database) -> None:
    """Whoever asks for its user is told (D8)."""
    link = _link(database, _connection(database), _user(database, "person"))

    with pytest.raises(LookupError):
        _ = replace(link, user_id=None).local_user_id


def test_a_count_of_what_is_not_there_is_found(database: Database) -> None:
    """The check also sees counts of a connection without any link."""
    connection_id = _connection(database)
    database.write(lambda tx: counters.move(tx, connection_id, 5, live=3, active=1))

    (finding,) = counters.wrong(database.reader())

    assert "0 links, 0 active, but counted 3 and 1" in finding


# ------------------------------------------------------- connections and credentials


def test_a_connection_is_read_back_as_written(database: Database) -> None:
    """Flags are truth, quirks a tuple; the name is found in any case, once."""
    connection_id = _connection(database, strict=True, quirks_off=("a", "b"))
    database.write(
        lambda tx: connections.change(
            tx, connection_id, {"state": "paused", "quirks_off": ()}
        )
    )

    found = connections.by_name(database.reader(), " ENTRA ")
    assert found == connections.required(database.reader(), connection_id)
    assert found is not None
    assert (found.strict, found.password_mail) == (True, True)
    assert (found.state, found.quirks_off) == ("paused", ())
    assert connections.every(database.reader()) == [found]
    with pytest.raises(ConstraintBroken, match="connection"):
        _connection(database, "entra")
    with pytest.raises(LookupError):
        connections.required(database.reader(), connection_id + 1)


def test_applied_mappings_are_numbered_per_connection(database: Database) -> None:
    """Each version stays as it was; the connection works with the last (D17)."""
    here, there = _connection(database), _connection(database, "Okta")

    def apply(connection_id: int, words: str) -> int:
        return database.write(
            lambda tx: mapping_versions.apply(
                tx, connection_id, text=words, file_name="x.toml", by="ann", now=3
            )
        )

    assert mapping_versions.applied(database.reader(), here) is None
    assert [apply(here, "one"), apply(here, "two"), apply(there, "one")] == [1, 2, 1]

    reader = database.reader()
    applied = mapping_versions.applied(reader, here)
    assert applied is not None
    assert (applied.number, applied.text, applied.applied_by) == (2, "two", "ann")
    assert [v.text for v in mapping_versions.every(reader, here)] == ["one", "two"]
    connection = connections.required(reader, here)
    assert (connection.mapping_number, connection.mapping_sha256) == (2, applied.sha256)


def test_a_caller_is_its_credential_and_connection(database: Database) -> None:
    """One statement answers who is calling; revoked and expired ones are told."""
    connection_id = _connection(database)

    def add(tx: Transaction) -> None:
        for name, expires in (("one", None), ("two", 50)):
            credentials.add(
                tx,
                name,
                connection_id=connection_id,
                hashed="h" * 64,
                now=1,
                expires_at=expires,
            )

    database.write(add)
    database.write(lambda tx: credentials.touch(tx, {"two": 7, "one": 8}))
    assert database.write(lambda tx: credentials.revoke(tx, "one", now=9))
    assert not database.write(lambda tx: credentials.revoke(tx, "one", now=9))
    assert database.write(lambda tx: credentials.revoke(tx, "none", now=9)) is False

    reader = database.reader()
    found = credentials.caller(reader, "two")
    assert found is not None
    assert found[1] == connections.required(reader, connection_id)
    assert (found[0].last_used_at, found[0].hash) == (7, "h" * 64)
    assert [found[0].state_at(now) for now in (49, 50)] == ["live", "expired"]
    database.write(lambda tx: credentials.extend(tx, "two", 90))
    states = [c.state_at(50) for c in credentials.every(database.reader())]
    assert sorted(states) == ["live", "revoked"]
    assert (
        database.write(lambda tx: credentials.revoke_all(tx, connection_id, now=9)) == 1
    )
    assert credentials.caller(database.reader(), "none") is None


# --------------------------------------------------------------- roles and access


def test_a_role_is_held_while_one_row_stands(database: Database) -> None:
    """Each source adds and removes its own rows alone (D23)."""
    user, connection_id = _user(database, "person"), _connection(database)
    role = database.write(lambda tx: roles.add(tx, " Staff "))

    def grant(source: str, through: int) -> None:
        database.write(
            lambda tx: assignments.grant(
                tx, user.id, role, source=source, connection_id=through, now=1
            )
        )

    for source, through in (("resource", connection_id), ("console", 0)):
        grant(source, through)
    with pytest.raises(ConstraintBroken):
        grant("console", 0)

    reader = database.reader()
    assert assignments.of_source(reader, user.id, "console", 0) == {role}
    assert assignments.names_of_source(reader, user.id, "resource") == ("Staff",)
    dropped = database.write(
        lambda tx: assignments.drop_of_connection(tx, user.id, connection_id)
    )
    assert dropped == ("Staff",)
    assert roles.names_held(reader, user.id) == ["Staff"]
    assert assignments.sources(reader, user.id) == [("Staff", "console", 0)]
    database.write(
        lambda tx: assignments.revoke(
            tx, user.id, role, source="console", connection_id=0
        )
    )
    assert roles.names_held(reader, user.id) == []


def test_only_those_who_can_sign_in_are_counted_as_administrators(
    database: Database,
) -> None:
    """Inactive holders and API users do not keep the house open (R22)."""
    database.write(roles.add_administrator)
    (role,) = roles.administrator_ids(database.reader())
    ann = _user(database, "ann.person")
    holders = [ann, _user(database, "bob.person", active=False)]
    holders += [_user(database, "robot", api_user=True), _user(database, "cid.person")]
    for user in holders:
        database.write(
            lambda tx, i=user.id: assignments.grant(
                tx, i, role, source="console", connection_id=0, now=1
            )
        )

    others = database.write(lambda tx: assignments.other_administrators(tx, ann.id))

    assert others == 1
    assert assignments.is_administrator(database.reader(), ann.id)
    database.write(lambda tx: assignments.drop_all(tx, ann.id))
    assert not assignments.is_administrator(database.reader(), ann.id)


@pytest.mark.parametrize("names", [roles, profiles])
def test_a_name_is_there_once_in_any_case(database: Database, names: Any) -> None:
    """Roles and profiles are found by folded name and never twice."""
    added = database.write(lambda tx: names.add(tx, "Front Desk"))
    reader = database.reader()

    assert names.by_name(reader, " front DESK").id == added
    assert names.name(reader, added) == "Front Desk"
    assert [row.name for row in names.every(reader)] == ["Front Desk"]
    assert names.by_name(reader, "other") is None
    with pytest.raises(ConstraintBroken):
        database.write(lambda tx: names.add(tx, "FRONT desk"))
    assert roles.by_names(reader, ["nobody"]) == {}


def test_everything_that_lets_a_user_in_ends(database: Database) -> None:
    """Sessions, links, tokens and the API App, each counted, nobody else's (D26)."""
    ann, robot = _user(database, "ann.person"), _user(database, "robot", api_user=True)
    other = _user(database, "other")

    def add(tx: Transaction) -> None:
        for n, user in enumerate((ann, ann, other)):
            put(tx, sessions, **rows.session(user, str(n)))
            put(tx, password_resets, **rows.reset(user, str(n)))
        put(tx, api_keys, **rows.key(robot))
        put(tx, api_tokens, **rows.token(robot))
        put(
            tx,
            sso_identities,
            issuer="i",
            subject="s",
            user_id=ann.id,
            user_is_api=False,
            connection_id=connections.add(tx, "entra", kind="entra", now=1),
            bound_at=1,
        )
        access.install_api_app(tx)
        access.install_api_app(tx)
        access.configure_api_app(tx, robot.id, now=1)

    database.write(add)
    assert access.api_app_state(database.reader()) == (True, robot.id)

    ended = [
        database.write(lambda tx, i=user.id: access.end_everything(tx, i))
        for user in (ann, robot)
    ]
    for user in (ann, robot):
        database.write(lambda tx, i=user.id: users.change(tx, i, {"active": False}))

    assert ended == [
        CutOff(sessions=2, resets=2, at={"nextgen": 2}),
        CutOff(api_tokens=1, api_keys=1, api_app=True),
    ]
    assert access.api_app_state(database.reader()) == (True, None)
    assert database.write(lambda tx: access.release_sso(tx, ann.id)) == 1
    assert database.write(lambda tx: access.end_sessions(tx, other.id)) == {
        "nextgen": 1
    }


# ------------------------------------------------------------- what is told and queued


def test_the_history_of_a_user_is_kept_in_order(database: Database) -> None:
    """Facts are JSON with sorted names, so that the chain is the same everywhere."""
    events = [
        Event("user:created", {"username": "é", "type": "t"}),
        Event("user:deactivated"),
    ]
    database.write(
        lambda tx: audit.record(
            tx,
            events,
            at=3,
            actor=Actor.operator("ann"),
            user_id=7,
            connection_id=2,
            request_id="r",
        )
    )

    first, second = audit.of_user(database.reader(), 7)

    assert (first.name, first.facts) == ("user:created", '{"type":"t","username":"é"}')
    assert (second.at, second.actor, second.connection_id) == (3, "cli:ann", 2)
    assert audit.of_user(database.reader(), 8) == []


def test_a_message_waits_until_it_is_delivered(database: Database) -> None:
    """Leased, it is nobody else's; failed, it comes again; then it is done."""
    database.write(
        lambda tx: outbox.add(tx, "mail:welcome", {"a": 1}, user_id=7, now=10)
    )
    (waits,) = outbox.waiting(database.reader())

    def tried(times: int) -> outbox.Message:
        return replace(waits, attempts=times)

    def lease(now: int) -> list[outbox.Message]:
        return database.write(lambda tx: outbox.lease(tx, now=now, until=now + 5))

    assert lease(9) == []
    assert lease(10) == [tried(1)]
    assert lease(14) == []
    assert lease(15) == [tried(2)]
    database.write(
        lambda tx: outbox.failed(tx, waits.id, "no answer", now=16, again_at=30)
    )
    assert lease(29) == []
    assert lease(30) == [tried(3)]
    assert database.write(lambda tx: outbox.delivered(tx, waits.id, now=31))
    assert not database.write(lambda tx: outbox.delivered(tx, waits.id, now=31))
    assert lease(99) == []
    assert outbox.waiting(database.reader()) == []
    attempts = Statement(text("SELECT attempts FROM outbox"))
    assert database.reader().value(attempts) == 3


def test_a_message_is_given_up_or_grows_stale(database: Database) -> None:
    """What is given up waits no more; past its best-before it waits unsent (D34)."""

    def add(tx: Transaction) -> None:
        outbox.add(tx, "mail:welcome", {}, user_id=1, now=1, best_before=5)
        outbox.add(tx, "applications:logout", {}, user_id=1, now=1)

    database.write(add)
    mail, logout = outbox.waiting(database.reader())
    leased = database.write(lambda tx: outbox.lease(tx, now=5, until=9))
    assert leased == [replace(logout, attempts=1)]

    database.write(
        lambda tx: outbox.failed(tx, logout.id, "gone", now=6, again_at=None)
    )

    assert outbox.waiting(database.reader()) == [mail]
    assert outbox.waiting_by_topic(database.reader()) == {"mail:welcome": 1}


def test_a_withdrawn_message_is_no_failure(database: Database) -> None:
    """It waits no more, is seen as withdrawn, and counts for nobody as given up."""

    def add(tx: Transaction) -> None:
        for topic in ("mail:welcome", "mail:reset"):
            outbox.add(tx, topic, {}, user_id=1, now=1)

    database.write(add)
    welcome, reset = outbox.waiting(database.reader())
    database.write(lambda tx: outbox.withdraw(tx, welcome.id, "gone", now=2))
    database.write(lambda tx: outbox.hold(tx, "mail:reset", now=3))
    database.write(lambda tx: outbox.drop_held(tx, "dropped", now=4))

    assert outbox.waiting(database.reader()) == []
    found = outbox.listed(database.reader(), "mail:", at_most=9, not_sent=True)
    assert [each.message.id for each in found] == [reset.id, welcome.id]
    assert [each.state_at(9) for each in found] == ["withdrawn", "withdrawn"]
    assert outbox.given_up(database.reader(), since=0) == {}
    again = database.write(lambda tx: outbox.withdraw(tx, reset.id, "x", now=5))
    assert not again


def _entry(number: int, **more: Any) -> Entry:
    entry = Entry(
        request_id=f"r{number}",
        at=number // 2,
        connection_id=1,
        credential_id=None,
        method="GET",
        path="/Users",
        action="Read",
        outcome="ok",
        status=200,
        reason=None,
        identity="kim",
        link_id=None,
        user_id=None,
        duration_us=5,
        steps="[]",
        request_body=None,
        response_body=None,
    )
    return replace(entry, **more)


def test_the_log_is_read_from_the_newest_page_by_page(database: Database) -> None:
    """Requests of one instant are neither shown twice nor left out."""
    entries = [_entry(number) for number in range(7)]
    database.write(lambda tx: request_log.add_batch(tx, entries[:6]))
    database.write(lambda tx: request_log.add(tx, entries[6]))

    seen: list[Entry] = []
    while page := request_log.newest(
        database.reader(), at_most=3, before=seen[-1].request_id if seen else None
    ):
        seen += page

    assert seen == entries[::-1]
    assert request_log.by_request_id(database.reader(), "r3") == entries[3]
    assert request_log.by_request_id(database.reader(), "none") is None


def test_the_log_is_narrowed(database: Database) -> None:
    """Every filter, alone and together, and without the reads."""
    refused = _entry(1, action="Create", outcome="Failure", status=409, user_id=4)
    refused = replace(refused, identity="Kim@X.io", reason="email_taken,initials_taken")
    refused = replace(refused, method="POST", link_id="l")
    database.write(lambda tx: request_log.add_batch(tx, [_entry(0), refused]))
    narrowed: dict[str, Any] = {"connection_id": 1, "action": "Create", "status": 409}
    narrowed |= {"outcome": "Failure", "method": "POST", "user_id": 4, "link_id": "l"}
    assert set(narrowed) == set(request_log.FILTERS)
    narrowed |= {"identity": "kim@x.IO", "words": "KIM@", "reason": "initials_taken"}
    narrowed |= {"since": refused.at, "until": refused.at + 1}

    def found(**filters: Any) -> list[Entry]:
        return request_log.newest(database.reader(), **filters)

    assert found(**narrowed) == [refused]
    for name, value in narrowed.items():
        assert refused in found(**{name: value}), name
    assert found(reads=False) == [refused]
    for nothing in (
        {"status": 404},
        {"words": "im@"},
        {"reason": "email"},
        {"since": refused.at + 1},
        {"until": 0},
    ):
        assert found(**nothing) == []


def test_a_failure_is_open_until_something_follows(database: Database) -> None:
    """What a later request of the same identity and connection answered is settled."""
    entries = [
        _entry(0, identity="Ann", outcome="Failure", action="Create"),
        _entry(1, identity="bo", outcome="Failure", action="Create"),
        _entry(2, identity="ann", outcome="Success", action="Create"),
        _entry(3, identity="bo", outcome="Failure", action="Update"),
        _entry(4, identity="bo", connection_id=2, action="Create"),
        _entry(5, identity="bo"),
    ]
    database.write(lambda tx: request_log.add_batch(tx, entries))

    assert request_log.open_failures(database.reader(), since=0) == [entries[3]]
    assert request_log.open_failures(database.reader(), since=entries[3].at + 1) == []


def test_a_connection_is_counted_by_the_hour(database: Database) -> None:
    """Requests and refusals of the last day, the newest hour last."""
    hour = 3600 * 1_000_000
    now = 100 * hour
    entries = [
        replace(_entry(0, outcome="Failure"), at=now - 1),
        replace(_entry(1), at=now - 2),
        replace(_entry(2), at=now - 24 * hour),
        replace(_entry(3), at=now - 25 * hour),
        replace(_entry(4, connection_id=2), at=now - 1),
    ]
    database.write(lambda tx: request_log.add_batch(tx, entries))

    counted, refused = request_log.by_hour(database.reader(), 1, now=now)

    assert (counted, refused) == ([1] + [0] * 22 + [2], [0] * 23 + [1])
    assert request_log.last(database.reader(), 1) == (now - 1, now - 2)
    assert request_log.last(database.reader(), 3) == (None, None)


def test_a_conflict_is_asked_once_and_counted(database: Database) -> None:
    """Open entries count up; closed ones stay, and a new one may follow."""
    connection_id = _connection(database)

    def ask(kind: str, now: int) -> None:
        database.write(
            lambda tx: conflicts.ask(
                tx,
                connection_id=connection_id,
                kind=kind,
                identity="kim",
                detail=f"{kind} {now}",
                now=now,
            )
        )

    for now, kind in enumerate(("email_taken", "email_taken", "warning")):
        ask(kind, now)
    database.write(
        lambda tx: conflicts.decide(
            tx,
            connection_id=connection_id,
            identity="kim",
            user_id=3,
            by="ann",
            now=5,
        )
    )

    reader = database.reader()
    assert conflicts.waiting(reader, connection_id, "kim") == {
        "email_taken": None,
        "warning": None,
        "decided": 3,
    }
    times = {entry.kind: entry.times for entry in conflicts.every(reader)}
    assert times == {"email_taken": 2, "warning": 1, "decided": 1}
    database.write(lambda tx: conflicts.settle(tx, connection_id, "kim", now=6))
    (left,) = conflicts.every(reader)
    assert left.kind == "warning"
    assert database.write(lambda tx: conflicts.resolve(tx, left.id, "seen", now=7))
    assert not database.write(lambda tx: conflicts.resolve(tx, left.id, "seen", now=7))
    ask("warning", 8)
    assert len(conflicts.every(reader)) == 1
    assert len(conflicts.every(reader, closed=True)) == 4


def test_what_is_counted_in_batches_adds_up(database: Database) -> None:
    """Quirks and refused callers are added to what was counted before (D24, D33)."""
    connection_id = _connection(database)
    day = refusals.DAY
    for now in (5, 9):
        database.write(
            lambda tx, n=now: quirks.count(tx, {(connection_id, "op_case"): 2}, now=n)
        )
        database.write(
            lambda tx, n=now: refusals.count(
                tx, {("no_token", "192.0.2.1"): (3, f"/{n}")}, now=n
            )
        )
    database.write(
        lambda tx: refusals.count(tx, {("no_token", "192.0.2.1"): (1, "/")}, now=day)
    )

    reader = database.reader()
    assert quirks.every(reader) == [(connection_id, "op_case", 4, 9)]
    assert refusals.every(reader) == [
        (1, "no_token", "192.0.2.1", 1, day, "/"),
        (0, "no_token", "192.0.2.1", 6, 9, "/9"),
    ]
