"""A provider that works steadily over https, and remembers what it was promised."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections import Counter
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any

from tests.server import SCIM_JSON

UNANSWERED = 0
_TRIES = 200


@dataclass(slots=True)
class Person:
    """What the provider last had confirmed of somebody."""

    name: str
    id: str
    display: str
    active: bool


@dataclass(slots=True)
class Provider:
    """Creates, renames and deactivates people until told to stop, in several threads.

    What gets no answer or a 5xx is sent again after a pause, as providers do; a create
    that was carried out without an answer is found by its 409 and a search.
    """

    port: int
    token: str
    ended: Event = field(default_factory=Event)
    people: list[Person] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    #: When something was not answered well, and how: (seconds, status, method).
    failures: list[tuple[float, int, str]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    #: When something was answered well.
    answered: list[float] = field(default_factory=list)
    slowest: float = 0
    _lock: Lock = field(default_factory=Lock)

    def work(self, thread: int) -> None:
        """One thread: person after person."""
        number = 0
        while not self.ended.is_set():
            number += 1
            person = self._created(f"p{thread}-{number}@contoso.com")
            for change in (1, 2):
                display = f"Kim {thread} {number} {change}"
                self._patched(person, "displayName", display)
                person.display = display
            if number % 3:
                self._patched(person, "active", value=False)
                person.active = False
            with self._lock:
                self.people.append(person)

    def _created(self, name: str) -> Person:
        body = {
            "userName": name,
            "displayName": name,
            "emails": [{"value": name, "primary": True}],
        }
        status, answer = self._until_answered("POST", "/Users", body)
        if status == 409:  # an earlier try was carried out, its answer lost
            path = f"/Users?filter=userName%20eq%20%22{name}%22"
            status, found = self._until_answered("GET", path)
            answer = found["Resources"][0]
        elif status != 201:
            self.refusals.append(f"POST {name}: {status} {answer}")
        return Person(name, answer["id"], name, active=True)

    def _patched(self, person: Person, path: str, value: Any) -> None:
        change = {"Operations": [{"op": "replace", "path": path, "value": value}]}
        status, answer = self._until_answered("PATCH", f"/Users/{person.id}", change)
        if status != 200:
            self.refusals.append(f"PATCH {person.name}: {status} {answer}")

    def _until_answered(
        self, method: str, path: str, body: Any = None
    ) -> tuple[int, Any]:
        for _ in range(_TRIES):
            began = time.monotonic()
            status, answer = self.send(method, path, body)
            with self._lock:
                self.statuses[status] += 1
                self.slowest = max(self.slowest, time.monotonic() - began)
                if status == UNANSWERED or status >= 500:
                    self.failures.append((time.monotonic(), status, method))
                else:
                    self.answered.append(time.monotonic())
            if UNANSWERED < status < 500:
                return status, answer
            time.sleep(0.1)
        raise AssertionError(f"{method} {path} was never answered")

    def send(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One request on a connection of its own; status 0 where no answer came."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        place = http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=60, context=context
        )
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": SCIM_JSON,
        }
        try:
            place.request(
                method,
                f"/scim/v2{path}",
                None if body is None else json.dumps(body),
                headers,
            )
            answer = place.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            return UNANSWERED, None
        finally:
            place.close()
        is_json = "json" in answer.headers.get("Content-Type", "")
        return answer.status, json.loads(content) if is_json and content else None
