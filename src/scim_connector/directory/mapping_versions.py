"""Applied mappings: numbered per connection, never changed afterwards (decision 17)."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, insert, select

from scim_connector.directory import connections
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import connections as connections_table
from scim_connector.directory.tables import mapping_versions

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction


@dataclass(frozen=True, slots=True)
class MappingVersion:
    """One applied mapping: its text, its hash, when (microseconds UTC) and by whom."""

    id: int
    connection_id: int
    number: int
    file_name: str
    text: str
    sha256: str
    applied_at: int
    applied_by: str


_COLUMNS = tuple(mapping_versions.c[n] for n in MappingVersion.__dataclass_fields__)
_APPLIED = Statement(
    select(*_COLUMNS).where(
        mapping_versions.c.id
        == select(connections_table.c.mapping_id)
        .where(connections_table.c.id == bindparam("of_connection"))
        .scalar_subquery()
    )
)
_ALL = Statement(
    select(*_COLUMNS)
    .where(mapping_versions.c.connection_id == bindparam("of_connection"))
    .order_by(mapping_versions.c.number)
)
_LAST = Statement(
    select(func.coalesce(func.max(mapping_versions.c.number), 0)).where(
        mapping_versions.c.connection_id == bindparam("of_connection")
    )
)
_ADD = Statement(
    insert(mapping_versions).returning(mapping_versions.c.id),
    tuple(n for n in MappingVersion.__dataclass_fields__ if n != "id"),
)


def applied(reader: Reader, connection_id: int) -> MappingVersion | None:
    """The version a connection works with now."""
    row = reader.row(_APPLIED, of_connection=connection_id)
    return None if row is None else MappingVersion(*row)


def every(reader: Reader, connection_id: int) -> list[MappingVersion]:
    """All versions of a connection, the first first."""
    rows = reader.rows(_ALL, of_connection=connection_id)
    return [MappingVersion(*row) for row in rows]


def apply(
    tx: Transaction,
    connection_id: int,
    *,
    text: str,
    file_name: str,
    by: str,
    now: int,
) -> int:
    """Add the next version and make it the applied one; returns its number."""
    number = int(tx.value(_LAST, of_connection=connection_id)) + 1
    version = tx.insert(
        _ADD,
        connection_id=connection_id,
        number=number,
        file_name=file_name,
        text=text,
        sha256=sha256(text.encode()).hexdigest(),
        applied_at=now,
        applied_by=by,
    )
    connections.change(tx, connection_id, {"mapping_id": version})
    return number
