"""Second factors of people: an authenticator app, and recovery codes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, insert, or_, select, update

from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import recovery_codes, second_factors

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """An authenticator app; *secret* is encrypted, *last_step* the last code's time."""

    user_id: int
    secret: str
    created_at: int
    confirmed_at: int | None
    last_step: int | None


_NAMES = tuple(field.name for field in fields(SecondFactor))
_COLUMNS = tuple(second_factors.c[name] for name in _NAMES)
_OF = Statement(
    select(*_COLUMNS).where(second_factors.c.user_id == bindparam("of_user"))
)
_ADD = Statement(insert(second_factors), _NAMES)
_DROP = Statement(
    delete(second_factors).where(second_factors.c.user_id == bindparam("of_user"))
)
_ACCEPT = Statement(
    update(second_factors)
    .where(
        second_factors.c.user_id == bindparam("of_user"),
        or_(
            second_factors.c.last_step.is_(None),
            second_factors.c.last_step < bindparam("step"),
        ),
    )
    .values(last_step=bindparam("step"))
)
_DROP_CODES = Statement(
    delete(recovery_codes).where(recovery_codes.c.user_id == bindparam("of_user"))
)
_ADD_CODE = Statement(insert(recovery_codes), ("user_id", "hash"))
_USE_CODE = Statement(
    delete(recovery_codes).where(
        recovery_codes.c.user_id == bindparam("of_user"),
        recovery_codes.c.hash == bindparam("of_hash"),
    )
)


def of_user(reader: Reader, user_id: int) -> SecondFactor | None:
    """The authenticator app of a user, confirmed or not."""
    row = reader.row(_OF, of_user=user_id)
    return None if row is None else SecondFactor(*row)


def set_up(tx: Transaction, user_id: int, secret: str, step: int, *, now: int) -> None:
    """Keep a new app whose code of a step of time fitted, in place of any other."""
    drop(tx, user_id)
    tx.run(
        _ADD,
        user_id=user_id,
        secret=secret,
        created_at=now,
        confirmed_at=now,
        last_step=step,
    )


def accept(tx: Transaction, user_id: int, step: int) -> bool:
    """Take the code of a step of time, once; False when taken."""
    return tx.run(_ACCEPT, of_user=user_id, step=step) == 1


def drop(tx: Transaction, user_id: int) -> None:
    """Forget app and recovery codes."""
    tx.run(_DROP, of_user=user_id)
    tx.run(_DROP_CODES, of_user=user_id)


def set_codes(tx: Transaction, user_id: int, hashes: Iterable[str]) -> None:
    """Set the recovery codes by their hashes; former ones open nothing any more."""
    tx.run(_DROP_CODES, of_user=user_id)
    tx.run_each(_ADD_CODE, [{"user_id": user_id, "hash": each} for each in hashes])


def use_code(tx: Transaction, user_id: int, hashed: str) -> bool:
    """Use a recovery code up; False when there is none of this hash."""
    return tx.run(_USE_CODE, of_user=user_id, of_hash=hashed) == 1
