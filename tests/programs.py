"""API users and applications of a database, and requests as they send them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlencode

from scim_connector.accounts import Act
from scim_connector.administration import api_app, api_keys, applications
from scim_connector.administration import users as doors
from scim_connector.administration.users import NewUser
from scim_connector.directory import users
from scim_connector.directory.applications import Application
from scim_connector.directory.database import Database
from scim_connector.directory.users import User
from scim_connector.login.client_credentials import Request
from scim_connector.login.gate import Door
from scim_connector.rules.actors import Actor
from scim_connector.tokens import opaque
from scim_connector.tokens.secrets import SecretKeys
from tests import server
from tests.server import Reply, Server

if TYPE_CHECKING:
    import pytest

KEYS = SecretKeys.fresh()
SECOND = 1_000_000
HOUR = 3600 * SECOND


def at(now: int | None = None) -> Act:
    """What a person at the machine does, now or at an instant."""
    return Act(Actor.operator("ann"), now or time_ns() // 1000)


def robot(database: Database, name: str = "robot.one", **more: Any) -> User:
    """A new API user, for whom nothing is installed yet."""
    new = NewUser(email=f"{name}@x.example", username=name, api_user=True, **more)
    return database.write(lambda tx: doors.add(tx, new, at()))


def human(database: Database, name: str = "kim.doe", **more: Any) -> User:
    """A new person."""
    new = NewUser(email=f"{name}@x.example", username=name, **more)
    return database.write(lambda tx: doors.add(tx, new, at()))


def install(database: Database) -> None:
    """Install the API App."""
    database.write(lambda tx: api_app.install(tx, at()))


def new_key(
    database: Database, user: User, name: str = "key", *, expires_at: int | None = None
) -> opaque.Token:
    """A further key of an API user."""
    return database.write(
        lambda tx: api_keys.create(
            tx,
            users.required(tx, user.id),
            name,
            pepper=KEYS.peppers()[0],
            expires_at=expires_at,
            act=at(),
        )
    )


def application(
    database: Database, name: str = "nextgen", kind: str = "web", **more: Any
) -> tuple[Application, tuple[str, str]]:
    """A new application, and the name and secret it shows."""
    given: dict[str, Any] = {"address": None, "redirects": (), "logout_url": None}
    made = database.write(
        lambda tx: applications.add(tx, name, kind=kind, **{**given, **more}, act=at())
    )
    return made, (name, str(new_secret(database, made)))


def new_secret(
    database: Database, made: Application, *, expires_at: int | None = None
) -> opaque.Token:
    """A further secret of an application."""
    return database.write(
        lambda tx: applications.create_secret(
            tx, made, pepper=KEYS.peppers()[0], expires_at=expires_at, act=at()
        )
    )


def by_key(name: str, key: object, *, now: int | None = None) -> Request:
    """A token request with a key, in the form."""
    form = {
        "grant_type": "client_credentials",
        "client_id": name,
        "client_secret": str(key),
    }
    return Request(form, None, now or time_ns() // 1000)


def door(road: str, client: str = "nextgen", now: int | None = None) -> Door:
    """Somebody at an application."""
    return Door(road, client, "192.0.2.7", "a browser", now or time_ns() // 1000)


# ------------------------------------------------------------------- the real server


def post(
    scim: Server, path: str, *, basic: tuple[str, str] | None = None, **form: str
) -> Reply:
    """Send a form to the real server, with Basic credentials if there are any."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if basic is not None:
        pair = ":".join(quote_plus(part) for part in basic)
        headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
    return scim.send_raw("POST", path, headers, urlencode(form).encode())


def exchanged(scim: Server, name: str, key: str) -> Reply:
    """Exchange a key of an API user."""
    form = {"grant_type": "client_credentials"}
    return post(scim, "/oauth2/token", basic=(name, key), **form)


def introspected(scim: Server, client: tuple[str, str], token: str) -> Reply:
    """Ask about a token as an application."""
    return post(scim, "/oauth2/introspect", basic=client, token=token)


@contextmanager
def served_on(request: pytest.FixtureRequest, folder: Path) -> Iterator[Server]:
    """A real server on the database that ``request.param`` names."""
    if request.param == "sqlite":
        with server.running(folder) as served:
            yield served
        return
    postgres = request.getfixturevalue("postgres_server")
    name = folder.name.replace("-", "_")
    environment = {"SCIM_CONNECTOR_DATABASE_URL": postgres.create(name)}
    with server.running(folder, environment=environment) as served:
        yield served
    postgres.drop(name)
