"""One's own password and second factor: a session alone changes neither."""

from __future__ import annotations

import pytest

from scim_connector.directory import links
from scim_connector.directory import sessions as sessions_rows
from scim_connector.directory.sessions import Session
from scim_connector.login.gate import NotAdmitted
from scim_connector.login.own_account import FRESH, NotFresh, OwnAccount
from scim_connector.login.sessions import Proof
from scim_connector.login.throttle import MustWait
from scim_connector.rules.users import RulesViolated
from tests import authenticator
from tests.house import events_of, patch_of
from tests.mailroom import MINUTE, PASSWORD, MailRoom

NAME = "kim.doe@contoso.com"
OTHER = "other words entirely here"
WRONG = "a wrong one, twelve"
CHANGE = {"present": PASSWORD, "password": OTHER, "again": OTHER}
PRESENT = {"present": PASSWORD}


@pytest.fixture
def own(room: MailRoom) -> OwnAccount:
    """The own account of whoever is signed in."""
    return OwnAccount(room.provider.database, room.keys, room.passwords, room.factors)


def _signed_in(room: MailRoom) -> Session:
    """Somebody who is signed in, with another session elsewhere."""
    user = room.person()
    for _ in range(2):
        token = room.passwords.sign_in(NAME, PASSWORD, room.door("password")).token
    assert token is not None
    held = sessions_rows.of_user(room.provider.database.reader(), user.id)
    return next(each for each in held if each.id == token.id)


def _set_up(
    room: MailRoom, own: OwnAccount, session: Session
) -> tuple[bytes, list[str]]:
    begun = own.begin_factor(session, PRESENT, room.door())
    assert begun is not None
    secret = begun.factor.secret
    code = authenticator.code(secret, room.now)
    codes = own.confirm_factor(session, begun, code, room.door())
    room.now += MINUTE
    return secret, codes


def test_the_present_password_sets_another(room: MailRoom, own: OwnAccount) -> None:
    """This session stays, every other one ends, and the person is told by mail."""
    session = _signed_in(room)
    room.deliver()

    own.change_password(session, CHANGE, room.door())

    held = sessions_rows.of_user(room.provider.database.reader(), session.user_id)
    assert [each.id for each in held] == [session.id]
    assert [mail.recipients for mail in room.deliver()] == [(NAME,)]
    assert room.passwords.sign_in(NAME, OTHER, room.door("password")).token


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"present": WRONG}, NotAdmitted),
        ({"present": ""}, NotAdmitted),
        ({"again": WRONG}, RulesViolated),
        ({"password": "kim.doe is short", "again": "kim.doe is short"}, RulesViolated),
    ],
)
def test_anything_else_changes_nothing(
    room: MailRoom, own: OwnAccount, change: dict[str, str], error: type[Exception]
) -> None:
    """A wrong present password, two that differ, one that breaks R32."""
    session = _signed_in(room)

    with pytest.raises(error):
        own.change_password(session, {**CHANGE, **change}, room.door())

    assert room.passwords.sign_in(NAME, PASSWORD, room.door("password")).token


def test_a_stolen_session_does_not_guess(room: MailRoom, own: OwnAccount) -> None:
    """After five wrong ones it waits, also with the right one, on every button."""
    session = _signed_in(room)
    for _ in range(5):
        with pytest.raises(NotAdmitted):
            own.change_password(session, {**CHANGE, "present": WRONG}, room.door())

    with pytest.raises(MustWait):
        own.change_password(session, CHANGE, room.door())
    with pytest.raises(MustWait):
        own.begin_factor(session, PRESENT, room.door())


def test_a_deactivation_meanwhile_refuses(room: MailRoom, own: OwnAccount) -> None:
    """What was typed before it changes nothing after it (D26)."""
    session = _signed_in(room)
    link = links.of_user(room.provider.database.reader(), session.user_id)
    assert link is not None
    room.provider.patch(link.id, patch_of(active=False))

    with pytest.raises(NotAdmitted):
        own.change_password(session, CHANGE, room.door())


def test_one_sets_up_a_second_factor(room: MailRoom, own: OwnAccount) -> None:
    """From then on it is asked for, whatever the policy says."""
    session = _signed_in(room)

    secret, codes = _set_up(room, own, session)

    step = room.passwords.sign_in(NAME, PASSWORD, room.door("password"))
    assert step.next == "code"
    assert len(codes) == 10
    code = authenticator.code(secret, room.now)
    done = room.passwords.show_code(step.ticket, code, room.door("password"))
    assert done is not None
    assert done.token
    assert "factor:added" in events_of(room.provider.database, session.user_id)


def test_nobody_sets_one_up_for_another(room: MailRoom, own: OwnAccount) -> None:
    """A ticket is of one person and of their present password."""
    session = _signed_in(room)
    begun = own.begin_factor(session, PRESENT, room.door())
    assert begun is not None
    room.now += MINUTE
    own.change_password(session, CHANGE, room.door())

    assert own.begun(session, begun.ticket, room.door()) is None
    assert own.begun(session, "made up", room.door()) is None


def test_new_codes_take_the_place_of_the_former(
    room: MailRoom, own: OwnAccount
) -> None:
    """They ask for the password and a code, and are audited."""
    session = _signed_in(room)
    secret, former = _set_up(room, own, session)
    code = authenticator.code(secret, room.now)

    fresh = own.new_codes(session, {**PRESENT, "code": code}, room.door())

    ticket = room.passwords.sign_in(NAME, PASSWORD, room.door("password")).ticket
    with pytest.raises(NotAdmitted):
        room.passwords.show_code(ticket, former[0], room.door("password"))
    assert room.passwords.show_code(ticket, fresh[0], room.door("password"))
    assert "factor:codes" in events_of(room.provider.database, session.user_id)


def test_a_lost_telephone_is_replaced_by_a_recovery_code(
    room: MailRoom, own: OwnAccount
) -> None:
    """One code lets in, another removes the lost one, and a new one is set up."""
    session = _signed_in(room)
    _, codes = _set_up(room, own, session)

    with pytest.raises(NotAdmitted):
        own.remove_factor(session, {**PRESENT, "code": "000000"}, room.door())
    own.remove_factor(session, {**PRESENT, "code": codes[1]}, room.door())

    assert own.held(session.user_id) == (True, False)
    assert _set_up(room, own, session)
    assert "factor:removed" in events_of(room.provider.database, session.user_id)


def test_a_stolen_session_does_not_move_the_mail(
    room: MailRoom, own: OwnAccount
) -> None:
    """Another address takes the present password: it is where links are mailed."""
    session = _signed_in(room)
    room.deliver()
    form = {"email": "thief@home.example"}

    with pytest.raises(NotAdmitted):
        own.change_email(session, {**form, "present": WRONG}, room.door())
    with pytest.raises(NotAdmitted):
        own.change_email(session, form, room.door())

    assert room.deliver() == []
    own.change_email(session, {**form, **PRESENT}, room.door())
    assert [m.recipients for m in room.deliver()] == [("thief@home.example",)]


@pytest.mark.parametrize(("after", "allowed"), [(FRESH - 1, True), (FRESH, False)])
def test_without_a_password_a_fresh_sign_in_is_asked_for(
    room: MailRoom, own: OwnAccount, after: int, *, allowed: bool
) -> None:
    """Whoever signs in at their provider signs in again for it."""
    user = room.user(room.add())
    room.deliver()
    token = room.provider.database.write(
        lambda tx: room.sessions.open(tx, user.id, room.door("sso"), Proof("sso"))
    )
    session = sessions_rows.by_id(room.provider.database.reader(), token.id)
    assert session is not None
    room.now += after
    form = {"email": "kim@home.example"}

    if allowed:
        own.change_email(session, form, room.door())
    else:
        with pytest.raises(NotFresh):
            own.change_email(session, form, room.door())

    assert len(room.deliver()) == allowed
