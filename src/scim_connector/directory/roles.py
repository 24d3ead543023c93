"""The roles a user may hold; who holds them is in ``assignments``."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson
from sqlalchemy import bindparam, delete, func, or_, select, update

from scim_connector.directory.named import Names
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import assignments, group_ties, roles, users
from scim_connector.rules import permissions as rules
from scim_connector.rules.folding import name_key

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction

__all__ = [
    "Role",
    "add",
    "add_administrator",
    "add_auditor",
    "administrator_ids",
    "allow",
    "by_id",
    "by_name",
    "by_names",
    "every",
    "listed",
    "name",
    "names_held",
    "permissions_of",
    "remove",
    "rename",
    "used",
    "who_may",
]

#: The built-in role whose holders are administrators (local rules, roles).
ADMINISTRATOR = "Administrator"
#: The built-in role that sees everything and changes nothing.
AUDITOR = "Auditor"


@dataclass(frozen=True, slots=True)
class Role:
    """A role with what it allows, and how many hold it (inactive users included)."""

    id: int
    name: str
    is_administrator: bool
    permissions: frozenset[str]
    holders: int = 0


_NAMES = Names(roles)
every, by_name, by_names = _NAMES.every, _NAMES.by_name, _NAMES.by_names
name, add = _NAMES.name, _NAMES.add

_ADMINISTRATORS = Statement(select(roles.c.id).where(roles.c.is_administrator))
_MAKE_ADMINISTRATOR = Statement(
    update(roles).where(roles.c.id == bindparam("of_id")).values(is_administrator=True)
)
_HELD = Statement(
    select(roles.c.name)
    .distinct()
    .join(assignments, assignments.c.role_id == roles.c.id)
    .where(assignments.c.user_id == bindparam("of_user"))
    .order_by(roles.c.name)
)


def administrator_ids(reader: Reader) -> frozenset[int]:
    """The roles whose holders are administrators."""
    return frozenset(row[0] for row in reader.rows(_ADMINISTRATORS))


def add_administrator(tx: Transaction) -> None:
    """Insert the built-in role."""
    tx.run(_MAKE_ADMINISTRATOR, of_id=add(tx, ADMINISTRATOR))


def names_held(reader: Reader, user_id: int) -> list[str]:
    """The names of the roles a user holds, from whatever source."""
    return [row[0] for row in reader.rows(_HELD, of_user=user_id)]


# ---------------------------------------------------------------------- permissions

_COLUMNS = (roles.c.id, roles.c.name, roles.c.is_administrator, roles.c.permissions)
_HOLDERS = (
    select(func.count(assignments.c.user_id.distinct()))
    .where(assignments.c.role_id == roles.c.id)
    .scalar_subquery()
)
_LISTED = Statement(select(*_COLUMNS, _HOLDERS).order_by(roles.c.name_key))
_BY_ID = Statement(select(*_COLUMNS, _HOLDERS).where(roles.c.id == bindparam("of_id")))
_CARRIED = Statement(
    select(roles.c.is_administrator, roles.c.permissions)
    .distinct()
    .join(assignments, assignments.c.role_id == roles.c.id)
    .where(assignments.c.user_id == bindparam("of_user"))
)
_CARRIERS = Statement(
    select(users.c.id, roles.c.is_administrator, roles.c.permissions)
    .distinct()
    .join(assignments, assignments.c.user_id == users.c.id)
    .join(roles, roles.c.id == assignments.c.role_id)
    .where(
        users.c.active,
        users.c.is_api_user.is_(False),
        or_(roles.c.is_administrator, roles.c.permissions != "[]"),
    )
)
_ALLOW = Statement(
    update(roles)
    .where(roles.c.id == bindparam("of_id"))
    .values(permissions=bindparam("new_permissions"))
)
_RENAME = Statement(
    update(roles)
    .where(roles.c.id == bindparam("of_id"))
    .values(name=bindparam("new_name"), name_key=bindparam("new_key"))
)
_TIES = Statement(
    select(func.count())
    .select_from(group_ties)
    .where(group_ties.c.role_id == bindparam("of_id"))
)
_REMOVE = Statement(delete(roles).where(roles.c.id == bindparam("of_id")))


def _carried(is_administrator: object, text: str) -> frozenset[str]:
    return rules.ALL if is_administrator else rules.known(orjson.loads(text))


def _role(row: tuple[object, ...]) -> Role:
    role_id, name, is_administrator, text, holders = row
    carried = _carried(is_administrator, str(text))
    return Role(
        int(str(role_id)), str(name), bool(is_administrator), carried, int(str(holders))
    )


def listed(reader: Reader) -> list[Role]:
    """Every role with what it allows, by name."""
    return [_role(row) for row in reader.rows(_LISTED)]


def by_id(reader: Reader, role_id: int) -> Role | None:
    """The role of this id."""
    row = reader.row(_BY_ID, of_id=role_id)
    return None if row is None else _role(row)


def permissions_of(reader: Reader, user_id: int) -> frozenset[str]:
    """What a user's roles let them do, from whatever source; one statement."""
    carried = [_carried(*row) for row in reader.rows(_CARRIED, of_user=user_id)]
    return frozenset().union(*carried)


def who_may(reader: Reader, permission: str) -> list[int]:
    """The active people whose roles carry a permission, the oldest first."""
    rows = reader.rows(_CARRIERS)
    able = {user for user, *role in rows if permission in _carried(*role)}
    return sorted(able)


def add_auditor(tx: Transaction) -> None:
    """Insert the built-in role that only looks."""
    allow(tx, add(tx, AUDITOR), rules.AUDITOR)


def allow(tx: Transaction, role_id: int, carried: Collection[str]) -> None:
    """Set what a role allows."""
    text = orjson.dumps(sorted(carried)).decode()
    tx.run(_ALLOW, of_id=role_id, new_permissions=text)


def rename(tx: Transaction, role_id: int, name: str) -> None:
    """Give a role another name; raises ConstraintBroken when it is taken."""
    tx.run(_RENAME, of_id=role_id, new_name=name.strip(), new_key=name_key(name))


def used(reader: Reader, role_id: int) -> int:
    """How many groups of providers give this role."""
    return int(reader.value(_TIES, of_id=role_id))


def remove(tx: Transaction, role_id: int) -> None:
    """Delete a role that nobody holds; raises ConstraintBroken while one does."""
    tx.run(_REMOVE, of_id=role_id)
