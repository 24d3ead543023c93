"""The roles a user may hold; who holds them is in ``assignments``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select, update

from scim_connector.directory.named import Names
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import assignments, roles

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction

__all__ = [
    "add",
    "add_administrator",
    "administrator_ids",
    "by_name",
    "by_names",
    "every",
    "name",
    "names_held",
]

#: The built-in role whose holders are administrators (local rules, roles).
ADMINISTRATOR = "Administrator"

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
