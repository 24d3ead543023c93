"""Whoever calls the Admin API of a real server: by a token, or by a session cookie."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from tests.console import Desk, Office
from tests.server import Reply

ROOT = "/admin/api"
SESSION = "__Host-session-account"


@dataclass(slots=True)
class Caller:
    """One who calls, with the headers that say who it is."""

    office: Office
    headers: dict[str, str] = field(default_factory=dict)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str | None] | None = None,
        **asked: Any,
    ) -> Reply:
        """Send one request below the root; *headers* win, one of None is left out."""
        query = f"?{urlencode(asked)}" if asked else ""
        sent: dict[str, Any] = {"Content-Type": "application/json", **self.headers}
        sent = {n: v for n, v in (sent | (headers or {})).items() if v is not None}
        if body is None:
            sent.pop("Content-Type", None)
        scim = self.office.scim
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        return scim.send_raw(method, f"{ROOT}{path}{query}", sent, content)

    def get(self, path: str, **asked: Any) -> Any:
        """What a GET answers, which must be 200."""
        return self.done("GET", path, None, **asked)

    def done(self, method: str, path: str, body: Any = None, **asked: Any) -> Any:
        """What is answered where it must be a success."""
        reply = self.ask(method, path, body, **asked)
        assert reply.status in {200, 201, 204}, (reply.status, reply.content)
        return reply.body

    def refused(self, status: int, method: str, path: str, body: Any = None) -> Any:
        """The problem that is answered, which must have this status."""
        reply = self.ask(method, path, body)
        assert reply.status == status, (reply.status, reply.content)
        assert reply.headers["content-type"] == "application/problem+json"
        assert reply.body["status"] == status
        return reply.body


def nobody(office: Office) -> Caller:
    """A stranger."""
    return Caller(office)


def browser(desk: Desk, office: Office, *, origin: str | None = "") -> Caller:
    """A person's browser, on a page of ours or of *origin*."""
    cookie = desk.browser.cookie(office.address, SESSION)
    headers = {"Cookie": f"{SESSION}={cookie}"}
    if origin is not None:
        headers["Origin"] = origin or office.address
    return Caller(office, headers)


def program(office: Office, name: str, *permissions: str, role: str = "") -> Caller:
    """An API user with a role of these permissions, or a named role, and its token."""
    return programs(office, {name: permissions}, role=role)[name]


def programs(
    office: Office, wanted: Mapping[str, Sequence[str]], *, role: str = ""
) -> dict[str, Caller]:
    """API users by their names, each with the permissions it is to have."""
    commands = [["api-app", "install"]]
    for name, permissions in wanted.items():
        held = role or f"Role of {name}"
        allowed = [part for each in permissions for part in ("--allow", each)]
        email = f"{name}@contoso.com"
        commands += [] if role else [["role", "add", held, *allowed]]
        commands += [
            ["user", "add", "--email", email, "--username", name, "--api"],
            ["user", "role", "add", name, held],
        ]
    office.scim.cli_batch(commands)
    keys = office.scim.cli_batch([["api-key", "create", name] for name in wanted])
    return {
        name: Caller(
            office, {"Authorization": f"Bearer {exchanged(office, name, key)}"}
        )
        for name, key in zip(wanted, keys, strict=True)
    }


def exchanged(office: Office, name: str, key: str) -> str:
    """The token that a key of an API user is exchanged for."""
    reply = as_client(office, "token", name, key, "grant_type=client_credentials")
    assert reply.status == 200, reply.content
    return str(reply.body["access_token"])


def as_client(
    office: Office, endpoint: str, name: str, secret: str, form: str
) -> Reply:
    """What an endpoint below /oauth2 answers to a client with its secret."""
    basic = base64.b64encode(f"{name}:{secret.strip()}".encode()).decode()
    headers = {
        "Authorization": f"Basic {basic}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    path = f"/oauth2/{endpoint}"
    return office.scim.send_raw("POST", path, headers, form.encode())
