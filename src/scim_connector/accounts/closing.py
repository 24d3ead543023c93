"""What follows when somebody's access ends: a receipt, and calls to applications."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from scim_connector.directory import outbox, receipts

if TYPE_CHECKING:
    from scim_connector.accounts.acts import Act
    from scim_connector.directory.database import Transaction
    from scim_connector.directory.users import User
    from scim_connector.rules.lifecycle import CutOff


def subject_of(user_id: int) -> str:
    """How applications know a user: a name that never changes."""
    return str(user_id)


def write_receipt(tx: Transaction, user: User, ended: CutOff, act: Act) -> int:
    """Keep what a deactivation ended, and when; returns the id of the receipt."""
    controls = {
        "sessions": dict(ended.at),
        "api_tokens": ended.api_tokens,
        "api_keys": ended.api_keys,
        "password_links": ended.resets,
        "api_app": ended.api_app,
    }
    made = {
        "user_id": user.id,
        "username": user.username,
        "asked_at": act.asked_at,
        "cut_at": act.reached(),
        "actor": str(act.actor),
        "connection_id": act.connection_id,
        "request_id": act.request_id,
        "controls": controls,
    }
    return receipts.add(tx, made)


def tell_applications(
    tx: Transaction,
    user: User,
    names: Iterable[str],
    act: Act,
    *,
    receipt: int | None = None,
    session_id: str | None = None,
) -> None:
    """Queue a logout call to each application: of one session, or of all of a user."""
    for name in names:
        payload = {"application": name, "sub": subject_of(user.id), "sid": session_id}
        outbox.add(
            tx,
            outbox.CALL,
            payload,
            user_id=user.id,
            now=act.now,
            receipt_id=receipt,
            request_id=act.request_id,
        )
