"""Work that belongs to the installation, not to a process; safe to do twice at once."""

from __future__ import annotations

from time import time_ns
from typing import TYPE_CHECKING

from scim_connector.directory import audit, counters, idempotency

if TYPE_CHECKING:
    from scim_connector.directory.database import Database


def keep_house(database: Database) -> None:
    """Seal audit, forget answers a day old; on PostgreSQL add up the counters."""
    now = time_ns() // 1000
    if audit.has_unsealed(database.reader()):
        database.write(lambda tx: audit.seal(tx, now=now))
    if idempotency.has_old(database.reader(), now=now):
        database.write(lambda tx: idempotency.drop_old(tx, now=now))
    if database.dialect == "postgresql" and counters.is_crowded(database.reader()):
        database.write(counters.fold)
