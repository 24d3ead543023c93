"""Signing in with a password: the same answer and the same work for everybody else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from argon2 import PasswordHasher as Argon2

from scim_connector.administration import users as user_doors
from scim_connector.login import throttle
from scim_connector.login.gate import NotAdmitted
from scim_connector.login.passwords import DAY
from scim_connector.login.throttle import MustWait
from scim_connector.rules.access import OUTWARD
from scim_connector.rules.users import RulesViolated
from scim_connector.scim.types import LOCAL
from scim_connector.tokens.passwords import PasswordHasher
from tests import house
from tests.house import events_of, patch_of
from tests.mailroom import CHEAP, HOUR, MINUTE, PASSWORD, MailRoom

NAME = "kim.doe@contoso.com"
OTHER = "other words entirely here"


class CountingHasher(PasswordHasher):
    """Counts what is verified: the work that every attempt costs."""

    def __init__(self) -> None:
        """Hash cheaply."""
        super().__init__(CHEAP)
        self.verified = 0

    def verify(self, stored: str | None, password: str) -> bool:
        """Count, and verify."""
        self.verified += 1
        return super().verify(stored, password)


def test_a_name_or_an_address_and_the_password_let_somebody_in(room: MailRoom) -> None:
    """Folded as everywhere; the session is theirs, and good at once."""
    user = room.person()

    for name in (user.username, NAME, NAME.upper()):
        step = room.passwords.sign_in(name, PASSWORD, room.door("password"))
        found = room.sessions.verify(str(step.token), client="nextgen", now=room.now)
        assert found is not None
        assert found.session.user_id == user.id


def _wrong(room: MailRoom) -> str:
    room.person()
    return NAME


def _unknown(_: MailRoom) -> str:
    return "nobody@contoso.com"


def _program(room: MailRoom) -> str:
    room.add("robot", **{LOCAL: {"apiUser": True}})
    return "robot@contoso.com"


def _inactive(room: MailRoom) -> str:
    link_id = room.add()
    room.choose(room.mailed_link())
    room.provider.patch(link_id, patch_of(active=False))
    return NAME


def _without(room: MailRoom) -> str:
    room.add()
    return NAME


@pytest.mark.parametrize("who", [_wrong, _unknown, _program, _inactive, _without])
def test_everybody_else_gets_the_same_answer_for_the_same_work(
    room: MailRoom, who: object
) -> None:
    """One sentence, one verification each: nobody learns who exists (ASVS 6.3.8)."""
    name = who(room)  # type: ignore[operator]
    hasher = CountingHasher()
    room.passwords._hasher = hasher
    typed = "a wrong one, twelve" if who is _wrong else PASSWORD

    with pytest.raises(NotAdmitted, match=OUTWARD):
        room.passwords.sign_in(name, typed, room.door("password"))

    assert hasher.verified == 1


def test_the_exact_reason_of_a_refusal_is_kept(room: MailRoom) -> None:
    """Audit has what the person does not read."""
    user = room.person()

    with pytest.raises(NotAdmitted) as refused:
        room.passwords.sign_in(NAME, "a wrong one, twelve", room.door("password"))

    assert refused.value.refusal.code == "token_invalid"
    assert "sign_in:refused" in events_of(room.provider.database, user.id)


def test_a_password_dies_with_a_deactivation(room: MailRoom) -> None:
    """After a return the former one opens nothing; a new link is needed (D26)."""
    link_id = room.add()
    room.choose(room.mailed_link())
    room.provider.patch(link_id, patch_of(active=False))
    room.provider.patch(link_id, patch_of(active=True))

    with pytest.raises(NotAdmitted):
        room.passwords.sign_in(NAME, PASSWORD, room.door("password"))

    assert room.user(link_id).password_hash is None


# ------------------------------------------------------------------------- throttling


def _fail(room: MailRoom, times: int, network: str = "198.51.100.7") -> None:
    for _ in range(times):
        with pytest.raises(NotAdmitted):
            room.passwords.sign_in(
                NAME, "a wrong one, twelve", room.door("password", network)
            )


def test_who_fails_often_waits_from_there_alone(room: MailRoom) -> None:
    """Five failures for one account from one network; elsewhere its owner gets in."""
    room.person()
    _fail(room, 5)

    with pytest.raises(MustWait) as wait:
        room.passwords.sign_in(NAME, PASSWORD, room.door("password", "198.51.100.7"))

    assert 0 < wait.value.retry_after <= 15 * 60 + 1
    assert room.passwords.sign_in(NAME, PASSWORD, room.door("password")).token
    room.now += 15 * MINUTE
    assert room.passwords.sign_in(
        NAME, PASSWORD, room.door("password", "198.51.100.7")
    ).token


def test_a_stranger_cannot_lock_an_account(room: MailRoom) -> None:
    """However many networks guess, the browser that was here before gets in."""
    room.person()
    mark = room.passwords.sign_in(NAME, PASSWORD, room.door("password")).mark
    limit = next(each for each in throttle.LIMITS if each.kind == throttle.ACCOUNT)
    for number in range(limit.most):
        _fail(room, 1, f"203.0.113.{number}")

    with pytest.raises(MustWait):
        room.passwords.sign_in(NAME, PASSWORD, room.door("password"))

    assert room.passwords.sign_in(NAME, PASSWORD, room.door("password"), mark).token


def test_a_colleague_cannot_lock_an_account(room: MailRoom) -> None:
    """Behind one address of an office, too: a known browser is counted by itself."""
    room.person()
    mark = room.passwords.sign_in(NAME, PASSWORD, room.door("password")).mark
    _fail(room, 5)
    limit = next(each for each in throttle.LIMITS if each.kind == throttle.NETWORK)
    for number in range(limit.most - 5):
        door = room.door("password", "198.51.100.7")
        with pytest.raises(NotAdmitted):
            room.passwords.sign_in(f"name{number}", "a wrong one, twelve", door)
    door = room.door("password", "198.51.100.7")
    with pytest.raises(MustWait):
        room.passwords.sign_in(NAME, PASSWORD, door)

    assert room.passwords.sign_in(NAME, PASSWORD, door, mark).token


def test_a_known_browser_may_not_guess_for_ever(room: MailRoom) -> None:
    """Its own failures make it wait, wherever it is."""
    room.person()
    mark = room.passwords.sign_in(NAME, PASSWORD, room.door("password")).mark
    for number in range(5):
        door = room.door("password", f"203.0.113.{number}")
        with pytest.raises(NotAdmitted):
            room.passwords.sign_in(NAME, "a wrong one, twelve", door, mark)

    with pytest.raises(MustWait):
        room.passwords.sign_in(NAME, PASSWORD, room.door("password"), mark)


def test_a_mark_dies_with_the_password(room: MailRoom) -> None:
    """Who knew a former password is a stranger again."""
    user = room.person()
    mark = room.passwords.sign_in(NAME, PASSWORD, room.door("password")).mark
    room.now += MINUTE
    room.passwords.set_password(room.again(user), OTHER, room.door("account"))
    for number in range(100):
        _fail(room, 1, f"203.0.113.{number}")

    with pytest.raises(MustWait):
        room.passwords.sign_in(NAME, OTHER, room.door("password"), mark)
    fresh = room.passwords.mark(room.again(user), room.now)
    assert room.passwords.sign_in(NAME, OTHER, room.door("password"), fresh).token


def test_one_network_may_not_try_everybody(room: MailRoom) -> None:
    """Failures of a network count over all names, also over an IPv6 network of 64 bits."""
    limit = next(each for each in throttle.LIMITS if each.kind == throttle.NETWORK)
    for number in range(limit.most):
        door = room.door("password", f"2001:db8::{number:x}")
        with pytest.raises(NotAdmitted):
            room.passwords.sign_in(f"name{number}", "a wrong one, twelve", door)

    with pytest.raises(MustWait):
        room.passwords.sign_in(
            "another", OTHER, room.door("password", "2001:db8::ffff")
        )


def test_a_success_forgets_the_failures_before_it(room: MailRoom) -> None:
    """Whoever mistypes now and then never waits."""
    room.person()
    for _ in range(3):
        _fail(room, 4, "192.0.2.9")
        assert room.passwords.sign_in(NAME, PASSWORD, room.door("password")).token


@pytest.mark.parametrize(
    "mark", ["", "x", "99999999999999999.AAAA", "1.", "٣.x", "9" * 400 + ".x"]
)
def test_a_made_up_mark_is_none(room: MailRoom, mark: str) -> None:
    """Only a mark that was signed here makes a browser known."""
    keys = room.keys.sub_keys("known browsers")

    assert not throttle.is_marked(mark, "1", keys, room.now)


# --------------------------------------------------------------------- the password


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("eleven char", "password_short"),
        ("ü" * 513, "password_long"),
        ("password1234", "password_common"),
        ("aaaaaaaaaaaaaaa", "password_common"),
        ("plinth kim.doe cobalt", "password_personal"),
        ("plinth\torchard\tcobalt", "password_characters"),
    ],
)
def test_a_password_keeps_its_rule(room: MailRoom, password: str, code: str) -> None:
    """R32: each clause by its code, and the link is not used up by a refusal."""
    link_id = room.add()
    link = room.mailed_link()

    with pytest.raises(RulesViolated) as refused:
        room.choose(link, password)

    assert code in [each.code for each in refused.value.violations]
    assert all(password not in each.message for each in refused.value.violations)
    assert room.links.open(link, room.now).refusal is None
    assert room.user(link_id).password_hash is None


@pytest.mark.parametrize(
    "password",
    ["ü" + "plinth orchard cobalt " * 46, "zwölf Zeichen", "plinth orchard cobalt"],
)
def test_a_long_uncommon_password_is_taken(room: MailRoom, password: str) -> None:
    """12 characters to 1,024 bytes, in any script; two ways to type ü are one."""
    room.add()
    room.choose(room.mailed_link(), password)
    typed = password.replace("ü", "u\u0308").replace("ö", "o\u0308")

    assert room.passwords.sign_in(NAME, typed, room.door("password")).token


def test_an_expired_password_has_to_be_changed_first(room: MailRoom) -> None:
    """``user expire``: signing in leads to another password, and then in (R17)."""
    user = room.person()
    room.provider.database.write(
        lambda tx: user_doors.expire_password(tx, user, house.operator())
    )

    step = room.passwords.sign_in(NAME, PASSWORD, room.door("password"))
    form = {"password": OTHER, "again": OTHER}
    done = room.passwords.change(step.ticket, form, room.door("password"))

    assert (step.next, step.token) == ("password", None)
    assert done is not None
    assert done.token is not None
    assert room.passwords.sign_in(NAME, OTHER, room.door("password")).next == "done"


def test_an_expired_password_is_not_chosen_again(room: MailRoom) -> None:
    """It takes another one; the page stays open for it."""
    user = room.person()
    room.provider.database.write(
        lambda tx: user_doors.expire_password(tx, user, house.operator())
    )
    step = room.passwords.sign_in(NAME, PASSWORD, room.door("password"))
    same = {"password": PASSWORD, "again": PASSWORD}

    with pytest.raises(RulesViolated, match="another"):
        room.passwords.change(step.ticket, same, room.door("password"))

    other = {"password": OTHER, "again": OTHER}
    assert room.passwords.change(step.ticket, other, room.door("password"))


def test_a_password_that_is_old_has_to_be_changed(room: MailRoom) -> None:
    """After the days that the settings say, and not before."""
    room.person()
    room.passwords._days = 90
    changed = room.now
    room.now = changed + 90 * DAY - 1
    before = room.passwords.sign_in(NAME, PASSWORD, room.door("password"))
    room.now += 1

    after = room.passwords.sign_in(NAME, PASSWORD, room.door("password"))

    assert (before.next, after.next) == ("done", "password")


def test_a_changed_password_ends_the_other_sessions(room: MailRoom) -> None:
    """Whoever held the former one is outside, and the person is told by mail."""
    user = room.person()
    token = room.passwords.sign_in(NAME, PASSWORD, room.door("password")).token

    room.passwords.set_password(room.again(user), OTHER, room.door("account"))

    assert room.sessions.verify(str(token), client="nextgen", now=room.now) is None
    assert [m.recipients for m in room.deliver()] == [(NAME,)]


def test_a_proof_does_not_outlive_a_change(room: MailRoom) -> None:
    """A ticket of a page that is still open dies with another password, too."""
    user = room.person()
    room.provider.database.write(
        lambda tx: user_doors.expire_password(tx, user, house.operator())
    )
    step = room.passwords.sign_in(NAME, PASSWORD, room.door("password"))
    room.now += MINUTE
    room.links.forgot(NAME, room.door())
    room.choose(room.mailed_link(), OTHER)
    form = {"password": "a third one, very long", "again": "a third one, very long"}

    assert room.passwords.change(step.ticket, form, room.door("password")) is None


@pytest.mark.parametrize("after", [0, HOUR])
def test_a_ticket_is_for_its_page_and_its_time(room: MailRoom, after: int) -> None:
    """Another page, a later hour, another application, a made-up one: nothing."""
    user = room.person()
    room.provider.database.write(
        lambda tx: user_doors.expire_password(tx, user, house.operator())
    )
    ticket = room.passwords.sign_in(NAME, PASSWORD, room.door("password")).ticket
    room.now += after
    door = room.door("password")

    held = room.passwords.holder(ticket, "password", door)

    assert (held is not None) == (after == 0)
    assert room.passwords.holder(ticket, "code", door) is None
    forged = f"{ticket[:20]}{'A' if ticket[20] != 'A' else 'B'}{ticket[21:]}"
    assert room.passwords.holder(forged, "password", door) is None
    elsewhere = replace(door, client="classic")
    assert room.passwords.holder(ticket, "password", elsewhere) is None


def test_a_hash_of_former_parameters_is_made_anew(room: MailRoom) -> None:
    """Signing in strengthens what was stored, and nothing else changes."""
    user = room.person()
    before = room.again(user)
    stronger = Argon2(time_cost=2, memory_cost=16, parallelism=1)
    room.passwords._hasher = PasswordHasher(stronger)

    room.passwords.sign_in(NAME, PASSWORD, room.door("password"))

    after = room.again(user)
    assert after.password_hash != before.password_hash
    assert after.password_changed_at == before.password_changed_at
    assert "password:changed" in events_of(room.provider.database, user.id)
    assert room.passwords.sign_in(NAME, PASSWORD, room.door("password")).token
