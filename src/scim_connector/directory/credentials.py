"""Bearer tokens of connections: only a keyed hash is stored (decision 38)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, insert, select, update

from scim_connector.directory import connections
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import connections as connections_table
from scim_connector.directory.tables import credentials

if TYPE_CHECKING:
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader, Transaction


@dataclass(frozen=True, slots=True)
class Credential:
    """One credential; instants in microseconds UTC, no expiry as None."""

    id: str
    connection_id: int
    kind: str
    hash: str
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    last_used_at: int | None
    parent_id: str | None = None

    def state_at(self, now: int) -> str:
        """How the credential stands: live, expired or revoked."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and now >= self.expires_at:
            return "expired"
        return "live"


DAY = 24 * 3600 * 1_000_000

_NAMES = tuple(Credential.__dataclass_fields__)
_COLUMNS = tuple(credentials.c[name] for name in _NAMES)
_CALLER = Statement(
    select(*_COLUMNS, *connections.COLUMNS)
    .select_from(
        connections.SOURCE.join(
            credentials, credentials.c.connection_id == connections_table.c.id
        )
    )
    .where(credentials.c.id == bindparam("of_id"))
)
_BY_ID = Statement(select(*_COLUMNS).where(credentials.c.id == bindparam("of_id")))
_ALL = Statement(select(*_COLUMNS).order_by(credentials.c.created_at))
_OF_CONNECTION = Statement(
    select(*_COLUMNS)
    .where(
        credentials.c.connection_id == bindparam("of_connection"),
        credentials.c.kind != "access",
    )
    .order_by(credentials.c.created_at)
)
_ADD = Statement(insert(credentials), _NAMES)
_REVOKE = Statement(
    update(credentials)
    .where(credentials.c.id == bindparam("of_id"), credentials.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("at"))
)
_REVOKE_CHILDREN = Statement(
    update(credentials)
    .where(
        credentials.c.parent_id == bindparam("of_id"),
        credentials.c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("at"))
)
_ENDED = (
    credentials.c.kind == "access",
    credentials.c.expires_at < bindparam("until"),
)
_HAS_ENDED = Statement(select(credentials.c.id).where(*_ENDED).limit(1))
_FORGET = Statement(delete(credentials).where(*_ENDED))
_REVOKE_ALL = Statement(
    update(credentials)
    .where(
        credentials.c.connection_id == bindparam("of_connection"),
        credentials.c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("at"))
)
_EXTEND = Statement(
    update(credentials)
    .where(credentials.c.id == bindparam("of_id"))
    .values(expires_at=bindparam("at"))
)
_TOUCH = Statement(
    update(credentials)
    .where(credentials.c.id == bindparam("of_id"))
    .values(last_used_at=bindparam("at"))
)


def caller(reader: Reader, credential_id: str) -> tuple[Credential, Connection] | None:
    """The credential of this public id and its connection: one statement."""
    row = reader.row(_CALLER, of_id=credential_id)
    if row is None:
        return None
    cut = len(_NAMES)
    return Credential(*row[:cut]), connections.of_row(row[cut:])


def by_id(reader: Reader, credential_id: str) -> Credential | None:
    """The credential of this public id."""
    row = reader.row(_BY_ID, of_id=credential_id)
    return None if row is None else Credential(*row)


def every(reader: Reader) -> list[Credential]:
    """All credentials, the oldest first."""
    return [Credential(*row) for row in reader.rows(_ALL)]


def of_connection(reader: Reader, connection_id: int) -> list[Credential]:
    """What opens a connection, access tokens left out, the oldest first."""
    rows = reader.rows(_OF_CONNECTION, of_connection=connection_id)
    return [Credential(*row) for row in rows]


def add(
    tx: Transaction,
    credential_id: str,
    *,
    connection_id: int,
    hashed: str,
    now: int,
    expires_at: int | None,
    kind: str = "bearer",
    parent_id: str | None = None,
) -> None:
    """Insert a credential by its hash; one of kind "trust" opens nothing by itself."""
    tx.run(
        _ADD,
        id=credential_id,
        connection_id=connection_id,
        kind=kind,
        parent_id=parent_id,
        hash=hashed,
        created_at=now,
        expires_at=expires_at,
        revoked_at=None,
        last_used_at=None,
    )


def revoke(tx: Transaction, credential_id: str, *, now: int) -> bool:
    """Revoke a credential and what was issued for it; False when it was already."""
    tx.run(_REVOKE_CHILDREN, of_id=credential_id, at=now)
    return tx.run(_REVOKE, of_id=credential_id, at=now) == 1


def has_ended(reader: Reader, *, now: int) -> bool:
    """Whether an access token ended more than a day ago."""
    return reader.row(_HAS_ENDED, until=now - DAY) is not None


def forget_ended(tx: Transaction, *, now: int) -> None:
    """Forget the access tokens that ended more than a day ago."""
    tx.run(_FORGET, until=now - DAY)


def revoke_all(tx: Transaction, connection_id: int, *, now: int) -> int:
    """Revoke every credential of a connection; returns how many were live."""
    return tx.run(_REVOKE_ALL, of_connection=connection_id, at=now)


def extend(tx: Transaction, credential_id: str, expires_at: int | None) -> None:
    """Move the expiry of a credential."""
    tx.run(_EXTEND, of_id=credential_id, at=expires_at)


def touch(tx: Transaction, used: Mapping[str, int]) -> None:
    """Remember when credentials were last used, in one batch."""
    rows = [{"of_id": id_, "at": at} for id_, at in sorted(used.items())]
    tx.run_each(_TOUCH, rows)  # in one order, so that two batches do not deadlock
