"""No door lets an API user sign in, on both databases (R25, R27, decision 21)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from scim_connector.administration import users as people
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import audit, outbox, resets, sessions, sso
from scim_connector.directory import users as rows
from scim_connector.directory.constraints import ConstraintBroken
from scim_connector.directory.database import Database, Transaction
from scim_connector.directory.sso import SignIn
from scim_connector.directory.tables import sessions as sessions_table
from scim_connector.directory.users import User
from scim_connector.login.gate import NotAdmitted, admit
from scim_connector.login.identities import find
from scim_connector.login.links import MailedLinks
from scim_connector.login.passwords import PasswordSignIn
from scim_connector.login.second_factor import SecondFactors
from scim_connector.login.sessions import Proof, Sessions
from scim_connector.login.sso import SingleSignOn
from scim_connector.rules.access import OUTWARD, FactorPolicy, Lifetimes
from scim_connector.tokens.discovery import MetadataSource
from scim_connector.tokens.id_token import Identity
from scim_connector.tokens.passwords import PasswordHasher
from scim_connector.tokens.turns import Turns
from tests.access import put, session
from tests.house import Provider, events_of, person, provider, topics
from tests.programs import HOUR, KEYS, at, door, robot

LOCAL = "urn:ietf:params:scim:schemas:extension:scim_connector:2.0:User"
SUBJECT = "7b5b3fd0-8c0e-4b3c-9f6f-2d6a2f7f3a11"


@dataclass(frozen=True, slots=True)
class Gate:
    """Every road of an installation that leads to a session."""

    database: Database
    entra: Provider
    sessions: Sessions
    single: SingleSignOn
    passwords: PasswordSignIn
    links: MailedLinks
    robot: User

    def reasons(self) -> list[str]:
        """The exact reasons of what was refused, as audit has them."""
        kept = audit.newest_named(
            self.database.reader(), ["sign_in:refused"], at_most=50
        )
        return [orjson.loads(event.facts)["reason"] for event in kept]


def no_key(*_: str) -> None:
    raise AssertionError


@pytest.fixture
def gate(database: Database) -> Gate:
    """A connection that people sign in through, and an API user it has provisioned."""
    entra = provider(database, allow_api_users=True)
    made = entra.post(
        person(
            "night.run@contoso.com", externalId=SUBJECT, **{LOCAL: {"apiUser": True}}
        )
    )
    kept = Sessions(database, KEYS, Lifetimes(HOUR, 10 * HOUR))
    passwords = PasswordSignIn(
        database,
        KEYS,
        kept,
        SecondFactors(database, KEYS, "Contoso"),
        PasswordHasher(),
        policy=FactorPolicy.OFF,
    )
    single = SingleSignOn(
        database,
        KEYS,
        kept,
        MetadataSource(),
        no_key,
        Turns(),
        address="https://x.example",
    )
    return Gate(
        database,
        entra,
        kept,
        single,
        passwords,
        MailedLinks(database, KEYS),
        entra.user(str(made.id)),
    )


def settings(gate: Gate) -> SignIn:
    """Sign-in by object id."""
    return SignIn(
        connection_id=gate.entra.connection.id,
        issuer="https://login.example/tenant",
        client_id="ours",
        client_secret=None,
        scopes="openid",
        claim="oid",
        equals="externalId",
        algorithm="RS256",
        second_factor=(),
        enabled=True,
        changed_at=1,
    )


@pytest.mark.parametrize("road", ["sso", "exchange"])
def test_an_identity_of_an_api_user_opens_nothing(gate: Gate, road: str) -> None:
    """Its externalId is found, the gate refuses it, nothing is bound (R25)."""
    claims = {"oid": SUBJECT, "sub": "pairwise"}
    identity = Identity("https://login.example/tenant", "pairwise", claims, "d", 1)
    found = find(
        gate.database.reader(), settings(gate), gate.entra.connection, identity
    )
    with pytest.raises(NotAdmitted) as refused:
        gate.database.write(
            lambda tx: gate.single.admit_identity(
                tx, settings(gate), gate.entra.connection, identity, door(road)
            )
        )

    assert found == (gate.robot.id, True)
    assert (refused.value.refusal.code, refused.value.user_id) == (
        "api_user_no_login",
        gate.robot.id,
    )
    assert str(refused.value) == OUTWARD
    assert sso.of_user(gate.database.reader(), gate.robot.id) == []
    assert sessions.of_user(gate.database.reader(), gate.robot.id) == []


@pytest.mark.parametrize("typed", ["username", "email"])
def test_no_password_lets_an_api_user_in(gate: Gate, typed: str) -> None:
    """Not even one that somebody wrote into the row: the gate refuses it all the same."""
    hasher = PasswordHasher()
    hashed = hasher.hash("a right password")
    gate.database.write(
        lambda tx: rows.change(tx, gate.robot.id, {"password_hash": hashed})
    )
    name = getattr(gate.robot, typed)
    with pytest.raises(NotAdmitted, match=OUTWARD):
        gate.passwords.sign_in(name, "a right password", door("password"))
    with pytest.raises(NotAdmitted, match=OUTWARD):
        gate.passwords.sign_in(name, "a wrong password", door("password"))

    assert gate.reasons() == ["token_invalid", "api_user_no_login"]
    assert sessions.of_user(gate.database.reader(), gate.robot.id) == []


def test_no_link_is_minted_for_an_api_user(gate: Gate) -> None:
    """The database refuses the row of a reset link, whoever asks for it."""
    with pytest.raises(ConstraintBroken):
        gate.database.write(
            lambda tx: gate.links.mint(tx, gate.robot, "message", "reset", now=1)
        )

    assert resets.by_id(gate.database.reader(), "message") is None


def test_an_api_user_forgets_nothing(gate: Gate) -> None:
    """*Forgot password* is silent and queues no mail; nor did its creation (R15)."""
    gate.links.forgot(gate.robot.username, door("link"))
    gate.links.forgot(gate.robot.email, door("link"))

    assert topics(gate.database) == []
    assert "link:requested" not in events_of(gate.database, gate.robot.id)


@pytest.mark.parametrize("act", [people.send_welcome, people.send_reset])
def test_nobody_mails_an_api_user_a_link(
    gate: Gate, act: Callable[[Transaction, User, Any], None]
) -> None:
    """The command line refuses both mails with the reason (R17)."""
    with pytest.raises(NotPossible, match="API user"):
        gate.database.write(lambda tx: act(tx, gate.robot, at()))

    assert outbox.waiting(gate.database.reader()) == []


def test_no_session_of_an_api_user_is_renewed(gate: Gate) -> None:
    """There can be no row to renew: the keys of the database refuse it (R27)."""
    with pytest.raises(ConstraintBroken):
        gate.database.write(lambda tx: put(tx, sessions_table, **session(gate.robot)))
    lie = session(gate.robot, user_is_api=False)
    with pytest.raises(ConstraintBroken):
        gate.database.write(lambda tx: put(tx, sessions_table, **lie))
    with pytest.raises(NotAdmitted, match=OUTWARD):
        gate.sessions.renew(f"scimc_{'a' * 12}_{'b' * 43}", door("renewal"))


def test_the_one_road_to_a_session_refuses(gate: Gate) -> None:
    """Whatever a road believes it has proved, ``Sessions.open`` asks the gate."""
    for road in ("sso", "password", "link", "renewal", "exchange", "a new one"):
        with pytest.raises(NotAdmitted) as refused:
            gate.database.write(
                lambda tx, road=road: gate.sessions.open(
                    tx, gate.robot.id, door(road), Proof(road)
                )
            )
        assert refused.value.refusal.code == "api_user_no_login"


def test_an_identity_is_never_bound_to_an_api_user(gate: Gate) -> None:
    """The database refuses the row, even one that lies about the flag."""
    with pytest.raises(ConstraintBroken):
        gate.database.write(
            lambda tx: sso.bind(
                tx,
                "https://login.example/tenant",
                "pairwise",
                user_id=gate.robot.id,
                connection_id=gate.entra.connection.id,
                now=1,
            )
        )


def test_an_api_user_is_named_before_it_is_called_inactive(gate: Gate) -> None:
    """The order of the gate: API user, then inactive (R25)."""
    gate.database.write(
        lambda tx: people.deactivate(tx, rows.required(tx, gate.robot.id), at())
    )
    with pytest.raises(NotAdmitted) as refused:
        admit(gate.database.reader(), gate.robot.id)

    assert refused.value.refusal.code == "api_user_no_login"


def test_the_flag_cannot_be_changed_in_the_database(database: Database) -> None:
    """Not by a statement of our own either, with nothing hanging on the user (R11)."""
    made = robot(database)

    with pytest.raises(ConstraintBroken):
        database.write(lambda tx: rows.change(tx, made.id, {"is_api_user": False}))

    assert rows.required(database.reader(), made.id).is_api_user
