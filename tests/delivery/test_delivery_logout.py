"""Back-channel logout: an application is told, by a token it can check, until it knows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import jwt
import pytest

from scim_connector.administration import applications
from scim_connector.administration import users as user_doors
from scim_connector.administration.errors import NotPossible
from scim_connector.delivery.logout import LogoutCalls
from scim_connector.delivery.worker import Worker
from scim_connector.directory import outbox, receipts
from scim_connector.directory.database import Database
from scim_connector.directory.receipts import Call
from scim_connector.login.gate import Door
from scim_connector.login.sessions import Proof, Sessions
from scim_connector.rules.access import Lifetimes
from scim_connector.tokens.secrets import SecretKeys
from scim_connector.tokens.signing import LOGOUT_EVENT, SigningKeys
from tests import house, programs
from tests.house import Provider, patch_of, person
from tests.listener import Application, listening

ISSUER = "https://scim.contoso.com"
HOUR = 3600 * 1_000_000


@dataclass
class Scene:
    """Somebody who is signed in at two applications, one of which wants to be told."""

    provider: Provider
    told: Application
    now: int = field(default_factory=lambda: house.now() + HOUR)
    keys: SecretKeys = field(default_factory=SecretKeys.fresh)
    link_id: str = ""

    def __post_init__(self) -> None:
        database = self.provider.database
        self.sessions = Sessions(database, self.keys, Lifetimes(HOUR, 12 * HOUR))
        self.signing = SigningKeys(self.keys)
        calls = LogoutCalls(
            database, self.signing, issuer=ISSUER, clock=lambda: self.now
        )
        self.worker = Worker(database, {"logout": calls.deliver}, lambda: self.now)
        for name, url in (("nextgen", self.told.url), ("classic", None)):
            programs.application(database, name, logout_url=url)
        self.link_id = str(self.provider.post(person("kim.doe@contoso.com")).id)
        for name in ("nextgen", "classic"):
            self.sign_in(name)

    def sign_in(self, application: str) -> str:
        """Open a session; returns its id."""
        user = self.provider.user(self.link_id)
        door = Door("password", application, "192.0.2.9", "", self.now)
        opened = self.provider.database.write(
            lambda tx: self.sessions.open(tx, user.id, door, Proof("password"))
        )
        return opened.id

    def deactivate(self) -> None:
        """Let the provider cut them off."""
        self.provider.patch(self.link_id, patch_of(active=False))

    def deliver(self) -> None:
        """Make the calls that are due."""
        while self.worker.round():
            pass

    def calls(self) -> tuple[Call, ...]:
        """The calls of the newest receipt."""
        return receipts.newest(self.provider.database.reader())[0].calls

    def claims(self, token: str) -> dict[str, Any]:
        """What a token says, checked by the published keys as an application does."""
        header = jwt.get_unverified_header(token)
        assert header["typ"] == "logout+jwt"
        keys = jwt.PyJWKSet.from_dict(self.signing.published())
        (key,) = [k for k in keys.keys if k.key_id == header["kid"]]
        options = {"verify_exp": False, "verify_iat": False}
        return jwt.decode(
            token, key, algorithms=["ES256"], audience="nextgen", options=options
        )


@pytest.fixture
def scene(database: Database) -> Iterator[Scene]:
    """The scene on each database."""
    with listening() as told:
        yield Scene(house.provider(database), told)


def test_a_deactivation_is_told_to_who_wants_to_be_told(scene: Scene) -> None:
    """One call for all sessions of the person there, none to the other application."""
    scene.deactivate()

    scene.deliver()

    (call,) = scene.told.heard
    assert call[0] == "application/x-www-form-urlencoded"
    assert list(call[1]) == ["logout_token"]
    (kept,) = scene.calls()
    assert (kept.application, kept.attempts, kept.delivered_at) == (
        "nextgen",
        1,
        scene.now,
    )


def test_a_logout_token_says_what_the_standard_asks(scene: Scene) -> None:
    """OpenID Connect Back-Channel Logout 1.0 §2.4: these claims, and never a nonce."""
    user = scene.provider.user(scene.link_id)
    scene.deactivate()
    scene.deliver()

    claims = scene.claims(scene.told.tokens[0])

    assert set(claims) == {"iss", "aud", "sub", "iat", "exp", "jti", "events"}
    assert (claims["iss"], claims["sub"]) == (ISSUER, str(user.id))
    assert claims["events"] == {LOGOUT_EVENT: {}}
    assert claims["exp"] - claims["iat"] == 120
    assert claims["iat"] == scene.now // 1_000_000


def test_the_calls_to_one_application_are_found_by_its_name(scene: Scene) -> None:
    """Its own and no other's, the newest first, a page at a time."""
    reader = scene.provider.database.reader()
    for _ in range(3):
        scene.deactivate()
        scene.provider.patch(scene.link_id, patch_of(active=True))

    calls = outbox.of_application(reader, "nextgen", at_most=2)
    last = calls[-1].message.id
    rest = outbox.of_application(reader, "nextgen", at_most=9, before=last)

    ids = [each.message.id for each in (*calls, *rest)]
    assert len(ids) == 3
    assert ids == sorted(ids, reverse=True)
    assert outbox.of_application(reader, "next", at_most=9) == []


def test_one_session_is_ended_by_its_id(scene: Scene) -> None:
    """Whoever signs out at one place is named with that session (sid)."""
    session_id = scene.sign_in("nextgen")
    held = house.sessions_of(scene.provider, scene.link_id)[session_id]
    scene.sessions.end(held, Door("logout", "nextgen", "", "", scene.now))
    scene.deliver()

    assert scene.claims(scene.told.tokens[0])["sid"] == session_id


def test_an_administrator_ends_everything_by_one_act(scene: Scene) -> None:
    """``session end``: every application at once, and the call follows."""
    user = scene.provider.user(scene.link_id)
    ended = scene.provider.database.write(
        lambda tx: user_doors.log_out(tx, user, house.operator())
    )
    scene.deliver()

    assert ended == 2
    assert house.sessions_of(scene.provider, scene.link_id) == {}
    assert len(scene.told.heard) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 500, 503])
def test_a_call_that_failed_is_made_again(scene: Scene, status: int) -> None:
    """The same token id, later; the receipt shows the attempts and the reason."""
    scene.told.status = status
    scene.deactivate()
    scene.deliver()
    (failed,) = scene.calls()
    scene.told.status = 204
    scene.now += 60 * 1_000_000
    scene.deliver()

    (done,) = scene.calls()
    assert str(status) in str(failed.last_error)
    assert (done.attempts, done.last_error) == (2, None)
    first, second = (scene.claims(token)["jti"] for token in scene.told.tokens)
    assert first == second


def test_an_application_that_is_down_is_called_later(database: Database) -> None:
    """Nothing is lost while nobody answers."""
    with listening() as told:
        scene = Scene(house.provider(database), told)
    scene.deactivate()

    scene.deliver()

    (call,) = scene.calls()
    assert "nextgen does not answer" in str(call.last_error)
    assert call.delivered_at is None
    assert outbox.waiting_by_topic(database.reader())["logout:application"] == 1


def test_no_redirect_is_followed(scene: Scene) -> None:
    """A logout token goes to the registered address and to no other."""
    with listening() as elsewhere:
        scene.told.status, scene.told.headers = 307, {"Location": elsewhere.url}
        scene.deactivate()
        scene.deliver()

        assert elsewhere.heard == []
    assert "answered 307" in str(scene.calls()[0].last_error)


@pytest.mark.parametrize(
    "url", ["http://nextgen.contoso.com/logout", "ftp://x", "nextgen", "https://"]
)
def test_a_logout_address_is_https(database: Database, url: str) -> None:
    """Or this machine's own; anything else is refused with what to change."""
    with pytest.raises(NotPossible, match="must be an https address"):
        programs.application(database, "nextgen", logout_url=url)


def test_an_address_that_was_taken_away_ends_its_calls(scene: Scene) -> None:
    """Nothing is tried for ever at an application that wants to hear no more."""
    scene.deactivate()
    found = applications.find(scene.provider.database.reader(), "nextgen")
    scene.provider.database.write(
        lambda tx: applications.change(
            tx, found, address=None, redirects=(), logout_url=None, act=house.operator()
        )
    )

    scene.deliver()

    (call,) = scene.calls()
    assert call.given_up_at is not None
    assert "no logout address any more" in str(call.last_error)


def test_a_rotated_key_leaves_the_former_one_published(scene: Scene) -> None:
    """Tokens under way are good; new ones are signed with the new key."""
    rotated = SigningKeys(scene.keys.rotated())

    kids = [key["kid"] for key in rotated.published()["keys"]]

    former = [key["kid"] for key in scene.signing.published()["keys"]]
    assert kids[1:] == former
    assert kids[0] not in former
    assert all("d" not in key for key in rotated.published()["keys"])


def test_who_does_not_answer_keeps_nobody_waiting(scene: Scene) -> None:
    """One try at an application that is away, then the calls to the others."""
    away = "http://127.0.0.1:9/nobody"
    programs.application(scene.provider.database, "away", logout_url=away)
    for _ in range(3):
        scene.sign_in("away")
        scene.deactivate()
        scene.provider.patch(scene.link_id, patch_of(active=True))
    scene.sign_in("nextgen")
    scene.deactivate()

    scene.deliver()

    reader = scene.provider.database.reader()
    calls = outbox.of_application(reader, "away", at_most=9)
    assert sum(each.message.attempts for each in calls) == 1
    assert {each.delivered_at is None for each in calls} == {True}
    told = outbox.of_application(reader, "nextgen", at_most=9)
    assert all(each.delivered_at for each in told)

    scene.now += HOUR
    scene.deliver()
    calls = outbox.of_application(reader, "away", at_most=9)
    assert sum(each.message.attempts for each in calls) == 2
