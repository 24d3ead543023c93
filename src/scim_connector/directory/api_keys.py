"""Keys of API users, and the tokens they are exchanged for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from sqlalchemy import and_, bindparam, delete, insert, select, true, update

from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import api_app, api_keys, api_tokens, users

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key; instants in microseconds UTC, no expiry as None."""

    id: str
    user_id: int
    name: str
    hash: str
    created_at: int
    expires_at: int | None
    last_used_at: int | None

    def state_at(self, now: int) -> str:
        """How the key stands: live or expired; a revoked one is gone."""
        expired = self.expires_at is not None and now >= self.expires_at
        return "expired" if expired else "live"


@dataclass(frozen=True, slots=True)
class ApiToken:
    """One token that a key was exchanged for; dies with the key and with the user."""

    id: str
    user_id: int
    key_id: str
    hash: str
    created_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class Program:
    """A token whose user may use it at this instant, and who that is."""

    token: ApiToken
    key_name: str
    username: str
    email: str


_KEY = tuple(field.name for field in fields(ApiKey))
_TOKEN = tuple(field.name for field in fields(ApiToken))
_KEYS = tuple(api_keys.c[name] for name in _KEY)
_TOKENS = tuple(api_tokens.c[name] for name in _TOKEN)
_ACTING = ("user_is_api", "user_active")
_BY_ID = Statement(select(*_KEYS).where(api_keys.c.id == bindparam("of_id")))
_OF_USER = Statement(
    select(*_KEYS)
    .where(api_keys.c.user_id == bindparam("of_user"))
    .order_by(api_keys.c.created_at)
)
#: The API App must be installed, the key must stand, the user must be active.
_VALID = Statement(
    select(*_TOKENS, api_keys.c.name, users.c.username, users.c.email)
    .select_from(
        api_tokens.join(api_keys, api_keys.c.id == api_tokens.c.key_id)
        .join(
            users,
            and_(users.c.id == api_tokens.c.user_id, users.c.active),
        )
        .join(api_app, true())
    )
    .where(
        api_tokens.c.id == bindparam("of_id"), api_app.c.installed, users.c.is_api_user
    )
)
_ADD_KEY = Statement(insert(api_keys), (*_KEY, *_ACTING))
_ADD_TOKEN = Statement(insert(api_tokens), (*_TOKEN, *_ACTING))
_USED = Statement(
    update(api_keys)
    .where(api_keys.c.id == bindparam("of_id"))
    .values(last_used_at=bindparam("at"))
)
_DROP_TOKENS = Statement(
    delete(api_tokens).where(api_tokens.c.key_id == bindparam("of_id"))
)
_DROP_KEY = Statement(delete(api_keys).where(api_keys.c.id == bindparam("of_id")))
_END_TOKEN = Statement(delete(api_tokens).where(api_tokens.c.id == bindparam("of_id")))
_ENDED = api_tokens.c.expires_at <= bindparam("at")
_HAS_ENDED = Statement(select(api_tokens.c.id).where(_ENDED).limit(1))
_FORGET = Statement(delete(api_tokens).where(_ENDED))
_OF_AN_API_USER: Mapping[str, bool] = {"user_is_api": True, "user_active": True}


def by_id(reader: Reader, key_id: str) -> ApiKey | None:
    """The key of this public id."""
    row = reader.row(_BY_ID, of_id=key_id)
    return None if row is None else ApiKey(*row)


def of_user(reader: Reader, user_id: int) -> list[ApiKey]:
    """The keys of an API user, the oldest first."""
    return [ApiKey(*row) for row in reader.rows(_OF_USER, of_user=user_id)]


def add(tx: Transaction, key: ApiKey) -> None:
    """Insert a key; the keys of the database refuse all but an active API user's."""
    values = {name: getattr(key, name) for name in _KEY}
    tx.run(_ADD_KEY, **values, **_OF_AN_API_USER)


def revoke(tx: Transaction, key_id: str) -> bool:
    """Delete a key and the tokens it was exchanged for; False when it was gone."""
    tx.run(_DROP_TOKENS, of_id=key_id)
    return tx.run(_DROP_KEY, of_id=key_id) == 1


def used(tx: Transaction, key_id: str, *, now: int) -> None:
    """Remember when a key was last used."""
    tx.run(_USED, of_id=key_id, at=now)


def add_token(tx: Transaction, token: ApiToken) -> None:
    """Insert a token."""
    values = {name: getattr(token, name) for name in _TOKEN}
    tx.run(_ADD_TOKEN, **values, **_OF_AN_API_USER)


def valid(reader: Reader, token_id: str) -> Program | None:
    """The token of this id, if its user may use it now: one statement.

    Expiry and the secret are the caller's to check.
    """
    row = reader.row(_VALID, of_id=token_id)
    if row is None:
        return None
    cut = len(_TOKEN)
    return Program(ApiToken(*row[:cut]), *row[cut:])


def end_token(tx: Transaction, token_id: str) -> bool:
    """End one token; False when it had ended."""
    return tx.run(_END_TOKEN, of_id=token_id) == 1


def has_ended(reader: Reader, *, now: int) -> bool:
    """Whether a token has ended by its age."""
    return reader.row(_HAS_ENDED, at=now) is not None


def forget_ended(tx: Transaction, *, now: int) -> None:
    """Delete the tokens that have ended by their age."""
    tx.run(_FORGET, at=now)
