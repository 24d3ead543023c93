"""Work that belongs to the installation, not to a process; safe to do twice at once."""

from __future__ import annotations

from functools import partial
from time import time_ns
from typing import TYPE_CHECKING, Final

from scim_connector.directory import (
    api_keys,
    async_requests,
    counters,
    credentials,
    idempotency,
    names,
    receivers,
    resets,
    seals,
    sign_in_failures,
    trusts,
    webhooks,
)

if TYPE_CHECKING:
    from scim_connector.directory.database import Database


#: What keeps something for a while, and forgets it then.
_FORGETFUL: Final = (
    *(credentials, trusts, api_keys, sign_in_failures, names, receivers, webhooks),
    async_requests,
)


def keep_house(database: Database) -> None:
    """Seal audit, forget what has ended; on PostgreSQL add up the counters."""
    now = time_ns() // 1000
    if seals.has_unsealed(database.reader()):
        seals.seal(database, now=now)
    if idempotency.has_old(database.reader(), now=now):
        database.write(lambda tx: idempotency.drop_old(tx, now=now))
    for forgotten in _FORGETFUL:
        if forgotten.has_ended(database.reader(), now=now):
            database.write(partial(forgotten.forget_ended, now=now))
    if resets.has_old(database.reader(), now=now):
        database.write(partial(resets.drop_old, now=now))
    if database.dialect == "postgresql" and counters.is_crowded(database.reader()):
        database.write(counters.fold)
