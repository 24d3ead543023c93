"""The second factor of people: set up, asked for, recovered (RFC 6238)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from scim_connector.directory import audit, second_factors, users
from scim_connector.login import throttle
from scim_connector.rules.actors import Actor
from scim_connector.rules.events import Event
from scim_connector.tokens import totp

if TYPE_CHECKING:
    from scim_connector.directory.database import Database, Transaction
    from scim_connector.directory.users import User
    from scim_connector.tokens.secrets import SecretKeys

_SEALED_FOR: Final = "authenticator"
_CODES: Final = "recovery codes"


class SecondFactors:
    """Keeps and checks second factors; built once per process."""

    def __init__(self, database: Database, keys: SecretKeys, issuer: str) -> None:
        """Secrets are encrypted with *keys*; apps show *issuer* beside the code."""
        self._database = database
        self._keys = keys
        self._issuer = issuer

    def has_one(self, user_id: int) -> bool:
        """Whether a person has set one up and used it once."""
        found = second_factors.of_user(self._database.reader(), user_id)
        return found is not None and found.confirmed_at is not None

    def address(self, secret: bytes, user: User) -> str:
        """What an authenticator app reads."""
        return totp.provisioning_uri(secret, user.username, self._issuer)

    def confirm(
        self, user: User, secret: bytes, code: str, now: int
    ) -> list[str] | None:
        """Keep a new app once its first code fits; the recovery codes, shown once.

        None when the code does not fit, or when somebody was quicker.
        """

        def work(tx: Transaction) -> list[str] | None:
            users.held(tx, user.id)
            held = second_factors.of_user(tx, user.id)
            step = totp.accepted_step(secret, code, now, last_step=None)
            if step is None or (held is not None and held.confirmed_at is not None):
                return None
            sealed = base64.b64encode(self._keys.encrypt(secret, _SEALED_FOR)).decode()
            second_factors.set_up(tx, user.id, sealed, step, now=now)
            _tell(tx, Event("factor:added"), user, now)
            return self._set_codes(tx, user.id)

        return self._database.write(work)

    def new_codes(self, tx: Transaction, user: User, now: int) -> list[str]:
        """New recovery codes, shown once; the former open nothing any more."""
        codes = self._set_codes(tx, user.id)
        _tell(tx, Event("factor:codes"), user, now)
        return codes

    def _set_codes(self, tx: Transaction, user_id: int) -> list[str]:
        codes = totp.recovery_codes()
        hashes = [self._hashed(user_id, each) for each in codes]
        second_factors.set_codes(tx, user_id, hashes)
        return codes

    def check(self, tx: Transaction, user_id: int, code: str, now: int) -> bool:
        """Whether a code of the app, or a recovery code, fits; it is used up by it.

        A wrong one is counted in the same transaction, so that of many at once none
        slips by; raises MustWait.
        """
        attempt = throttle.of_code(user_id)
        throttle.refuse_too_many(tx, attempt, now)
        fits = self._accept(tx, user_id, code, now) or second_factors.use_code(
            tx, user_id, self._hashed(user_id, code)
        )
        count = throttle.succeeded if fits else throttle.failed
        count(tx, attempt, now)
        return fits

    def _accept(self, tx: Transaction, user_id: int, code: str, now: int) -> bool:
        held = second_factors.of_user(tx, user_id)
        if held is None or held.confirmed_at is None:
            return False
        secret = self._opened(held.secret)
        step = totp.accepted_step(secret, code, now, last_step=held.last_step)
        return step is not None and second_factors.accept(tx, user_id, step)

    def _opened(self, sealed: str) -> bytes:
        return self._keys.decrypt(base64.b64decode(sealed), _SEALED_FOR)

    def _hashed(self, user_id: int, code: str) -> str:
        return totp.hashed_code(code, user_id, self._keys.sub_key(_CODES))


def remove(tx: Transaction, user: User, actor: Actor, now: int) -> bool:
    """Take the second factor of a person away; False when there was none."""
    if second_factors.of_user(tx, user.id) is None:
        return False
    second_factors.drop(tx, user.id)
    event = Event("factor:removed")
    audit.record(tx, [event], at=now, actor=actor, user_id=user.id)
    return True


def _tell(tx: Transaction, event: Event, user: User, now: int) -> None:
    actor = Actor.person(user.username, user.id)
    audit.record(tx, [event], at=now, actor=actor, user_id=user.id)
