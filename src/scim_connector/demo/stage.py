"""What stands on the stage before the curtain: an installation with its local staff.

Everything is made in a folder of its own, through the same use cases as the console and
the command line, and is gone when the demo ends.
"""

from __future__ import annotations

import csv
import io
import secrets
from dataclasses import asdict, dataclass
from time import time_ns
from typing import TYPE_CHECKING, Final

from scim_connector.accounts import Act
from scim_connector.administration import (
    api_app,
    api_keys,
    connections,
    importing,
    shipped,
    users,
)
from scim_connector.administration.importing import COLUMNS
from scim_connector.administration.users import NewUser
from scim_connector.demo.people import DEPARTMENTS, DOMAIN, ROLE_OF_GROUP, Local
from scim_connector.directory import audit, profiles, roles
from scim_connector.login.gate import OWN_PAGES, Door
from scim_connector.login.links import MailedLinks
from scim_connector.rules.actors import Actor
from scim_connector.rules.events import Event
from scim_connector.rules.passwords import prepared
from scim_connector.settings import PREFIX
from scim_connector.tokens.passwords import PasswordHasher

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Transaction
    from scim_connector.wiring import House

ADMINISTRATOR: Final = "administrator"
HOST: Final = "127.0.0.1"
_ROLES: Final = ("Registrar", "Finance", "Librarian")
_DAY: Final = 24 * 3600 * 1_000_000
#: Okta's token expires soon, so that the console has something to warn about.
_TOKEN_DAYS: Final = {"entra": 365, "okta": 9}
_SETTINGS: Final[Mapping[str, Mapping[str, object]]] = {
    "entra": {"link_existing": "username"},
    "okta": {},
}


@dataclass(frozen=True, slots=True)
class Scene:
    """What is needed to play: the tokens of the connections, and who may look."""

    username: str
    password: str
    tokens: Mapping[str, str]


def environment(folder: Path, *, port: int, workers: int) -> dict[str, str]:
    """The settings of a demo: nothing of it is outside *folder*, no mail leaves."""
    values = {
        "database_url": f"sqlite:///{folder / 'scim-connector.db'}",
        "secret_key_file": folder / "scim-connector.key",
        "mail_folder": folder / "mail",
        "host": HOST,
        "port": port,
        "workers": workers,
        "second_factor": "off",
        "organisation": "Contoso College",
    }
    return {f"{PREFIX}{name.upper()}": str(value) for name, value in values.items()}


def set_up(house: House, local: Sequence[Local]) -> Scene:
    """Fill a new installation; everything in it is done by the operator "demo"."""
    act = doing()
    house.database.write(lambda tx: _name(tx, act))
    tokens = house.database.write(lambda tx: _connect(tx, house, act))
    _import(house, local, act)
    house.database.write(lambda tx: _install(tx, house, act))
    password = secrets.token_urlsafe(12)
    _administrator(house, password, act)
    return Scene(ADMINISTRATOR, password, tokens)


def doing() -> Act:
    """What the demo does itself, at this instant."""
    return Act(Actor.operator("demo"), time_ns() // 1000)


def _name(tx: Transaction, act: Act) -> None:
    """Roles, and a profile for each department."""
    for rows, kind, names in (
        (roles, "role", _ROLES),
        (profiles, "profile", tuple(DEPARTMENTS)),
    ):
        for name in names:
            rows.add(tx, name)
            event = Event(f"{kind}:added", {"name": name})
            audit.record(tx, [event], at=act.now, actor=act.actor)


# -------------------------------------------------------------------- connections


def _connect(tx: Transaction, house: House, act: Act) -> dict[str, str]:
    """The two connections; the token of each by its name."""
    tokens = {}
    for kind in ("entra", "okta"):
        connection = connections.add(
            tx,
            kind,
            kind=kind,
            mapping_text=mapping(kind),
            mapping_name=f"{kind}.toml",
            settings=_SETTINGS[kind],
            act=act,
        )
        tokens[kind] = _token(tx, house, connection, act)
    return tokens


def _token(tx: Transaction, house: House, connection: Connection, act: Act) -> str:
    token = connections.create_token(
        tx,
        connection,
        pepper=house.keys.peppers()[0],
        expires_at=act.now + _TOKEN_DAYS[connection.kind] * _DAY,
        act=act,
    )
    return str(token)


def mapping(kind: str) -> str:
    """The shipped mapping, with a profile by department and roles by group."""
    department = (
        "[urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department]"
    )
    groups = "\n".join(f'"{name}" = "{role}"' for name, role in ROLE_OF_GROUP.items())
    text = shipped.text(kind)
    text = text.replace("value = '\"\"'", f"value = '{department}'", 1)
    return text.replace("[profile]", f"[roles.groups]\n{groups}\n\n[profile]", 1)


# ------------------------------------------------------------------------- people


def _import(house: House, local: Sequence[Local], act: Act) -> None:
    """The local users, through the same door as anybody's list."""
    rows = importing.read(as_csv(local))
    importing.judge(house.database.reader(), rows)
    report = importing.write(house.database, rows, act)
    assert not report.refused, report.refused  # noqa: S101 - the cast keeps the rules


def as_csv(local: Sequence[Local]) -> str:
    """The local users as a file for ``import``."""
    names = {"first_name": "given", "last_name": "family"}
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for one in local:
        values = asdict(one)
        writer.writerow(values[names.get(column, column)] for column in COLUMNS)
    return text.getvalue()


def _install(tx: Transaction, house: House, act: Act) -> None:
    """The API App acts as the API user of the timetable, who has a key."""
    user = users.find(tx, "timetable.sync")
    api_app.install(tx, act)
    api_app.configure(tx, user.username, act)
    api_keys.create(
        tx,
        user,
        "Timetable",
        pepper=house.keys.peppers()[0],
        expires_at=act.now + 90 * _DAY,
        act=act,
    )


def _administrator(house: House, password: str, act: Act) -> None:
    """Somebody to look with, who has chosen the password by a link as anybody does."""
    new = NewUser(
        email=f"{ADMINISTRATOR}@{DOMAIN}",
        first_name="Ada",
        last_name="Ministrator",
        initials="ADM",
        username=ADMINISTRATOR,
        roles=("Administrator",),
        mail=False,
    )
    links = MailedLinks(house.database, house.keys)
    link = house.database.write(
        lambda tx: links.recover(tx, users.add(tx, new, act), act)
    )
    door = Door("link", OWN_PAGES, HOST, "demo", act.now)
    hashed = PasswordHasher().hash(prepared(password))
    links.choose_password(str(link.token), hashed, door)
