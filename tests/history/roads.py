"""Every road to inactive, and the way back from each."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.history.checker import DEACTIVATE, REACTIVATE
from tests.history.doors import Reply, cli
from tests.history.people import Subject
from tests.history.recorder import Recorder
from tests.house import patch_of
from tests.server import SCIM_JSON, Server

_USERS = "/scim/v2/Users"


@dataclass
class Provider:
    """The provider, writing to one of the servers; and an operator beside it."""

    scim: Server
    address: str

    def send(self, method: str, path: str, body: Any = None) -> Reply:
        """Send one SCIM request."""
        place = urlsplit(self.address)
        client = http.client.HTTPConnection(str(place.hostname), place.port, timeout=30)
        headers = {"Authorization": f"Bearer {self.scim.token}"}
        headers["Content-Type"] = SCIM_JSON
        try:
            sent = None if body is None else json.dumps(body)
            client.request(method, f"{_USERS}{path}", sent, headers)
            answer = client.getresponse()
            return Reply(answer.status, answer.headers, answer.read())
        finally:
            client.close()

    def create(self, subject: Subject) -> bool | None:
        """POST somebody, who has a new id then."""
        done = self.send("POST", "", subject.resource)
        if done.granted:
            subject.id = json.loads(done.body)["id"]
            return True
        return None

    def _asks(self, method: str, subject: Subject, body: Any = None) -> bool | None:
        return True if self.send(method, f"/{subject.id}", body).granted else None

    def entra(self, subject: Subject) -> bool | None:
        """PATCH active as Entra ID sends it, as text."""
        operation = {"op": "Replace", "path": "active", "value": "False"}
        return self._asks("PATCH", subject, {"Operations": [operation]})

    def okta(self, subject: Subject) -> bool | None:
        """PATCH without a path, as Okta sends it."""
        operation = {"op": "replace", "value": {"active": False}}
        return self._asks("PATCH", subject, {"Operations": [operation]})

    def put(self, subject: Subject) -> bool | None:
        """PUT the whole resource, inactive."""
        return self._asks("PUT", subject, {**subject.resource, "active": False})

    def delete(self, subject: Subject) -> bool | None:
        """DELETE the resource."""
        return self._asks("DELETE", subject)

    def enable(self, subject: Subject) -> bool | None:
        """PATCH active to true."""
        return self._asks("PATCH", subject, patch_of(active=True))

    def operator(self, subject: Subject) -> bool | None:
        """Deactivate on the command line."""
        return cli(self.scim, "user", "deactivate", subject.username)

    def operator_back(self, subject: Subject) -> bool | None:
        """Reactivate on the command line; a provider may not."""
        return cli(self.scim, "user", "reactivate", subject.username)


Step = Callable[[Provider, Subject], "bool | None"]
#: Each road to inactive by its name, and the way back.
ROADS: dict[str, tuple[Step, Step]] = {
    "PATCH (Entra)": (Provider.entra, Provider.enable),
    "PATCH (Okta)": (Provider.okta, Provider.enable),
    "PUT": (Provider.put, Provider.enable),
    "DELETE": (Provider.delete, Provider.create),
    "command line": (Provider.operator, Provider.operator_back),
}


def there(provider: Provider, subject: Subject, road: str, kept: Recorder) -> None:
    """Deactivate somebody by a road."""
    step = ROADS[road][0]
    kept.ask(DEACTIVATE, subject.username, lambda: step(provider, subject), road=road)


def back(provider: Provider, subject: Subject, road: str, kept: Recorder) -> None:
    """Let them come back."""
    step = ROADS[road][1]
    kept.ask(REACTIVATE, subject.username, lambda: step(provider, subject), road=road)
