"""Where a provider changed more people than its guard expects: seen, held, approved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    bindparam,
    case,
    func,
    insert,
    or_,
    select,
    text,
    update,
)

from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import GUARDED, audit_events, mass_changes
from scim_connector.rules.guard import KINDS

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction


@dataclass(frozen=True, slots=True)
class MassChange:
    """One that was seen; instants in microseconds UTC.

    *people* had changed when it was seen, *most* were expected at the most.  With
    *holds* further ones are refused until it is approved.
    """

    id: int
    connection_id: int
    kind: str
    seen_at: int
    people: int
    most: int
    holds: bool
    approved_at: int | None
    approved_by: str | None
    approved_until: int | None

    @property
    def is_held(self) -> bool:
        """Whether changes are refused because of it."""
        return self.holds and self.approved_at is None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a kind of change stands on a connection: people, and what was seen before."""

    people: int
    seen_at: int
    approved_until: int
    is_held: bool


_NAMES = tuple(MassChange.__dataclass_fields__)
_COLUMNS = tuple(mass_changes.c[name] for name in _NAMES)
_HELD = (mass_changes.c.holds, mass_changes.c.approved_at.is_(None))
_HERE = (
    mass_changes.c.connection_id == bindparam("of_connection"),
    mass_changes.c.kind == bindparam("of_kind"),
)


def _standing(kind: str) -> Statement:
    """One statement: the people since an instant or the last approval, counted so far."""
    past = select(
        func.coalesce(func.max(mass_changes.c.seen_at), 0).label("seen_at"),
        func.coalesce(func.max(mass_changes.c.approved_until), 0).label("approved"),
        func.count(case((_HELD[0] & _HELD[1], 1))).label("held"),
    ).where(*_HERE)
    before = past.subquery()
    since = bindparam("since", type_=BigInteger)
    approved = select(before.c.approved).scalar_subquery()
    people = (
        select(audit_events.c.user_id)
        .distinct()
        .where(
            audit_events.c.connection_id == bindparam("of_connection"),
            audit_events.c.name.in_(KINDS[kind]),
            audit_events.c.at > case((approved > since, approved), else_=since),
            text(GUARDED),
        )
        .limit(bindparam("at_most", type_=BigInteger))
        .subquery()
    )
    counted = select(func.count()).select_from(people).scalar_subquery()
    return Statement(
        select(counted, before.c.seen_at, before.c.approved, before.c.held)
    )


_STANDING = {kind: _standing(kind) for kind in KINDS}


def standing(
    reader: Reader, connection_id: int, kind: str, *, since: int, at_most: int
) -> Standing:
    """How a kind stands since an instant; people are counted up to *at_most*."""
    row = reader.row(
        _STANDING[kind],
        of_connection=connection_id,
        of_kind=kind,
        since=since,
        at_most=at_most,
    )
    people, seen_at, approved, held = row or (0, 0, 0, 0)
    return Standing(people, seen_at, approved, held > 0)


# Two who notice the same at once are told apart by the table; the second changes nothing.
_NOTE = Statement(
    text(
        "INSERT INTO mass_changes (connection_id, kind, slot, seen_at, people, most,"
        " holds) VALUES (:of_connection, :of_kind, :slot, :at, :people, :most, :holds)"
        " ON CONFLICT DO NOTHING"
    )
)


def note(
    tx: Transaction,
    connection_id: int,
    kind: str,
    *,
    people: int,
    most: int,
    span: int,
    holds: bool,
    now: int,
) -> bool:
    """Keep that too many were seen; False when it was kept already.

    Once in a *span*; where it *holds*, once until it is approved.
    """
    return (
        tx.run(
            _NOTE,
            of_connection=connection_id,
            of_kind=kind,
            slot=None if holds else now // span,
            at=now,
            people=people,
            most=most,
            holds=holds,
        )
        == 1
    )


_APPROVE = Statement(
    update(mass_changes)
    .where(*_HERE, *_HELD)
    .values(
        approved_at=bindparam("at"),
        approved_by=bindparam("by"),
        approved_until=bindparam("until"),
    )
)
_AHEAD = Statement(
    insert(mass_changes),
    (
        *("connection_id", "kind", "seen_at", "people", "most", "holds"),
        *("approved_at", "approved_by", "approved_until"),
    ),
)


def approve(
    tx: Transaction, connection_id: int, kind: str, *, by: str, until: int, now: int
) -> None:
    """Let a kind of change pass until an instant, whether it is held now or not."""
    values = {"of_connection": connection_id, "of_kind": kind}
    if tx.run(_APPROVE, **values, at=now, by=by, until=until):
        return
    tx.run(
        _AHEAD,
        connection_id=connection_id,
        kind=kind,
        seen_at=0,
        people=0,
        most=0,
        holds=False,
        approved_at=now,
        approved_by=by,
        approved_until=until,
    )


_LISTED = Statement(
    select(*_COLUMNS)
    .where(or_(_HELD[0] & _HELD[1], mass_changes.c.seen_at > bindparam("since")))
    .order_by(mass_changes.c.id.desc())
)


def listed(reader: Reader, *, since: int) -> list[MassChange]:
    """What is held now, and what was seen since an instant, the newest first."""
    return [_of(row) for row in reader.rows(_LISTED, since=since)]


_OF_CONNECTION = Statement(
    select(*_COLUMNS)
    .where(mass_changes.c.connection_id == bindparam("of_connection"), *_HELD)
    .order_by(mass_changes.c.id)
)


def held(reader: Reader, connection_id: int) -> list[MassChange]:
    """What a connection holds back now."""
    return [
        _of(row) for row in reader.rows(_OF_CONNECTION, of_connection=connection_id)
    ]


def _of(row: tuple[object, ...]) -> MassChange:
    values = dict(zip(_NAMES, row, strict=True))
    return MassChange(**(values | {"holds": bool(values["holds"])}))  # type: ignore[arg-type]
