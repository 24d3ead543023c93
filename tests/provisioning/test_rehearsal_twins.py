"""The same requests to a live and to a rehearsing connection have the same answers."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from scim_connector.directory import connections, rehearsed, users
from scim_connector.directory.database import Database
from scim_connector.provisioning import Answer, rehearsal
from scim_connector.rules.users import RulesViolated
from scim_connector.scim.errors import ScimError, Unavailable
from tests.house import Provider, operator, patch_of, person, provider, shown

NAMES = ("ann", "ben", "cat", "dan")
TITLES = ("Dean", "Chair", None)
REQUESTS = 40


@dataclass
class Twin:
    """A provider whose people have addresses of their own, and what it was answered."""

    provider: Provider
    domain: str
    ids: dict[str, str] = field(default_factory=dict)
    answers: list[Any] = field(default_factory=list)

    def ask(self, request: tuple[Any, ...]) -> None:
        """Send one request and keep its answer, without what differs by design."""
        try:
            self.answers.append(self._plain(self._sent(*request)))
        except (ScimError, RulesViolated) as refusal:
            said = refusal.detail.replace(self.domain, "DOMAIN")
            self.answers.append((refusal.status, refusal.scim_type, said))

    def _sent(self, verb: str, name: str, *values: Any) -> Answer:
        if verb == "post":
            made = self.provider.post(self._person(name, *values))
            self.ids[name] = str(made.id)
            return made
        link_id = self.ids.get(name, "nobody")
        if verb == "put":
            return self.provider.put(link_id, self._person(name, *values))
        changes = {
            "active": lambda value: {"active": value},
            "title": lambda value: {"title": value or "None"},
            "email": lambda value: {"emails": [{"value": self._address(value)}]},
            "rename": lambda value: {"userName": self._address(value)},
        }[verb](*values)
        return self.provider.patch(link_id, patch_of(**changes))

    def _person(self, name: str, title: str | None, email: str, active: bool) -> Any:
        more: dict[str, Any] = {"title": title} if title else {}
        return person(
            self._address(name),
            externalId=name,
            emails=[{"value": self._address(email), "primary": True}],
            name={"givenName": name.title(), "familyName": "Doe"},
            active=active,
            **more,
        )

    def _address(self, name: str) -> str:
        return name if name == "nothing" else f"{name}@{self.domain}"

    def _plain(self, answer: Answer) -> Any:
        resource = shown(answer)
        for schema in [s for s in resource if s.startswith("urn:")]:
            del resource[schema]
        resource.pop("id"), resource.pop("meta")
        plain = repr(resource).replace(self.domain, "DOMAIN")
        return answer.status, answer.version, plain


def _script(seed: int) -> list[tuple[Any, ...]]:
    """Requests about few people, so that they get into each other's way."""
    dice = random.Random(seed)  # noqa: S311 - a script, no secret
    addresses = (*NAMES, "nothing")
    makers: list[Callable[[], tuple[Any, ...]]] = [
        lambda: (
            dice.choice(("post", "post", "put")),
            dice.choice(NAMES),
            dice.choice(TITLES),
            dice.choice(addresses),
            dice.random() < 0.8,
        ),
        lambda: ("active", dice.choice(NAMES), dice.random() < 0.5),
        lambda: ("title", dice.choice(NAMES), dice.choice(TITLES)),
        lambda: ("email", dice.choice(NAMES), dice.choice(addresses)),
        lambda: ("rename", dice.choice(NAMES), dice.choice(NAMES)),
    ]
    return [dice.choice(makers)() for _ in range(REQUESTS)]


@pytest.mark.parametrize("seed", range(12))
def test_both_answer_the_same(database: Database, seed: int) -> None:
    """Status, version, body and every sentence, whatever is sent (D14).

    Up to one difference: who is deactivated together with an address that is not theirs
    keeps the former one here (D27), and in a rehearsal has none to keep.
    """
    live = Twin(provider(database, "live"), "aaa.example")
    other = provider(database, "rehearsed", state="rehearsing")
    twin = Twin(other, "bbb.example")
    for request in _script(seed):
        live.ask(request)
        twin.ask(request)

    for number, request in enumerate(_script(seed)):
        expected = live.answers[number]
        if twin.answers[number][0] == 200 and "by an inactive user" in expected[2]:
            break
        assert twin.answers[number] == expected, (number, request)


def test_nobody_is_left_between_the_rehearsal_and_its_end(database: Database) -> None:
    """Whoever is answered 201 while it goes live has a user afterwards (D14)."""
    entra = provider(database, state="rehearsing")
    calls = [
        entra.call("POST", "/Users", person(f"kim{number}@contoso.com"))
        for number in range(30)
    ]
    begun = threading.Barrier(3)

    def post(part: int) -> int:
        begun.wait()
        answered = 0
        for call in calls[part::2]:
            try:
                entra.service.create(call)
            except Unavailable:
                continue
            answered += 1
        return answered

    with ThreadPoolExecutor(3) as pool:
        posting = [pool.submit(post, part) for part in range(2)]
        begun.wait()
        while rehearsed.count(database.reader(), entra.connection.id) < 5:
            pass
        rehearsal.go_live(database, entra.connection, operator())
        answered = sum(each.result() for each in posting)

    reader = database.reader()
    assert connections.required(reader, entra.connection.id).state == "live"
    assert rehearsed.count(reader, entra.connection.id) == 0
    assert 5 <= answered == users.count_people(reader)
