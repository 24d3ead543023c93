"""Failed password sign-ins, counted by account, by network, and by both."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, select, text, tuple_

from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import sign_in_failures

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction

_OF = Statement(
    select(sign_in_failures.c.since, sign_in_failures.c.count).where(
        sign_in_failures.c.kind == bindparam("of_kind"),
        sign_in_failures.c.key == bindparam("of_key"),
    )
)
# A window that is over begins anew, in the one statement both databases share.
_COUNT = Statement(
    text(
        "INSERT INTO sign_in_failures (kind, key, since, count)"
        " VALUES (:kind, :key, :at, 1) ON CONFLICT (kind, key) DO UPDATE SET"
        " count = CASE WHEN sign_in_failures.since <= :over"
        " THEN 1 ELSE sign_in_failures.count + 1 END,"
        " since = CASE WHEN sign_in_failures.since <= :over"
        " THEN excluded.since ELSE sign_in_failures.since END"
    )
)
_CLEAR = Statement(
    delete(sign_in_failures).where(
        tuple_(sign_in_failures.c.kind, sign_in_failures.c.key)
        == tuple_(bindparam("of_kind"), bindparam("of_key"))
    )
)
_OLD = sign_in_failures.c.since < bindparam("until")
_HAS_OLD = Statement(select(sign_in_failures.c.since).where(_OLD).limit(1))
_FORGET = Statement(delete(sign_in_failures).where(_OLD))
DAY = 24 * 3600 * 1_000_000


def counted(reader: Reader, kind: str, key: str) -> tuple[int, int]:
    """Since when (microseconds UTC) and how often something failed; (0, 0) for never."""
    row = reader.row(_OF, of_kind=kind, of_key=key)
    return (0, 0) if row is None else (int(row[0]), int(row[1]))


def count(tx: Transaction, failed: Iterable[tuple[str, str, int]], *, now: int) -> None:
    """Count one failure for each of (kind, key, length of its window)."""
    rows = [
        {"kind": kind, "key": key, "at": now, "over": now - per}
        for kind, key, per in sorted(failed)
    ]
    tx.run_each(_COUNT, rows)


def clear(tx: Transaction, kind: str, key: str) -> None:
    """Forget the failures of one key, after a success."""
    tx.run(_CLEAR, of_kind=kind, of_key=key)


def has_ended(reader: Reader, *, now: int) -> bool:
    """Whether there are counts older than a day."""
    return reader.row(_HAS_OLD, until=now - DAY) is not None


def forget_ended(tx: Transaction, *, now: int) -> None:
    """Forget the counts older than a day."""
    tx.run(_FORGET, until=now - DAY)
