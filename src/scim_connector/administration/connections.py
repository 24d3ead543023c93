"""Connections and their tokens: made, changed, paused, retired by a person."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from scim_connector.accounts import Account, Act
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import (
    audit,
    connections,
    credentials,
    links,
    mapping_versions,
    rehearsed,
)
from scim_connector.directory.constraints import ConstraintBroken
from scim_connector.mapping import language
from scim_connector.rules.events import Event
from scim_connector.rules.permissions import may_lead_to_administrator
from scim_connector.scim.dialects import QUIRKS, Dialect
from scim_connector.tokens import opaque

if TYPE_CHECKING:
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader, Transaction

BATCH = 500


def find(reader: Reader, name: str) -> Connection:
    """The connection of this name; raises NotPossible with the names there are."""
    found = connections.by_name(reader, name)
    if found is None:
        names = ", ".join(c.name for c in connections.every(reader)) or "none yet"
        raise NotPossible(f'There is no connection "{name}"; there are: {names}.')
    return found


def add(
    tx: Transaction,
    name: str,
    *,
    kind: str,
    mapping_text: str,
    mapping_name: str,
    settings: Mapping[str, Any],
    act: Act,
) -> Connection:
    """Make a connection with its first mapping; raises NotPossible, MappingError."""
    _refuse_to_lead(settings, act)
    language.load(mapping_text, mapping_name)
    if not name.strip():
        raise NotPossible("A connection needs a name.")
    try:
        with tx.savepoint():
            connection_id = connections.add(
                tx, name.strip(), kind=kind, now=act.now, **settings
            )
    except ConstraintBroken:
        message = f'There is a connection "{name}" already'
        raise NotPossible(f"{message}; choose another name.") from None
    mapping_versions.apply(
        tx,
        connection_id,
        text=mapping_text,
        file_name=mapping_name,
        by=str(act.actor),
        now=act.now,
    )
    facts = {"connection": name, "kind": kind, **settings}
    tell(tx, "connection:added", connection_id, act, **facts)
    return connections.required(tx, connection_id)


def change(
    tx: Transaction, connection: Connection, changes: Mapping[str, Any], act: Act
) -> Connection:
    """Change settings of a connection; what is the same already is no change."""
    moved = {n: v for n, v in changes.items() if getattr(connection, n) != v}
    _refuse_to_lead(moved, act)
    if moved:
        connections.change(tx, connection.id, moved)
        tell(tx, "connection:changed", connection.id, act, **moved)
    return connections.required(tx, connection.id)


def _refuse_to_lead(settings: Mapping[str, Any], act: Act) -> None:
    if settings.get("may_act_as_administrator"):
        what = "Letting a connection act as an Administrator"
        may_lead_to_administrator(act.actor, what)


def guard_credential(connection: Connection, act: Act) -> None:
    """Refuse who is no Administrator a credential of a connection that may act as one.

    Raises RulesViolated (R35).
    """
    if connection.may_act_as_administrator:
        what = f"{connection.name} may act as an Administrator; a credential of it"
        may_lead_to_administrator(act.actor, what)


def switched_off(names: Collection[str]) -> tuple[str, ...]:
    """The habits of providers that are refused, in the order of their table.

    Raises NotPossible for one that there is not, or that cannot be refused.
    """
    try:
        Dialect("generic", frozenset(names))
    except ValueError as error:
        raise NotPossible(str(error)) from None
    return tuple(row.name for row in QUIRKS if row.name in names)


def pause(tx: Transaction, connection: Connection, act: Act) -> None:
    """Serve reads and deactivations only until the connection is resumed (D13)."""
    _move(tx, connection, "paused", "connection:paused", act)


def resume(tx: Transaction, connection: Connection, act: Act) -> None:
    """Serve everything again."""
    _move(tx, connection, "live", "connection:resumed", act)


def _move(
    tx: Transaction, connection: Connection, state: str, event: str, act: Act
) -> None:
    if connection.state == "retired":
        message = f"Connection {connection.name} is retired"
        raise NotPossible(f"{message}; add a new one that takes it over.")
    if connection.is_rehearsing:
        message = f"Connection {connection.name} is rehearsing: it carries nothing out"
        raise NotPossible(f"{message}, so there is nothing to pause or resume.")
    if connection.state != state:
        connections.change(tx, connection.id, {"state": state})
        tell(tx, event, connection.id, act)


def people(reader: Reader, connection: Connection) -> int:
    """How many active users a connection manages; nobody while it is rehearsing."""
    return rehearsed.count_managed(reader, connection.id)


def confirm(connection: Connection, name: str, *, to: str = "retire it") -> None:
    """Refuse what cannot be undone where the *name* was not given (NotPossible)."""
    if name.strip() != connection.name:
        message = f"Type the name of the connection, {connection.name}"
        raise NotPossible(f"{message}, to {to}.")


def retire(
    tx: Transaction, connection: Connection, act: Act, *, deactivate: bool = False
) -> int:
    """End a connection; its credentials die first, so nothing it sends counts (D13).

    Users stay active and become unmanaged, unless *deactivate*; returns how many were
    deactivated.
    """
    credentials.revoke_all(tx, connection.id, now=act.now)
    connections.change(tx, connection.id, {"state": "retired"})
    ended = 0
    for link in _links(tx, connection) if deactivate else ():
        if link.user_id is None:
            continue
        account = Account.open(tx, link.local_user_id, act)
        if account.user.active:
            account.deactivate(hold=True)
            account.save()
            ended += 1
    tell(tx, "connection:retired", connection.id, act, deactivated=ended)
    return ended


def _links(reader: Reader, connection: Connection) -> list[links.Link]:
    found: list[links.Link] = []
    after = 0
    while batch := links.batch(reader, connection.id, after=after, at_most=BATCH):
        found += batch
        after = batch[-1].seq
    return found


# --------------------------------------------------------------------------- tokens


def create_token(
    tx: Transaction,
    connection: Connection,
    *,
    pepper: bytes,
    expires_at: int | None,
    act: Act,
    kind: Literal["bearer", "reader", "secret"] = "bearer",
) -> opaque.Token:
    """A new credential; it is shown once and stored only as a hash.

    A "bearer" is a provider's token; a "reader" an application's, which reads all
    active people and changes nothing (decision 38); a "secret" is exchanged for access
    tokens at the token endpoint.
    """
    if connection.state == "retired":
        message = f"Connection {connection.name} is retired"
        raise NotPossible(f"{message}; a token would open nothing.")
    if kind != "reader":
        guard_credential(connection, act)
    token = opaque.mint()
    credentials.add(
        tx,
        token.id,
        connection_id=connection.id,
        hashed=opaque.hashed(token, pepper),
        now=act.now,
        expires_at=expires_at,
        kind=kind,
    )
    facts = {"token": token.id, "kind": kind, "expires": expires_at}
    tell(tx, "token:created", connection.id, act, **facts)
    return token


def find_token(reader: Reader, token_id: str) -> credentials.Credential:
    """The credential of this id, or of a token pasted whole; raises NotPossible."""
    pasted = opaque.parse(token_id)
    found = credentials.by_id(reader, pasted.id if pasted else token_id)
    if found is None:
        message = "There is no token of this id; look at those of its connection."
        raise NotPossible(message, "token list")
    return found


def revoke_token(tx: Transaction, token: credentials.Credential, act: Act) -> bool:
    """Revoke a token at once; False when it was revoked already."""
    done = credentials.revoke(tx, token.id, now=act.now)
    if done:
        tell(tx, "token:revoked", token.connection_id, act, token=token.id)
    return done


def extend_token(
    tx: Transaction, token: credentials.Credential, expires_at: int | None, act: Act
) -> None:
    """Move the expiry of a token; raises NotPossible for a revoked one."""
    if token.revoked_at is not None:
        raise NotPossible("A revoked token stays revoked; create a new one.")
    credentials.extend(tx, token.id, expires_at)
    facts = {"token": token.id, "expires": expires_at}
    tell(tx, "token:extended", token.connection_id, act, **facts)


def tell(
    tx: Transaction, event: str, connection_id: int, act: Act, **facts: Any
) -> None:
    """Write an event about a connection to audit."""
    audit.record(
        tx,
        [Event(event, facts)],
        at=act.now,
        actor=act.actor,
        connection_id=connection_id,
    )


# ------------------------------------------------------------------------ the address


def address_warnings(base_url: str) -> list[str]:
    """What Entra ID and Okta will not like about the public address, in sentences."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    found = []
    if parts.scheme != "https":
        found.append("Entra ID and Okta need https; see docs/https.md.")
    if "_" in host:
        found.append("Okta refuses a host name with an underscore; see docs/https.md.")
    if _is_private(host):
        found.append(
            f"{host} cannot be reached from the internet, where Entra ID and Okta are;"
            " see docs/https.md."
        )
    return found


def _is_private(host: str) -> bool:
    if host == "localhost" or host.endswith((".local", ".internal")):
        return True
    try:
        return not ip_address(host).is_global
    except ValueError:
        return False
