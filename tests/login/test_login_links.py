"""Mailed links: minted when the mail is built, good once, for an hour, for who may."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import pytest
from sqlalchemy import select

from scim_connector.administration import users as user_doors
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import resets
from scim_connector.directory.database import Database
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import metadata
from scim_connector.login.gate import NotAdmitted
from scim_connector.login.links import (
    MOST_FOR_ACCOUNT,
    MOST_FROM_NETWORK,
    ask_to_confirm,
    newcomers,
)
from scim_connector.login.throttle import MustWait
from scim_connector.rules.users import RulesViolated
from scim_connector.scim.types import LOCAL
from tests import house, programs
from tests.house import events_of, patch_of, secret_of, topics
from tests.mailroom import DAY, HOUR, MINUTE, PASSWORD, MailRoom, link_in


def test_a_new_person_is_mailed_once(room: MailRoom) -> None:
    """R15: to their address, with username, applications and the hour in both zones."""
    address = "https://nextgen.contoso.com"
    programs.application(room.provider.database, "nextgen", address=address)
    room.add()

    (mail,) = room.deliver()

    body = mail.body("plain")
    assert mail.recipients == ("kim.doe@contoso.com",)
    for words in ("kim.doe", "https://nextgen.contoso.com", "UTC", "Europe/Berlin"):
        assert words in body
    assert (
        parsedate_to_datetime(str(mail.message["Date"])).timestamp() * 1e6 == room.now
    )
    assert room.deliver() == []


def test_the_secret_of_a_link_is_in_no_table(room: MailRoom) -> None:
    """Neither before the mail is built nor after it: only a hash is kept."""
    room.add()
    before = _dump(room.provider.database)
    link = room.mailed_link()
    secret = secret_of(link)

    assert secret not in before
    assert secret not in _dump(room.provider.database)
    assert "/password/" not in before


def _dump(database: Database) -> str:
    reader = database.reader()
    return "".join(
        str(reader.rows(Statement(select(t)))) for t in metadata.sorted_tables
    )


def test_a_link_works_once(room: MailRoom) -> None:
    """R16: looking at it changes nothing, using it up does."""
    link_id = room.add()
    link = room.mailed_link()
    looked = [room.links.open(link, room.now).refusal for _ in range(3)]

    room.choose(link)

    assert looked == [None] * 3
    assert room.user(link_id).password_hash
    with pytest.raises(NotAdmitted) as refused:
        room.choose(link)
    assert refused.value.refusal.code == "link_used"


@pytest.mark.parametrize(("after", "works"), [(HOUR - 1, True), (HOUR, False)])
def test_a_link_works_for_an_hour(room: MailRoom, after: int, *, works: bool) -> None:
    """To its last microsecond, by the clock of the server, from when it was mailed."""
    room.add()
    room.now += 5 * HOUR  # the mail waited; its hour has not begun
    link = room.mailed_link()
    room.now += after

    refusal = room.links.open(link, room.now).refusal

    assert (refusal is None) == works
    if not works:
        with pytest.raises(NotAdmitted):
            room.choose(link)


def test_a_later_mail_kills_the_link_of_an_earlier_one(room: MailRoom) -> None:
    """Only the newest link of a person works."""
    room.add()
    first = room.mailed_link()
    room.links.forgot("kim.doe@contoso.com", room.door())
    second = room.mailed_link()

    refusal = room.links.open(first, room.now).refusal

    assert refusal is not None
    assert refusal.code == "link_revoked"
    assert room.links.open(second, room.now).refusal is None


def test_programs_and_inactive_people_are_mailed_nothing(room: MailRoom) -> None:
    """R15: no link for API users, none for who is created inactive."""
    room.add("robot", **{LOCAL: {"apiUser": True}})
    room.add("lee.ray", active=False)

    assert room.deliver() == []
    assert topics(room.provider.database) == []


def test_whoever_was_created_inactive_is_mailed_at_their_activation(
    room: MailRoom,
) -> None:
    """R15: the first link goes out then, and once."""
    link_id = room.add(active=False)
    room.provider.patch(link_id, patch_of(active=True))
    first = room.deliver()
    room.provider.patch(link_id, patch_of(active=False))
    room.provider.patch(link_id, patch_of(active=True))

    assert len(first) == 1
    assert room.deliver() == []


def test_people_who_sign_in_at_their_provider_are_mailed_nothing(
    room: MailRoom,
) -> None:
    """``--no-password-mail`` of a connection, also when they ask for a link."""
    room.provider.set(password_mail=False)
    provider = house.Provider(room.provider.database, room.provider.connection)
    provider.post(house.person("kim.doe@contoso.com"))
    room.links.forgot("kim.doe@contoso.com", room.door())

    assert room.deliver() == []


@pytest.mark.parametrize(
    "change",
    [{"active": False}, {"emails": [{"value": "new@contoso.com", "type": "work"}]}],
)
def test_a_link_dies_with_what_it_was_for(
    room: MailRoom, change: dict[str, object]
) -> None:
    """A deactivation and another address void the links that are under way."""
    link_id = room.add()
    link = room.mailed_link()

    room.provider.patch(link_id, patch_of(**change))

    assert room.links.open(link, room.now).refusal is not None


def test_a_return_revives_no_link(room: MailRoom) -> None:
    """What was mailed before a deactivation opens nothing after it (D26)."""
    link_id = room.add()
    link = room.mailed_link()
    room.provider.patch(link_id, patch_of(active=False))
    room.provider.patch(link_id, patch_of(active=True))

    with pytest.raises(NotAdmitted):
        room.choose(link)


def test_a_mail_that_waits_for_somebody_cut_off_is_not_sent(room: MailRoom) -> None:
    """The worker judges when it builds the mail, and says why it gave it up."""
    link_id = room.add()
    room.provider.patch(link_id, patch_of(active=False))

    assert room.deliver() == []


# ------------------------------------------------------------------ nobody is stranded


def test_nobody_is_stranded_by_the_hour(room: MailRoom) -> None:
    """Created at 02:00, opened at 09:00, signed in at 09:02, and no admin was asked."""
    room.add()
    link = room.mailed_link()
    room.now += 7 * HOUR
    late = room.links.open(link, room.now).refusal
    room.links.send_again(link, room.door())
    room.now += 1 * MINUTE
    room.choose(room.mailed_link())
    room.now += 1 * MINUTE

    step = room.passwords.sign_in(
        "kim.doe@contoso.com", PASSWORD, room.door("password")
    )

    assert late is not None
    assert late.code == "link_expired"
    assert step.next == "done"


def test_a_new_link_goes_to_the_address_on_record_alone(room: MailRoom) -> None:
    """Whoever holds an old link of somebody who moved sends them a mail, not himself."""
    link_id = room.add()
    link = room.mailed_link()
    moved = [{"value": "new@contoso.com", "type": "work"}]
    room.provider.patch(link_id, patch_of(emails=moved))
    room.deliver()

    room.links.send_again(link, room.door())

    assert [m.recipients for m in room.deliver() if link_in(m)] == [
        ("new@contoso.com",)
    ]


def test_an_office_of_late_people_is_not_stranded(room: MailRoom) -> None:
    """Behind one address everybody with a mailed link of their own gets a new one."""
    links = {}
    for number in range(MOST_FROM_NETWORK + 3):
        room.add(f"person{number}")
        links[number] = room.mailed_link()
    room.now += 7 * HOUR

    for link in links.values():
        room.links.send_again(link, room.door())

    assert len(room.deliver()) == len(links)


def test_one_link_asks_for_few_others(room: MailRoom) -> None:
    """Its holder causes as many mails in an hour as anybody else."""
    room.add()
    link = room.mailed_link()
    for _ in range(MOST_FOR_ACCOUNT + 3):
        room.links.send_again(link, room.door())

    assert len(room.deliver()) == MOST_FOR_ACCOUNT


@pytest.mark.parametrize(
    "name", ["kim.doe@contoso.com", "KIM.DOE@CONTOSO.COM", " kim.doe@contoso.com "]
)
def test_a_forgotten_password_is_asked_for_by_name_or_address(
    room: MailRoom, name: str
) -> None:
    """Folded as everywhere; the mail is the same as any other link."""
    room.person()

    room.links.forgot(name, room.door())

    assert len(room.deliver()) == 1


def test_strangers_cause_few_mails(room: MailRoom) -> None:
    """A few for one account in an hour; from whatever network, then silence."""
    room.person()
    for number in range(MOST_FOR_ACCOUNT + 3):
        room.links.forgot("kim.doe@contoso.com", room.door(network=f"192.0.2.{number}"))

    within = len(room.deliver())
    room.now += HOUR
    room.links.forgot("kim.doe@contoso.com", room.door())

    assert within == MOST_FOR_ACCOUNT
    assert len(room.deliver()) == 1


@pytest.mark.parametrize(
    "name",
    ["nobody@contoso.com", "robot@contoso.com", "lee.ray@contoso.com", "\0", "x" * 320],
)
def test_asking_for_others_does_nothing(room: MailRoom, name: str) -> None:
    """Unknown names, API users and inactive people: silence, and no error."""
    room.add("robot", **{LOCAL: {"apiUser": True}})
    room.add("lee.ray", active=False)

    room.links.forgot(name, room.door())

    assert room.deliver() == []


def test_an_administrator_sends_the_first_mail_again(room: MailRoom) -> None:
    """Until the first sign-in; R17's request is for those who have signed in."""
    user = room.provider.user(room.add())
    first = room.mailed_link()
    write = room.provider.database.write
    with pytest.raises(NotPossible, match="Send the welcome mail again"):
        write(lambda tx: user_doors.send_reset(tx, user, house.operator()))

    write(lambda tx: user_doors.send_welcome(tx, user, house.operator()))

    second = room.mailed_link()
    assert room.links.open(first, room.now).refusal is not None
    room.choose(second)
    room.passwords.sign_in("kim.doe@contoso.com", PASSWORD, room.door("password"))
    with pytest.raises(NotPossible, match="has signed in before"):
        write(
            lambda tx: user_doors.send_welcome(tx, room.again(user), house.operator())
        )
    write(lambda tx: user_doors.send_reset(tx, room.again(user), house.operator()))
    assert room.mailed_link()


def test_people_of_a_provider_that_signs_them_in_are_not_among_the_new(
    room: MailRoom,
) -> None:
    """``user welcome --all-new`` keeps ``--no-password-mail``; naming somebody does not."""
    room.add("own.pass")
    room.provider.set(password_mail=False)
    house.Provider(room.provider.database, room.provider.connection).post(
        house.person("kim.doe@contoso.com")
    )

    found = newcomers(room.provider.database.reader())

    assert [user.email for user in found] == []
    room.provider.set(password_mail=True)
    again = newcomers(room.provider.database.reader())
    assert len(again) == 2


# ---------------------------------------------------------------------- own addresses


def test_a_new_address_counts_once_its_link_is_opened(room: MailRoom) -> None:
    """Until then nothing changes; then the old address is told."""
    user = room.person()
    room.deliver()
    room.provider.database.write(
        lambda tx: ask_to_confirm(tx, user, "kim@home.example", room.door())
    )
    link = room.mailed_link()
    before = room.again(user).email

    room.links.confirm_email(link, room.door())

    assert before == "kim.doe@contoso.com"
    assert room.again(user).email == "kim@home.example"
    assert [m.recipients for m in room.deliver()] == [("kim.doe@contoso.com",)]
    assert "email:confirmed" in events_of(room.provider.database, user.id)


def test_an_address_that_was_taken_meanwhile_is_refused(room: MailRoom) -> None:
    """The rule that refuses it everywhere says so here (R5)."""
    user = room.person()
    room.provider.database.write(
        lambda tx: ask_to_confirm(tx, user, "lee.ray@contoso.com", room.door())
    )
    link = room.mailed_link()
    room.add("lee.ray")

    with pytest.raises(RulesViolated, match="R5"):
        room.links.confirm_email(link, room.door())

    assert room.again(user).email == "kim.doe@contoso.com"


def test_nobody_floods_the_mailbox_of_another(room: MailRoom) -> None:
    """Links to new addresses are few in an hour, whoever is signed in."""
    user = room.person()
    room.deliver()

    def ask(number: int) -> None:
        address = f"victim{number}@home.example"
        room.provider.database.write(
            lambda tx: ask_to_confirm(tx, user, address, room.door())
        )

    for number in range(MOST_FOR_ACCOUNT):
        ask(number)
    with pytest.raises(MustWait):
        ask(9)

    assert len(room.deliver()) <= MOST_FOR_ACCOUNT
    room.now += HOUR
    ask(10)
    assert len(room.deliver()) == 1


def test_a_link_for_an_address_sets_no_password(room: MailRoom) -> None:
    """Each link is for one thing; using it for the other changes nothing."""
    user = room.person()
    room.provider.database.write(
        lambda tx: ask_to_confirm(tx, user, "kim@home.example", room.door())
    )
    link = room.mailed_link()

    with pytest.raises(NotAdmitted) as refused:
        room.choose(link, "other words entirely here")

    assert refused.value.refusal.code == "link_other"
    assert room.again(user).password_hash == user.password_hash


def test_the_first_password_of_an_account_is_told_to_nobody(room: MailRoom) -> None:
    """A changed one is mailed to its person."""
    user = room.person()
    first = room.deliver()
    room.links.forgot(user.username, room.door())
    room.choose(room.mailed_link(), "other words entirely here")

    (told,) = room.deliver()

    assert first == []
    assert told.recipients == (user.email,)
    assert link_in(told) is None


def test_old_links_are_forgotten(room: MailRoom) -> None:
    """A dead link is explained for a time, and then it is an unknown one."""
    room.add()
    link = room.mailed_link()
    room.now += resets.REMEMBERED + HOUR + DAY
    room.provider.database.write(lambda tx: resets.drop_old(tx, now=room.now))

    refusal = room.links.open(link, room.now).refusal

    assert refusal is not None
    assert refusal.code == "link_unknown"


def test_an_account_is_never_opened_by_a_name_alone(room: MailRoom) -> None:
    """A link says whose it is; a made-up one is refused like any other."""
    room.add()
    link = room.mailed_link()
    forged = link[:-4] + ("AAAA" if not link.endswith("AAAA") else "BBBB")

    assert room.links.open(forged, room.now).user is None
