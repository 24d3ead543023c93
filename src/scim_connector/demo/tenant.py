"""One provider with its people: who is provisioned, refused, gone, or still to come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from scim_connector.probe.judging import CREATED, NOT_FOUND, OK

if TYPE_CHECKING:
    from scim_connector.demo.people import Company, Person
    from scim_connector.probe.client import Answer
    from scim_connector.probe.conversation import Conversation


class Vendor(Protocol):
    """What a provider says on each occasion, in its own dialect."""

    @property
    def talk(self) -> Conversation:
        """The conversation it is said in."""

    def greet(self) -> None:
        """Test the connection."""

    def lookup(self, user_name: str) -> str | None:
        """The id of whoever has this userName."""

    def create(self, person: Person) -> Answer:
        """Create somebody."""

    def change(self, user_id: str, before: Person, after: Person) -> Answer:
        """Send what changed."""

    def disable(self, user_id: str) -> Answer:
        """Take somebody's access away."""

    def restore(self, user_id: str) -> Answer:
        """Give it back."""

    def look(self, user_id: str) -> None:
        """Only read somebody."""

    def form(self, name: str) -> str:
        """Make a group; its id."""

    def join(self, group_id: str, *user_ids: str) -> Answer:
        """Add members to a group."""

    def part(self, group_id: str, *user_ids: str) -> Answer:
        """Remove members from a group."""


People = dict[str, "Person"]


@dataclass(slots=True)
class Tenant:
    """A provider at one connection; all people are kept by their key.

    *ids* are the SCIM ids that were answered, of people and of groups by name.
    """

    connection: str
    vendor: Vendor
    waiting: list[Person]
    later: list[Person]
    present: People = field(default_factory=dict)
    refused: People = field(default_factory=dict)
    gone: People = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, connection: str, vendor: Vendor, company: Company) -> Tenant:
        """Everybody of a company still waits."""
        return cls(connection, vendor, list(company.first), list(company.later))

    def provision(self, person: Person) -> bool:
        """Look somebody up, create them where they are not; whether it worked.

        Who is refused is tried again in a later cycle.
        """
        known = self.vendor.lookup(person.user_name)
        if known is None:
            answer = self.vendor.create(person)
            if answer.status != CREATED:
                self.refused[person.key] = person
                return False
            known = str(answer.body["id"])
        self.ids[person.key] = known
        self.refused.pop(person.key, None)
        self.present[person.key] = person
        return True

    def change(self, after: Person) -> None:
        """Send what changed of somebody who is present."""
        before = self.present[after.key]
        answer = self.vendor.change(self.ids[after.key], before, after)
        if answer.status == OK:
            self.present[after.key] = after

    def leave(self, person: Person) -> None:
        """Somebody leaves the college."""
        answer = self.vendor.disable(self.ids[person.key])
        self._move(person, answer, self.present, self.gone)

    def come_back(self, person: Person) -> None:
        """Somebody who left returns, as the same user."""
        answer = self.vendor.restore(self.ids[person.key])
        self._move(person, answer, self.gone, self.present)

    def _move(
        self, person: Person, answer: Answer, here: People, there: People
    ) -> None:
        """They are where the server says; whom it lost is created anew some day."""
        if answer.status == OK:
            there[person.key] = here.pop(person.key)
        elif answer.status == NOT_FOUND:
            self.later.append(here.pop(person.key))

    def gather(self, group: str, people: list[Person]) -> None:
        """Make a group where there is none, and add people to it."""
        if group not in self.ids:
            self.ids[group] = self.vendor.form(group)
        self.vendor.join(self.ids[group], *(self.ids[p.key] for p in people))

    def dismiss(self, group: str, person: Person) -> None:
        """Take somebody out of a group, if there is one."""
        if group in self.ids:
            self.vendor.part(self.ids[group], self.ids[person.key])
