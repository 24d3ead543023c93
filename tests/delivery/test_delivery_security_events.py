"""Security events out: signed, in order, at least once, under ids that stay the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from scim_connector.administration import receivers as doors
from scim_connector.administration import users as user_doors
from scim_connector.administration.errors import NotPossible
from scim_connector.administration.users import NewUser
from scim_connector.delivery.security_events import Transmitter
from scim_connector.delivery.senders import TryLater
from scim_connector.directory import audit, links, receivers, seals
from scim_connector.directory.database import Database
from scim_connector.rules import security_events as rules
from scim_connector.rules.events import EVENTS as AUDITED
from scim_connector.rules.events import Event
from scim_connector.scim.types import LOCAL
from scim_connector.tokens.secrets import SecretKeys
from scim_connector.tokens.signing import SigningKeys
from tests import house
from tests.access import let_in
from tests.house import Provider, operator, patch_of, person
from tests.receiver import Receiver, receiving

ISSUER = "https://scim.contoso.com"
DEACTIVATE = "urn:ietf:params:scim:event:prov:deactivate"
REVOKED = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
SECOND = 1_000_000
HOUR = 3600 * SECOND


class Scene:
    """A provider, a receiver named "soc", and what sends to it."""

    def __init__(self, database: Database, told: Receiver, **how: Any) -> None:
        self.database = database
        self.told = told
        self.keys = SecretKeys.fresh()
        self.signing = SigningKeys(self.keys)
        self.now = house.now() + 100 * HOUR
        self.entra: Provider = house.provider(database)
        self.seal()
        self.add("soc", **how)
        self.sender = Transmitter(
            database, self.keys, self.signing, issuer=ISSUER, clock=lambda: self.now
        )

    def add(self, name: str, **how: Any) -> receivers.Receiver:
        url = how.pop("url", self.told.url)
        return self.database.write(
            lambda tx: doors.add(tx, self.keys, name, url, operator(), **how)
        )

    def seal(self) -> None:
        seals.seal(self.database, now=self.now)

    def send(self) -> None:
        """Seal, and send until nothing more is due."""
        self.seal()
        while self.sender.round():
            pass

    @property
    def soc(self) -> receivers.Receiver:
        return doors.find(self.database.reader(), "soc")

    @property
    def claims(self) -> list[dict[str, Any]]:
        return self.told.claims(self.signing.published())

    def deliveries(self) -> list[receivers.Delivery]:
        reader = self.database.reader()
        return receivers.deliveries(reader, self.soc.id, at_most=100)


@pytest.fixture
def told() -> Iterator[Receiver]:
    """A receiver that takes everything."""
    with receiving() as found:
        yield found


def _kinds(claims: list[dict[str, Any]]) -> list[str]:
    return [next(iter(each["events"])).rpartition(":")[2] for each in claims]


def test_a_deactivation_is_pushed_and_checked(
    database: Database, told: Receiver
) -> None:
    """Two signed tokens: the SCIM resource is off, the person's sessions are over."""
    scene = Scene(database, told, audience="soc", bearer="opens-soc")
    link = str(scene.entra.post(person("kim.doe@x.org", externalId="e1")).id)
    scene.database.write(lambda tx: let_in(tx, scene.entra.user(link)))
    scene.entra.patch(link, patch_of(active=False))
    scene.send()

    scim, caep = scene.claims
    headers = told.heard[0][0]
    assert headers["Content-Type"] == "application/secevent+jwt"
    assert headers["Authorization"] == "Bearer opens-soc"
    assert (scim["iss"], scim["aud"]) == (ISSUER, "soc")
    assert scim["events"] == {DEACTIVATE: {}}
    assert scim["sub_id"] == {
        "format": "scim",
        "uri": f"/Users/{link}",
        "externalId": "e1",
    }
    assert "sub" not in scim
    user = scene.entra.user(link)
    assert caep["sub_id"] == {"format": "iss_sub", "iss": ISSUER, "sub": str(user.id)}
    assert caep["events"][REVOKED]["reason_admin"] == {
        "en": "The user was made inactive; all access ended."
    }
    assert caep["txn"] == scim["txn"]
    assert caep["jti"] != scim["jti"]
    assert scim["toe"] <= scim["iat"]


def test_only_what_is_asked_for_is_sent(database: Database, told: Receiver) -> None:
    """From now on, and none of the rest of what audit tells."""
    scene = Scene(database, told, kinds=("activate", "delete"))
    link = str(scene.entra.post(person("kim.doe@x.org")).id)
    scene.entra.patch(link, patch_of(active=False))
    scene.entra.patch(link, patch_of(active=True))
    scene.entra.delete(link)
    scene.send()

    assert _kinds(scene.claims) == ["activate", "delete"]
    assert scene.claims[1]["sub_id"]["uri"] == f"/Users/{link}"
    assert scene.soc.position == seals.last_event(database.reader())


def test_a_returning_person_is_told_of_by_the_id_of_then(
    database: Database, told: Receiver
) -> None:
    """A resource that was removed keeps its id in what is told of it later (D12)."""
    scene = Scene(database, told, kinds=("delete", "deactivate"))
    first = str(scene.entra.post(person("kim.doe@x.org", externalId="1")).id)
    scene.entra.delete(first)
    second = str(scene.entra.post(person("kim.doe@x.org", externalId="1")).id)
    scene.entra.patch(second, patch_of(active=False))
    scene.send()

    told_of = [each["sub_id"]["uri"].rpartition("/")[2] for each in scene.claims]
    assert told_of.count(first) == 2
    assert told_of[-1] == second
    assert links.of_user_at(database.reader(), 1, 0) is None


def test_a_local_person_has_no_scim_event(database: Database, told: Receiver) -> None:
    """No provider knows them; their sessions are told of all the same."""
    scene = Scene(database, told)
    new = NewUser(email="bo@x.org", last_name="Bo", mail=False)
    user = database.write(lambda tx: user_doors.add(tx, new, operator()))
    database.write(lambda tx: user_doors.deactivate(tx, user, operator()))
    scene.send()

    (caep,) = scene.claims
    assert caep["events"][REVOKED]["initiating_entity"] == "admin"


def test_sessions_that_end_by_themselves_are_told_once(
    database: Database, told: Receiver
) -> None:
    """Ended by an administrator: one event; by a deactivation: not a second one."""
    scene = Scene(database, told, kinds=("session-revoked",))
    link = str(scene.entra.post(person("kim.doe@x.org")).id)
    user = scene.entra.user(link)
    database.write(lambda tx: let_in(tx, user))
    database.write(lambda tx: user_doors.log_out(tx, user, operator()))
    scene.entra.patch(link, patch_of(active=False))
    scene.send()

    said = [each["events"][REVOKED]["reason_admin"]["en"] for each in scene.claims]
    assert said == [
        AUDITED["sessions:ended"].sentence,
        AUDITED["user:deactivated"].sentence,
    ]


def test_a_receiver_that_is_away_misses_nothing(
    database: Database, told: Receiver
) -> None:
    """It is tried again later; ids stay, and the order of each user."""
    scene = Scene(database, told, kinds=("deactivate", "activate"))
    link = str(scene.entra.post(person("kim.doe@x.org")).id)
    told.answer = (503, b"")
    scene.entra.patch(link, patch_of(active=False))
    scene.send()
    assert len(told.heard) == 1
    assert "answered 503" in (scene.soc.last_error or "")
    scene.entra.patch(link, patch_of(active=True))
    scene.send()
    assert len(told.heard) == 1

    told.answer = (202, b"")
    scene.now += HOUR
    scene.send()

    assert _kinds(scene.claims) == ["deactivate", "deactivate", "activate"]
    assert scene.claims[0]["jti"] == scene.claims[1]["jti"]
    assert scene.soc.last_error is None
    assert [each.kind for each in scene.deliveries()] == ["activate", "deactivate"]


def test_what_is_refused_for_good_is_kept_and_passed(
    database: Database, told: Receiver
) -> None:
    """400 means this token (RFC 8935 section 2.4); who may not come in tries again."""
    scene = Scene(database, told, kinds=("deactivate",))
    link = str(scene.entra.post(person("kim.doe@x.org")).id)
    told.answer = (400, b'{"err": "authentication_failed"}')
    scene.entra.patch(link, patch_of(active=False))
    scene.send()
    assert scene.deliveries() == []

    told.answer = (400, b'{"err": "invalid_audience", "description": "not mine"}')
    scene.now += HOUR
    scene.send()

    (delivery,) = scene.deliveries()
    assert delivery.refused == "soc answered 400 invalid_audience not mine"
    assert scene.soc.position == seals.last_event(database.reader())


@pytest.mark.parametrize("body", [b"", b"<html>400 Bad Request</html>", b"[]"])
def test_a_refusal_that_names_no_error_is_a_proxy_s(
    database: Database, told: Receiver, body: bytes
) -> None:
    """Nothing is lost to a 400 of something in between: it is tried again."""
    scene = Scene(database, told, kinds=("deactivate",))
    link = str(scene.entra.post(person("kim.doe@x.org")).id)
    told.answer = (400, body)
    scene.entra.patch(link, patch_of(active=False))
    scene.send()
    assert scene.deliveries() == []

    told.answer = (202, b"")
    scene.now += HOUR
    scene.send()

    assert [each.refused for each in scene.deliveries()] == [None]


def _leavers(scene: Scene, count: int) -> None:
    """So many people are deactivated."""
    for number in range(count):
        link = str(scene.entra.post(person(f"leaver.{number}@x.org")).id)
        scene.entra.patch(link, patch_of(active=False))
    scene.seal()


def test_whoever_is_behind_leaves_others_their_turn(
    database: Database, told: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow receiver is sent for three seconds, then the other one is."""
    scene = Scene(database, told, kinds=("deactivate",))
    scene.add("other", kinds=("deactivate",))
    _leavers(scene, 3)
    pushed: list[str] = []

    def push(receiver: receivers.Receiver, token: Any) -> None:
        pushed.append(receiver.name)
        scene.now += 4 * SECOND

    monkeypatch.setattr(scene.sender, "_push", push)
    scene.send()

    assert sorted(pushed) == ["other"] * 3 + ["soc"] * 3
    assert pushed[0] != pushed[1]


def test_a_receiver_that_is_back_is_tried_again_soon(
    database: Database, told: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it has taken counts: one hiccup is no further step of a long outage."""
    scene = Scene(database, told, kinds=("deactivate",))
    _leavers(scene, 2)
    database.write(lambda tx: receivers.change(tx, scene.soc.id, {"attempts": 9}))
    answers = [None, TryLater("soc answered 429")]

    def push(*_: object) -> None:
        if (answer := answers.pop(0)) is not None:
            raise answer

    monkeypatch.setattr(scene.sender, "_push", push)
    scene.send()

    assert scene.soc.attempts == 1
    assert scene.soc.due_at == scene.now + 60 * SECOND


def test_after_a_crash_another_worker_sends_within_a_minute(
    database: Database, told: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease of a worker that is gone ends by itself."""
    scene = Scene(database, told, kinds=("deactivate",))
    _leavers(scene, 1)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(scene.sender, "_push", killed)
        with pytest.raises(KeyboardInterrupt):
            scene.send()
    assert scene.sender.round() == 0
    scene.now += 60 * SECOND
    scene.send()

    assert _kinds(scene.claims) == ["deactivate"]


def test_a_link_of_a_moment_later_is_the_one_that_was_meant(
    database: Database, told: Receiver
) -> None:
    """The clock of the server that deactivates may be behind; not by more than that."""
    scene = Scene(database, told)
    made = scene.entra.post(person("kim.doe@x.org"))
    user = scene.entra.user(str(made.id))
    created = house.now()
    reader = database.reader()

    found = links.of_user_at(reader, user.id, created - 30 * SECOND)
    assert found is not None
    assert found.id == made.id
    assert links.of_user_at(reader, user.id, created - HOUR) is None


def test_one_receiver_holds_up_no_other(database: Database, told: Receiver) -> None:
    """Each goes on at its own pace."""
    scene = Scene(database, told, kinds=("deactivate",))
    scene.add("away", url="http://127.0.0.1:9/nobody", kinds=("deactivate",))
    link = str(scene.entra.post(person("kim.doe@x.org")).id)
    scene.entra.patch(link, patch_of(active=False))
    scene.send()

    assert _kinds(scene.claims) == ["deactivate"]
    away = doors.find(database.reader(), "away")
    assert "does not answer" in (away.last_error or "")


def test_two_workers_send_an_event_once(database: Database, told: Receiver) -> None:
    """A receiver is leased to one of them."""
    scene = Scene(database, told, kinds=("deactivate",))
    link = str(scene.entra.post(person("kim.doe@x.org")).id)
    scene.entra.patch(link, patch_of(active=False))
    scene.seal()
    until = scene.now + HOUR
    taken = database.write(lambda tx: receivers.lease(tx, now=scene.now, until=until))

    assert taken is not None
    assert scene.sender.round() == 0
    scene.now = until
    assert scene.sender.round() > 0


def test_events_are_replayed_under_their_ids(
    database: Database, told: Receiver
) -> None:
    """From one that was sent on; a paused receiver is sent nothing until it goes on."""
    scene = Scene(database, told, kinds=("deactivate",))
    link = str(scene.entra.post(person("kim.doe@x.org")).id)
    scene.entra.patch(link, patch_of(active=False))
    scene.send()
    (sent,) = scene.deliveries()
    database.write(lambda tx: doors.change(tx, scene.soc, operator(), paused=True))
    database.write(lambda tx: doors.replay(tx, scene.soc, sent.event_id, operator()))
    scene.send()
    assert len(told.heard) == 1
    with pytest.raises(NotPossible, match="has been sent events up to"):
        database.write(lambda tx: doors.replay(tx, scene.soc, 10**9, operator()))

    database.write(lambda tx: doors.change(tx, scene.soc, operator(), paused=False))
    scene.send()

    first, second = scene.claims
    assert first["jti"] == second["jti"]


def test_a_replay_asked_while_something_is_sent_counts(
    database: Database, told: Receiver
) -> None:
    """A worker in the middle of its round does not move the receiver on over it."""
    scene = Scene(database, told, kinds=("deactivate",))
    links = [str(scene.entra.post(person(f"{n}@x.org")).id) for n in ("one", "two")]
    scene.entra.patch(links[0], patch_of(active=False))
    scene.send()
    (first,) = scene.deliveries()
    asked = []

    @contextmanager
    def replaying(*_: object) -> Iterator[None]:
        if not asked:
            asked.append(first.event_id)
            database.write(
                lambda tx: doors.replay(tx, scene.soc, first.event_id, operator())
            )
        yield

    scene.sender = Transmitter(
        database,
        scene.keys,
        scene.signing,
        issuer=ISSUER,
        clock=lambda: scene.now,
        watch=replaying,
    )
    scene.entra.patch(links[1], patch_of(active=False))
    scene.send()

    sent = [each["jti"] for each in scene.claims]
    assert asked
    assert sent.count(first.jti) == 2


def test_a_receiver_is_tried(database: Database, told: Receiver) -> None:
    """By a verification event, at once; its answer is the sentence."""
    scene = Scene(database, told)
    assert "took a verification event" in scene.sender.try_out(scene.soc, operator())
    told.answer = (400, b'{"err": "invalid_issuer"}')

    with pytest.raises(NotPossible, match="soc answered 400 invalid_issuer"):
        scene.sender.try_out(scene.soc, operator())
    assert list(scene.claims[0]["events"]) == [rules.VERIFICATION]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"name": " "}, "printable characters"),
        ({"name": "SOC"}, 'There is a receiver "SOC" already'),
        ({"url": "http://soc.example.com/"}, "must be an https address"),
        ({"url": "https://soc.example.com/a\r\nHost: y"}, "printable ASCII"),
        ({"kinds": ("deactivate", "x")}, 'no event "x"; there are: deactivate'),
        ({"kinds": ()}, "Name an event; there are"),
        ({"bearer": "é"}, "printable ASCII"),
    ],
)
def test_what_cannot_be_a_receiver_is_refused(
    database: Database, told: Receiver, how: dict[str, Any], said: str
) -> None:
    """With what to write instead, and nothing added."""
    scene = Scene(database, told)
    with pytest.raises(NotPossible, match=said):
        scene.add(**{"name": "other", **how})

    assert [each.name for each in receivers.every(database.reader())] == ["soc"]


def test_a_bearer_token_is_kept_encrypted_and_told_nobody(
    database: Database, told: Receiver
) -> None:
    """Neither in its row nor in audit."""
    scene = Scene(database, told, bearer="opens-soc")
    sealed = doors.sealed(scene.keys, "opens-more")
    database.write(lambda tx: doors.change(tx, scene.soc, operator(), bearer=sealed))

    events = audit.newest(database.reader(), at_most=5)
    assert not any("opens" in each.facts for each in events)
    assert "opens" not in (scene.soc.bearer or "")
    assert doors.opened(scene.keys, scene.soc) == "opens-more"


def test_a_bearer_token_goes_to_no_other_address(
    database: Database, told: Receiver
) -> None:
    """Whoever moves a receiver has to know the token of the new address."""
    scene = Scene(database, told, bearer="opens-soc")
    moved = {"url": "https://elsewhere.example.com/events"}

    def change(**changes: Any) -> receivers.Receiver:
        return database.write(
            lambda tx: doors.change(tx, scene.soc, operator(), **changes)
        )

    with pytest.raises(NotPossible, match="give the token of the new address"):
        change(**moved)
    assert scene.soc.url == told.url
    assert change(url=told.url).bearer is not None
    opened = change(**moved, bearer=doors.sealed(scene.keys, "opens-more"))
    assert doors.opened(scene.keys, opened) == "opens-more"
    assert change(url=told.url, bearer=None).bearer is None


@pytest.mark.parametrize("bearer", ["", "two\nlines", "caf\u00e9", "nul\0"])
def test_what_fits_no_header_is_no_bearer_token(
    database: Database, told: Receiver, bearer: str
) -> None:
    """Neither at first nor later."""
    scene = Scene(database, told)

    with pytest.raises(NotPossible, match="printable ASCII"):
        scene.add("other", bearer=bearer)
    with pytest.raises(NotPossible, match="printable ASCII"):
        doors.sealed(scene.keys, bearer)


def test_a_receiver_is_removed_with_what_it_took(
    database: Database, told: Receiver
) -> None:
    """And is not sent anything more."""
    scene = Scene(database, told, kinds=("deactivate",))
    link = str(scene.entra.post(person("kim.doe@x.org")).id)
    scene.entra.patch(link, patch_of(active=False))
    scene.send()
    database.write(lambda tx: doors.remove(tx, scene.soc, operator()))

    assert receivers.every(database.reader()) == []
    with pytest.raises(NotPossible, match="there are: none yet"):
        doors.find(database.reader(), "soc")


def test_what_was_taken_long_ago_is_forgotten(
    database: Database, told: Receiver
) -> None:
    """After 30 days, but for the newest, whose number nothing else may get."""
    scene = Scene(database, told, kinds=("deactivate",))
    for name in ("kim.doe", "lee.roe"):
        link = str(scene.entra.post(person(f"{name}@x.org")).id)
        scene.entra.patch(link, patch_of(active=False))
    scene.send()
    second, _ = scene.deliveries()
    later = scene.now + receivers.KEPT + 1

    assert not receivers.has_ended(database.reader(), now=later - 2)
    assert receivers.has_ended(database.reader(), now=later)
    database.write(lambda tx: receivers.forget_ended(tx, now=later))
    assert [each.id for each in scene.deliveries()] == [second.id]


# --------------------------------------------------------------- create, patch, put

CHANGES = ("create", "patch", "put")


def _notices(claims: list[dict[str, Any]]) -> list[tuple[str, list[str], str]]:
    """The kind of each, the attributes it names, and the version it tells."""
    found = []
    for each in claims:
        ((uri, told),) = each["events"].items()
        kind = uri.removeprefix("urn:ietf:params:scim:event:prov:")
        assert sorted(told) == ["attributes", "version"]
        found.append((kind, told["attributes"], told["version"]))
    return found


def test_what_a_provider_writes_is_told_by_its_road(
    database: Database, told: Receiver
) -> None:
    """A POST, a PATCH and a PUT name the attributes, never a value (RFC 9967 2.4)."""
    scene = Scene(database, told, kinds=CHANGES)
    body = person("kim.doe@x.org", externalId="e1")
    link = str(scene.entra.post(body).id)
    scene.entra.patch(link, patch_of(title="Dr", nickName="K"))
    scene.entra.put(link, {**body, "title": "Prof"})
    scene.send()

    created, patched, put = _notices(scene.claims)
    assert created[0] == "create:notice"
    assert {"userName", "emails", "name", "externalId", "active"} <= {*created[1]}
    assert patched == ("patch:notice", ["nickName", "title"], 'W/"2"')
    assert put == ("put:notice", ["nickName", "title"], 'W/"3"')
    assert {each["sub_id"]["uri"] for each in scene.claims} == {f"/Users/{link}"}
    payloads = str([each["events"] for each in scene.claims])
    assert not any(word in payloads for word in ("kim.doe", "Doe", "Prof", "e1"))
    assert scene.entra.get(link)["meta"]["version"] == put[2]


FULL = ("create-full", "patch-full", "put-full")


def _full(claims: list[dict[str, Any]]) -> list[tuple[str, Any, str]]:
    """The kind of each, its values or the names alone, and the version it tells."""
    found = []
    for each in claims:
        ((uri, told),) = each["events"].items()
        kind = uri.removeprefix("urn:ietf:params:scim:event:prov:")
        found.append((kind, told.get("data", told.get("attributes")), told["version"]))
    return found


def test_values_are_told_to_whom_they_are_meant_for(
    database: Database, told: Receiver
) -> None:
    """By choice: the resource, or the operations of a patch; in the notice's place."""
    scene = Scene(database, told, kinds=(*FULL, *CHANGES))
    link = str(scene.entra.post(person("kim.doe@x.org", title="Dr")).id)
    scene.send()
    scene.entra.patch(link, patch_of(nickName="K", title=None))
    scene.send()
    scene.entra.put(link, person("kim.doe@x.org", title="Prof"))
    scene.send()

    created, patched, put = _full(scene.claims)
    shown = scene.entra.get(link)
    assert (created[0], created[1]["userName"]) == ("create:full", "kim.doe@x.org")
    assert created[1]["title"] == "Dr"
    assert patched[0] == "patch:full"
    assert patched[1]["Operations"] == [
        {"op": "replace", "path": "nickName", "value": "K"},
        {"op": "remove", "path": "title"},
    ]
    assert put[0] == "put:full"
    assert put[1]["userName"] == shown["userName"]
    assert put[1]["meta"]["location"] == f"{ISSUER}/scim/v2/Users/{link}"
    assert [each[2] for each in (created, patched, put)] == [
        'W/"1"',
        'W/"2"',
        shown["meta"]["version"],
    ]


def test_values_of_another_instant_are_not_told(
    database: Database, told: Receiver
) -> None:
    """What has changed again comes as a notice, and the newest with its values."""
    scene = Scene(database, told, kinds=FULL)
    link = str(scene.entra.post(person("kim.doe@x.org")).id)
    scene.entra.patch(link, patch_of(title="Dr"))
    scene.send()

    created, patched = _full(scene.claims)
    assert (created[0], "userName" in created[1]) == ("create:notice", True)
    assert patched[0] == "patch:full"
    assert "kim.doe" not in str(created)


def test_nothing_of_a_removed_person_is_told(
    database: Database, told: Receiver
) -> None:
    """Whoever was deleted, and may be erased by now, is named by attributes alone."""
    scene = Scene(database, told, kinds=FULL)
    link = str(scene.entra.post(person("kim.doe@x.org")).id)
    scene.entra.delete(link)
    scene.send()

    assert "kim.doe" not in str([each["events"] for each in scene.claims])
    assert scene.claims


def test_what_is_changed_here_is_a_patch(database: Database, told: Receiver) -> None:
    """The provider reads it in our extension; audit tells which person did it."""
    scene = Scene(database, told, kinds=CHANGES)
    link = str(scene.entra.post(person("kim.doe@x.org")).id)
    scene.send()
    user = scene.entra.user(link)
    values = {"initials": "KX"}
    override = {"override": True}
    database.write(lambda tx: user_doors.edit(tx, user, values, operator(), **override))
    scene.send()

    ((kind, attributes, version),) = _notices(scene.claims[1:])
    assert (kind, version) == ("patch:notice", 'W/"2"')
    assert attributes == [f"{LOCAL}:local.initials"]


def test_a_deactivation_comes_before_the_patch_of_active(
    database: Database, told: Receiver
) -> None:
    """Both are of one change, so both have its txn."""
    scene = Scene(database, told, kinds=("deactivate", "activate", *CHANGES))
    link = str(scene.entra.post(person("kim.doe@x.org")).id)
    scene.entra.patch(link, patch_of(active=False))
    scene.entra.patch(link, patch_of(active=True))
    scene.send()

    uris = [next(iter(each["events"])).partition("prov:")[2] for each in scene.claims]
    assert uris == [
        "create:notice",
        *("deactivate", "patch:notice"),
        *("activate", "patch:notice"),
    ]
    _, off, active, *_ = scene.claims
    assert off["txn"] == active["txn"]
    assert _notices([active])[0][1] == ["active"]


def test_what_changes_nothing_and_what_is_removed_is_no_patch(
    database: Database, told: Receiver
) -> None:
    """A repeated request tells nothing; a DELETE is told as one."""
    scene = Scene(database, told, kinds=("delete", *CHANGES))
    body = person("kim.doe@x.org")
    link = str(scene.entra.post(body).id)
    scene.entra.put(link, body)
    scene.entra.patch(link, patch_of(active=True))
    scene.entra.delete(link)
    scene.send()

    assert _kinds(scene.claims) == ["notice", "delete"]


def test_who_is_adopted_or_comes_back_is_a_new_resource(
    database: Database, told: Receiver
) -> None:
    """A create each, under the id of that resource (D12)."""
    scene = Scene(database, told, kinds=CHANGES)
    first = str(scene.entra.post(person("kim.doe@x.org", externalId="1")).id)
    scene.entra.delete(first)
    second = str(scene.entra.post(person("kim.doe@x.org", externalId="1")).id)
    scene.send()

    assert [each[0] for each in _notices(scene.claims)] == ["create:notice"] * 2
    assert scene.claims[1]["sub_id"]["uri"] == f"/Users/{second}"


def test_an_older_record_without_attributes_tells_no_create(
    database: Database, told: Receiver
) -> None:
    """What audit did not tell then is not made up now."""
    scene = Scene(database, told, kinds=CHANGES)
    link = str(scene.entra.post(person("kim.doe@x.org")).id)
    user = scene.entra.user(link)
    old = Event("user:linked", {"connection": "entra"})
    database.write(
        lambda tx: audit.record(
            tx, [old], at=scene.now, actor=operator().actor, user_id=user.id
        )
    )
    scene.send()

    assert len(scene.claims) == 1
    assert scene.soc.position == seals.last_event(database.reader())


def test_each_event_is_caused_by_events_that_audit_knows() -> None:
    """The table of causes names no event that never happens."""
    assert all(cause in AUDITED for cause in rules.CAUSES)
    assert rules.SCIM_URIS[0] == DEACTIVATE
    assert [each.id for each in rules.caused_by("user:deactivated", {})] == [
        "deactivate",
        "session-revoked",
        "account-disabled",
    ]
    facts = {"attributes": [], "version": 2, "road": "put"}
    assert [each.id for each in rules.caused_by("user:resource:changed", facts)] == [
        "put",
        "put-full",
    ]
    assert rules.caused_by("user:linked", {}) == ()
