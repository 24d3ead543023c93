"""The API App: installed, and configured with the API user that acts for it (R14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scim_connector.administration import users as doors
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import access, api_keys, audit, links, users
from scim_connector.rules.events import Event

if TYPE_CHECKING:
    from collections.abc import Collection

    from scim_connector.accounts import Act
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader, Transaction


def install(tx: Transaction, act: Act) -> None:
    """Mark the app as installed; doing it again changes nothing."""
    if not access.api_app_state(tx)[0]:
        access.install_api_app(tx)
        _tell(tx, Event("api_app:installed"), act)


def uninstall(tx: Transaction, act: Act) -> None:
    """Mark the app as gone: it acts as nobody, every API token ends, keys wait."""
    if access.uninstall_api_app(tx):
        _tell(tx, Event("api_app:uninstalled"), act)


def leaving(reader: Reader) -> str:
    """What ends when the app is uninstalled, in a sentence without its point."""
    _, user_id = access.api_app_state(reader)
    name = "" if user_id is None else users.required(reader, user_id).username
    acting = f"the API App acts as {name} no more, " if name else ""
    return f"Every API token ends, {acting}and no key opens anything until it is back"


def configure(tx: Transaction, username: str, act: Act) -> None:
    """Give the app its user; raises NotPossible unless that is an active API user."""
    if not access.api_app_state(tx)[0]:
        message = "The API App is not installed; install it first."
        raise NotPossible(message, "api-app install")
    user = doors.find(tx, username)
    if not user.is_api_user:
        raise NotPossible(
            f"{user.username} is a person; the API App needs an API user."
        )
    if not user.active:
        raise NotPossible(f"{user.username} is inactive; reactivate it first.")
    access.configure_api_app(tx, user.id, now=act.now)
    _tell(tx, Event("api_app:configured", {"user": user.username}), act, user.id)


def consequence(reader: Reader, user_ids: Collection[int]) -> str:
    """What the app loses when these users become inactive; empty for nothing."""
    _, user_id = access.api_app_state(reader)
    if user_id is None or user_id not in user_ids:
        return ""
    name = users.required(reader, user_id).username
    keys = len(api_keys.of_user(reader, user_id))
    dying = f" ({keys} {'key dies' if keys == 1 else 'keys die'})" if keys else ""
    return f"The API App acts as {name}; then it acts as nobody{dying}"


def consequence_of(reader: Reader, connection: Connection) -> str:
    """What the app loses when everybody of a connection becomes inactive."""
    _, user_id = access.api_app_state(reader)
    link = None if user_id is None else links.of_user(reader, user_id)
    if link is None or link.connection_id != connection.id:
        return ""
    return consequence(reader, {link.local_user_id})


def _tell(tx: Transaction, event: Event, act: Act, user_id: int | None = None) -> None:
    audit.record(tx, [event], at=act.now, actor=act.actor, user_id=user_id)
