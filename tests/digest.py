"""A digest of a whole database: two are equal only if every row of every table is."""

from __future__ import annotations

from collections.abc import Collection
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Select, Table, select

from scim_connector.administration.alert_watch import LOOKED
from scim_connector.directory.database import Database
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import installation, metadata, request_log

#: What a server writes beside the requests: mails that leave, seals, last uses, counts.
BY_ITSELF = (
    *("audit_events", "audit_personal", "audit_seals"),
    *("credentials", "outbox", "password_resets", "request_counts", "alerts"),
    "refused_callers",
)


def digest_of_server(folder: Path) -> str:
    """A digest of what the server in *folder* keeps, but for what it does by itself."""
    database = Database(f"sqlite:///{folder / 'scim-connector.db'}")
    try:
        return digest_of(database, but=(*BY_ITSELF, "sessions", "quirk_counts"))
    finally:
        database.close()


def digest_of(database: Database, *, but: Collection[str] = ()) -> str:
    """SHA-256 over the rows of every table, in an order that is not that of storage.

    Tables that a running server writes by itself can be left out: *but*.
    """
    reader = database.reader()
    whole = sha256()
    for name, table in sorted(metadata.tables.items()):
        if name in but:
            continue
        whole.update(name.encode())
        for row in sorted(repr(row) for row in reader.rows(Statement(_of(table)))):
            whole.update(row.encode())
    return whole.hexdigest()


def _of(table: Table) -> Select[Any]:
    """Every row but requests that only read, which a server writes late, in batches.

    And but the minute in which it looked for alerts.
    """
    rows = select(table)
    if table is installation:
        return rows.where(table.c.name != LOOKED)
    return rows.where(table.c.action != "Read") if table is request_log else rows
