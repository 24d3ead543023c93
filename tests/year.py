"""A made-up year at a college: joiners, movers and leavers, a day at a time.

Everything happens at a made-up instant, through the use cases that serve a provider.
Beside it stands a ledger in plain Python that knows nothing of the database.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from scim_connector.administration import shipped
from scim_connector.directory import roles
from scim_connector.directory.database import Database
from scim_connector.provisioning import Call
from scim_connector.scim.types import Json
from tests import house
from tests.house import Provider, patch_of, person

FIRST = date(2026, 1, 1)
ROLES = ("Registrar", "Finance", "Admissions")
MAPPING = shipped.text("entra").replace(
    '# "Registrar" = "Registrar"', "\n".join(f'"{name}" = "{name}"' for name in ROLES)
)


def instant(day: date, hour: float = 0) -> int:
    """An hour of a day, microseconds UTC."""
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return int((begin + timedelta(hours=hour)).timestamp() * 1_000_000)


@dataclass
class Person:
    """What the ledger knows of one person."""

    mail: str
    link: str
    role: str
    active: bool = True
    left: list[date] = field(default_factory=list)


class _Clocked(Provider):
    """A provider whose requests come at the instant it is told."""

    at: int = 0

    def call(self, method: str, path: str, body: Json | None = None) -> Call:
        self.at += 1_000_000
        return replace(super().call(method, path, body), now=self.at)


class Year:
    """The college, from one day to the next."""

    def __init__(self, database: Database, seed: int = 1) -> None:
        made = house.provider(database, "entra", mapping=MAPPING)
        for name in ROLES:
            database.write(lambda tx, name=name: roles.add(tx, name))
        self.entra = _Clocked(database, made.connection)
        self.chance = random.Random(seed)  # noqa: S311 - the same year each time
        self.people: list[Person] = []
        self.joined: list[tuple[date, Person]] = []
        #: Who was active with which role at the end of each month.
        self.month_ends: dict[date, dict[str, str]] = {}

    def run(self, *, staff: int, days: int = 365) -> None:
        """Begin with some staff; then a few come, move, leave and return each day."""
        day = FIRST
        self.entra.at = instant(day, 1)
        for _ in range(staff):
            self._join(day)
        for number in range(1, days):
            day = FIRST + timedelta(days=number)
            self.entra.at = instant(day, 8)
            for act in self.chance.choices(
                [self._join, self._move, self._leave, self._return],
                weights=[4, 3, 3, 1],
                k=self.chance.randrange(4),
            ):
                act(day)
            if (day + timedelta(days=1)).day == 1:
                self.month_ends[day] = {
                    each.mail: each.role for each in self.people if each.active
                }

    def _join(self, day: date) -> None:
        number = len(self.people)
        mail, role = f"person{number}@contoso.com", self.chance.choice(ROLES)
        family = f"{self.chance.choice('ABCDEFGH')}amily{number}"
        body = person(
            mail,
            externalId=str(number),
            name={"givenName": f"Given{number}", "familyName": family},
            roles=[{"value": role}],
        )
        made = Person(mail, str(self.entra.post(body).id), role)
        self.people.append(made)
        self.joined.append((day, made))

    def _some(self, *, active: bool) -> Person | None:
        found = [each for each in self.people if each.active is active]
        return self.chance.choice(found) if found else None

    def _move(self, _: date) -> None:
        who = self._some(active=True)
        if who is not None:
            who.role = self.chance.choice(ROLES)
            self.entra.patch(who.link, patch_of(roles=[{"value": who.role}]))

    def _leave(self, day: date) -> None:
        who = self._some(active=True)
        if who is not None:
            who.active = False
            who.left.append(day)
            self.entra.patch(who.link, patch_of(active=False))

    def _return(self, _: date) -> None:
        who = self._some(active=False)
        if who is not None:
            who.active = True
            self.entra.patch(who.link, patch_of(active=True))
