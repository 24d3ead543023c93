"""The application in this process, asked as a provider asks it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING, Any

from scim_connector.accounts import Act
from scim_connector.administration import connections as administration
from scim_connector.rules.actors import Actor
from scim_connector.settings import Settings
from scim_connector.wiring import House, open_house, parts_of, prepare

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from scim_connector.provisioning import RequestGatherer

BASE = "https://scim.example.com/scim/v2"
SCIM_JSON = "application/scim+json"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
HOUR = 3600 * 1_000_000


@dataclass(frozen=True, slots=True)
class Door:
    """A client, the token it sends, and the house behind."""

    client: FlaskClient
    token: str
    house: House
    gatherer: RequestGatherer

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> TestResponse:
        """Send a request below /scim/v2; *headers* win over ours."""
        sent = {"Authorization": f"Bearer {self.token}"}
        if isinstance(body, bytes):
            more["data"] = body
        elif body is not None:
            more["json"] = body
        if body is not None:
            sent["Content-Type"] = SCIM_JSON
        sent |= headers or {}
        return self.client.open(f"/scim/v2{path}", method=method, headers=sent, **more)

    def made(self, user_name: str) -> str:
        """The SCIM id of a new user."""
        created = self.send("POST", "/Users", person(user_name))
        assert created.status_code == 201, created.text
        return str(created.get_json()["id"])

    def new_token(self, *, lives: int = HOUR) -> str:
        """A further token of the first connection, live for so many microseconds."""
        act = operator()
        return str(
            self.house.database.write(
                lambda tx: administration.create_token(
                    tx,
                    administration.find(tx, "default"),
                    pepper=self.house.keys.peppers()[0],
                    expires_at=act.now + lives,
                    act=act,
                )
            )
        )


def operator() -> Act:
    """What a person does at this moment."""
    return Act(Actor.operator("test"), time_ns() // 1000)


def person(user_name: str, **more: Any) -> dict[str, Any]:
    """A user as a provider sends one."""
    return {
        "userName": user_name,
        "name": {"givenName": "Kim", "familyName": "Doe"},
        "emails": [{"type": "work", "value": user_name, "primary": True}],
        **more,
    }


def open_door(folder: Path, **settings: Any) -> Door:
    """A new house in *folder*, served in this process."""
    chosen = Settings(
        database_url=f"sqlite:///{folder / 'house.db'}",
        secret_key_file=folder / "house.key",
        public_url="https://scim.example.com",
        **settings,
    )
    welcome = prepare(chosen).welcome
    assert welcome is not None
    house = open_house(chosen)
    parts = parts_of(house)
    return Door(parts.app.test_client(), welcome.token, house, parts.gatherer)


def refusal(answer: TestResponse, status: int) -> str:
    """The detail of a SCIM error of this status (RFC 7644 section 3.12)."""
    assert answer.status_code == status, answer.text
    assert answer.mimetype == SCIM_JSON
    body = answer.get_json()
    assert body["schemas"] == [ERROR]
    assert body["status"] == str(status)
    assert f"[request {answer.headers['X-Request-Id']}]" in body["detail"]
    return str(body["detail"])
