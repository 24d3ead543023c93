"""Who holds which role, and through what: one row per source (decision 23)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, func, insert, select, update

from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import assignments, roles, users

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction

_OF_SOURCE_ROWS = (
    assignments.c.user_id == bindparam("of_user"),
    assignments.c.source == bindparam("of_source"),
    assignments.c.connection_id == bindparam("of_connection"),
)
_OF_SOURCE = Statement(select(assignments.c.role_id).where(*_OF_SOURCE_ROWS))
_GRANT = Statement(
    insert(assignments), ("user_id", "role_id", "source", "connection_id", "created_at")
)
_REVOKE = Statement(
    delete(assignments).where(
        *_OF_SOURCE_ROWS, assignments.c.role_id == bindparam("of_role")
    )
)
_OF_CONNECTION = (
    assignments.c.user_id == bindparam("of_user"),
    assignments.c.connection_id == bindparam("of_connection"),
    assignments.c.source != "console",
)
_NAMES_OF_CONNECTION = Statement(
    select(roles.c.name)
    .join(assignments, assignments.c.role_id == roles.c.id)
    .where(*_OF_CONNECTION)
)
_DROP_OF_CONNECTION = Statement(delete(assignments).where(*_OF_CONNECTION))
_NAMES_OF_SOURCE = Statement(
    select(roles.c.name)
    .distinct()
    .join(assignments, assignments.c.role_id == roles.c.id)
    .where(
        assignments.c.user_id == bindparam("of_user"),
        assignments.c.source == bindparam("of_source"),
    )
)
_DROP_ALL = Statement(
    delete(assignments).where(assignments.c.user_id == bindparam("of_user"))
)
_HOLDS_ADMINISTRATOR = Statement(
    select(func.count())
    .select_from(assignments)
    .join(roles, roles.c.id == assignments.c.role_id)
    .where(assignments.c.user_id == bindparam("of_user"), roles.c.is_administrator)
)
_OTHERS = Statement(
    select(func.count(users.c.id.distinct()))
    .join(assignments, assignments.c.user_id == users.c.id)
    .join(roles, roles.c.id == assignments.c.role_id)
    .where(
        roles.c.is_administrator,
        users.c.active,
        users.c.is_api_user.is_(False),
        users.c.id != bindparam("of_user"),
    )
)
_ADMINISTRATORS = Statement(
    select(users.c.username)
    .distinct()
    .join(assignments, assignments.c.user_id == users.c.id)
    .join(roles, roles.c.id == assignments.c.role_id)
    .where(roles.c.is_administrator, users.c.active, users.c.is_api_user.is_(False))
    .order_by(users.c.username)
)
_ANY = Statement(
    select(users.c.id)
    .join(assignments, assignments.c.user_id == users.c.id)
    .join(roles, roles.c.id == assignments.c.role_id)
    .where(roles.c.is_administrator, users.c.active, users.c.is_api_user.is_(False))
    .limit(1)
)
#: Changes nothing, and makes two who count the others at once meet (decision 22).
_MEET = Statement(
    update(roles)
    .where(
        roles.c.is_administrator,
        roles.c.id.in_(
            select(assignments.c.role_id).where(
                assignments.c.user_id == bindparam("of_user")
            )
        ),
    )
    .values(is_administrator=roles.c.is_administrator)
)
_HOLDERS = Statement(
    select(func.count(assignments.c.user_id.distinct())).where(
        assignments.c.role_id == bindparam("of_role")
    )
)
_SOURCES = Statement(
    select(roles.c.name, assignments.c.source, assignments.c.connection_id)
    .join(roles, roles.c.id == assignments.c.role_id)
    .where(assignments.c.user_id == bindparam("of_user"))
    .order_by(roles.c.name, assignments.c.source)
)


def of_source(
    reader: Reader, user_id: int, source: str, connection_id: int
) -> frozenset[int]:
    """The roles a user holds through one source of one connection (0: the console)."""
    rows = reader.rows(
        _OF_SOURCE, of_user=user_id, of_source=source, of_connection=connection_id
    )
    return frozenset(row[0] for row in rows)


@lru_cache(maxsize=128)
def _held_by(count: int) -> Statement:
    ids: list[Any] = [bindparam(f"u{n}") for n in range(count)]
    return Statement(
        select(assignments.c.user_id, roles.c.name)
        .distinct()
        .join(roles, roles.c.id == assignments.c.role_id)
        .where(assignments.c.user_id.in_(ids))
        .order_by(roles.c.name)
    )


def names_of(reader: Reader, user_ids: Sequence[int]) -> dict[int, list[str]]:
    """The names of the roles that each of some users holds; one statement."""
    held: dict[int, list[str]] = {}
    if not user_ids:
        return held
    values = {f"u{n}": user_id for n, user_id in enumerate(user_ids)}
    for user_id, name in reader.rows(_held_by(len(user_ids)), **values):
        held.setdefault(user_id, []).append(name)
    return held


def sources(reader: Reader, user_id: int) -> list[tuple[str, str, int]]:
    """Every role row of a user: role name, source, connection."""
    return [(a, b, c) for a, b, c in reader.rows(_SOURCES, of_user=user_id)]


def holders(reader: Reader, role_id: int) -> int:
    """How many users hold a role, inactive ones included."""
    return int(reader.value(_HOLDERS, of_role=role_id))


def administrator_rows(reader: Reader, user_id: int) -> int:
    """Through how many rows a user holds the Administrator role."""
    return int(reader.value(_HOLDS_ADMINISTRATOR, of_user=user_id))


def is_administrator(reader: Reader, user_id: int) -> bool:
    """Whether a user holds the Administrator role."""
    return administrator_rows(reader, user_id) > 0


def has_administrator(reader: Reader) -> bool:
    """Whether an active person holds the Administrator role."""
    return reader.row(_ANY) is not None


def administrators(reader: Reader) -> list[str]:
    """The usernames of the active people who hold the Administrator role."""
    return [row[0] for row in reader.rows(_ADMINISTRATORS)]


def other_administrators(tx: Transaction, user_id: int) -> int:
    """How many other active people hold the Administrator role.

    On PostgreSQL the last two could leave at once, each counting the other: the loser
    of such a race raises LostRace, and counts again.
    """
    if tx.dialect == "postgresql":
        tx.run(_MEET, of_user=user_id)
    return int(tx.value(_OTHERS, of_user=user_id))


def count_administrators(reader: Reader) -> int:
    """How many active people hold the Administrator role."""
    return int(reader.value(_OTHERS, of_user=0))


def names_of_source(reader: Reader, user_id: int, source: str) -> tuple[str, ...]:
    """The names of the roles a user holds through one source."""
    rows = reader.rows(_NAMES_OF_SOURCE, of_user=user_id, of_source=source)
    return tuple(row[0] for row in rows)


def grant(
    tx: Transaction,
    user_id: int,
    role_id: int,
    *,
    source: str,
    connection_id: int,
    now: int,
) -> None:
    """Add one row; raises ConstraintBroken when it stands already."""
    tx.run(
        _GRANT,
        user_id=user_id,
        role_id=role_id,
        source=source,
        connection_id=connection_id,
        created_at=now,
    )


def revoke(
    tx: Transaction, user_id: int, role_id: int, *, source: str, connection_id: int
) -> None:
    """Remove one row; the user keeps the role while another row stands."""
    tx.run(
        _REVOKE,
        of_user=user_id,
        of_role=role_id,
        of_source=source,
        of_connection=connection_id,
    )


def drop_of_connection(
    tx: Transaction, user_id: int, connection_id: int
) -> tuple[str, ...]:
    """Remove what a connection gave; returns the name of the role of each row."""
    values = {"of_user": user_id, "of_connection": connection_id}
    names = tuple(row[0] for row in tx.rows(_NAMES_OF_CONNECTION, **values))
    if names:
        tx.run(_DROP_OF_CONNECTION, **values)
    return names


def drop_all(tx: Transaction, user_id: int) -> None:
    """Remove every role row of a user."""
    tx.run(_DROP_ALL, of_user=user_id)
