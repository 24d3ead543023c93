"""Lets many clients race against deactivations by every road, and keeps the history."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count, cycle
from threading import Event, Thread
from time import monotonic
from typing import Final

from tests.history import roads
from tests.history.doors import Doors, mailed_links
from tests.history.people import Subject
from tests.history.recorder import Recorder
from tests.history.roads import ROADS, Provider
from tests.server import Server

PASSWORD: Final = "plinth-orchard-cobalt"
API_APPLICATION: Final = "programs"
MAIL_SECONDS: Final = 20.0
_NUMBERS: Final = count()
_RACERS: Final = 6
_PAUSE: Final = 0.01


@dataclass
class Race:
    """The servers, who is there, and what is kept of it."""

    scim: Server
    doors: Sequence[Doors]
    subjects: Sequence[Subject]
    kept: Recorder = field(default_factory=Recorder)
    ended: Event = field(default_factory=Event)
    _handed: set[str] = field(default_factory=set)

    def run(self, *, operations: int, cuts: int, seconds: float) -> None:
        """Race until so many operations and deactivations of each driver were seen."""
        programs = [s for s in self.subjects if s.is_program]
        people = [s for s in self.subjects if not s.is_program]
        drivers = [
            Thread(target=self._drive, args=(seed, group, cuts))
            for seed, group in enumerate((people[::2], people[1::2], programs))
        ]
        racers = [Thread(target=self._race, args=(seed,)) for seed in range(_RACERS)]
        until = monotonic() + seconds
        for thread in (*drivers, *racers):
            thread.start()
        while any(driver.is_alive() for driver in drivers) or (
            self.kept.count() < operations and monotonic() < until
        ):
            self.hand_out_links()
            self.ended.wait(0.2)
        self.ended.set()
        for thread in (*drivers, *racers):
            thread.join()

    # ------------------------------------------------------------------- deactivating

    def _drive(self, seed: int, subjects: Sequence[Subject], cuts: int) -> None:
        """Deactivate and let back, by each road in turn, at each server in turn."""
        chance = random.Random(seed)  # noqa: S311 - a load
        steps = zip(cycle(subjects), cycle(ROADS), cycle(self.doors), strict=False)
        for (subject, road, doors), _ in zip(steps, range(cuts), strict=False):
            provider = Provider(self.scim, doors.address)
            self.ended.wait(chance.uniform(0.05, 0.25))
            self._knock(subject, chance)
            roads.there(provider, subject, road, self.kept)
            self._knock(subject, chance)
            self.ended.wait(chance.uniform(0.02, 0.1))
            roads.back(provider, subject, road, self.kept)
            if subject.is_program:
                self.give_key(subject)

    def _knock(self, subject: Subject, chance: random.Random) -> None:
        """Show the newest thing they hold everywhere: the very next request counts."""
        for doors in (*self.doors, *self.doors):
            turn = _Turn(self.kept, subject, doors, chance)
            for act in _NEXT_OF_PROGRAMS if subject.is_program else _NEXT_OF_PEOPLE:
                act(turn)

    def give_key(self, subject: Subject) -> None:
        """Make another key for a program: the former ones died."""

        def create() -> str:
            made = self.scim.cli("api-key", "create", subject.username)
            return made.split()[-1]

        subject.keep("key", self.kept.ask("create a key", subject.username, create))

    def wait_for_mail(self) -> None:
        """Wait until everybody was mailed a first link, and hand the links out."""
        people = {s.email for s in self.subjects if not s.is_program}
        deadline = monotonic() + MAIL_SECONDS
        while people - mailed_links(self.scim.folder).keys():
            if monotonic() > deadline:
                raise AssertionError("no mail came")
            self.ended.wait(0.1)
        self.hand_out_links()

    def choose_passwords(self, subjects: Sequence[Subject]) -> None:
        """Let some people use their first links, and sign in, before anybody is cut."""
        chance = random.Random(0)  # noqa: S311 - nothing is left to it
        for subject in subjects:
            turn = _Turn(self.kept, subject, self.doors[0], chance)
            turn.link()
            turn.password()

    def hand_out_links(self) -> None:
        """Hand everybody the newest link that was mailed to them."""
        links = mailed_links(self.scim.folder)
        for subject in self.subjects:
            path = links.get(subject.email)
            if path is not None and path not in self._handed:
                self._handed.add(path)
                got = self.kept.ask("get a link", subject.username, partial(str, path))
                subject.keep("link", got)

    # ------------------------------------------------------------------------- racing

    def _race(self, seed: int) -> None:
        chance = random.Random(100 + seed)  # noqa: S311 - a load
        while not self.ended.wait(_PAUSE):
            subject = chance.choice(self.subjects)
            doors = chance.choice(self.doors)
            kinds = _OF_PROGRAMS if subject.is_program else _OF_PEOPLE
            names, weights = zip(*kinds.items(), strict=True)
            act = chance.choices(names, weights)[0]
            act(_Turn(self.kept, subject, doors, chance))


@dataclass(frozen=True, slots=True)
class _Turn:
    """One client, about to knock at one door."""

    kept: Recorder
    subject: Subject
    doors: Doors
    chance: random.Random

    def sso(self) -> None:
        """Sign in at the provider."""
        who = self.subject
        seen = self.kept.ask("sign in (SSO)", who.username, self._sso)
        who.keep("session", seen)

    def _sso(self) -> str | None:
        return self.doors.sso(self.subject.subject)

    def password(self) -> None:
        """Sign in with a password that was set once."""
        held = self.subject.one("password", self.chance)
        if held is None:
            return
        name, set_by = self.subject.username, held[0]
        seen = self.kept.ask(
            "sign in (password)",
            name,
            lambda: self.doors.password(name, held[1]),
            using=set_by,
        )
        self.subject.keep("session", seen)

    def link(self) -> None:
        """Choose a password by a mailed link, one that nobody has chosen before."""
        password = f"{PASSWORD} {next(_NUMBERS)}"
        self._show(
            "link", "use a link", lambda p: self.doors.link(p, password), "password"
        )

    def verify(self) -> None:
        """Ask about a session as a proxy does."""
        self._show("session", "verify", self.doors.verify)

    def introspect(self) -> None:
        """Ask about a session as an application does."""
        self._show("session", "introspect", self.doors.introspect)

    def renew(self) -> None:
        """Take the next token of a session."""
        self._show("session", "renew", self.doors.renew, "session")

    def exchange(self) -> None:
        """Exchange a key."""
        name = self.subject.username
        self._show(
            "key", "exchange a key", lambda k: self.doors.exchange(name, k), "token"
        )

    def use(self) -> None:
        """Ask about the token of a program."""
        self._show(
            "token",
            "use a token",
            lambda t: self.doors.introspect(t, API_APPLICATION),
        )

    def _show(
        self,
        kind: str,
        name: str,
        act: Callable[[str], object],
        gives: str | None = None,
    ) -> None:
        """Show something that was given once, and keep what comes of it."""
        held = self.subject.one(kind, self.chance)
        if held is None:
            return
        by, value = held
        seen, given = self.kept.ask(
            name, self.subject.username, lambda: act(value), using=by
        )
        if gives is not None and isinstance(given, str):
            self.subject.keep(gives, (seen, given))


_OF_PEOPLE = {
    _Turn.sso: 3,
    _Turn.password: 0.3,
    _Turn.link: 0.1,
    _Turn.verify: 4,
    _Turn.introspect: 3,
    _Turn.renew: 2,
}
_NEXT_OF_PEOPLE = (_Turn.verify, _Turn.introspect)
_NEXT_OF_PROGRAMS = (_Turn.exchange, _Turn.use)
_OF_PROGRAMS = {_Turn.exchange: 2, _Turn.use: 3, _Turn.sso: 0.3}
