"""The worker: each mail is sent by one, tried again, and never lost or silently dropped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from threading import Thread

import pytest
from sqlalchemy import select

from scim_connector.accounts import Act
from scim_connector.administration import mails
from scim_connector.administration import users as user_doors
from scim_connector.delivery.backoff import MOST_ATTEMPTS
from scim_connector.delivery.worker import LEASE, Worker
from scim_connector.directory import outbox
from scim_connector.directory.database import Database
from scim_connector.directory.locking import BeingCopied
from scim_connector.directory.outbox import Message, Standing
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import audit_events
from tests import house, mailroom
from tests.house import patch_of
from tests.mailroom import DAY, MINUTE, MailRoom, link_in

WELCOME = "mail:welcome"
_OF_MAIL = Statement(
    select(audit_events.c.name)
    .where(audit_events.c.name.startswith("mail:"))
    .order_by(audit_events.c.id)
)


@pytest.fixture
def room(database: Database) -> Iterator[MailRoom]:
    """A provider whose people are mailed by a real server."""
    with mailroom.opened(house.provider(database)) as opened:
        yield opened


def _mails(room: MailRoom) -> list[Standing]:
    return outbox.listed(room.provider.database.reader(), "mail:", at_most=100)


def test_two_workers_send_each_mail_once(room: MailRoom) -> None:
    """They take turns by lease, whatever the database."""
    people = {f"person{number}@contoso.com" for number in range(30)}
    for address in people:
        room.add(address.partition("@")[0])
    workers = [room.worker, room.another_worker(), room.another_worker()]

    threads = [Thread(target=_until_done, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    got = [mail.recipients[0] for mail in room.server.received]
    assert sorted(got) == sorted(people)


def test_a_slow_server_makes_nobody_send_twice(room: MailRoom) -> None:
    """What one worker has no time for is left to others before its lease ends."""
    people = [f"person{number}" for number in range(8)]
    for name in people:
        room.add(name)
    slow, quick = room.another_worker(), room.another_worker()
    deliver = slow._roads["mail"]

    def slowly(message: Message) -> None:
        room.now += MINUTE
        quick.round()
        deliver(message)

    slow._roads = {"mail": slowly}
    while slow.round():
        pass

    got = [mail.recipients[0] for mail in room.server.received]
    assert sorted(got) == [f"{name}@contoso.com" for name in people]
    assert {each.message.attempts for each in _mails(room)} == {1}


def test_who_is_told_to_end_leaves_the_rest_at_once(room: MailRoom) -> None:
    """The mail under way is finished; another worker need not wait for a lease."""
    for number in range(3):
        room.add(f"person{number}")
    deliver = room.worker._roads["mail"]

    def last(message: Message) -> None:
        deliver(message)
        room.worker.stop()

    room.worker._roads = {"mail": last}
    tried = room.worker.round()

    assert (tried, room.another_worker().round()) == (1, 2)
    assert len(room.server.received) == 3


def test_a_failure_is_shown_however_many_were_sent_since(room: MailRoom) -> None:
    """``mail list --not-sent`` looks behind the newest ones."""
    room.server.replies["RCPT"] = "550 no such mailbox"
    room.add("lost")
    room.deliver()
    room.server.replies.clear()
    for number in range(5):
        room.add(f"person{number}")
    room.deliver()

    reader = room.provider.database.reader()
    (shown,) = outbox.listed(reader, "mail:", at_most=3, not_sent=True)

    assert "no such mailbox" in str(shown.last_error)


def _until_done(worker: Worker) -> None:
    while worker.round():
        pass


def test_what_cannot_be_delivered_now_is_tried_again(room: MailRoom) -> None:
    """A 4xx waits a minute, then longer; the reason is kept meanwhile."""
    room.add()
    room.server.replies["RCPT"] = "450 come back later"
    room.deliver()
    (waiting,) = _mails(room)
    room.server.replies.clear()
    at_once = room.deliver()
    room.now += MINUTE

    later = room.deliver()

    assert waiting.state_at(room.now) == "trying"
    assert "come back later" in (waiting.last_error or "")
    assert (at_once, len(later)) == ([], 1)


def test_what_is_refused_for_good_is_shown_and_can_be_sent_again(
    room: MailRoom,
) -> None:
    """A 5xx is given up at once; a person sends it again, with a new link."""
    link_id = room.add()
    room.server.replies["RCPT"] = "550 no such mailbox"
    room.deliver()
    room.server.replies.clear()
    room.now += DAY
    (given_up,) = _mails(room)
    nothing = room.deliver()

    room.provider.database.write(lambda tx: mails.resend(tx, given_up, _operator(room)))
    room.choose(room.mailed_link())

    assert given_up.given_up_at is not None
    assert "no such mailbox" in (given_up.last_error or "")
    assert nothing == []
    assert room.user(link_id).password_hash


def _operator(room: MailRoom) -> Act:
    return replace(house.operator(), now=room.now)


def test_nothing_is_tried_for_ever(room: MailRoom) -> None:
    """Past its best-before a link is not sent any more; it stays to be seen."""
    room.add()
    room.server.replies["RCPT"] = "450 come back later"
    for _ in range(MOST_ATTEMPTS + 5):
        room.deliver()
        room.now += 3 * 60 * MINUTE
    room.server.replies.clear()

    assert room.deliver() == []
    (mail,) = _mails(room)
    assert mail.delivered_at is None
    assert mail.message.attempts < MOST_ATTEMPTS


def test_who_dies_with_a_lease_leaves_it_to_another(room: MailRoom) -> None:
    """The same mail comes again after the lease: same Message-ID, same link."""
    room.add()
    database = room.provider.database
    (leased,) = database.write(
        lambda tx: outbox.lease(tx, now=room.now, until=room.now + LEASE)
    )
    room.worker._roads["mail"](leased)  # sent, and then the process was killed
    meanwhile = room.deliver()
    room.now += LEASE

    (again,) = room.deliver()

    first = room.server.received[0]
    assert meanwhile == []
    assert first.message["Message-ID"] == again.message["Message-ID"]
    assert (link_in(first), link_in(again)) != (None, None)
    assert link_in(first)[1] == link_in(again)[1]  # type: ignore[index]


def test_a_mail_that_came_twice_does_not_revive_its_link(room: MailRoom) -> None:
    """Was the link used before the second sending, there is no second mail."""
    room.add()
    database = room.provider.database
    (leased,) = database.write(
        lambda tx: outbox.lease(tx, now=room.now, until=room.now + LEASE)
    )
    room.worker._roads["mail"](leased)
    room.choose(link_in(room.server.received[0])[1])  # type: ignore[index]
    room.now += LEASE

    assert room.deliver() == []
    assert "was used" in str(_mails(room)[0].last_error)


def test_what_waits_for_somebody_cut_off_is_given_up_with_its_reason(
    room: MailRoom,
) -> None:
    """Nobody is mailed a link that opens nothing."""
    link_id = room.add()
    room.provider.patch(link_id, patch_of(active=False))

    assert room.deliver() == []
    assert "inactive" in str(_mails(room)[0].last_error)


def test_what_nobody_here_sends_is_said(room: MailRoom) -> None:
    """A message of an unknown kind waits for nobody."""
    room.provider.database.write(
        lambda tx: outbox.add(tx, "pigeon:post", {}, user_id=None, now=room.now)
    )
    room.deliver()

    (message,) = outbox.listed(room.provider.database.reader(), "pigeon", at_most=9)
    assert message.last_error == "Nothing here sends pigeon:post."


def test_a_year_of_mails_does_not_leave_at_once(room: MailRoom) -> None:
    """What waits when mail is configured the first time is held for a person (D34)."""
    room.add()
    database = room.provider.database
    held = database.write(lambda tx: mails.hold_first(tx, room.now))
    twice = database.write(lambda tx: mails.hold_first(tx, room.now))
    nothing = room.deliver()

    released = database.write(lambda tx: mails.release_held(tx, _operator(room)))

    assert (held, twice, nothing, released) == (1, 0, [], 1)
    assert len(room.deliver()) == 1
    assert _decided(room) == ["mail:released"]


def test_held_mails_can_be_dropped(room: MailRoom) -> None:
    """They are given up with the reason, and the next mail goes out."""
    link_id = room.add()
    database = room.provider.database
    database.write(lambda tx: mails.hold_first(tx, room.now))
    database.write(lambda tx: mails.drop_held(tx, _operator(room)))
    user = room.user(link_id)
    database.write(lambda tx: user_doors.send_welcome(tx, user, _operator(room)))

    assert len(room.deliver()) == 1
    why = "Dropped by a person when mail was configured."
    assert [m.last_error for m in _mails(room)] == [None, why]
    assert _decided(room)[0] == "mail:held-dropped"


def _decided(room: MailRoom) -> list[str]:
    """What audit keeps of a decision about held mails."""
    rows = room.provider.database.reader().rows(_OF_MAIL)
    return [row[0] for row in rows]


def test_a_mail_whose_link_cannot_be_kept_waits(room: MailRoom) -> None:
    """While the database is copied away nothing is sent, and nothing counts as failed."""
    room.add("kim")
    worker = room.another_worker()

    def busy(_: Message) -> None:
        raise BeingCopied

    road, worker._roads = worker._roads, {"mail": busy}
    with pytest.raises(BeingCopied):
        worker.round()
    (waiting,) = _mails(room)
    worker._roads = road
    room.now += LEASE + MINUTE
    _until_done(worker)

    assert waiting.last_error is None
    assert len(room.server.received) == 1
