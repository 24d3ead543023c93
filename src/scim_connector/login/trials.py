"""Settings of single sign-on that are tried before they are kept.

What an administrator tries, and whether it passed, is in a ticket that their browser
carries for a quarter of an hour: theirs alone, of one connection, sealed.  Nothing is
stored for it.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import orjson

from scim_connector.directory.sso import SignIn
from scim_connector.login.tickets import Tickets

if TYPE_CHECKING:
    from scim_connector.directory.connections import Connection
    from scim_connector.tokens.secrets import SecretKeys

LIVES: Final = 15 * 60 * 1_000_000
_PURPOSE: Final = "tried sign-in"
_SEALED_FOR: Final = "client secrets of sign-in"
#: What a trial is about; the rest of the settings is no part of it.
_TRIED: Final = (
    *("issuer", "client_id", "client_secret", "scopes", "claim"),
    *("equals", "algorithm", "second_factor"),
)


@dataclass(frozen=True, slots=True)
class Draft:
    """Settings that somebody tries, and whether somebody would have been signed in."""

    settings: SignIn
    passed: bool


class Drafts:
    """Seals and opens the settings that administrators try."""

    def __init__(self, keys: SecretKeys) -> None:
        """Everything is sealed with *keys*."""
        self._keys = keys
        self._tickets = Tickets(keys, _PURPOSE, lives=LIVES)

    def seal(self, settings: SignIn, tester: int, now: int, *, passed: bool) -> str:
        """A ticket of *tester*, a user, for the settings of one connection."""
        facts = {
            "tester": tester,
            "connection": settings.connection_id,
            "settings": as_facts(settings),
            "passed": passed,
        }
        return self._tickets.seal(facts, now)

    def open(
        self, ticket: str, connection: Connection, tester: int, now: int
    ) -> Draft | None:
        """What *tester* tries of a connection; None for anybody else's, or too old."""
        facts = self._tickets.open(ticket or None, now)
        if facts is None:
            return None
        if (facts["tester"], facts["connection"]) != (tester, connection.id):
            return None
        settings = of_facts(connection, facts["settings"], now)
        return Draft(settings, bool(facts["passed"]))

    def marks(self, settings: SignIn) -> tuple[str, ...]:
        """Hashes of exactly these settings, the present key's first.

        The secret is in it as it was given: sealing it makes another text each time.
        """
        facts = as_facts(settings)
        if settings.client_secret is not None:
            facts["client_secret"] = opened_secret(self._keys, settings.client_secret)
        plain = orjson.dumps(
            [settings.connection_id, facts], option=orjson.OPT_SORT_KEYS
        )
        return tuple(
            hmac.new(key, plain, sha256).hexdigest()
            for key in self._keys.sub_keys(_PURPOSE)
        )


def as_facts(settings: SignIn) -> dict[str, Any]:
    """What a ticket says of settings."""
    return {name: getattr(settings, name) for name in _TRIED}


def of_facts(connection: Connection, facts: dict[str, Any], now: int) -> SignIn:
    """The settings a ticket says, of a connection; switched off."""
    said = {**facts, "second_factor": tuple(facts["second_factor"])}
    return SignIn(connection_id=connection.id, enabled=False, changed_at=now, **said)


def sealed_secret(keys: SecretKeys, secret: str) -> str:
    """A client secret as it is stored."""
    return keys.encrypt(secret.encode(), _SEALED_FOR).hex()


def opened_secret(keys: SecretKeys, stored: str) -> str:
    """A client secret as the provider gave it."""
    return keys.decrypt(bytes.fromhex(stored), _SEALED_FOR).decode()
