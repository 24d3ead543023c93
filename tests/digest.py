"""A digest of a whole database: two are equal only if every row of every table is."""

from __future__ import annotations

from collections.abc import Collection
from hashlib import sha256

from sqlalchemy import select

from scim_connector.directory.database import Database
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import metadata


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
