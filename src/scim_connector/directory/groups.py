"""The rows of ``group_links``: a provider's group as it is read back, without members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)

from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import (
    group_links,
    group_members,
    group_ties,
    roles,
)

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction


@dataclass(frozen=True, slots=True)
class Group:
    """One group; ``served`` is the rendered resource without its members."""

    seq: int
    id: str
    connection_id: int
    external_id: str | None
    display_name: str
    display_name_key: str
    version: int
    created_at: int
    modified_at: int
    served: str


@dataclass(frozen=True, slots=True)
class GroupColumns:
    """What is searched, served and shown in users, all derived from one resource."""

    external_id: str | None
    display_name: str
    display_name_key: str
    served: str
    search: str
    reference: str


@dataclass(frozen=True, slots=True)
class Tie:
    """A role that a group gives; ``source`` is "mapping" or "console"."""

    role_id: int
    role: str
    source: str


_NAMES = tuple(Group.__dataclass_fields__)
_COLUMNS = tuple(group_links.c[name] for name in _NAMES)
_MADE = tuple(GroupColumns.__dataclass_fields__)
_HERE = group_links.c.connection_id == bindparam("of_connection")
_THIS = group_links.c.seq == bindparam("of_seq")

_BY_ID = Statement(
    select(*_COLUMNS).where(group_links.c.id == bindparam("of_id"), _HERE)
)
_BY_SEQ = Statement(select(*_COLUMNS).where(_THIS))
_BY_NAME = Statement(
    select(*_COLUMNS)
    .where(_HERE, group_links.c.display_name_key == bindparam("key"))
    .order_by(group_links.c.seq)
)
_ALL = Statement(select(*_COLUMNS).where(_HERE).order_by(group_links.c.seq))
_COUNT = Statement(select(func.count()).select_from(group_links).where(_HERE))
_SIZES = Statement(
    select(group_members.c.group_seq, func.count())
    .where(group_members.c.connection_id == bindparam("of_connection"))
    .group_by(group_members.c.group_seq)
)
_ADD = Statement(
    insert(group_links).returning(group_links.c.seq),
    ("id", "connection_id", "version", "created_at", "modified_at", *_MADE),
)
_CHANGE = Statement(
    update(group_links)
    .where(_THIS)
    .values(
        {name: bindparam(f"new_{name}") for name in ("version", "modified_at", *_MADE)}
    )
)
_REMOVE = Statement(delete(group_links).where(_THIS))

_OF_GROUP = group_ties.c.group_seq == bindparam("of_seq")
_TIES = Statement(
    select(group_ties.c.role_id, roles.c.name, group_ties.c.source)
    .join(roles, roles.c.id == group_ties.c.role_id)
    .where(_OF_GROUP)
    .order_by(roles.c.name, group_ties.c.source)
)
_TIE = Statement(insert(group_ties), ("group_seq", "role_id", "source", "created_at"))
_UNTIE = Statement(
    delete(group_ties).where(
        _OF_GROUP,
        group_ties.c.role_id == bindparam("of_role"),
        group_ties.c.source == bindparam("of_source"),
    )
)
_DROP_TIES = Statement(delete(group_ties).where(_OF_GROUP))


_IS_TIED = exists().where(group_ties.c.group_seq == group_links.c.seq)
_MEMBERS = (
    select(func.count())
    .where(group_members.c.group_seq == group_links.c.seq)
    .scalar_subquery()
)
_UNTIED = Statement(select(func.count()).select_from(group_links).where(~_IS_TIED))
_GIVING = Statement(
    select(group_links.c.seq, group_links.c.display_name, group_ties.c.source)
    .add_columns(group_links.c.connection_id)
    .join(group_ties, group_ties.c.group_seq == group_links.c.seq)
    .where(group_ties.c.role_id == bindparam("of_role"))
    .order_by(group_links.c.display_name_key, group_links.c.seq)
    .limit(bindparam("at_most", type_=BigInteger))
)


def _group(row: Sequence[Any] | None) -> Group | None:
    return None if row is None else Group(*row)


def by_id(reader: Reader, connection_id: int, group_id: str) -> Group | None:
    """The group of this SCIM id on this connection."""
    if "\0" in group_id:  # no text of PostgreSQL, and no group's id
        return None
    return _group(reader.row(_BY_ID, of_id=group_id, of_connection=connection_id))


def by_seq(reader: Reader, seq: int) -> Group | None:
    """The group of this sequence number."""
    return _group(reader.row(_BY_SEQ, of_seq=seq))


def required(reader: Reader, seq: int) -> Group:
    """The group of this sequence number, which must exist; raises LookupError."""
    found = by_seq(reader, seq)
    if found is None:
        message = f"there is no group {seq}"
        raise LookupError(message)
    return found


def by_name(reader: Reader, connection_id: int, key: str) -> list[Group]:
    """The groups of this folded displayName; a provider may have several."""
    rows = reader.rows(_BY_NAME, key=key, of_connection=connection_id)
    return [Group(*row) for row in rows]


_ANY = Statement(
    select(group_links.c.seq)
    .where(group_links.c.connection_id == bindparam("of_connection"))
    .limit(1)
)


def has_any(reader: Reader, connection_id: int) -> bool:
    """Whether a connection has sent a group that is still there."""
    return reader.row(_ANY, of_connection=connection_id) is not None


def every(reader: Reader, connection_id: int) -> list[Group]:
    """All groups of a connection, the oldest first."""
    return [Group(*row) for row in reader.rows(_ALL, of_connection=connection_id)]


def count(reader: Reader, connection_id: int) -> int:
    """How many groups a connection has."""
    return int(reader.value(_COUNT, of_connection=connection_id))


def sizes(reader: Reader, connection_id: int) -> dict[int, int]:
    """How many members each group of a connection has, by sequence number."""
    return {a: b for a, b in reader.rows(_SIZES, of_connection=connection_id)}


# ---------------------------------------------------------------- groups for a person


@dataclass(frozen=True, slots=True)
class GroupQuery:
    """What a list of groups is narrowed to; None leaves a filter out.

    ``words`` is what a name begins with, folded.
    """

    connection_id: int | None = None
    tied: bool | None = None
    words: str | None = None
    after: int = 0
    at_most: int = 100


def search(reader: Reader, query: GroupQuery) -> list[tuple[Group, int]]:
    """The groups a query fits with their members' number, the oldest first.

    Go on with ``after`` = the sequence number of the last one.
    """
    rows = reader.rows(_narrowed(query))
    return [(Group(*row[:-1]), int(row[-1])) for row in rows]


def _narrowed(query: GroupQuery) -> Statement:
    clause = select(*_COLUMNS, _MEMBERS).where(group_links.c.seq > query.after)
    if query.connection_id is not None:
        clause = clause.where(group_links.c.connection_id == query.connection_id)
    if query.tied is not None:
        clause = clause.where(_IS_TIED if query.tied else ~_IS_TIED)
    if query.words is not None:
        key = group_links.c.display_name_key
        clause = clause.where(key.startswith(query.words, autoescape=True))
    return Statement(clause.order_by(group_links.c.seq).limit(query.at_most))


def count_untied(reader: Reader) -> int:
    """How many groups give no role, over all connections."""
    return int(reader.value(_UNTIED))


@dataclass(frozen=True, slots=True)
class Giving:
    """A group that gives a role; ``source`` is "mapping" or "console"."""

    seq: int
    name: str
    source: str
    connection_id: int


def giving(reader: Reader, role_id: int, *, at_most: int) -> list[Giving]:
    """The groups that give a role, by name."""
    rows = reader.rows(_GIVING, of_role=role_id, at_most=at_most)
    return [Giving(*row) for row in rows]


# -------------------------------------------------------------------------- changes


def add(
    tx: Transaction,
    *,
    connection_id: int,
    group_id: str,
    columns: GroupColumns,
    now: int,
) -> Group:
    """Insert a group."""
    values = {name: getattr(columns, name) for name in _MADE} | {
        "id": group_id,
        "connection_id": connection_id,
        "version": 1,
        "created_at": now,
        "modified_at": now,
    }
    seq = tx.insert(_ADD, **values)
    return Group(seq=seq, **{name: values[name] for name in _NAMES if name != "seq"})


def update_to(
    tx: Transaction, group: Group, *, columns: GroupColumns, version: int, now: int
) -> Group:
    """Write a changed representation."""
    values = {name: getattr(columns, name) for name in _MADE} | {
        "version": version,
        "modified_at": now,
    }
    tx.run(_CHANGE, of_seq=group.seq, **{f"new_{n}": v for n, v in values.items()})
    return replace(group, **{n: v for n, v in values.items() if n in _NAMES})


def remove(tx: Transaction, group: Group) -> None:
    """Delete a group with its ties; its members are to be gone already."""
    tx.run(_DROP_TIES, of_seq=group.seq)
    tx.run(_REMOVE, of_seq=group.seq)


# ----------------------------------------------------------------------------- ties


def ties(reader: Reader, group: Group) -> list[Tie]:
    """The roles a group gives, by name."""
    return [Tie(*row) for row in reader.rows(_TIES, of_seq=group.seq)]


def tie(tx: Transaction, group: Group, role_id: int, *, source: str, now: int) -> None:
    """Let a group give a role; raises ConstraintBroken when this source does so."""
    tx.run(_TIE, group_seq=group.seq, role_id=role_id, source=source, created_at=now)


def untie(tx: Transaction, group: Group, role_id: int, *, source: str) -> bool:
    """Take one tie away; False when there was none of this source."""
    return tx.run(_UNTIE, of_seq=group.seq, of_role=role_id, of_source=source) > 0
