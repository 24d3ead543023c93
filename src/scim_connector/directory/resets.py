"""Links that were mailed: to choose a password, or to confirm an address."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, insert, select, update

from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import password_resets

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction


@dataclass(frozen=True, slots=True)
class Reset:
    """One link; instants in microseconds UTC, *new_email* where it confirms one."""

    id: str
    user_id: int
    hash: str
    reason: str
    new_email: str | None
    issued_at: int
    expires_at: int
    used_at: int | None
    revoked_at: int | None

    @property
    def confirms_email(self) -> bool:
        """Whether it confirms an address, and is for no password."""
        return self.new_email is not None


_NAMES = tuple(field.name for field in fields(Reset))
_COLUMNS = tuple(password_resets.c[name] for name in _NAMES)
_BY_ID = Statement(select(*_COLUMNS).where(password_resets.c.id == bindparam("of_id")))
_OPEN = (password_resets.c.used_at.is_(None), password_resets.c.revoked_at.is_(None))
_ADD = Statement(insert(password_resets), (*_NAMES, "user_is_api", "user_active"))
_AGAIN = Statement(
    update(password_resets)
    .where(password_resets.c.id == bindparam("of_id"), *_OPEN)
    .values(issued_at=bindparam("at"), expires_at=bindparam("until"))
)
_USE = Statement(
    update(password_resets)
    .where(password_resets.c.id == bindparam("of_id"), *_OPEN)
    .values(used_at=bindparam("at"))
)
_SUPERSEDE = Statement(
    update(password_resets)
    .where(password_resets.c.user_id == bindparam("of_user"), *_OPEN)
    .values(revoked_at=bindparam("at"))
)
_OLD = password_resets.c.expires_at < bindparam("until")
_HAS_OLD = Statement(select(password_resets.c.id).where(_OLD).limit(1))
_DROP_OLD = Statement(delete(password_resets).where(_OLD))

#: A dead link is remembered so long, for its page to offer a new one.
REMEMBERED = 90 * 24 * 3600 * 1_000_000


def by_id(reader: Reader, reset_id: str) -> Reset | None:
    """The link of this public id."""
    row = reader.row(_BY_ID, of_id=reset_id)
    return None if row is None else Reset(*row)


def add(tx: Transaction, reset: Reset) -> None:
    """Insert a link; the keys refuse one of an API user or an inactive user."""
    values = {name: getattr(reset, name) for name in _NAMES}
    tx.run(_ADD, **values, user_is_api=False, user_active=True)


def issue_again(tx: Transaction, reset_id: str, *, now: int, until: int) -> bool:
    """Begin the hour of a link anew, while it is open; False when it is not."""
    return tx.run(_AGAIN, of_id=reset_id, at=now, until=until) == 1


def use(tx: Transaction, reset_id: str, *, now: int) -> bool:
    """Use a link up; False when somebody was quicker."""
    return tx.run(_USE, of_id=reset_id, at=now) == 1


def supersede(tx: Transaction, user_id: int, *, now: int) -> int:
    """Kill the open links of a user, for a later one; returns how many."""
    return tx.run(_SUPERSEDE, of_user=user_id, at=now)


def has_old(reader: Reader, *, now: int) -> bool:
    """Whether a link ended so long ago that nobody will open it."""
    return reader.row(_HAS_OLD, until=now - REMEMBERED) is not None


def drop_old(tx: Transaction, *, now: int) -> None:
    """Forget the links that ended long ago."""
    tx.run(_DROP_OLD, until=now - REMEMBERED)
