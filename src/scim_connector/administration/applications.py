"""Applications that rely on the gate: registered, given secrets, retired by a person."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from scim_connector.administration.errors import NotPossible
from scim_connector.directory import applications, audit, sessions
from scim_connector.directory.applications import Application, ApplicationSecret
from scim_connector.directory.constraints import ConstraintBroken
from scim_connector.rules.events import Event
from scim_connector.tokens import fetching, opaque

if TYPE_CHECKING:
    from scim_connector.accounts import Act
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader, Transaction

#: Names stand in cookies, in addresses and in the configuration of proxies.
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
OWN_PAGES: Final = "account"
KINDS: Final = ("web", "desktop", "api")


def find(reader: Reader, name: str) -> Application:
    """The application of this name; raises NotPossible with the names there are."""
    found = applications.by_name(reader, name)
    if found is None:
        names = ", ".join(a.name for a in applications.every(reader)) or "none yet"
        raise NotPossible(f'There is no application "{name}"; there are: {names}.')
    return found


def add(
    tx: Transaction,
    name: str,
    *,
    kind: str,
    address: str | None,
    redirects: Sequence[str],
    logout_url: str | None,
    act: Act,
) -> Application:
    """Register an application; raises NotPossible."""
    if _NAME.fullmatch(name) is None or name == OWN_PAGES:
        raise NotPossible(
            f'"{name}" cannot be the name of an application: take small letters, digits'
            f' and "-", beginning with a letter, 40 at most; "{OWN_PAGES}" is ours.'
        )
    _refuse_addresses(address, redirects, logout_url)
    made: dict[str, Any] = {
        "name": name,
        "kind": kind,
        "address": address,
        "redirects": tuple(redirects),
        "logout_url": logout_url,
    }
    try:
        with tx.savepoint():
            applications.add(tx, made, now=act.now)
    except ConstraintBroken:
        message = f'There is, or was, an application "{name}"'
        raise NotPossible(f"{message}; choose another name.") from None
    facts = {"application" if key == "name" else key: made[key] for key in made}
    _tell(tx, "application:added", act, **facts)
    return find(tx, name)


def change(
    tx: Transaction,
    application: Application,
    *,
    address: str | None,
    redirects: Sequence[str],
    logout_url: str | None,
    act: Act,
) -> None:
    """Set the addresses of an application; raises NotPossible."""
    _refuse_addresses(address, redirects, logout_url)
    facts: dict[str, Any] = {
        "address": address,
        "redirects": tuple(redirects),
        "logout_url": logout_url,
    }
    applications.change(tx, application.id, **facts)
    _tell(tx, "application:changed", act, application=application.name, **facts)


def _refuse_addresses(
    address: str | None, redirects: Sequence[str], logout_url: str | None
) -> None:
    """Addresses are https, or http on this machine."""
    named = [("The address", address), ("The logout address", logout_url)]
    named += [("A redirect address", each) for each in redirects]
    for what, url in named:
        refusal = None if url is None else fetching.refuse_address(url, what)
        if refusal is not None:
            raise NotPossible(f"{refusal} ({url})")


def retire(tx: Transaction, application: Application, act: Act) -> int:
    """End an application: its secrets and sessions die; returns how many sessions."""
    for secret in applications.secrets(tx, application.id):
        applications.revoke_secret(tx, secret.id, now=act.now)
    ended = sessions.end_of_client(tx, application.name)
    applications.retire(tx, application.id, now=act.now)
    _tell(tx, "application:retired", act, application=application.name, sessions=ended)
    return ended


def create_secret(
    tx: Transaction,
    application: Application,
    *,
    pepper: bytes,
    expires_at: int | None,
    act: Act,
) -> opaque.Token:
    """A further secret of an application, shown once; former ones go on."""
    token = opaque.mint()
    made = ApplicationSecret(
        id=token.id,
        application_id=application.id,
        hash=opaque.hashed(token, pepper),
        created_at=act.now,
        expires_at=expires_at,
        revoked_at=None,
    )
    applications.add_secret(tx, made)
    facts = {"application": application.name, "created": token.id}
    _tell(tx, "application:secret", act, **facts)
    return token


def revoke_secret(
    tx: Transaction, application: Application, secret_id: str, act: Act
) -> None:
    """Revoke a secret at once; raises NotPossible for one that is not its own."""
    held = {secret.id for secret in applications.secrets(tx, application.id)}
    if secret_id not in held:
        names = ", ".join(sorted(held)) or "none"
        message = f"{application.name} has no secret {secret_id}"
        raise NotPossible(f"{message}; there are: {names}.")
    applications.revoke_secret(tx, secret_id, now=act.now)
    facts = {"application": application.name, "revoked": secret_id}
    _tell(tx, "application:secret", act, **facts)


def set_client(
    tx: Transaction,
    application: Application,
    connection: Connection,
    client_id: str | None,
    act: Act,
) -> None:
    """Say which client id the application has at the provider of a connection."""
    applications.set_client(tx, application.id, connection.id, client_id)
    facts = {"connection": connection.name, "client_id": client_id}
    _tell(tx, "application:changed", act, application=application.name, **facts)


def _tell(tx: Transaction, name: str, act: Act, **facts: Any) -> None:
    audit.record(tx, [Event(name, facts)], at=act.now, actor=act.actor)
