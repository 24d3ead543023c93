"""Receivers that poll: the same tokens as by push, until each of them is settled."""

from __future__ import annotations

from threading import Thread
from typing import Any

import pytest

from scim_connector.administration import receivers as doors
from scim_connector.administration.errors import NotPossible
from scim_connector.delivery import polling
from scim_connector.delivery.polling import Polls, Seats
from scim_connector.delivery.security_events import Transmitter
from scim_connector.directory import audit, receivers, seals
from scim_connector.directory.database import Database
from scim_connector.rules.polling import Poll, Polled
from scim_connector.rules.security_events import VERIFICATION
from scim_connector.tokens import opaque
from scim_connector.tokens.secrets import SecretKeys
from scim_connector.tokens.signing import SigningKeys
from tests import house
from tests.access import let_in
from tests.house import Provider, operator, patch_of, person
from tests.receiver import Receiver, receiving

ISSUER = "https://scim.contoso.com"
HOUR = 3600 * 1_000_000
NOW = Poll(at_once=True)


class Scene:
    """A provider, and a receiver named "soc" that polls."""

    def __init__(self, database: Database, *kinds: str) -> None:
        self.database = database
        self.keys = SecretKeys.fresh()
        self.signing = SigningKeys(self.keys)
        self.now = house.now() + 100 * HOUR
        self.entra: Provider = house.provider(database)
        self.seal()
        made = {"kinds": kinds or ("deactivate", "activate")}
        _, self.token = database.write(
            lambda tx: doors.add_polling(tx, self.keys, "soc", operator(), **made)
        )
        self.polls = self.new_polls()

    def new_polls(self, **how: Any) -> Polls:
        return Polls(
            self.database,
            self.signing,
            issuer=ISSUER,
            clock=lambda: self.now,
            **how,
        )

    def seal(self) -> None:
        seals.seal(self.database, now=self.now)

    @property
    def soc(self) -> receivers.Receiver:
        return doors.find(self.database.reader(), "soc")

    def ask(self, *taken: str, most: int = 100, **refused: str) -> Polled:
        """Ask at once, and say what became of others."""
        poll = Poll(most, at_once=True, taken=frozenset(taken), refused=refused)
        return self.polls.answer(self.soc, poll)

    def claims(self, polled: Polled) -> list[dict[str, Any]]:
        """What was given, checked by a library that is not ours."""
        told = Receiver(heard=[({}, text) for text in polled.tokens.values()])
        found = told.claims(self.signing.published())
        assert [each["jti"] for each in found] == list(polled.tokens)
        return found

    def deliveries(self) -> list[receivers.Delivery]:
        reader = self.database.reader()
        return receivers.deliveries(reader, self.soc.id, at_most=100)

    def moved(self, *states: bool, name: str = "kim.doe@x.org") -> str:
        """Somebody whose provider sets ``active`` again and again; sealed."""
        link = str(self.entra.post(person(name)).id)
        for state in states:
            self.entra.patch(link, patch_of(active=state))
        self.seal()
        return link


def _kinds(claims: list[dict[str, Any]]) -> list[str]:
    return [next(iter(each["events"])).rpartition(":")[2] for each in claims]


def test_a_deactivation_is_asked_for_and_checked(database: Database) -> None:
    """Signed as by push: the same claims, for the audience that was named."""
    scene = Scene(database, "deactivate", "session-revoked")
    link = str(scene.entra.post(person("kim.doe@x.org", externalId="e1")).id)
    scene.database.write(lambda tx: let_in(tx, scene.entra.user(link)))
    scene.entra.patch(link, patch_of(active=False))
    assert scene.ask() == Polled({}, more=False)  # nothing is told before it is sealed
    scene.seal()
    answer = scene.ask()

    scim, caep = scene.claims(answer)
    assert not answer.more
    assert (scim["iss"], scim["aud"], scim["txn"]) == (ISSUER, "soc", caep["txn"])
    assert scim["sub_id"] == {
        "format": "scim",
        "uri": f"/Users/{link}",
        "externalId": "e1",
    }
    assert caep["sub_id"]["format"] == "iss_sub"


def test_what_is_not_settled_comes_again(database: Database) -> None:
    """Under the same ids, in the order in which it happened, until it is taken."""
    scene = Scene(database)
    scene.moved(False, True, False)
    first, again = scene.ask(), scene.ask()
    ids = list(first.tokens)

    assert _kinds(scene.claims(first)) == ["deactivate", "activate", "deactivate"]
    assert list(again.tokens) == ids
    assert scene.deliveries() == []
    assert scene.ask(*ids) == Polled({}, more=False)
    assert [each.jti for each in reversed(scene.deliveries())] == ids
    assert scene.soc.position == seals.last_event(database.reader())
    assert scene.soc.last_delivered_at == scene.now


def test_tokens_are_taken_in_any_order(database: Database) -> None:
    """What was taken is not given again; what stands in front of it is."""
    scene = Scene(database)
    scene.moved(False, True, False)
    first, second, third = scene.ask().tokens
    left = scene.ask(second, third)

    assert list(left.tokens) == [first]
    assert scene.soc.position < scene.deliveries()[0].event_id
    assert scene.ask(first, second) == Polled({}, more=False)
    assert len(scene.deliveries()) == 3
    assert scene.soc.position == seals.last_event(database.reader())


def test_no_more_is_given_than_is_asked_for(database: Database) -> None:
    """The oldest first; moreAvailable says that there are others."""
    scene = Scene(database)
    scene.moved(False, True, False)
    one = scene.ask(most=1)
    none = scene.ask(*one.tokens, most=0)
    rest = scene.ask(most=2)

    assert (_kinds(scene.claims(one)), one.more) == (["deactivate"], True)
    assert none == Polled({}, more=True)
    assert (_kinds(scene.claims(rest)), rest.more) == (
        ["activate", "deactivate"],
        False,
    )


def test_what_is_refused_is_kept_and_passed(database: Database) -> None:
    """With the receiver's own words; an id of nothing is passed over."""
    scene = Scene(database)
    scene.moved(False)
    (jti,) = scene.ask().tokens
    after = scene.ask("nobody's", **{jti: "invalid_issuer who?", "other": "x"})

    (kept,) = scene.deliveries()
    assert after == Polled({}, more=False)
    assert (kept.jti, kept.refused) == (jti, "invalid_issuer who?")


def test_only_what_it_has_been_given_is_settled(database: Database) -> None:
    """The ids of another receiver mean nothing here."""
    scene = Scene(database)
    more = {"kinds": ("deactivate",)}
    database.write(
        lambda tx: doors.add_polling(tx, scene.keys, "other", operator(), **more)
    )
    scene.moved(False)
    other = doors.find(database.reader(), "other")
    theirs = scene.polls.answer(other, NOW).tokens
    ours = scene.ask(*theirs).tokens

    assert len(ours) == len(theirs) == 1
    assert ours.keys() != theirs.keys()


def test_a_token_behind_many_others_waits_its_turn(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A window of events is looked at; what is for nobody is passed at once."""
    monkeypatch.setattr(polling, "WINDOW", 3)
    scene = Scene(database)
    for n in range(4):
        scene.entra.post(person(f"person{n}.doe@x.org"))
    scene.moved(False, True)
    found = []
    while given := scene.ask(*found[-1:]).tokens:
        found += given

    assert len(found) == 2
    assert scene.soc.position == seals.last_event(database.reader())


def test_paused_it_is_given_nothing_and_loses_nothing(database: Database) -> None:
    """What it took before is still settled; resumed, it is given what it missed."""
    scene = Scene(database)
    scene.moved(False)
    (jti,) = scene.ask().tokens
    database.write(lambda tx: doors.change(tx, scene.soc, operator(), paused=True))
    assert scene.ask() == Polled({}, more=False)
    scene.moved(False, name="bo.ek@x.org")
    scene.ask(jti)
    database.write(lambda tx: doors.change(tx, scene.soc, operator(), paused=False))

    assert _kinds(scene.claims(scene.ask())) == ["deactivate"]
    assert [each.jti for each in scene.deliveries()] == [jti]


def test_events_are_replayed_under_their_ids(database: Database) -> None:
    """All of them from one on, also those that were taken out of order."""
    scene = Scene(database)
    scene.moved(False, True, False)
    first, second, third = scene.ask().tokens
    scene.ask(first, third)
    event = min(each.event_id for each in scene.deliveries())
    database.write(lambda tx: doors.replay(tx, scene.soc, event, operator()))

    assert list(scene.ask().tokens) == [first, second, third]
    assert scene.ask(first, second, third).tokens == {}
    assert scene.soc.position == seals.last_event(database.reader())


def test_a_replay_is_not_overtaken_by_whoever_asks_meanwhile(
    database: Database,
) -> None:
    """An answer that was begun before moves the position no more, nor settles."""
    scene = Scene(database)
    scene.moved(False)
    looked_at = scene.soc
    (jti,) = scene.ask().tokens
    scene.ask(jti)
    event = scene.deliveries()[0].event_id
    database.write(lambda tx: doors.replay(tx, scene.soc, event, operator()))
    scene.polls.answer(looked_at, Poll(at_once=True, taken=frozenset({jti})))

    assert list(scene.ask().tokens) == [jti]


def test_two_requests_that_settle_the_same_settle_it_once(database: Database) -> None:
    """Whoever looked before the other one had written writes nothing more."""
    scene = Scene(database)
    database.write(lambda tx: doors.leave_test(tx, scene.soc, operator()))
    scene.moved(False)
    looked_at, ids = scene.soc, scene.ask().tokens.keys()
    poll = Poll(at_once=True, taken=frozenset(ids))
    scene.polls.answer(looked_at, poll)
    scene.polls.answer(looked_at, poll)

    assert sorted(each.jti for each in scene.deliveries()) == sorted(ids)
    assert len(ids) == 2


def test_a_test_event_waits_until_it_is_taken(database: Database) -> None:
    """It stands in front; audit tells who left it, the deliveries what became of it."""
    scene = Scene(database)
    scene.moved(False)
    sender = Transmitter(database, scene.keys, scene.signing, issuer=ISSUER)
    said = sender.try_out(scene.soc, operator())
    first = scene.ask(most=1)
    again = scene.ask()

    (claims,) = scene.claims(first)
    assert "waits for soc to ask for it" in said
    assert list(claims["events"]) == [VERIFICATION]
    assert next(iter(again.tokens)) == claims["jti"]
    assert claims["jti"] not in scene.ask(claims["jti"]).tokens
    (kept,) = scene.deliveries()
    assert (kept.event_id, kept.kind, kept.refused) == (0, "verification", None)
    told = [each.name for each in audit.newest(database.reader(), at_most=9)]
    assert "receiver:tested" in told


def test_who_polls_is_pushed_nothing(database: Database) -> None:
    """The worker passes them over, though they are behind."""
    scene = Scene(database)
    scene.moved(False)
    sender = Transmitter(database, scene.keys, scene.signing, issuer=ISSUER)

    assert sender.round() == 0
    assert scene.soc.last_error is None


def test_the_same_event_has_the_same_txn_by_either_road(database: Database) -> None:
    """And another id for each receiver."""
    scene = Scene(database, "deactivate")
    with receiving() as told:
        more = {"kinds": ("deactivate",)}
        database.write(
            lambda tx: doors.add(tx, scene.keys, "pushed", told.url, operator(), **more)
        )
        scene.moved(False)
        sender = Transmitter(
            database,
            scene.keys,
            scene.signing,
            issuer=ISSUER,
            clock=lambda: scene.now,
        )
        while sender.round():
            pass
        (pushed,) = told.claims(scene.signing.published())
    (polled,) = scene.claims(scene.ask())

    assert pushed["txn"] == polled["txn"]
    assert pushed["sub_id"] == polled["sub_id"]
    assert pushed["jti"] != polled["jti"]


def test_it_waits_for_what_comes(database: Database) -> None:
    """As soon as an event is sealed it is answered, long before the time is over."""
    scene = Scene(database)
    link = scene.moved()
    scene.ask()
    polls = scene.new_polls(wait_seconds=30.0)
    given: list[Polled] = []
    waiting = Thread(target=lambda: given.append(polls.answer(scene.soc, Poll())))
    waiting.start()
    scene.entra.patch(link, patch_of(active=False))
    scene.seal()
    waiting.join(10)

    assert not waiting.is_alive()
    assert _kinds(scene.claims(given[0])) == ["deactivate"]


def test_it_waits_no_longer_than_it_may(database: Database) -> None:
    """Then it is told that there is nothing."""
    scene = Scene(database)
    polls = scene.new_polls(wait_seconds=0.0)

    assert polls.answer(scene.soc, Poll()) == Polled({}, more=False)


def test_only_a_few_wait_and_each_once() -> None:
    """Who finds no seat is answered at once; a seat is free again afterwards."""
    seats = Seats(most=2)
    with (
        seats.one(1) as first,
        seats.one(1) as again,
        seats.one(2) as second,
        seats.one(3) as third,
    ):
        pass

    assert (first, again, second, third) == (True, False, True, False)
    with seats.one(3) as later:
        assert later


def test_who_has_no_seat_does_not_wait(database: Database) -> None:
    """The answer is there at once, with nothing in it."""
    scene = Scene(database)
    polls = scene.new_polls(seats=Seats(most=0), wait_seconds=600.0)

    assert polls.answer(scene.soc, Poll()) == Polled({}, more=False)


def test_it_is_kept_when_somebody_asked(database: Database) -> None:
    """Once a minute, so that asking writes almost nothing."""
    scene = Scene(database)
    assert scene.soc.polled_at is None
    scene.ask()
    asked = scene.soc.polled_at
    scene.now += 1_000_000
    scene.ask()
    same = scene.soc.polled_at
    scene.now += 60_000_001
    scene.ask()

    assert (asked, same) == (scene.now - 61_000_001, asked)
    assert scene.soc.polled_at == scene.now


def test_a_token_is_kept_as_a_hash_and_dies_when_it_is_replaced(
    database: Database,
) -> None:
    """The former one opens nothing more; audit tells who made another, and no secret."""
    scene = Scene(database)
    before = scene.token
    after = database.write(
        lambda tx: doors.rotate(tx, scene.keys, scene.soc, operator())
    )

    reader = database.reader()
    assert not doors.opens(scene.keys, scene.soc, before)
    assert doors.opens(scene.keys, scene.soc, after)
    assert receivers.by_token(reader, before.id) is None
    assert doors.opens(scene.keys.rotated(), scene.soc, after)
    assert not doors.opens(scene.keys, None, opaque.mint())
    told = "".join(each.facts for each in audit.newest(reader, at_most=9))
    assert before.secret not in told + repr(scene.soc)
    assert after.secret not in told + repr(scene.soc)


def test_a_replaced_token_ends_what_waits_with_it(database: Database) -> None:
    """Whoever asked with the former one is given nothing."""
    scene = Scene(database)
    looked_at = scene.soc
    database.write(lambda tx: doors.rotate(tx, scene.keys, scene.soc, operator()))
    scene.moved(False)

    assert scene.polls.answer(looked_at, NOW) == Polled({}, more=False)
    assert len(scene.ask().tokens) == 1


def test_a_receiver_that_is_gone_is_given_nothing(database: Database) -> None:
    """Also where it was removed while it asked."""
    scene = Scene(database)
    scene.moved(False)
    looked_at, (jti,) = scene.soc, scene.ask().tokens
    database.write(lambda tx: doors.remove(tx, scene.soc, operator()))
    poll = Poll(at_once=True, taken=frozenset({jti}))

    assert scene.polls.answer(looked_at, poll) == Polled({}, more=False)


def test_neither_road_has_what_belongs_to_the_other(database: Database) -> None:
    """No address for one that polls, no token of ours for one that is pushed to."""
    scene = Scene(database)
    pushed = database.write(
        lambda tx: doors.add(
            tx, scene.keys, "pushed", "https://x.example.com/", operator()
        )
    )

    def change(**changes: Any) -> receivers.Receiver:
        return database.write(
            lambda tx: doors.change(tx, scene.soc, operator(), **changes)
        )

    with pytest.raises(NotPossible, match="has no address and no bearer token"):
        change(url="https://x.example.com/")
    with pytest.raises(NotPossible, match="has no address and no bearer token"):
        change(bearer=doors.sealed(scene.keys, "opens"))
    with pytest.raises(NotPossible, match="pushed is opened by a token of its own"):
        database.write(lambda tx: doors.rotate(tx, scene.keys, pushed, operator()))
    with pytest.raises(NotPossible, match="pushed is sent a test event at once"):
        database.write(lambda tx: doors.leave_test(tx, pushed, operator()))
    assert change(audience="them").audience == "them"
