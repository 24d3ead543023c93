"""A new user from a person's hand: added, and an API user given its first key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scim_connector.administration import api_keys, users
from scim_connector.directory import access

if TYPE_CHECKING:
    from collections.abc import Collection

    from scim_connector.accounts import Act
    from scim_connector.administration.users import NewUser
    from scim_connector.directory.database import Transaction
    from scim_connector.directory.users import User
    from scim_connector.tokens.opaque import Token

_KEY_LIVES: Final = 365 * 24 * 3600 * 1_000_000


def add(
    tx: Transaction, new: NewUser, act: Act, *, own: Collection[str], pepper: bytes
) -> tuple[User, Token | None]:
    """Create a user as ``users.add`` does, with its key if it can use one already.

    An API user can while the API App is installed; the key is shown once.
    """
    made = users.add(tx, new, act, own=own)
    if not made.is_api_user or not access.api_app_state(tx)[0]:
        return made, None
    expires_at = act.now + _KEY_LIVES
    key = api_keys.create(
        tx, made, "first", pepper=pepper, expires_at=expires_at, act=act
    )
    return made, key
