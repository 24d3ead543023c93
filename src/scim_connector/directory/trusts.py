"""The rows of ``oauth_trusts``: whose assertions open a connection, and which were used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson
from sqlalchemy import bindparam, delete, insert, select

from scim_connector.directory import connections
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import connections as connections_table
from scim_connector.directory.tables import (
    credentials,
    oauth_trusts,
    used_assertions,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader, Transaction


@dataclass(frozen=True, slots=True)
class Trust:
    """One trust; its id is that of a credential of kind "trust".

    *is_direct* is true for Entra's own token, which is sent as the bearer token itself.
    """

    id: str
    issuer: str
    jwks_url: str
    subject: str | None
    audiences: tuple[str, ...]
    tenant: str | None
    algorithm: str
    is_direct: bool


_NAMES = tuple(Trust.__dataclass_fields__)
_COLUMNS = tuple(oauth_trusts.c[name] for name in _NAMES)
_AUDIENCES, _DIRECT = _NAMES.index("audiences"), _NAMES.index("is_direct")
_LIVE = Statement(
    select(*_COLUMNS, *connections.COLUMNS)
    .select_from(
        connections.SOURCE.join(
            credentials, credentials.c.connection_id == connections_table.c.id
        ).join(oauth_trusts, oauth_trusts.c.id == credentials.c.id)
    )
    .where(
        oauth_trusts.c.issuer == bindparam("of_issuer"),
        credentials.c.revoked_at.is_(None),
    )
    .order_by(credentials.c.created_at)
)
_OF_CONNECTION = Statement(
    select(*_COLUMNS)
    .join(credentials, credentials.c.id == oauth_trusts.c.id)
    .where(
        credentials.c.connection_id == bindparam("of_connection"),
        credentials.c.revoked_at.is_(None),
    )
    .order_by(credentials.c.created_at)
)
_ADD = Statement(insert(oauth_trusts), _NAMES)
_USE = Statement(insert(used_assertions), ("digest", "expires_at"))
_IS_USED = Statement(
    select(used_assertions.c.digest).where(
        used_assertions.c.digest == bindparam("of_digest")
    )
)
_ENDED = used_assertions.c.expires_at < bindparam("until")
_FORGET = Statement(delete(used_assertions).where(_ENDED))
_HAS_ENDED = Statement(select(used_assertions.c.expires_at).where(_ENDED).limit(1))


def _trust(row: Sequence[Any]) -> Trust:
    values = list(row)
    values[_AUDIENCES] = tuple(orjson.loads(values[_AUDIENCES]))
    values[_DIRECT] = bool(values[_DIRECT])
    return Trust(*values)


def of_issuer(reader: Reader, issuer: str) -> list[tuple[Trust, Connection]]:
    """The live trusts in an issuer, each with its connection."""
    cut = len(_NAMES)
    return [
        (_trust(row[:cut]), connections.of_row(row[cut:]))
        for row in reader.rows(_LIVE, of_issuer=issuer)
    ]


def of_connection(reader: Reader, connection_id: int) -> list[Trust]:
    """The live trusts of a connection."""
    return [
        _trust(row) for row in reader.rows(_OF_CONNECTION, of_connection=connection_id)
    ]


def add(tx: Transaction, trust: Trust) -> None:
    """Insert a trust beside its credential."""
    values = {name: getattr(trust, name) for name in _NAMES}
    values["audiences"] = orjson.dumps(list(trust.audiences)).decode()
    tx.run(_ADD, **values)


def is_used(reader: Reader, digest: str) -> bool:
    """Whether an assertion was used before."""
    return reader.row(_IS_USED, of_digest=digest) is not None


def use(tx: Transaction, digest: str, *, expires_at: int) -> None:
    """Remember an assertion until it ends; ConstraintBroken when it was used before.

    Ask :func:`is_used` first: this refusal may be that of a race, and is tried again.
    """
    tx.run(_USE, digest=digest, expires_at=expires_at)


def has_ended(reader: Reader, *, now: int) -> bool:
    """Whether an assertion that was used could not be used any more anyway."""
    return reader.row(_HAS_ENDED, until=now) is not None


def forget_ended(tx: Transaction, *, now: int) -> None:
    """Forget the assertions that have ended."""
    tx.run(_FORGET, until=now)
