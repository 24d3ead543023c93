"""The profiles a user may be assigned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, func, select

from scim_connector.directory.named import Named, Names
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import profiles, users

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction

__all__ = ["Named", "add", "by_name", "every", "holders", "name", "remove"]

_NAMES = Names(profiles)
every, by_name, name, add = _NAMES.every, _NAMES.by_name, _NAMES.name, _NAMES.add

_HOLDERS = Statement(
    select(users.c.profile_id, func.count())
    .where(users.c.profile_id.is_not(None))
    .group_by(users.c.profile_id)
)
_REMOVE = Statement(delete(profiles).where(profiles.c.id == bindparam("of_id")))


def holders(reader: Reader) -> dict[int, int]:
    """How many users have each profile, by its id; none is left out."""
    return {int(a): int(b) for a, b in reader.rows(_HOLDERS)}


def remove(tx: Transaction, profile_id: int) -> None:
    """Delete a profile that nobody has; raises ConstraintBroken while one does."""
    tx.run(_REMOVE, of_id=profile_id)
