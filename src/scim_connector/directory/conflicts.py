"""The conflict queue: what a person has to decide, once per identity and kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, insert, or_, select, tuple_, update

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

    @property
    def place(self) -> tuple[int, int]:
        """Where the entry stands in a list; go on behind it with ``Query.after``."""
        return self.last_seen_at, self.id


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
_DECIDED_FOR = Statement(
    select(*_COLUMNS).where(
        conflicts.c.user_id == bindparam("of_user"),
        conflicts.c.kind == "decided",
        _OPEN,
    )
)
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


@dataclass(frozen=True, slots=True)
class Query:
    """What a list of entries is narrowed to; None leaves a filter out.

    ``is_open`` is True for what waits and False for what is decided; ``after`` is the
    :attr:`Conflict.place` of the last entry seen.
    """

    connection_id: int | None = None
    kind: str | None = None
    is_open: bool | None = True
    after: tuple[int, int] | None = None
    at_most: int | None = 100


def search(reader: Reader, query: Query) -> list[Conflict]:
    """The entries a query fits, the latest first."""
    clause = select(*_COLUMNS).limit(query.at_most)
    for name in ("connection_id", "kind"):
        wanted = getattr(query, name)
        if wanted is not None:
            clause = clause.where(conflicts.c[name] == wanted)
    if query.is_open is not None:
        clause = clause.where(_OPEN if query.is_open else ~_OPEN)
    place = (conflicts.c.last_seen_at, conflicts.c.id)
    if query.after is not None:
        clause = clause.where(tuple_(*place) < tuple_(*query.after))
    newest_first = clause.order_by(*(column.desc() for column in place))
    return [Conflict(*row) for row in reader.rows(Statement(newest_first))]


def every(reader: Reader, *, closed: bool = False) -> list[Conflict]:
    """The open entries, or all, the latest first."""
    is_open = None if closed else True
    return search(reader, Query(is_open=is_open, at_most=None))


def decided_for(reader: Reader, user_id: int) -> Conflict | None:
    """The decision that makes a user some identity, while the provider's try is due."""
    row = reader.row(_DECIDED_FOR, of_user=user_id)
    return None if row is None else Conflict(*row)


def count_open(reader: Reader) -> int:
    """How many entries wait for a person."""
    return int(reader.value(_COUNT))


def by_id(reader: Reader, conflict_id: int) -> Conflict | None:
    """The entry of this id."""
    row = reader.row(_BY_ID, of_id=conflict_id)
    return None if row is None else Conflict(*row)
