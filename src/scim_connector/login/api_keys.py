"""Keys of API users: exchanged for tokens of an hour, good while the API App is (R14)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scim_connector.directory import access, api_keys, audit, credentials, users
from scim_connector.directory.api_keys import ApiToken, Program
from scim_connector.directory.constraints import ConstraintBroken
from scim_connector.login.client_credentials import (
    CLIENT_PREFIX,
    LIVES,
    Issued,
    Refused,
    presented,
)
from scim_connector.login.gate import standing_of
from scim_connector.rules import folding
from scim_connector.rules.access import Refusal, may_use_api
from scim_connector.rules.actors import Actor
from scim_connector.rules.events import Event
from scim_connector.tokens import opaque

if TYPE_CHECKING:
    from scim_connector.directory.api_keys import ApiKey
    from scim_connector.directory.database import Database, Transaction
    from scim_connector.directory.users import User
    from scim_connector.login.client_credentials import Request
    from scim_connector.tokens.secrets import SecretKeys

SCOPE: Final = "api"
_SECOND: Final = 1_000_000
_NEW_KEY: Final = (
    "make one on the page of its API user, or with:"
    " scim-connector api-key create USERNAME"
)


class ApiKeys:
    """Exchanges keys and judges tokens of API users; built once per process."""

    def __init__(self, database: Database, keys: SecretKeys) -> None:
        """Look keys up in *database*, hashed with the sub-keys of *keys*."""
        self._database = database
        self._peppers = keys.peppers()

    def concerns(self, request: Request) -> bool:
        """Whether a request shows a key, or what its sender takes for one.

        That is every secret that no connection has, unless a connection is named.
        """
        in_form = (
            request.form.get("client_id", ""),
            request.form.get("client_secret", ""),
        )
        name, text = request.basic or in_form
        secret, reader = opaque.parse(text), self._database.reader()
        if secret is None:
            return False
        if api_keys.by_id(reader, secret.id) is not None:
            return True
        is_of_connection = credentials.by_id(reader, secret.id) is not None
        return not (is_of_connection or name.startswith(CLIENT_PREFIX))

    def exchange(self, request: Request) -> Issued:
        """The token for a key; raises Refused, with the exact reason in audit.

        A guess is refused without a write, and leaves nothing in audit.
        """
        name, text = presented(request)
        secret = opaque.parse(text)
        reader = self._database.reader()
        key = None if secret is None else api_keys.by_id(reader, secret.id)
        if secret is None or key is None or not self._opens(secret, key.hash):
            raise _unknown_key()
        try:
            return self._exchanged(key, name, request.now)
        except Refused as refusal:
            self._keep(refusal, key, request.now)
            raise

    def _exchanged(self, key: ApiKey, name: str, now: int) -> Issued:
        token = opaque.mint()

        def work(tx: Transaction) -> Issued:
            user = users.required(tx, key.user_id)
            _refuse_other_name(user, name)
            _refuse_old(key, now)
            _refuse_standing(tx, user)
            if api_keys.by_id(tx, key.id) is None:
                raise _unknown_key()
            return self._issue(tx, key, token, now)

        try:
            return self._database.write(work)
        except ConstraintBroken:  # revoked or deactivated at this very moment
            raise _unknown_key() from None

    def _keep(self, refusal: Refused, key: ApiKey, now: int) -> None:
        facts = {"key": key.id, "name": key.name, "reason": refusal.reason}
        event = Event("api_token:refused", facts)
        self._database.write(lambda tx: _tell(tx, event, key.user_id, now))

    def _issue(
        self, tx: Transaction, key: ApiKey, token: opaque.Token, now: int
    ) -> Issued:
        left = LIVES if key.expires_at is None else (key.expires_at - now) // _SECOND
        lives = min(LIVES, left)
        made = ApiToken(
            id=token.id,
            user_id=key.user_id,
            key_id=key.id,
            hash=opaque.hashed(token, self._peppers[0]),
            created_at=now,
            expires_at=now + lives * _SECOND,
        )
        api_keys.add_token(tx, made)
        api_keys.used(tx, key.id, now=now)
        facts = {"token": token.id, "key": key.id}
        _tell(tx, Event("api_token:issued", facts), key.user_id, now)
        return Issued(token, lives, SCOPE)

    def _opens(self, token: opaque.Token, stored: str) -> bool:
        opens = [opaque.opens(token, stored, pepper) for pepper in self._peppers]
        return any(opens)

    def verify(self, token: opaque.Token, now: int) -> Program | None:
        """Which program a token stands for at this instant, or None: one statement."""
        found = api_keys.valid(self._database.reader(), token.id)
        if found is None or not self._opens(token, found.token.hash):
            return None
        return found if now < found.token.expires_at else None

    def end(self, token: opaque.Token, now: int) -> bool:
        """End a token its holder gives back; False when it opens nothing."""
        found = self.verify(token, now)
        if found is None:
            return False
        user_id = found.token.user_id

        def work(tx: Transaction) -> bool:
            if not api_keys.end_token(tx, token.id):
                return False
            _tell(tx, Event("api_token:ended", {"token": token.id}), user_id, now)
            return True

        return self._database.write(work)


def _tell(tx: Transaction, event: Event, user_id: int, now: int) -> None:
    actor = Actor.gate("api")
    audit.record(tx, [event], at=now, actor=actor, user_id=user_id)


def _unknown_key() -> Refused:
    return _refused("unknown_key", f"This key is not known here; {_NEW_KEY}")


def _refuse_other_name(user: User, name: str) -> None:
    if folding.username_key(name) != user.username_key:
        text = "The client_id is not the username of the API user this key is of."
        raise _refused("other_client", text)


def _refuse_old(key: ApiKey, now: int) -> None:
    if key.expires_at is not None and now >= key.expires_at - _SECOND:
        raise _refused("key_expired", f"This key has expired; {_NEW_KEY}")


def _refuse_standing(tx: Transaction, user: User) -> None:
    installed, _ = access.api_app_state(tx)
    refusal = may_use_api(standing_of(tx, user), installed=installed)
    if refusal is not None:
        raise _refused_by(refusal)


def _refused_by(refusal: Refusal) -> Refused:
    return _refused(refusal.code, f"{refusal.sentence} ({refusal.rule.id})")


def _refused(reason: str, text: str) -> Refused:
    return Refused("invalid_client", reason, text, status=401)
