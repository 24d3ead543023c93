"""The conflict queue: what a person has to decide, once per identity and kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, insert, or_, select, update

from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import conflicts

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction

#: The kinds that end by themselves when the provider's request succeeds.
PASSING = ("email_taken", "inactive_match", "decided")


@dataclass(frozen=True, slots=True)
class Conflict:
    """One entry; ``times`` counts how often the provider ran into it."""

    id: int
    connection_id: int
    kind: str
    identity: str
    external_id: str | None
    user_id: int | None
    link_id: str | None
    detail: str
    times: int
    first_seen_at: int
    last_seen_at: int
    resolved_at: int | None
    resolution: str | None


_NAMES = tuple(Conflict.__dataclass_fields__)
_COLUMNS = tuple(conflicts.c[name] for name in _NAMES)
_OPEN = conflicts.c.resolved_at.is_(None)
_OF_IDENTITY = (
    conflicts.c.connection_id == bindparam("of_connection"),
    conflicts.c.identity == bindparam("of_identity"),
)
_ADD = Statement(
    insert(conflicts),
    tuple(n for n in _NAMES if n not in {"id", "resolved_at", "resolution"}),
)
_AGAIN = Statement(
    update(conflicts)
    .where(*_OF_IDENTITY, conflicts.c.kind == bindparam("of_kind"), _OPEN)
    .values(
        times=conflicts.c.times + 1,
        last_seen_at=bindparam("at"),
        detail=bindparam("new_detail"),
        user_id=bindparam("new_user"),
    )
)
_WAITING = Statement(
    select(conflicts.c.kind, conflicts.c.user_id).where(*_OF_IDENTITY, _OPEN)
)
_SETTLE = Statement(
    update(conflicts)
    .where(*_OF_IDENTITY, or_(*(conflicts.c.kind == k for k in PASSING)), _OPEN)
    .values(resolved_at=bindparam("at"), resolution="the request succeeded")
)
_RESOLVE = Statement(
    update(conflicts)
    .where(conflicts.c.id == bindparam("of_id"), _OPEN)
    .values(resolved_at=bindparam("at"), resolution=bindparam("how"))
)
_LIST = Statement(
    select(*_COLUMNS).where(_OPEN).order_by(conflicts.c.last_seen_at.desc())
)
_LIST_ALL = Statement(select(*_COLUMNS).order_by(conflicts.c.last_seen_at.desc()))
_COUNT = Statement(
    select(func.count())
    .select_from(conflicts)
    .where(_OPEN, conflicts.c.kind != "decided")
)
_BY_ID = Statement(select(*_COLUMNS).where(conflicts.c.id == bindparam("of_id")))


def ask(
    tx: Transaction,
    *,
    connection_id: int,
    kind: str,
    identity: str,
    detail: str,
    now: int,
    external_id: str | None = None,
    user_id: int | None = None,
    link_id: str | None = None,
) -> None:
    """Add an entry, or count the one that is open already."""
    met = tx.run(
        _AGAIN,
        of_connection=connection_id,
        of_identity=identity,
        of_kind=kind,
        at=now,
        new_detail=detail,
        new_user=user_id,
    )
    if not met:
        tx.run(
            _ADD,
            connection_id=connection_id,
            kind=kind,
            identity=identity,
            external_id=external_id,
            user_id=user_id,
            link_id=link_id,
            detail=detail,
            times=1,
            first_seen_at=now,
            last_seen_at=now,
        )


def decide(
    tx: Transaction,
    *,
    connection_id: int,
    identity: str,
    user_id: int,
    by: str,
    now: int,
) -> None:
    """Remember that an identity is this user; the provider's next POST uses it."""
    ask(
        tx,
        connection_id=connection_id,
        kind="decided",
        identity=identity,
        detail=f"Linked by {by}; waits for the provider's next request.",
        user_id=user_id,
        now=now,
    )


def waiting(reader: Reader, connection_id: int, identity: str) -> dict[str, int | None]:
    """What is open about an identity: kind and local user of each entry.

    The user of "decided" is the one a person decided this identity to be.
    """
    rows = reader.rows(_WAITING, of_connection=connection_id, of_identity=identity)
    return dict(rows)


def settle(tx: Transaction, connection_id: int, identity: str, *, now: int) -> None:
    """Close what a succeeded request has answered."""
    tx.run(_SETTLE, of_connection=connection_id, of_identity=identity, at=now)


_OPEN_OF = Statement(select(*_COLUMNS).where(*_OF_IDENTITY, _OPEN))


def open_of(reader: Reader, connection_id: int, identity: str) -> list[Conflict]:
    """What waits about one identity, by its folded userName."""
    rows = reader.rows(_OPEN_OF, of_connection=connection_id, of_identity=identity)
    return [Conflict(*row) for row in rows]


def resolve(tx: Transaction, conflict_id: int, how: str, *, now: int) -> bool:
    """Close one entry by hand; False when it was closed already."""
    return tx.run(_RESOLVE, of_id=conflict_id, how=how, at=now) == 1


def every(reader: Reader, *, closed: bool = False) -> list[Conflict]:
    """The open entries, or all, the latest first."""
    return [Conflict(*row) for row in reader.rows(_LIST_ALL if closed else _LIST)]


def count_open(reader: Reader) -> int:
    """How many entries wait for a person."""
    return int(reader.value(_COUNT))


def by_id(reader: Reader, conflict_id: int) -> Conflict | None:
    """The entry of this id."""
    row = reader.row(_BY_ID, of_id=conflict_id)
    return None if row is None else Conflict(*row)
