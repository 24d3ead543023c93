"""Webhooks: signed, at least once, given up visibly, and in nobody's way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from scim_connector.accounts import Act
from scim_connector.administration import webhooks as doors
from scim_connector.administration.errors import NotPossible
from scim_connector.delivery.housekeeping import keep_house
from scim_connector.delivery.webhooks import Webhooks
from scim_connector.delivery.worker import Worker, Workers
from scim_connector.directory import audit, outbox, webhooks
from scim_connector.directory.database import Database
from scim_connector.directory.outbox import Message, Standing
from scim_connector.directory.webhooks import Tally, Webhook
from scim_connector.rules.actors import Actor
from scim_connector.rules.webhooks import ALERT_BEGAN, AUDIT_HEAD
from scim_connector.tokens.secrets import SecretKeys
from tests.webhook import Place, posted_to

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
KINDS = ("alerts", "heads")
#: Nobody listens there.
AWAY = "http://127.0.0.1:9/nobody"


class Scene:
    """A place named "pager", and what posts to it; its clock begins now."""

    def __init__(self, database: Database, told: Place) -> None:
        self.database = database
        self.told = told
        self.keys = SecretKeys.fresh()
        self.now = time.time_ns() // 1000
        self.secret = self.add("pager")
        self.sender = Webhooks(database, self.keys, lambda: self.now)
        self.worker = self.another_worker()

    def another_worker(self) -> Worker:
        roads = {"webhook": self.sender.deliver}
        return Worker(self.database, roads, lambda: self.now, of_webhooks=True)

    def act(self) -> Act:
        return Act(Actor.operator("ann"), self.now)

    def add(self, name: str, url: str = "", kinds: tuple[str, ...] = KINDS) -> str:
        act, url = self.act(), url or self.told.url
        _, secret = self.database.write(
            lambda tx: doors.add(tx, self.keys, name, url, act, kinds=kinds)
        )
        return secret

    def change(self, name: str = "pager", **changes: Any) -> str | None:
        found, act = self.find(name), self.act()
        _, secret = self.database.write(
            lambda tx: doors.change(tx, self.keys, found, act, **changes)
        )
        return secret

    def rotate(self, hours: int) -> str:
        found, act = self.find(), self.act()
        return self.database.write(
            lambda tx: doors.rotate(tx, self.keys, found, act, hours=hours)
        )

    def find(self, name: str = "pager") -> Webhook:
        return doors.find(self.database.reader(), name)

    def tell(self, sentence: str = "The disk fills up.", **more: Any) -> int:
        """An alert for whoever hears of such."""
        data = {"sentence": sentence}
        return self.database.write(
            lambda tx: webhooks.tell(tx, ALERT_BEGAN, data, now=self.now, **more)
        )

    def send(self) -> None:
        """Send until nothing more is due."""
        while self.worker.round():
            pass

    def sent(self, name: str = "pager") -> list[Standing]:
        reader = self.database.reader()
        return outbox.of_webhook(reader, self.find(name).id, at_most=1000)

    def states(self, name: str = "pager") -> list[str]:
        return [each.state_at(self.now) for each in self.sent(name)]

    def state(self, name: str = "pager") -> str:
        tallies = webhooks.tallies(self.database.reader())
        found = self.find(name)
        return doors.state_of(found, tallies.get(found.id, Tally()))


@pytest.fixture
def told() -> Iterator[Place]:
    """A place that takes everything."""
    with posted_to() as found:
        yield found


@pytest.fixture
def scene(database: Database, told: Place) -> Scene:
    """A webhook that hears of everything."""
    return Scene(database, told)


# ------------------------------------------------------------------------ what is sent


def test_a_message_is_posted_and_checked(scene: Scene) -> None:
    """Signed with the secret that was shown, as JSON, under the id of the outbox."""
    scene.tell("Jürgen was refused.")
    scene.send()

    (message,) = scene.told.opened(scene.secret)
    (headers, _), (sent,) = scene.told.heard[0], scene.sent()
    assert message["type"] == "alert.began"
    assert message["data"] == {"sentence": "Jürgen was refused."}
    assert message["timestamp"].endswith("Z")
    assert headers["Content-Type"] == "application/json"
    assert scene.told.ids == [sent.message.message_id]
    assert scene.states() == ["sent"]
    assert scene.state() == "sent"


def test_each_hears_of_what_it_asked_for(scene: Scene) -> None:
    """An alert goes to those that hear of alerts, a head to those that keep heads."""
    scene.add("keeper", kinds=("heads",))
    scene.change(kinds=("alerts",))

    assert scene.tell() == 1
    head = {"head": "x", "last_event": 1}
    scene.database.write(lambda tx: webhooks.tell(tx, AUDIT_HEAD, head, now=scene.now))

    assert [webhooks.type_of(s.message) for s in scene.sent()] == ["alert.began"]
    (kept,) = scene.sent("keeper")
    assert webhooks.type_of(kept.message) == "audit.head"


def test_a_change_that_is_rolled_back_tells_nobody(scene: Scene) -> None:
    """The message is written with what it tells, or not at all."""

    def work(tx: Any) -> None:
        webhooks.tell(tx, ALERT_BEGAN, {}, now=scene.now)
        raise NotPossible("no")

    with pytest.raises(NotPossible):
        scene.database.write(work)

    assert scene.sent() == []


# --------------------------------------------------------------------------- not taken


def test_what_is_not_taken_is_tried_again(scene: Scene) -> None:
    """After a minute, under the same id, with a fresh timestamp."""
    scene.told.status = 503
    scene.tell()
    scene.send()
    assert (scene.states(), scene.state()) == (["trying"], "trying")
    assert scene.sent()[0].last_error == "pager answered 503"
    scene.send()
    assert len(scene.told.heard) == 1

    scene.told.status = 200
    scene.now += MINUTE
    scene.send()

    first, second = (int(h["webhook-timestamp"]) for h, _ in scene.told.heard)
    assert second - first == 60
    assert len(set(scene.told.ids)) == 1
    assert scene.states() == ["sent"]


def test_it_is_given_up_visibly_and_sent_again_by_a_person(scene: Scene) -> None:
    """After 24 tries; then one, or all of them, go once more under their ids."""
    scene.told.status = 500
    scene.tell()
    scene.tell()
    while "trying" in scene.states() or "waiting" in scene.states():
        scene.send()
        scene.now += 3 * HOUR
    assert scene.states() == ["failed", "failed"]
    assert scene.state() == "failed"
    assert len(scene.told.heard) == 48

    scene.told.status = 204
    newest, _ = scene.sent()
    found, act = scene.find(), scene.act()
    scene.database.write(lambda tx: doors.resend(tx, found, newest.message.id, act))
    scene.send()
    assert scene.states() == ["sent", "failed"]
    assert scene.database.write(lambda tx: doors.resend_lost(tx, found, act)) == 1
    scene.send()

    assert scene.states() == ["sent", "sent"]
    assert len(set(scene.told.ids)) == 2
    with pytest.raises(NotPossible, match="No message to pager was given up"):
        scene.database.write(lambda tx: doors.resend_lost(tx, found, act))
    with pytest.raises(NotPossible, match="has no message 99"):
        scene.database.write(lambda tx: doors.resend(tx, found, 99, act))


def test_nobody_sends_again_what_went_to_somebody_else(scene: Scene) -> None:
    """A message belongs to its webhook; a mail to none."""
    scene.add("other")
    scene.tell()
    scene.send()
    (mine,) = scene.sent()
    found, act = scene.find("other"), scene.act()

    with pytest.raises(NotPossible, match="other has no message"):
        scene.database.write(lambda tx: doors.resend(tx, found, mine.message.id, act))
    assert scene.states() == ["sent"]


def test_an_address_that_is_gone_is_not_asked_again(scene: Scene) -> None:
    """410 gives the message up at once, and says what to do."""
    scene.told.status = 410
    scene.tell()
    scene.send()

    assert scene.states() == ["failed"]
    assert "name another, or remove the webhook" in (scene.sent()[0].last_error or "")


def test_nothing_is_followed_elsewhere(scene: Scene) -> None:
    """What is signed for one address goes to no other one."""
    with posted_to() as other:
        scene.told.status, scene.told.headers = 307, {"Location": other.url}
        scene.tell()
        scene.send()

        assert other.heard == []
    assert scene.states() == ["trying"]
    assert "is not followed" in (scene.sent()[0].last_error or "")


# ---------------------------------------------------------------------- in nobody's way


def test_mails_do_not_wait_for_webhooks(scene: Scene) -> None:
    """Each kind of worker takes its own; both work beside each other."""
    heard: list[Message] = []

    def queue(tx: Any) -> None:
        outbox.add(tx, "mail:test", {}, user_id=None, now=scene.now)

    scene.tell()
    scene.database.write(queue)
    mails = Worker(scene.database, {"mail": heard.append}, lambda: scene.now)

    assert mails.round() == 1
    assert [each.topic for each in heard] == ["mail:test"]
    assert scene.told.heard == []
    assert Workers(mails, scene.worker).round() == 1
    assert len(scene.told.heard) == 1


def test_workers_begin_and_end_together(scene: Scene) -> None:
    """Each in a thread of its own."""
    mails = Worker(scene.database, {}, lambda: scene.now)
    together = Workers(mails, scene.worker)
    scene.tell()
    together.start()
    for _ in range(100):
        if scene.told.heard:
            break
        time.sleep(0.1)
    together.stop()
    scene.tell()
    time.sleep(1.2)

    assert len(scene.told.heard) == 1


def test_who_does_not_answer_is_left_alone_for_a_while(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One try for a whole queue, so that the others get theirs; then one more."""
    scene.add("away", AWAY)
    for _ in range(4):
        scene.tell()
    tries: list[str] = []
    post = scene.sender._post

    def counted(webhook: Webhook, message_id: str, body: bytes) -> None:
        tries.append(webhook.name)
        post(webhook, message_id, body)

    monkeypatch.setattr(scene.sender, "_post", counted)
    scene.send()
    assert (tries.count("away"), tries.count("pager")) == (1, 4)
    assert scene.states("away") == ["waiting"] * 3 + ["trying"]
    why = scene.sent("away")[-1].last_error or ""
    assert "does not answer" in why
    assert AWAY not in why
    scene.now += 30 * SECOND - 1
    scene.send()
    assert tries.count("away") == 1

    scene.change("away", url=scene.told.url)
    scene.now += HOUR
    scene.send()

    assert tries.count("away") == 5
    assert scene.states("away") == ["sent"] * 4


def test_two_workers_send_a_message_once(scene: Scene) -> None:
    """It is leased to one of them; who dies with it leaves it to another."""
    scene.tell()
    until = scene.now + HOUR
    leased = scene.database.write(
        lambda tx: outbox.lease(tx, now=scene.now, until=until, of_webhooks=True)
    )

    assert len(leased) == 1
    assert scene.another_worker().round() == 0
    scene.now = until
    assert scene.another_worker().round() == 1


def test_what_waits_for_a_paused_one_is_sent_when_it_goes_on(scene: Scene) -> None:
    """Nothing is sent meanwhile, and nothing is lost."""
    scene.change(paused=True)
    scene.tell()
    scene.now += DAY
    scene.send()
    assert (scene.states(), scene.state()) == (["waiting"], "paused")
    assert scene.told.heard == []

    scene.change(paused=False)
    scene.send()

    assert scene.states() == ["sent"]


# ----------------------------------------------------------------------------- secrets


def test_both_secrets_sign_for_a_while(scene: Scene) -> None:
    """Then the new one alone, and the former one is forgotten."""
    new = scene.rotate(hours=24)
    scene.tell()
    scene.send()
    assert new != scene.secret
    assert len(scene.told.opened(new)) == len(scene.told.opened(scene.secret)) == 1

    scene.now += DAY
    scene.tell()
    scene.send()
    signature = scene.told.heard[1][0]["webhook-signature"]
    assert signature.count("v1,") == 1
    later = scene.now
    assert webhooks.has_ended(scene.database.reader(), now=later)
    scene.database.write(lambda tx: webhooks.forget_ended(tx, now=later))

    assert scene.find().former_secret is None
    assert scene.find().former_until is None


def test_a_secret_that_is_known_elsewhere_ends_at_once(scene: Scene) -> None:
    """With no overlap the former one signs nothing more."""
    new = scene.rotate(hours=0)
    scene.tell()
    scene.send()

    assert len(scene.told.opened(new)) == 1
    assert scene.told.opened(scene.secret) == []
    with pytest.raises(NotPossible, match="0 to 168 hours"):
        scene.rotate(hours=169)


def test_another_address_has_another_secret(scene: Scene) -> None:
    """Nobody has messages signed for the old receiver by naming an address of theirs."""
    scene.rotate(hours=24)
    with posted_to() as other:
        assert scene.change(url=scene.told.url) is None
        moved = scene.change(url=other.url)
        scene.tell()
        scene.send()

        assert moved is not None
        assert len(other.opened(moved)) == 1
        assert other.opened(scene.secret) == []
    assert scene.told.heard == []
    assert scene.find().former_secret is None


def test_a_secret_is_kept_encrypted_and_told_nobody(scene: Scene) -> None:
    """Neither in its row nor in audit."""
    made = [scene.secret, scene.rotate(24), scene.change(url=AWAY) or ""]

    row = repr(scene.find())
    events = audit.newest(scene.database.reader(), at_most=10)
    facts = "".join(each.facts for each in events)
    names = {each.name for each in events}
    assert {"webhook:added", "webhook:secret", "webhook:changed"} <= names
    for secret in made:
        assert secret.removeprefix("whsec_") not in row + facts
        assert "whsec_" not in row + facts


# ------------------------------------------------------------------ added, tried, removed


def test_a_webhook_is_tried(scene: Scene) -> None:
    """By a test message, at once; what was answered is the sentence."""
    assert "took a test message" in scene.sender.try_out(scene.find())
    scene.told.status = 401
    with pytest.raises(NotPossible, match="Not taken: pager answered 401"):
        scene.sender.try_out(scene.find())
    scene.add("away", AWAY)
    with pytest.raises(NotPossible, match="away does not answer") as refused:
        scene.sender.try_out(scene.find("away"))
    assert "nobody" not in str(refused.value)

    assert scene.told.opened(scene.secret)[0]["type"] == "webhook.test"
    assert scene.sent() == []


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"name": " "}, "printable characters"),
        ({"name": "a\nb"}, "printable characters"),
        ({"name": "PAGER"}, 'There is a webhook "PAGER" already'),
        ({"url": "http://pager.example.com/"}, "must be an https address"),
        ({"url": "http://169.254.169.254/latest"}, "must be an https address"),
        ({"url": "file:///etc/passwd"}, "must be an https address"),
        ({"url": "https://x.example/a\r\nHost: y"}, "printable ASCII"),
        ({"url": "https://x.example/" + "a" * 2000}, "2000 at most"),
        ({"kinds": ("alerts", "x")}, 'nothing of "x"; there are: alerts, heads'),
        ({"kinds": ()}, "Say what the webhook is to hear of"),
    ],
)
def test_what_cannot_be_a_webhook_is_refused(
    scene: Scene, how: dict[str, Any], said: str
) -> None:
    """With what to write instead, and nothing added."""
    with pytest.raises(NotPossible, match=said):
        scene.add(**{"name": "other", **how})

    assert [each.name for each in webhooks.every(scene.database.reader())] == ["pager"]


def test_a_removed_webhook_is_sent_nothing(scene: Scene) -> None:
    """What waits goes with it."""
    scene.tell()
    found, act = scene.find(), scene.act()
    scene.database.write(lambda tx: doors.remove(tx, found, act))
    scene.send()

    assert scene.told.heard == []
    assert outbox.waiting(scene.database.reader()) == []
    with pytest.raises(NotPossible, match="there are: none yet"):
        scene.find()


def test_what_comes_after_a_removed_webhook_is_nobody_s_but_its_own(
    scene: Scene,
) -> None:
    """Whoever still sends to it finishes its message, and not the next one."""
    scene.tell()
    database, now = scene.database, scene.now
    found, act = scene.find(), scene.act()
    (leased,) = database.write(
        lambda tx: outbox.lease(tx, now=now, until=now + 9, of_webhooks=True)
    )
    database.write(lambda tx: doors.remove(tx, found, act))
    database.write(lambda tx: outbox.add(tx, "mail:test", {}, user_id=None, now=now))
    database.write(lambda tx: outbox.delivered(tx, leased.id, now=now))

    (waits,) = outbox.waiting(database.reader())
    assert waits.topic == "mail:test"
    scene.add("next")
    assert scene.sent("next") == []


def test_what_was_sent_is_forgotten_after_a_month(scene: Scene) -> None:
    """By housekeeping; mails, which have no webhook, stay."""
    scene.database.write(
        lambda tx: outbox.add(
            tx, "mail:test", {}, user_id=None, now=scene.now - 40 * DAY
        )
    )
    scene.now -= 31 * DAY
    scene.tell()
    scene.now += 2 * DAY
    scene.tell()

    keep_house(scene.database)

    assert len(scene.sent()) == 1
    waiting = outbox.waiting(scene.database.reader())
    assert [each.topic for each in waiting] == ["mail:test", "webhook:alert.began"]
