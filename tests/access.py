"""Rows of what lets somebody in, put into the tables without asking any rule."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert

from scim_connector.directory.database import Transaction
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import (
    api_keys,
    api_tokens,
    password_resets,
    sessions,
)
from scim_connector.directory.users import User

FAR = 10**16


def put(tx: Transaction, table: Any, **values: Any) -> None:
    """Insert one row of whatever columns are named."""
    tx.run(Statement(insert(table), tuple(values)), **values)


def _of(user: User, **values: Any) -> dict[str, Any]:
    acting = {"user_id": user.id, "user_is_api": user.is_api_user}
    return {**acting, "user_active": user.active, **values}


def session(user: User, name: str = "s", **more: Any) -> dict[str, Any]:
    """A session at an application."""
    row = _of(user, id=name, client="nextgen", hash=name, epoch=user.epoch)
    row |= {"method": "sso", "network": "192.0.2.1", "agent": "", "created_at": 1}
    return {**row, "seen_at": 1, "expires_at": FAR, **more}


def reset(user: User, name: str = "r", **more: Any) -> dict[str, Any]:
    """A mailed link."""
    row = _of(user, id=name, hash=name, reason="created", issued_at=1)
    return {**row, "expires_at": FAR, **more}


def key(user: User, name: str = "k", **more: Any) -> dict[str, Any]:
    """A key of an API user."""
    return _of(user, id=name, name=name, hash=name, created_at=1, **more)


def token(user: User, name: str = "t", **more: Any) -> dict[str, Any]:
    """A token that the key "k" was exchanged for."""
    row = _of(user, id=name, key_id="k", hash=name, created_at=1, expires_at=FAR)
    return {**row, **more}


def let_in(tx: Transaction, user: User) -> None:
    """Give a user all of it: a person sessions and a link, a program key and token."""
    if user.is_api_user:
        put(tx, api_keys, **key(user))
        put(tx, api_tokens, **token(user))
        return
    for client in ("nextgen", "classic"):
        put(tx, sessions, **session(user, client, client=client))
    put(tx, password_resets, **reset(user))
