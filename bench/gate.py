"""What an application asks of the gate, and the people who are signed in to be asked of.

Sessions are opened through the product's own gate when a folder is copied, because those
of a kept folder would be over by their age.
"""

from __future__ import annotations

import base64
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scim_connector.directory.database import Transaction
    from scim_connector.login.gate import Door
    from scim_connector.wiring import House

APPLICATION: Final = "bench"
MOST: Final = 2_000
DEACTIVATE: Final = {
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "Replace", "path": "active", "value": "False"}],
}
_LIVES: Final = 24 * 3600 * 1_000_000  # microseconds


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The secret of an application, and sessions there, one of each person."""

    secret: str
    sessions: tuple[str, ...]


def sign_in(folder: Path, numbers: Sequence[int]) -> SignedIn:
    """Sign people in at a new application of the house in *folder*.

    They are the local users of these ids, which a bench fills in order from 1.
    """
    with _opened(folder) as house:
        return house.database.write(lambda tx: _signed_in(tx, house, numbers))


def administrator(folder: Path) -> str:
    """Make the first person an administrator, signed in; returns the cookie."""
    from scim_connector.accounts import Account, Act  # noqa: PLC0415 - the product
    from scim_connector.directory import roles  # noqa: PLC0415
    from scim_connector.login.gate import OWN_PAGES, Door  # noqa: PLC0415
    from scim_connector.login.sessions import Proof  # noqa: PLC0415
    from scim_connector.rules.actors import Actor  # noqa: PLC0415
    from scim_connector.web.cookies import session_name  # noqa: PLC0415
    from scim_connector.wiring.gate import sessions_of  # noqa: PLC0415

    now = time.time_ns() // 1000
    with _opened(folder) as house:

        def work(tx: Transaction) -> str:
            account = Account.open(tx, 1, Act(Actor.operator("bench"), now))
            account.assign(roles.administrator_ids(tx), source="console")
            account.save()
            door = Door("password", OWN_PAGES, "127.0.0.1", "bench", now)
            return str(sessions_of(house).open(tx, 1, door, Proof("password")))

        return f"{session_name(OWN_PAGES)}={house.database.write(work)}"


def give_passwords(folder: Path, numbers: Sequence[int], password: str) -> None:
    """Give people of the house in *folder* one password, hashed once."""
    from scim_connector.directory import users  # noqa: PLC0415 - the product
    from scim_connector.tokens.passwords import PasswordHasher  # noqa: PLC0415

    changes = {"password_hash": PasswordHasher().hash(password)}

    def work(tx: Transaction) -> None:
        for number in numbers:
            users.change(tx, number, changes)

    with _opened(folder) as house:
        house.database.write(work)


@contextmanager
def _opened(folder: Path) -> Iterator[House]:
    from scim_connector.settings import Settings  # noqa: PLC0415 - the product
    from scim_connector.wiring import open_house  # noqa: PLC0415

    settings = Settings(
        database_url=f"sqlite:///{folder}/scim-connector.db",
        secret_key_file=folder / "scim-connector.key",
    )
    house = open_house(settings)
    try:
        yield house
    finally:
        house.database.close()


def _signed_in(tx: Transaction, house: House, numbers: Sequence[int]) -> SignedIn:
    from scim_connector.login.gate import Door  # noqa: PLC0415
    from scim_connector.login.sessions import Proof  # noqa: PLC0415
    from scim_connector.wiring.gate import sessions_of  # noqa: PLC0415

    now = time.time_ns() // 1000
    door: Door = Door("password", APPLICATION, "127.0.0.1", "bench", now)
    sessions, proof = sessions_of(house), Proof("password")
    secret = _application(tx, house, now)
    opened = [str(sessions.open(tx, number, door, proof)) for number in numbers]
    return SignedIn(secret, tuple(opened))


def _application(tx: Transaction, house: House, now: int) -> str:
    from scim_connector.accounts import Act  # noqa: PLC0415
    from scim_connector.administration import applications  # noqa: PLC0415
    from scim_connector.rules.actors import Actor  # noqa: PLC0415

    act = Act(Actor.operator("bench"), now)
    made = applications.add(
        tx,
        APPLICATION,
        kind="web",
        address=None,
        redirects=(),
        logout_url=None,
        act=act,
    )
    pepper = house.keys.peppers()[0]
    secret = applications.create_secret(
        tx, made, pepper=pepper, expires_at=now + _LIVES, act=act
    )
    return str(secret)


def verify(session: str) -> bytes:
    """Ask as a proxy does whether the holder of this cookie may pass."""
    lines = (
        f"GET /auth/verify?application={APPLICATION} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Cookie: __Host-session-{APPLICATION}={session}",
    )
    return "\r\n".join((*lines, "", "")).encode()


def introspect(secret: str, session: str) -> bytes:
    """Ask as an application does whose token this is (RFC 7662)."""
    body = urlencode({"token": session}).encode()
    shown = base64.b64encode(f"{APPLICATION}:{secret}".encode()).decode()
    lines = (
        "POST /oauth2/introspect HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Basic {shown}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join((*lines, "", "")).encode() + body
