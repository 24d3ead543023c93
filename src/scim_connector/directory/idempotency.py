"""The rows of ``idempotency_keys``: what was answered to requests that may come again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, delete, insert, select

from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import idempotency_keys

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction

LIVES: Final = 24 * 3600 * 1_000_000
"""How long an answer is kept, in microseconds."""


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """What was answered; *fingerprint* is a sum over what was asked."""

    fingerprint: str
    status: int
    resource_id: str | None
    version: int | None
    served: str | None


_NAMES = tuple(FirstAnswer.__dataclass_fields__)
_FIND = Statement(
    select(*(idempotency_keys.c[name] for name in _NAMES)).where(
        idempotency_keys.c.credential_id == bindparam("of_credential"),
        idempotency_keys.c.key_hash == bindparam("of_key"),
    )
)
_KEEP = Statement(
    insert(idempotency_keys), ("credential_id", "key_hash", "created_at", *_NAMES)
)
_OLD = idempotency_keys.c.created_at <= bindparam("until")
_HAS_OLD = Statement(select(idempotency_keys.c.created_at).where(_OLD).limit(1))
_DROP = Statement(delete(idempotency_keys).where(_OLD))


def find(reader: Reader, credential_id: str, key_hash: str) -> FirstAnswer | None:
    """What was answered to this key of a credential."""
    row = reader.row(_FIND, of_credential=credential_id, of_key=key_hash)
    return None if row is None else FirstAnswer(*row)


def keep(
    tx: Transaction,
    credential_id: str,
    key_hash: str,
    answer: FirstAnswer,
    *,
    now: int,
) -> None:
    """Keep an answer; ConstraintBroken when the key has one, which may be a race."""
    values = {name: getattr(answer, name) for name in _NAMES}
    tx.run(
        _KEEP, credential_id=credential_id, key_hash=key_hash, created_at=now, **values
    )


def has_old(reader: Reader, *, now: int) -> bool:
    """Whether an answer is older than a day."""
    return reader.row(_HAS_OLD, until=now - LIVES) is not None


def drop_old(tx: Transaction, *, now: int) -> None:
    """Forget the answers that are older than a day."""
    tx.run(_DROP, until=now - LIVES)
