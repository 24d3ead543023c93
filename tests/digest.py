"""A digest of a whole database: two are equal only if every row of every table is."""

from __future__ import annotations

from collections.abc import Collection
from hashlib import sha256
from pathlib import Path

from sqlalchemy import select

from scim_connector.directory.database import Database
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import metadata

#: What a server writes beside the requests: mails that leave, seals, last uses.
BY_ITSELF = ("audit_events", "audit_seals", "credentials", "outbox", "password_resets")


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
        for row in sorted(repr(row) for row in reader.rows(Statement(select(table)))):
            whole.update(row.encode())
    return whole.hexdigest()
