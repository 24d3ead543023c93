"""Everything that lets a user in, and its end (decision 26).

The composite keys refuse these rows for users they must not belong to; deactivation has
to delete them before it sets the user inactive, or the database refuses it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, insert, select, update

from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import (
    api_app,
    api_keys,
    api_tokens,
    password_resets,
    sessions,
    sso_identities,
)
from scim_connector.rules.lifecycle import CutOff

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction

_END_SESSIONS = Statement(
    delete(sessions)
    .where(sessions.c.user_id == bindparam("of_user"))
    .returning(sessions.c.client)
)
_END_OTHER_SESSIONS = Statement(
    delete(sessions)
    .where(
        sessions.c.user_id == bindparam("of_user"),
        sessions.c.id != bindparam("but"),
    )
    .returning(sessions.c.client)
)
_VOID_RESETS = Statement(
    delete(password_resets).where(password_resets.c.user_id == bindparam("of_user"))
)
_REVOKE_TOKENS = Statement(
    delete(api_tokens).where(api_tokens.c.user_id == bindparam("of_user"))
)
_REVOKE_KEYS = Statement(
    delete(api_keys).where(api_keys.c.user_id == bindparam("of_user"))
)
_LEAVE_APP = Statement(
    update(api_app)
    .where(api_app.c.user_id == bindparam("of_user"))
    .values(user_id=None, user_is_api=None, user_active=None)
)
_RELEASE_SSO = Statement(
    delete(sso_identities).where(sso_identities.c.user_id == bindparam("of_user"))
)
_APP = Statement(select(api_app.c.installed, api_app.c.user_id))
_INSTALL_NEW = Statement(insert(api_app), ("id", "installed"))
_INSTALL = Statement(update(api_app).values(installed=True))
_CONFIGURE = Statement(
    update(api_app).values(
        user_id=bindparam("new_user"),
        user_is_api=True,
        user_active=True,
        configured_at=bindparam("at"),
    )
)


def end_everything(tx: Transaction, user_id: int) -> CutOff:
    """End sessions, links, keys, tokens and API App use; returns what there was."""
    ended = end_sessions(tx, user_id)
    return CutOff(
        sessions=ended.total(),
        resets=tx.run(_VOID_RESETS, of_user=user_id),
        api_tokens=tx.run(_REVOKE_TOKENS, of_user=user_id),
        api_keys=tx.run(_REVOKE_KEYS, of_user=user_id),
        api_app=tx.run(_LEAVE_APP, of_user=user_id) > 0,
        at=dict(ended),
    )


def end_sessions(
    tx: Transaction, user_id: int, *, but: str | None = None
) -> Counter[str]:
    """End every session of a user, save one; returns how many at each application."""
    if but is None:
        rows = tx.rows(_END_SESSIONS, of_user=user_id)
    else:
        rows = tx.rows(_END_OTHER_SESSIONS, of_user=user_id, but=but)
    return Counter(row[0] for row in rows)


def release_sso(tx: Transaction, user_id: int) -> int:
    """Release the sign-in identities of a user; returns how many there were."""
    return tx.run(_RELEASE_SSO, of_user=user_id)


def api_app_state(reader: Reader) -> tuple[bool, int | None]:
    """Whether the API App is installed, and the id of its user."""
    row = reader.row(_APP)
    return (False, None) if row is None else (bool(row[0]), row[1])


def install_api_app(tx: Transaction) -> None:
    """Mark the API App as installed."""
    if not tx.run(_INSTALL):
        tx.run(_INSTALL_NEW, id=1, installed=True)


def configure_api_app(tx: Transaction, user_id: int, *, now: int) -> None:
    """Give the API App its user; the keys refuse all but an active API user."""
    tx.run(_CONFIGURE, new_user=user_id, at=now)
