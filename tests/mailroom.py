"""A mail room for tests: a real mail server, a worker, and a clock that is set by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from argon2 import PasswordHasher as Argon2

from scim_connector.delivery.letters import Letters
from scim_connector.delivery.postbox import Postbox
from scim_connector.delivery.senders import sender_of
from scim_connector.delivery.worker import Worker
from scim_connector.directory import users
from scim_connector.directory.users import User
from scim_connector.login.gate import Door
from scim_connector.login.links import MailedLinks
from scim_connector.login.passwords import PasswordSignIn
from scim_connector.login.second_factor import SecondFactors
from scim_connector.login.sessions import Sessions
from scim_connector.rules.access import FactorPolicy, Lifetimes
from scim_connector.settings import Settings
from scim_connector.tokens.passwords import PasswordHasher
from scim_connector.tokens.secrets import SecretKeys
from scim_connector.tokens.turns import Turns
from tests import house, mail_server
from tests.house import Provider, person
from tests.mail_server import MailServer, Received

MINUTE = 60 * 1_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
PASSWORD = "plinth orchard cobalt"
_LINK = re.compile(r"https://scim\.contoso\.com/(?:password|email)/([\w-]+)")
#: Little work, so that tests are quick; the parameters are those of RFC 9106 elsewhere.
CHEAP = Argon2(time_cost=1, memory_cost=8, parallelism=1)


@dataclass
class MailRoom:
    """A provider, the mails its people get, and the doors behind their links.

    Its clock begins an hour after that of the provider, which rises with each request.
    """

    provider: Provider
    server: MailServer
    policy: FactorPolicy = FactorPolicy.OFF
    password_days: int = 0
    now: int = field(default_factory=lambda: house.now() + HOUR)
    keys: SecretKeys = field(default_factory=SecretKeys.fresh)

    def __post_init__(self) -> None:
        database = self.provider.database
        self.settings = Settings(
            public_url="https://scim.contoso.com",
            organisation="Contoso College",
            time_zone="Europe/Berlin",
            smtp_host="127.0.0.1",
            smtp_port=self.server.port,
            smtp_security="none",
        )
        self.links = MailedLinks(database, self.keys)
        sessions = Sessions(database, self.keys, Lifetimes(HOUR, 12 * HOUR))
        self.sessions = sessions
        self.factors = SecondFactors(database, self.keys, "Contoso College")
        self.passwords = PasswordSignIn(
            database,
            self.keys,
            sessions,
            self.factors,
            PasswordHasher(CHEAP, Turns()),
            policy=self.policy,
            password_days=self.password_days,
        )
        self.worker = self.another_worker()

    def another_worker(self) -> Worker:
        """A further worker on the same outbox."""
        settings = self.settings
        letters = Letters(settings.organisation, settings.address, settings.time_zone)
        postbox = Postbox(
            self.provider.database,
            self.links,
            letters,
            sender_of(settings),
            settings,
            self.clock,
        )
        return Worker(self.provider.database, {"mail": postbox.deliver}, self.clock)

    def clock(self) -> int:
        """The present, microseconds UTC."""
        return self.now

    # ---------------------------------------------------------------------- people

    def add(self, name: str = "kim.doe", **more: object) -> str:
        """Somebody new; returns their SCIM id.  What waits in the outbox is due."""
        made = self.provider.post(person(f"{name}@contoso.com", **more))
        return str(made.id)

    def user(self, link_id: str) -> User:
        """The user as they are now."""
        return self.provider.user(link_id)

    def person(self, name: str = "kim.doe", **more: object) -> User:
        """Somebody new who has chosen a password by their first link."""
        link_id = self.add(name, **more)
        self.choose(self.mailed_link())
        return self.user(link_id)

    def door(self, road: str = "link", network: str = "192.0.2.9") -> Door:
        """Where somebody stands now."""
        return Door(road, "nextgen", network, "Firefox", self.now)

    def choose(self, link: str, password: str = PASSWORD) -> User:
        """Choose a password by a link."""
        opened = self.links.open(link, self.now)
        user = opened.user
        hashed = "" if user is None else self.passwords.hashed(user, password)
        return self.links.choose_password(link, hashed, self.door())

    # ------------------------------------------------------------------------ mails

    def deliver(self) -> list[Received]:
        """Send everything that is due; returns what arrived by it."""
        before = len(self.server.received)
        while self.worker.round():
            pass
        return self.server.received[before:]

    def mailed_link(self) -> str:
        """Send what is due, and take the link out of the one mail that has one."""
        mails = self.deliver()
        (link,) = [found[1] for mail in mails if (found := link_in(mail))]
        return link

    def again(self, user: User) -> User:
        """A user as the database has them now."""
        return users.required(self.provider.database.reader(), user.id)


def link_in(mail: Received) -> re.Match[str] | None:
    """The link of a mail, if it has one."""
    return _LINK.search(mail.body("plain"))


@contextmanager
def opened(provider: Provider, **settings: object) -> Iterator[MailRoom]:
    """A mail room of a provider, with a mail server that runs until the end."""
    with mail_server.running() as server:
        yield MailRoom(provider, server, **settings)  # type: ignore[arg-type]
