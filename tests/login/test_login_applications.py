"""Applications, on both databases: secrets, introspection, revocation, the end of one."""

from __future__ import annotations

from dataclasses import dataclass
from time import time_ns
from typing import Any

import pytest

from scim_connector.administration import applications as doors
from scim_connector.administration import users as people
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import applications, users
from scim_connector.directory.applications import Application
from scim_connector.directory.database import Database
from scim_connector.login.api_keys import ApiKeys
from scim_connector.login.client_credentials import Refused
from scim_connector.login.gate import NotAdmitted
from scim_connector.login.introspection import INACTIVE, Introspection
from scim_connector.login.sessions import Proof, Sessions
from scim_connector.rules.access import Lifetimes
from scim_connector.tokens import opaque
from tests.house import events_of
from tests.programs import (
    HOUR,
    KEYS,
    application,
    at,
    by_key,
    door,
    human,
    install,
    new_key,
    new_secret,
    robot,
)

ISSUER = "https://scim.example.com"


@dataclass(frozen=True, slots=True)
class Gate:
    """What applications ask."""

    database: Database
    sessions: Sessions
    programs: ApiKeys
    ask: Introspection

    def signed_in(self, user_id: int, client: str = "nextgen") -> opaque.Token:
        """Somebody's new session at an application."""
        there = door("sso", client)
        return self.database.write(
            lambda tx: self.sessions.open(tx, user_id, there, Proof("sso"))
        )

    def told(self, client: tuple[str, str], token: object) -> dict[str, Any]:
        """What an application is told of a token now."""
        return self.ask.ask(client, str(token), time_ns() // 1000)

    def refused(self, client: tuple[str, str], now: int | None = None) -> Refused:
        """Why an application is not believed."""
        with pytest.raises(Refused) as caught:
            self.ask.ask(client, "x", now or time_ns() // 1000)
        assert (caught.value.error, caught.value.status) == ("invalid_client", 401)
        return caught.value


@pytest.fixture
def gate(database: Database) -> Gate:
    """Sessions of an hour unused and ten in all."""
    sessions = Sessions(database, KEYS, Lifetimes(HOUR, 10 * HOUR))
    programs = ApiKeys(database, KEYS)
    ask = Introspection(database, KEYS, sessions, programs, issuer=ISSUER)
    return Gate(database, sessions, programs, ask)


def retired(database: Database, made: Application) -> int:
    return database.write(lambda tx: doors.retire(tx, made, at()))


# ---------------------------------------------------------------------- introspection


def test_an_application_hears_who_signed_in(gate: Gate) -> None:
    """RFC 7662 §2.2: who, for whom, from when until when; roles by name."""
    user = human(gate.database, first_name="Kim", last_name="Doe")
    _, client = application(gate.database)
    told = gate.told(client, gate.signed_in(user.id))

    assert told["active"] is True
    assert (told["sub"], told["username"]) == (str(user.id), "kim.doe")
    assert (told["iss"], told["aud"], told["client_id"]) == (
        ISSUER,
        "nextgen",
        "nextgen",
    )
    assert (told["token_type"], told["name"]) == ("Bearer", "Kim Doe")
    assert told["exp"] - told["iat"] == 10 * 3600
    assert (told["email"], told["roles"]) == (user.email, [])


@pytest.mark.parametrize("kind", ["web", "api"])
def test_what_is_not_theirs_is_not_active(gate: Gate, kind: str) -> None:
    """Another's session, a key, a secret, a forgery, nonsense: one answer (§2.2)."""
    install(gate.database)
    user, program = human(gate.database), robot(gate.database)
    _, client = application(gate.database, "asking", kind)
    _, other = application(gate.database, "other")
    key = new_key(gate.database, program)
    own = gate.signed_in(user.id, "other")
    forged = opaque.Token(own.id, opaque.mint().secret)
    of_program = gate.programs.exchange(by_key("robot.one", key)).token
    strange = [
        own,
        forged,
        key,
        client[1],
        other[1],
        "",
        "nonsense",
        "a.b.c",
        "x" * 9000,
    ]
    if kind == "web":
        strange.append(of_program)

    for text in strange:
        assert gate.told(client, text) == INACTIVE == {"active": False}
    assert gate.told(other, own)["active"] is True


def test_only_the_kind_api_hears_of_programs(gate: Gate) -> None:
    """The API App hears of an API user's token; an application for people never."""
    install(gate.database)
    program = robot(gate.database)
    _, app = application(gate.database, "api-app", "api")
    _, web = application(gate.database, "nextgen", "web")
    key = new_key(gate.database, program, "nightly")
    token = gate.programs.exchange(by_key("robot.one", key)).token
    told = gate.told(app, token)

    assert (told["active"], told["username"], told["key"]) == (
        True,
        "robot.one",
        "nightly",
    )
    assert (told["sub"], told["scope"]) == (str(program.id), "api")
    assert gate.told(web, token) == INACTIVE


def test_a_session_of_the_api_app_is_nobodys(gate: Gate) -> None:
    """An application of kind api is told of no person, not even at its own name."""
    user = human(gate.database)
    _, app = application(gate.database, "api-app", "api")

    assert gate.told(app, gate.signed_in(user.id, "api-app")) == INACTIVE


# ------------------------------------------------------------------------- revocation


def test_a_revoked_session_is_over(gate: Gate) -> None:
    """RFC 7009: the application ends what it holds; the second time changes nothing."""
    user = human(gate.database)
    _, client = application(gate.database)
    ended, kept = gate.signed_in(user.id), gate.signed_in(user.id)
    gate.ask.revoke(client, str(ended), door("revocation"))
    gate.ask.revoke(client, str(ended), door("revocation"))

    assert gate.told(client, ended) == INACTIVE
    assert gate.told(client, kept)["active"] is True
    assert events_of(gate.database, user.id).count("session:ended") == 1


def test_a_program_gives_its_token_back(gate: Gate) -> None:
    """The API App ends one token of an API user; the key makes another."""
    install(gate.database)
    key = new_key(gate.database, robot(gate.database))
    _, app = application(gate.database, "api-app", "api")
    token = gate.programs.exchange(by_key("robot.one", key)).token
    gate.ask.revoke(app, str(token), door("revocation"))
    again = gate.programs.exchange(by_key("robot.one", key)).token

    assert gate.told(app, token) == INACTIVE
    assert gate.told(app, again)["active"] is True


def test_nobody_ends_what_is_not_theirs(gate: Gate) -> None:
    """The same silence (RFC 7009 §2.2), and the session or token goes on."""
    install(gate.database)
    user = human(gate.database)
    key = new_key(gate.database, robot(gate.database))
    _, client = application(gate.database)
    _, other = application(gate.database, "other")
    _, app = application(gate.database, "api-app", "api")
    session = gate.signed_in(user.id)
    token = gate.programs.exchange(by_key("robot.one", key)).token
    forged = opaque.Token(session.id, opaque.mint().secret)
    for asking in (other, app):
        gate.ask.revoke(asking, str(session), door("revocation"))
    for text in (forged, token, key, "nonsense", ""):
        gate.ask.revoke(client, str(text), door("revocation"))

    assert gate.told(client, session)["active"] is True
    assert gate.told(app, token)["active"] is True


# ---------------------------------------------------------------------------- secrets


def test_a_secret_is_rotated_without_a_gap(gate: Gate) -> None:
    """Two live at once; the revoked one is refused from the next question on."""
    made, old = application(gate.database)
    new = ("nextgen", str(new_secret(gate.database, made)))
    both = [gate.told(each, "x") for each in (old, new)]
    revoked_id = opaque.parse(old[1])
    assert revoked_id is not None
    gate.database.write(lambda tx: doors.revoke_secret(tx, made, revoked_id.id, at()))

    assert both == [INACTIVE, INACTIVE]
    assert gate.refused(old).reason == "application_secret_revoked"
    assert gate.told(new, "x") == INACTIVE


def test_a_secret_ends_at_its_hour(gate: Gate) -> None:
    """Good until then, refused from then on, with what to do."""
    made, _ = application(gate.database)
    ends = time_ns() // 1000 + HOUR
    client = ("nextgen", str(new_secret(gate.database, made, expires_at=ends)))
    good = gate.ask.ask(client, "x", ends - 1)
    refused = gate.refused(client, ends)

    assert good == INACTIVE
    assert refused.reason == "application_secret_expired"
    assert "scim-connector application secret NAME" in str(refused)


def test_a_secret_is_of_one_application(gate: Gate) -> None:
    """Another's name, a forged secret and one that never was are refused."""
    _, client = application(gate.database)
    application(gate.database, "other")
    shown = opaque.parse(client[1])
    assert shown is not None
    forged = str(opaque.Token(shown.id, opaque.mint().secret))

    assert gate.refused(("other", client[1])).reason == "application_other_client"
    assert gate.refused(("nextgen", forged)).reason == "application_unknown_secret"
    unknown = gate.refused(("nextgen", str(opaque.mint())))
    assert unknown.reason == "application_unknown_secret"


def test_only_its_own_secrets_are_revoked(gate: Gate) -> None:
    """An id of another application's secret is refused with those there are."""
    _, client = application(gate.database)
    other, _ = application(gate.database, "other")
    shown = opaque.parse(client[1])
    assert shown is not None

    with pytest.raises(NotPossible, match=f"other has no secret {shown.id}"):
        gate.database.write(lambda tx: doors.revoke_secret(tx, other, shown.id, at()))


# -------------------------------------------------------------------------- the end


def test_retiring_ends_sessions_and_secrets(gate: Gate) -> None:
    """Its sessions are over, its secrets refused, its name stays taken; others go on."""
    user = human(gate.database)
    made, client = application(gate.database)
    _, other = application(gate.database, "other")
    session, elsewhere = gate.signed_in(user.id), gate.signed_in(user.id, "other")
    ended = retired(gate.database, made)
    now = time_ns() // 1000

    assert ended == 1
    assert gate.sessions.verify(str(session), client=None, now=now) is None
    assert gate.refused(client).reason == "application_unknown_secret"
    assert gate.told(other, elsewhere)["active"] is True
    assert applications.by_name(gate.database.reader(), "nextgen") is None
    with pytest.raises(NotPossible, match="or was"):
        application(gate.database)


def test_nobody_signs_in_at_a_retired_application(gate: Gate) -> None:
    """Whoever began before it was retired gets no session after (R25)."""
    user = human(gate.database)
    made, _ = application(gate.database)
    retired(gate.database, made)

    with pytest.raises(NotAdmitted):
        gate.signed_in(user.id)


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("account", {}, "cannot be the name"),
        ("Next Gen", {}, "cannot be the name"),
        ("nextgen", {"address": "http://app.example.com"}, "http://app.example.com"),
        ("nextgen", {"redirects": ("ftp://x.example",)}, "redirect address"),
        ("nextgen", {"logout_url": "http://app.example.com/out"}, "logout address"),
    ],
)
def test_a_bad_application_is_refused(
    database: Database, name: str, given: dict[str, Any], told: str
) -> None:
    """Names stand in cookies and addresses are https, or http on this machine."""
    with pytest.raises(NotPossible, match=told):
        application(database, name, **given)


def test_addresses_are_changed(database: Database) -> None:
    """``application set`` keeps what was checked, and audit has what it became."""
    made, _ = application(database, address="https://app.example.com")
    database.write(
        lambda tx: doors.change(
            tx,
            made,
            address="https://new.example.com",
            redirects=("https://new.example.com/auth/accept",),
            logout_url="http://127.0.0.1:9/out",
            act=at(),
        )
    )
    found = doors.find(database.reader(), "NEXTGEN")

    assert found.address == "https://new.example.com"
    assert found.redirects == ("https://new.example.com/auth/accept",)
    assert applications.told_of_logout(database.reader()) == ["nextgen"]


def test_a_deactivation_is_told_at_once(gate: Gate) -> None:
    """The next introspection says inactive, before any batch or worker ran (D26)."""
    user = human(gate.database)
    _, client = application(gate.database)
    session = gate.signed_in(user.id)
    before = gate.told(client, session)["active"]
    gate.database.write(
        lambda tx: people.deactivate(tx, users.required(tx, user.id), at())
    )

    assert before is True
    assert gate.told(client, session) == INACTIVE
