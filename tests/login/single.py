"""Single sign-on of one process, at a provider that says whatever a test lets it say."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sqlalchemy import func, select

from scim_connector.administration import sign_in
from scim_connector.directory import audit, sso, tables
from scim_connector.directory.database import Database
from scim_connector.directory.statements import Statement
from scim_connector.directory.users import User
from scim_connector.login.gate import Door
from scim_connector.login.sessions import Sessions
from scim_connector.login.sso import Arrived, Begun, SingleSignOn
from scim_connector.rules.access import Lifetimes
from scim_connector.tokens.discovery import MetadataSource
from scim_connector.tokens.jwks import KeySource
from scim_connector.tokens.secrets import SecretKeys
from scim_connector.tokens.turns import Turns
from tests import house
from tests.house import person
from tests.tokens.issuer import Issuer, signed

ADDRESS = "https://scim.example.com"
CLIENT = "the-gate"
HOUR = 3600 * 1_000_000
#: Identities as Entra sends them.
KIM = "5e4a9e8c-8d0f-4c57-9f3e-1d3f7c1d0a01"
STRANGER = "5e4a9e8c-8d0f-4c57-9f3e-1d3f7c1d0a02"
#: The clock of the tests; tokens are of whole seconds.
NOW = 1_760_000_000 * 1_000_000


@dataclass
class Single:
    """A connection whose people sign in, the provider, and a clock for its keys."""

    people: house.Provider
    openid: Issuer
    limit: int = 0
    clock: list[float] = field(default_factory=lambda: [0.0])
    keys: SecretKeys = field(default_factory=SecretKeys.fresh)
    sessions: Sessions = field(init=False)
    sign_on: SingleSignOn = field(init=False)

    def __post_init__(self) -> None:
        self.sessions = Sessions(
            self.database, self.keys, Lifetimes(HOUR, 12 * HOUR), limit=self.limit
        )
        self.sign_on = self.process()
        self.configure()
        self.switch(on=True)

    @property
    def database(self) -> Database:
        return self.people.database

    def process(self) -> SingleSignOn:
        """Another process of the same installation, which knows no provider yet."""
        return SingleSignOn(
            self.database,
            self.keys,
            self.sessions,
            MetadataSource(lambda: self.clock[0]),
            KeySource(lambda: self.clock[0]).key,
            Turns(),
            address=ADDRESS,
        )

    def configure(self, **changes: Any) -> None:
        """Set the connection up; it is off after that."""
        given = {
            "issuer": self.openid.base,
            "client_id": CLIENT,
            "client_secret": None,
            "scopes": None,
            "claim": "oid",
            "equals": "externalId",
            "algorithm": "RS256",
            "second_factor": (),
            **changes,
        }
        made = sign_in.settings_from(self.people.connection, given, now=house.now())
        # Who may choose what is proved elsewhere.
        self.database.write(lambda tx: sso.configure(tx, made))

    def switch(self, *, on: bool) -> None:
        """Let people sign in, or nobody."""
        connection_id = self.people.connection.id
        self.database.write(
            lambda tx: sso.enable(tx, connection_id, whether=on, now=house.now())
        )

    def add(self, oid: str, **more: Any) -> tuple[str, User]:
        """Provision somebody; returns their SCIM id and the user."""
        body = person(f"{oid}@contoso.com", externalId=oid, **more)
        link_id = str(self.people.post(body).id)
        return link_id, self.people.user(link_id)

    # ------------------------------------------------------------------ signing in

    def begin(self, client: str = "nextgen", now: int = NOW) -> Begun:
        return self.sign_on.begin("entra", client, "/", "", now)

    def claims(self, begun: Begun, who: str, **changes: Any) -> dict[str, Any]:
        """What the provider says at the end of this sign-in; None leaves one out."""
        whole = {
            "iss": self.openid.base,
            "sub": f"pairwise-{who}",
            "oid": who,
            "aud": CLIENT,
            "nonce": asked(begun)["nonce"],
            "iat": NOW // 1_000_000,
            "exp": NOW // 1_000_000 + 3600,
            **changes,
        }
        return {name: value for name, value in whole.items() if value is not None}

    def finish(self, begun: Begun, door: Door | None = None, **answer: str) -> Arrived:
        """Come back with an answer, whatever the provider will give for its code."""
        whole = {"state": asked(begun)["state"], "code": "a code", **answer}
        return self.sign_on.finish(begun.ticket, whole, door or at())

    def sign_in(self, who: str, door: Door | None = None, **claims: Any) -> Arrived:
        """The whole way."""
        begun = self.begin()
        self.openid.grant = {"id_token": signed(self.claims(begun, who, **claims))}
        return self.finish(begun, door)

    # -------------------------------------------------------------------- what is kept

    def is_good(self, arrived: Arrived, client: str = "nextgen") -> bool:
        """Whether the session opens the application."""
        token = str(arrived.token)
        return self.sessions.verify(token, client=client, now=NOW) is not None

    def held(self) -> list[int]:
        """How many users, sessions and bound identities there are."""
        reader = self.database.reader()
        counted = (tables.users, tables.sessions, tables.sso_identities)
        return [
            int(reader.value(Statement(select(func.count()).select_from(table))))
            for table in counted
        ]

    def refusals(self) -> list[dict[str, str]]:
        """What audit has of who was refused, the newest first."""
        named = audit.newest_named(
            self.database.reader(), ["sign_in:refused"], at_most=1000
        )
        return [json.loads(event.facts) for event in named]


def asked(begun: Begun) -> dict[str, str]:
    """What the provider is asked in the address the browser is sent to."""
    return dict(parse_qsl(urlsplit(begun.address).query))


def at(network: str = "192.0.2.7", now: int = NOW) -> Door:
    """Somebody who comes back from a provider."""
    return Door("sso", "account", network, "Firefox", now)


def with_ticket(begun: Begun, ticket: str) -> Begun:
    """The same sign-in in another browser."""
    return replace(begun, ticket=ticket)
