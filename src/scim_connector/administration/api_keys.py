"""Keys of API users: made and revoked by a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scim_connector.administration.errors import NotPossible
from scim_connector.directory import api_keys, audit, roles, users
from scim_connector.directory.api_keys import ApiKey
from scim_connector.rules.events import Event
from scim_connector.rules.permissions import ALL, may_hand_on
from scim_connector.tokens import opaque

if TYPE_CHECKING:
    from collections.abc import Collection

    from scim_connector.accounts import Act
    from scim_connector.directory.database import Reader, Transaction
    from scim_connector.directory.users import User

#: More at once than anybody rotates.
MOST = 10


def find_user(reader: Reader, user_id: int) -> User:
    """The API user of this number; raises NotPossible."""
    found = users.by_id(reader, user_id)
    if found is None or not found.is_api_user:
        raise NotPossible("There is no such API user.")
    return found


def create(
    tx: Transaction,
    user: User,
    name: str,
    *,
    pepper: bytes,
    expires_at: int | None,
    act: Act,
    own: Collection[str] = ALL,
) -> opaque.Token:
    """A further key of an API user, shown once; raises NotPossible.

    Who has the key may do what the user may, so nobody makes one that allows more than
    their *own* permissions do (R33).
    """
    if not user.is_api_user:
        message = f"{user.username} is a person and signs in"
        raise NotPossible(f"{message}; keys are for API users alone.")
    if not user.active:
        raise NotPossible(f"{user.username} is inactive; reactivate it first.")
    carried = roles.permissions_of(tx, user.id)
    may_hand_on(carried, own, f"A key of {user.username}")
    if len(api_keys.of_user(tx, user.id)) >= MOST:
        message = f"{user.username} has {MOST} keys; revoke one first."
        raise NotPossible(message, f"api-key list {user.username}")
    token = opaque.mint()
    made = ApiKey(
        id=token.id,
        user_id=user.id,
        name=name,
        hash=opaque.hashed(token, pepper),
        created_at=act.now,
        expires_at=expires_at,
        last_used_at=None,
    )
    api_keys.add(tx, made)
    facts = {"key": token.id, "name": name, "expires": expires_at}
    _tell(tx, Event("api_key:created", facts), user.id, act)
    return token


def revoke(tx: Transaction, key_id: str, act: Act) -> ApiKey:
    """Revoke a key and its tokens at once; raises NotPossible for an unknown one."""
    found = api_keys.by_id(tx, key_id)
    if found is None:
        message = f"There is no key {key_id}; look at the keys of its user."
        raise NotPossible(message, "api-key list USERNAME")
    api_keys.revoke(tx, key_id)
    facts = {"key": key_id, "name": found.name}
    _tell(tx, Event("api_key:revoked", facts), found.user_id, act)
    return found


def revoke_of(tx: Transaction, user: User, key_id: str, act: Act) -> ApiKey:
    """Revoke a key of this very user; another's is as unknown as none."""
    if key_id not in {each.id for each in api_keys.of_user(tx, user.id)}:
        raise NotPossible(f"There is no key {key_id} of this API user.")
    return revoke(tx, key_id, act)


def _tell(tx: Transaction, event: Event, user_id: int, act: Act) -> None:
    audit.record(tx, [event], at=act.now, actor=act.actor, user_id=user_id)
