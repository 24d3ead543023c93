"""From the outbox to a mail: what each says, to whom, and what is given up and why."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scim_connector.directory import applications, audit, outbox
from scim_connector.directory.database import Database
from scim_connector.login.links import ask_to_confirm
from tests import house, mailroom, programs
from tests.house import events_of, patch_of, secret_of
from tests.mailroom import DAY, HOUR, MailRoom, link_in

UNTIL = 1_795_511_100_000_000
SHOWN = "09:05 UTC (10:05 Europe/Berlin) on 24 November 2026"


@pytest.fixture
def room(database: Database) -> Iterator[MailRoom]:
    """A provider whose people are mailed by a real server."""
    with mailroom.opened(house.provider(database)) as opened:
        yield opened


def _queue(room: MailRoom, topic: str, **payload: str) -> None:
    user = room.user(room.add())
    room.deliver()
    room.provider.database.write(
        lambda tx: outbox.add(tx, topic, payload, user_id=user.id, now=room.now)
    )


def _why(room: MailRoom) -> str:
    reader = room.provider.database.reader()
    return str(outbox.listed(reader, "mail:", at_most=1)[0].last_error)


def _stand(room: MailRoom) -> list[str]:
    """How the mails stand that were not sent."""
    reader = room.provider.database.reader()
    found = outbox.listed(reader, "mail:", at_most=9, not_sent=True)
    return [each.state_at(room.now) for each in found]


@pytest.mark.parametrize("form", ["plain", "html"])
def test_the_first_mail_names_what_one_needs(room: MailRoom, form: str) -> None:
    """Username, addresses of applications, and until when, in UTC and here."""
    database = room.provider.database
    programs.application(database, "nextgen", address="https://nextgen.contoso.com")
    programs.application(database, "nowhere")
    programs.application(database, "former", address="https://former.contoso.com")
    former = applications.by_name(database.reader(), "former")
    assert former is not None
    database.write(lambda tx: applications.retire(tx, former.id, now=room.now))
    room.now = UNTIL - HOUR
    _queue(room, "mail:welcome")

    (mail,) = room.deliver()

    body = mail.body(form)
    for words in ("kim.doe", "nextgen", "https://nextgen.contoso.com", SHOWN):
        assert words in body
    assert "nowhere" not in body
    assert "former" not in body


def test_a_mail_is_of_its_outbox_row(room: MailRoom) -> None:
    """The Message-ID is that of the row at our host, so that a copy is known as one."""
    room.add()
    (row,) = outbox.waiting(room.provider.database.reader())

    (mail,) = room.deliver()

    assert mail.message["Message-ID"] == f"<{row.message_id}@scim.contoso.com>"


def test_a_link_is_audited_without_its_secret(room: MailRoom) -> None:
    """Who was mailed one, when it ends; and not what opens it."""
    user = room.user(room.add())
    secret = secret_of(room.mailed_link())

    facts = [e.facts for e in audit.of_user(room.provider.database.reader(), user.id)]
    assert "link:minted" in events_of(room.provider.database, user.id)
    assert secret not in "".join(facts)


@pytest.mark.parametrize(
    "address", ["kim@home.example\r\nBcc: all@contoso.com", "kim doe@", ""]
)
def test_an_address_nobody_can_write_to_is_given_up(
    room: MailRoom, address: str
) -> None:
    """At once and with the reason, and no header is smuggled in."""
    _queue(room, "mail:email-changed", to=address)

    assert room.deliver() == []
    assert "No mail can be written to this address" in _why(room)


def test_what_nobody_writes_is_said(room: MailRoom) -> None:
    """An unknown kind of mail is given up at once."""
    _queue(room, "mail:pigeon")

    assert room.deliver() == []
    assert _why(room) == "Nothing here writes mail:pigeon."
    assert _stand(room) == ["failed"]


def test_a_confirmation_goes_to_the_new_address_and_dies_with_the_person(
    room: MailRoom,
) -> None:
    """Nobody inactive is mailed a link, wherever it would go."""
    link_id = room.add()
    user = room.user(link_id)
    room.deliver()
    for address in ("one@home.example", "two@home.example"):
        room.provider.database.write(
            lambda tx, to=address: ask_to_confirm(tx, user, to, room.door())  # type: ignore[misc]
        )
        if address.startswith("one"):
            (mail,) = room.deliver()
    room.provider.patch(link_id, patch_of(active=False))

    assert mail.recipients == ("one@home.example",)
    assert link_in(mail)
    assert room.deliver() == []
    assert "inactive" in _why(room)
    assert _stand(room) == ["withdrawn"]


def test_a_link_that_waited_too_long_is_not_sent(room: MailRoom) -> None:
    """A day after it was queued it stays, to be seen (D34)."""
    room.add()
    room.now += DAY + HOUR

    assert room.deliver() == []
    reader = room.provider.database.reader()
    (mail,) = outbox.listed(reader, "mail:", at_most=9, not_sent=True)
    assert mail.state_at(room.now) == "late"


def test_an_alert_reaches_whoever_it_is_for(room: MailRoom) -> None:
    """As any other mail; and nobody who was deactivated meanwhile."""
    link_id = room.add()
    user = room.user(link_id)
    room.deliver()
    told = {
        "title": "The last backup is old",
        "sentence": "The last backup is 27 hours old.",
        "advice": "See why the last one was not made.",
        "since": UNTIL,
        "kind": "holds",
    }

    def queue() -> None:
        room.provider.database.write(
            lambda tx: outbox.add(tx, "mail:alert", told, user_id=user.id, now=room.now)
        )

    queue()
    (mail,) = room.deliver()
    room.provider.patch(link_id, patch_of(active=False))
    queue()

    assert mail.recipients == (user.email,)
    assert mail.message["Subject"] == "The last backup is old (Contoso College)"
    assert "27 hours old" in mail.body("plain")
    assert room.deliver() == []
    assert _why(room) == "The user is inactive now."
    assert _stand(room) == ["withdrawn"]
