"""A second factor: set up, asked for, used once, recovered by whoever has the machine."""

from __future__ import annotations

import base64
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from scim_connector.administration import users as user_doors
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import assignments, roles, second_factors
from scim_connector.directory.users import User
from scim_connector.login.gate import NotAdmitted
from scim_connector.login.passwords import MustWait, Step
from scim_connector.rules.access import FactorPolicy
from scim_connector.tokens import totp
from tests import house
from tests.house import events_of
from tests.mailroom import MINUTE, PASSWORD, MailRoom

NAME = "kim.doe@contoso.com"


@pytest.fixture
def boss(room: MailRoom) -> User:
    """An Administrator with a password, where Administrators need a second factor."""
    room.passwords._policy = FactorPolicy.ADMINISTRATORS
    user = room.person()

    def work(tx: object) -> None:
        (role_id,) = roles.administrator_ids(tx)  # type: ignore[arg-type]
        assignments.grant(
            tx,  # type: ignore[arg-type]
            user.id,
            role_id,
            source="console",
            connection_id=0,
            now=house.now(),
        )

    room.provider.database.write(work)
    return user


def _password(room: MailRoom) -> Step:
    return room.passwords.sign_in(NAME, PASSWORD, room.door("password"))


def _code(room: MailRoom, secret: bytes) -> str:
    """What an authenticator app shows now, by somebody else's RFC 6238."""
    app = TOTP(secret, 6, SHA1(), 30)  # noqa: S303 - what authenticator apps do
    return app.generate(room.now // 1_000_000).decode()


def _set_up(room: MailRoom, user: User) -> tuple[bytes, list[str]]:
    """Set one up; returns its secret and the recovery codes."""
    step = _password(room)
    secret = room.passwords.new_factor(user, room.now).secret
    done = room.passwords.set_up(
        step.ticket, _code(room, secret), room.door("password")
    )
    assert done is not None
    assert done[0].token is not None
    room.now += MINUTE
    return secret, done[1]


def test_an_administrator_sets_one_up_at_the_first_sign_in(
    room: MailRoom, boss: User
) -> None:
    """The app reads an address, its first code confirms it, and codes are shown once."""
    step = _password(room)
    new = room.passwords.new_factor(boss, room.now)
    read = parse_qs(urlsplit(new.address).query)

    secret, codes = _set_up(room, boss)

    assert (step.next, step.token) == ("set-up", None)
    assert (
        base64.b32decode(read["secret"][0] + "=" * (-len(read["secret"][0]) % 8))
        == secret
    )
    assert len(set(codes)) == len(codes) >= 8
    assert "factor:added" in events_of(room.provider.database, boss.id)


def test_afterwards_it_is_asked_for(room: MailRoom, boss: User) -> None:
    """The password alone opens nothing; a code goes on, once."""
    secret, _ = _set_up(room, boss)
    step = _password(room)
    code = _code(room, secret)

    done = room.passwords.show_code(step.ticket, code, room.door("password"))

    assert (step.next, step.token) == ("code", None)
    assert done is not None
    found = room.sessions.verify(str(done.token), client="nextgen", now=room.now)
    assert found is not None
    assert found.session.second_factor
    again = _password(room)
    with pytest.raises(NotAdmitted):
        room.passwords.show_code(again.ticket, code, room.door("password"))


def test_a_recovery_code_works_once(room: MailRoom, boss: User) -> None:
    """However it is typed; the second time it is a wrong code."""
    _, codes = _set_up(room, boss)
    typed = f" {codes[0].upper()} "

    done = room.passwords.show_code(
        _password(room).ticket, typed, room.door("password")
    )

    assert done is not None
    assert done.token is not None
    with pytest.raises(NotAdmitted):
        room.passwords.show_code(
            _password(room).ticket, codes[0], room.door("password")
        )


def test_codes_cannot_be_tried_out(room: MailRoom, boss: User) -> None:
    """After five wrong ones the account waits, from there."""
    _set_up(room, boss)
    ticket = _password(room).ticket
    for number in range(5):
        with pytest.raises(NotAdmitted):
            room.passwords.show_code(ticket, f"{number:06}", room.door("password"))

    with pytest.raises(MustWait):
        room.passwords.show_code(ticket, "123456", room.door("password"))


@pytest.mark.parametrize(
    "code",
    ["", "12345", "1234567", "abcdef", "\uff11\uff12\uff13\uff14\uff15\uff16", "\0"],
)
def test_rubbish_is_a_wrong_code(room: MailRoom, boss: User, code: str) -> None:
    """Nothing but six digits or a recovery code is one."""
    _set_up(room, boss)

    with pytest.raises(NotAdmitted):
        room.passwords.show_code(_password(room).ticket, code, room.door("password"))


def test_whoever_has_one_is_always_asked(room: MailRoom, boss: User) -> None:
    """Also where the policy asks nobody any more."""
    _set_up(room, boss)
    room.passwords._policy = FactorPolicy.OFF

    assert _password(room).next == "code"


def test_its_secret_is_encrypted_and_its_codes_are_hashed(
    room: MailRoom, boss: User
) -> None:
    """Whoever reads the tables cannot show a code."""
    secret, codes = _set_up(room, boss)

    held = repr(second_factors.of_user(room.provider.database.reader(), boss.id))
    assert base64.b64encode(secret).decode() not in held
    assert totp.shown(secret).replace(" ", "") not in held
    assert codes[0] not in held


def test_a_locked_out_administrator_is_let_in_from_the_machine(
    room: MailRoom, boss: User
) -> None:
    """``user recover``: one link for a new password, without the former factor."""
    _set_up(room, boss)
    act = house.operator()
    write = room.provider.database.write
    user_doors.recoverable(room.provider.database.reader(), boss.username)

    minted = write(lambda tx: room.links.recover(tx, boss, act))
    room.now = minted.until - 1
    room.choose(str(minted.token), "other words entirely here")

    step = room.passwords.sign_in(
        NAME, "other words entirely here", room.door("password")
    )
    assert step.next == "set-up"
    events = events_of(room.provider.database, boss.id)
    assert {"user:recovered", "factor:removed"} <= set(events)


def test_only_administrators_are_recovered(room: MailRoom) -> None:
    """Others are mailed a link; the refusal says which command does it."""
    user = room.person()

    with pytest.raises(NotPossible, match="user reset"):
        user_doors.recoverable(room.provider.database.reader(), user.username)
