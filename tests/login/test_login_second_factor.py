"""A second factor: set up, asked for, used once, recovered by whoever has the machine."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest

from scim_connector.administration import users as user_doors
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import assignments, roles, second_factors
from scim_connector.directory.users import User
from scim_connector.login.gate import NotAdmitted
from scim_connector.login.passwords import Step
from scim_connector.login.throttle import MustWait
from scim_connector.rules.access import FactorPolicy
from scim_connector.tokens import totp
from tests import authenticator, house
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
    return authenticator.code(secret, room.now)


def _set_up(room: MailRoom) -> tuple[bytes, list[str]]:
    """Set one up; returns its secret and the recovery codes."""
    step = _password(room)
    new = room.passwords.new_factor(step.ticket, room.door("password"))
    assert new is not None
    secret = new.secret
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
    new = room.passwords.new_factor(step.ticket, room.door("password"))
    assert new is not None
    read = parse_qs(urlsplit(new.address).query)["secret"][0]

    _, codes = _set_up(room)

    assert (step.next, step.token) == ("set-up", None)
    assert base64.b32decode(read + "=" * (-len(read) % 8)) == new.secret
    assert len(set(codes)) == len(codes) >= 8
    assert "factor:added" in events_of(room.provider.database, boss.id)


def test_afterwards_it_is_asked_for(room: MailRoom, boss: User) -> None:
    """The password alone opens nothing; a code goes on, once."""
    secret, _ = _set_up(room)
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
    _, codes = _set_up(room)
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
    _set_up(room)
    ticket = _password(room).ticket
    for number in range(5):
        with pytest.raises(NotAdmitted):
            room.passwords.show_code(ticket, f"{number:06}", room.door("password"))

    with pytest.raises(MustWait):
        room.passwords.show_code(ticket, "123456", room.door("password"))


def test_a_password_gives_no_further_tries(room: MailRoom, boss: User) -> None:
    """Typing the password again, from wherever, does not forget the wrong codes."""
    _set_up(room)
    for number in range(5):
        door = room.door("password", f"203.0.113.{number}")
        ticket = room.passwords.sign_in(NAME, PASSWORD, door).ticket
        with pytest.raises(NotAdmitted):
            room.passwords.show_code(ticket, f"{number:06}", door)

    with pytest.raises(MustWait):
        room.passwords.show_code(_password(room).ticket, "5", room.door("password"))


def test_a_stranger_keeps_nobody_from_their_code(room: MailRoom, boss: User) -> None:
    """Wrong passwords of others count for no code: the owner's browser gets in."""
    secret, _ = _set_up(room)
    mark = room.passwords.mark(room.again(boss), room.now)
    for number in range(100):
        with pytest.raises(NotAdmitted):
            room.passwords.sign_in(
                NAME,
                "a wrong one, twelve",
                room.door("password", f"203.0.113.{number}"),
            )

    step = room.passwords.sign_in(NAME, PASSWORD, room.door("password"), mark)
    done = room.passwords.show_code(
        step.ticket, _code(room, secret), room.door("password")
    )

    assert done is not None
    assert done.token is not None


def test_many_codes_at_once_are_counted_one_by_one(room: MailRoom, boss: User) -> None:
    """However many are sent together, five are looked at."""
    _set_up(room)
    ticket, looked = _password(room).ticket, []

    def try_one(number: int) -> None:
        try:
            room.passwords.show_code(ticket, f"x{number}", room.door("password"))
        except NotAdmitted:
            looked.append(number)
        except MustWait:
            pass

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(try_one, range(24)))

    assert len(looked) == 5


def test_nobody_sets_up_what_another_has_begun(room: MailRoom, boss: User) -> None:
    """Who saw a key before, by a stolen password, cannot show codes of the owner's."""
    stolen = _password(room)
    seen = room.passwords.new_factor(stolen.ticket, room.door("password"))
    assert seen is not None
    secret, _ = _set_up(room)

    late = room.passwords.set_up(
        stolen.ticket, _code(room, seen.secret), room.door("password")
    )

    assert seen.secret != secret
    assert late is None
    with pytest.raises(NotAdmitted):
        room.passwords.show_code(
            _password(room).ticket, _code(room, seen.secret), room.door("password")
        )


def test_a_reload_of_the_page_shows_the_same_key(room: MailRoom, boss: User) -> None:
    """A wrong first code keeps the key that was scanned."""
    ticket, door = _password(room).ticket, room.door("password")
    first = room.passwords.new_factor(ticket, door)
    with pytest.raises(NotAdmitted):
        room.passwords.set_up(ticket, "000000", door)

    assert room.passwords.new_factor(ticket, door) == first


@pytest.mark.parametrize(
    "code",
    ["", "12345", "1234567", "abcdef", "\uff11\uff12\uff13\uff14\uff15\uff16", "\0"],
)
def test_rubbish_is_a_wrong_code(room: MailRoom, boss: User, code: str) -> None:
    """Nothing but six digits or a recovery code is one."""
    _set_up(room)

    with pytest.raises(NotAdmitted):
        room.passwords.show_code(_password(room).ticket, code, room.door("password"))


def test_whoever_has_one_is_always_asked(room: MailRoom, boss: User) -> None:
    """Also where the policy asks nobody any more."""
    _set_up(room)
    room.passwords._policy = FactorPolicy.OFF

    assert _password(room).next == "code"


def test_its_secret_is_encrypted_and_its_codes_are_hashed(
    room: MailRoom, boss: User
) -> None:
    """Whoever reads the tables cannot show a code."""
    secret, codes = _set_up(room)

    held = repr(second_factors.of_user(room.provider.database.reader(), boss.id))
    assert base64.b64encode(secret).decode() not in held
    assert totp.shown(secret).replace(" ", "") not in held
    assert codes[0] not in held


def test_a_locked_out_administrator_is_let_in_from_the_machine(
    room: MailRoom, boss: User
) -> None:
    """``user recover``: one link for a new password, without the former factor."""
    _set_up(room)
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

    with pytest.raises(NotPossible, match="send a password link"):
        user_doors.recoverable(room.provider.database.reader(), user.username)
