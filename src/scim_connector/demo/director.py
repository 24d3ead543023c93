"""The play: a first cycle of both providers, and then everyday life, act after act."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from random import Random
from typing import TYPE_CHECKING, Final

from scim_connector.administration.errors import NotPossible
from scim_connector.demo.applications import CLASSIC, NEXTGEN
from scim_connector.demo.pace import EVERY_DAY, Pace
from scim_connector.demo.people import DEPARTMENT_OF_GROUP, DEPARTMENTS, DOMAIN
from scim_connector.directory.database import LostRace
from scim_connector.directory.locking import DatabaseBusy
from scim_connector.probe.judging import Fault
from scim_connector.rules.users import RulesViolated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scim_connector.demo.backstage import Backstage
    from scim_connector.demo.people import Person
    from scim_connector.demo.tenant import Tenant

Act = Callable[[], object]

#: Seconds from the beginning of one act to that of the next.
EVERY: Final = 2.0
#: How often the one without an address is refused before somebody enters one.
_PATIENCE: Final = 4
#: What goes wrong in one act, because an administrator changed what it is about.
_PASSING: Final = (Fault, NotPossible, RulesViolated, DatabaseBusy, LostRace)
_KNOCK: Final = "a-token-that-was-copied-wrongly"


@dataclass(slots=True)
class Director:
    """Decides what happens next; the same *random* gives the same play."""

    entra: Tenant
    okta: Tenant
    backstage: Backstage
    pace: Pace
    random: Random
    cycles: int = 0
    _turns: Iterator[Tenant] = field(init=False)

    def __post_init__(self) -> None:
        """The providers take turns, Entra ID first."""
        self._turns = cycle((self.entra, self.okta))

    # -------------------------------------------------------------- the first cycle

    def opening(self) -> Iterator[Act]:
        """Everybody of the first cycle, then groups and the first sign-ins."""
        both = (self.entra, self.okta)
        yield from (tenant.vendor.greet for tenant in both)
        yield partial(self._knock, self.entra)
        while self.entra.waiting or self.okta.waiting:
            for tenant in (self.entra, self.entra, self.okta):
                if tenant.waiting:
                    yield partial(tenant.provision, tenant.waiting.pop(0))
        for tenant in both:
            yield from (
                partial(self._gather, tenant, group) for group in DEPARTMENT_OF_GROUP
            )
        for tenant in both:
            for person in list(tenant.present.values())[::2]:
                yield partial(self._sign_in, tenant, person)
        yield partial(self._hold, self.okta)

    def _gather(self, tenant: Tenant, group: str) -> None:
        """A group comes with everybody of its department."""
        people = tenant.present.values()
        tenant.gather(
            group, [p for p in people if p.department == DEPARTMENT_OF_GROUP[group]]
        )

    # ---------------------------------------------------------------- everyday life

    def acts(self) -> Iterator[Act]:
        """What happens, one after the other, for ever; each provider in its turn."""
        self.pace.per_second = EVERY_DAY
        rota: tuple[Callable[[Tenant], None], ...] = (
            *(self._leaver, self._joiner, self._mover, self._leaver),
            *(self._knock, self._signer, self._rename, self._quiet),
            *(self._group, self._returner, self._joiner, self._signer, self._retry),
        )
        while True:
            for act in rota:
                yield partial(act, next(self._turns))
            self.cycles += 1
            self._mend()

    def _joiner(self, tenant: Tenant) -> None:
        """Somebody joins and signs in."""
        if tenant.later:
            person = tenant.later.pop(0)
            if tenant.provision(person):
                self._sign_in(tenant, person)
        else:
            self._returner(tenant)

    def _leaver(self, tenant: Tenant) -> None:
        """Somebody leaves who is signed in."""
        if len(tenant.present) > len(tenant.gone):
            person = self._somebody(tenant)
            self._sign_in(tenant, person)
            tenant.leave(person)

    def _returner(self, tenant: Tenant) -> None:
        """The one who left first comes back."""
        if tenant.gone:
            tenant.come_back(next(iter(tenant.gone.values())))

    def _mover(self, tenant: Tenant) -> None:
        """Somebody goes to another department."""
        person = self._somebody(tenant)
        others = [name for name in DEPARTMENTS if name != person.department]
        tenant.change(person.moved(self.random.choice(others)))

    def _rename(self, tenant: Tenant) -> None:
        """Somebody takes another family name."""
        tenant.change(self._somebody(tenant).renamed())

    def _quiet(self, tenant: Tenant) -> None:
        """A cycle in which nothing has changed."""
        tenant.vendor.look(tenant.ids[self._somebody(tenant).key])

    def _group(self, tenant: Tenant) -> None:
        """Somebody joins a group, or leaves it."""
        person, group = (
            self._somebody(tenant),
            self.random.choice(list(DEPARTMENT_OF_GROUP)),
        )
        if self.random.random() < 0.5:  # noqa: PLR2004 - heads or tails
            tenant.gather(group, [person])
        else:
            tenant.dismiss(group, person)

    def _signer(self, tenant: Tenant) -> None:
        """Somebody signs in."""
        self._sign_in(tenant, self._somebody(tenant))

    def _knock(self, tenant: Tenant) -> None:
        """Somebody calls with a token that is none."""
        tenant.vendor.talk.send("GET", "/Users?startIndex=1&count=1", token=_KNOCK)

    def _retry(self, tenant: Tenant) -> None:
        """A provider tries everybody again whom it was refused."""
        for person in list(tenant.refused.values()):
            tenant.provision(person)

    def _mend(self) -> None:
        """After a while somebody enters the address that was missing."""
        if self.cycles < _PATIENCE:
            return
        for key, person in self.entra.refused.items():
            if person.email is None:
                self.entra.refused[key] = person.with_email(f"n.newman@{DOMAIN}")

    # -------------------------------------------------------------------- in the house

    def _hold(self, tenant: Tenant) -> None:
        """An administrator deactivates somebody sooner than the provider does."""
        person = self._somebody(tenant)
        self.backstage.hold(tenant.connection, tenant.ids[person.key])

    def _sign_in(self, tenant: Tenant, person: Person) -> None:
        clients = (NEXTGEN, CLASSIC) if self.random.random() < 0.3 else (NEXTGEN,)  # noqa: PLR2004
        self.backstage.sign_in(tenant.connection, tenant.ids[person.key], *clients)

    def _somebody(self, tenant: Tenant) -> Person:
        return self.random.choice(list(tenant.present.values()))


@dataclass(slots=True)
class Run:
    """Plays until *is_over* says so."""

    director: Director
    is_over: Callable[[], bool]
    pace: Pace = field(default_factory=lambda: Pace(1 / EVERY))

    def play(self) -> None:
        """The first cycle, then act after act."""
        if self._played(self.director.opening()):
            self._played(self._everyday())

    def _everyday(self) -> Iterator[Act]:
        for act in self.director.acts():
            self.pace.wait()
            yield act

    def _played(self, acts: Iterator[Act]) -> bool:
        """Whether it goes on afterwards."""
        for act in acts:
            if self.is_over():
                return False
            _try(act)
        return True


def _try(act: Act) -> None:
    """A single act may fail; the next one is another."""
    with suppress(*_PASSING):
        act()
