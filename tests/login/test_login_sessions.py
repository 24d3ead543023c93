"""Sessions on both databases: opened by the gate, judged by a join, ended for good."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from scim_connector.directory import links, outbox, sessions, users
from scim_connector.directory.constraints import ConstraintBroken
from scim_connector.directory.database import Database
from scim_connector.directory.users import User
from scim_connector.login.gate import Door, NotAdmitted
from scim_connector.login.sessions import SEEN_EVERY, Proof, Sessions
from scim_connector.rules.access import OUTWARD, Lifetimes
from scim_connector.scim.types import LOCAL
from scim_connector.tokens.opaque import Token
from scim_connector.tokens.secrets import SecretKeys
from tests import access, house, programs
from tests.house import Provider, events_of, patch_of, person

MINUTE = 60 * 1_000_000
LIFETIMES = Lifetimes(idle=60 * MINUTE, whole=720 * MINUTE)
PASSWORD = Proof("password")


@dataclass
class Desk:
    """A provider, and the sessions of its people."""

    provider: Provider
    limit: int = 0
    keys: SecretKeys = field(default_factory=SecretKeys.fresh)
    sessions: Sessions = field(init=False)

    def __post_init__(self) -> None:
        self.sessions = Sessions(
            self.provider.database, self.keys, LIFETIMES, limit=self.limit
        )

    def add(self, name: str = "kim.doe", **more: object) -> User:
        """Somebody new."""
        made = self.provider.post(person(f"{name}@contoso.com", **more))
        return self.provider.user(str(made.id))

    def open(self, user: User, at: int, client: str = "nextgen") -> Token:
        """Let them in."""
        door = Door("password", client, "192.0.2.9", "Firefox", at)
        return self.provider.database.write(
            lambda tx: self.sessions.open(tx, user.id, door, PASSWORD)
        )

    def is_good(self, token: Token | str, at: int, client: str = "nextgen") -> bool:
        """Whether a token opens something at an instant."""
        return self.sessions.verify(str(token), client=client, now=at) is not None

    def set_active(self, user: User, *, active: bool) -> None:
        """Let the provider decide whether somebody is active."""
        link = links.of_user(self.provider.database.reader(), user.id)
        assert link is not None
        self.provider.patch(str(link.id), patch_of(active=active))


@pytest.fixture
def desk(database: Database) -> Desk:
    """A desk on each database."""
    made = house.provider(database)
    made.set(allow_api_users=True)
    return Desk(house.Provider(database, made.connection))


def test_a_session_is_good_for_its_application_alone(desk: Desk) -> None:
    """The token opens the application it was opened for, and no other."""
    token = desk.open(desk.add(), 0)

    assert desk.is_good(token, 1)
    assert not desk.is_good(token, 1, client="classic")
    assert not desk.is_good(replace(token, secret="A" * 43), 1)
    assert not desk.is_good("rubbish", 1)


def test_an_unused_session_ends(desk: Desk) -> None:
    """It is good to the last microsecond of the idle time, and not after it."""
    token = desk.open(desk.add(), 0)

    assert not desk.is_good(token, LIFETIMES.idle)
    assert desk.is_good(token, LIFETIMES.idle - 1)


def test_use_keeps_a_session_until_its_whole_life_is_over(desk: Desk) -> None:
    """Each use counts, in the database too, and none lengthens the whole life."""
    token = desk.open(desk.add(), 0)

    for now in range(0, LIFETIMES.whole, LIFETIMES.idle // 2):
        assert desk.is_good(token, now)
        desk.sessions.flush(now)
    other = Sessions(desk.provider.database, desk.keys, LIFETIMES)
    assert other.verify(str(token), client=None, now=LIFETIMES.whole - 1)
    assert not desk.is_good(token, LIFETIMES.whole)


def test_asking_often_writes_rarely(desk: Desk) -> None:
    """A use is kept once a minute; a flush with nothing to keep writes nothing."""
    token = desk.open(desk.add(), 0)
    desk.is_good(token, SEEN_EVERY - 1)
    desk.sessions.flush(SEEN_EVERY - 1)
    first = sessions.by_id(desk.provider.database.reader(), token.id)
    desk.is_good(token, SEEN_EVERY)
    desk.sessions.flush(SEEN_EVERY)

    second = sessions.by_id(desk.provider.database.reader(), token.id)
    assert first is not None
    assert second is not None
    assert (first.seen_at, second.seen_at) == (0, SEEN_EVERY)


def test_only_a_hash_of_the_token_is_kept(desk: Desk) -> None:
    """Whoever reads the table cannot sign in with it."""
    token = desk.open(desk.add(), 0)

    held = sessions.by_id(desk.provider.database.reader(), token.id)
    assert held is not None
    assert token.secret not in repr(held)


def test_a_renewed_session_has_another_token_and_the_same_end(desk: Desk) -> None:
    """The former token opens nothing more; the whole life does not begin anew."""
    token = desk.open(desk.add(), 0)
    door = Door("renewal", "nextgen", "192.0.2.9", "", MINUTE)

    renewed = desk.sessions.renew(str(token), door)

    assert not desk.is_good(token, MINUTE)
    assert desk.is_good(renewed, MINUTE)
    held = sessions.by_id(desk.provider.database.reader(), renewed.id)
    assert held is not None
    assert held.expires_at == LIFETIMES.whole


@pytest.mark.parametrize(
    ("client", "at", "cut"),
    [
        ("classic", MINUTE, False),
        ("nextgen", LIFETIMES.idle, False),
        ("nextgen", MINUTE, True),
    ],
)
def test_renewal_asks_the_gate(desk: Desk, client: str, at: int, *, cut: bool) -> None:
    """Another application, an ended session and an inactive user get nothing."""
    user = desk.add()
    token = desk.open(user, 0)
    if cut:
        desk.set_active(user, active=False)

    with pytest.raises(NotAdmitted, match=OUTWARD):
        desk.sessions.renew(str(token), Door("renewal", client, "", "", at))


def test_a_deactivation_ends_every_session_for_good(desk: Desk) -> None:
    """Nothing opens during it, and nothing of before opens after a return (D26)."""
    user = desk.add()
    clients = ("nextgen", "classic")
    opened = [(desk.open(user, 0, client), 1, client) for client in clients]
    desk.set_active(user, active=False)
    during = [desk.is_good(*each) for each in opened]
    desk.set_active(user, active=True)

    after = [desk.is_good(*each) for each in opened]
    assert during + after == [False] * 4
    assert desk.is_good(desk.open(user, 2), 3)


def test_a_row_of_an_earlier_time_opens_nothing(desk: Desk) -> None:
    """Were a row left, or put back from a copy, the epoch would still refuse it."""
    user = desk.add()
    token = desk.open(user, 0)
    row = sessions.by_id(desk.provider.database.reader(), token.id)
    assert row is not None
    desk.set_active(user, active=False)
    desk.set_active(user, active=True)

    desk.provider.database.write(lambda tx: sessions.add(tx, row))

    assert not desk.is_good(token, 1)


@pytest.mark.parametrize("kind", ["program", "inactive"])
def test_the_gate_refuses_whom_it_must(desk: Desk, kind: str) -> None:
    """API users and inactive users get no session (R25, R27)."""
    user = desk.add(**({LOCAL: {"apiUser": True}} if kind == "program" else {}))
    if kind == "inactive":
        desk.set_active(user, active=False)

    with pytest.raises(NotAdmitted) as refused:
        desk.open(user, 0)

    codes = {"program": "api_user_no_login", "inactive": "inactive"}
    assert refused.value.refusal.code == codes[kind]


@pytest.mark.parametrize("kind", ["program", "inactive"])
def test_the_database_refuses_them_too(desk: Desk, kind: str) -> None:
    """Past every rule, the keys refuse the row (local-rules: composite keys)."""
    user = desk.add(**({LOCAL: {"apiUser": True}} if kind == "program" else {}))
    if kind == "inactive":
        desk.set_active(user, active=False)
    row = access.session(user, user_is_api=False, user_active=True)

    with pytest.raises(ConstraintBroken):
        desk.provider.database.write(lambda tx: access.put(tx, access.sessions, **row))


def test_a_limit_lets_nobody_new_in_but_the_view_only_user(database: Database) -> None:
    """R28: the count is of live sessions; the one who logs others out is exempt."""
    desk = Desk(house.provider(database), limit=1)
    token = desk.open(desk.add(), 0)
    second, view_only = desk.add("lee.ray"), desk.add("max.orr")
    changes = {"user_type": "user_view_only"}
    database.write(lambda tx: users.change(tx, view_only.id, changes))

    with pytest.raises(NotAdmitted) as refused:
        desk.open(second, 1)

    assert refused.value.refusal.code == "session_limit"
    assert desk.open(view_only, 1)
    assert desk.is_good(token, 1)
    assert desk.open(second, LIFETIMES.idle + 1)  # both have ended by their age


def test_ending_all_but_one_leaves_that_one(desk: Desk) -> None:
    """People end their other sessions; the one they sit at goes on."""
    user = desk.add()
    here, there = desk.open(user, 0), desk.open(user, 0, client="classic")
    door = Door("account", "nextgen", "192.0.2.9", "", 1)

    ended = desk.sessions.end_all(user.id, door, but=here.id)

    assert ended == 1
    assert desk.is_good(here, 1)
    assert not desk.is_good(there, 1, client="classic")


def test_applications_are_told_of_a_session_that_ended(desk: Desk) -> None:
    """One with a logout address gets a call of this session, others none."""
    database, user = desk.provider.database, desk.add()
    for name, url in (
        ("nextgen", "https://nextgen.example.com/logout"),
        ("classic", None),
    ):
        programs.application(database, name, logout_url=url)
    tokens = {name: desk.open(user, 0, client=name) for name in ("nextgen", "classic")}

    for name, token in tokens.items():
        held = sessions.by_id(database.reader(), token.id)
        assert held is not None
        assert desk.sessions.end(held, Door("logout", name, "", "", 1))

    calls = [
        m for m in outbox.waiting(database.reader()) if m.topic == "logout:application"
    ]
    assert len(calls) == 1
    assert tokens["nextgen"].id in calls[0].payload


def test_a_first_sign_in_is_remembered(desk: Desk) -> None:
    """R17 asks for it; audit says where somebody came in."""
    user = desk.add()
    desk.open(user, 77)

    held = desk.provider.database.reader()
    assert "session:opened" in events_of(desk.provider.database, user.id)
    assert users.required(held, user.id).first_login_at == 77


def test_sessions_that_ended_by_their_age_are_forgotten(desk: Desk) -> None:
    """Their rows go; they opened nothing any more."""
    user = desk.add()
    desk.open(user, 0)

    desk.sessions.flush(LIFETIMES.idle)

    assert sessions.of_user(desk.provider.database.reader(), user.id) == []
