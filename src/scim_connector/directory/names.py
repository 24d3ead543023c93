"""Which names and addresses are taken or kept, and where the numbers of a name go on.

A former name that is kept for somebody (``reserved_names``) counts as taken by everybody
else for as long as its row stands.  Housekeeping drops the row when its time is over, so
that no request has to look at a clock, and one statement finds holders of both kinds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import (
    and_,
    bindparam,
    case,
    delete,
    literal_column,
    null,
    or_,
    select,
    text,
)

from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import name_counters, reserved_names, users
from scim_connector.rules.users import Holder, Taken

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from scim_connector.directory.database import Reader, Transaction

Field = Literal["username", "initials"]


_kept_key = reserved_names.c.key


def _kept(field: Field) -> Any:
    """The key of a kept name of this field, else NULL."""
    return case((reserved_names.c.field == literal_column(f"'{field}'"), _kept_key))


_TAKEN = Statement(
    select(
        users.c.id,
        users.c.active,
        users.c.username_key,
        users.c.initials_key,
        users.c.email_key,
    )
    .where(
        or_(
            users.c.username_key == bindparam("username_key"),
            users.c.initials_key == bindparam("initials_key"),
            users.c.email_key == bindparam("email_key"),
        )
    )
    .union_all(
        select(
            reserved_names.c.user_id,
            null(),
            _kept("username"),
            _kept("initials"),
            null(),
        ).where(
            or_(
                *(
                    and_(
                        reserved_names.c.field == literal_column(f"'{field}'"),
                        _kept_key == bindparam(f"{field}_key"),
                    )
                    for field in ("username", "initials")
                )
            )
        )
    )
)


def taken(
    reader: Reader,
    *,
    username_key: str,
    initials_key: str,
    email_key: str,
    except_user: int | None = None,
) -> Taken:
    """Which of three values somebody else holds, inactive users included (R2, R5, R7).

    A former name that is kept for another user counts too.
    """
    keys = {"username": username_key, "initials": initials_key, "email": email_key}
    held: dict[str, Holder] = {}
    rows = reader.rows(
        _TAKEN,
        username_key=username_key,
        initials_key=initials_key,
        email_key=email_key,
    )
    for user_id, active, *present in rows:
        if user_id == except_user:
            continue
        for name, key in zip(("username", "initials", "email"), present, strict=True):
            if keys[name] != key:
                continue
            if active is None:
                held.setdefault(name, Holder.KEPT)
            else:
                held[name] = Holder.ACTIVE if active else Holder.INACTIVE
    return Taken(**held)


@lru_cache(maxsize=64)
def _held_among(field: Field, count: int) -> Statement:
    keys: list[Any] = [bindparam(f"k{n}") for n in range(count)]
    column = users.c[f"{field}_key"]
    kept = select(_kept_key).where(
        reserved_names.c.field == literal_column(f"'{field}'"),
        _kept_key.in_(keys),
        reserved_names.c.user_id != bindparam("of_user"),
    )
    return Statement(select(column).where(column.in_(keys)).union_all(kept))


def free_values(
    tx: Reader, field: Field, keys: Iterable[str], *, of_user: int = 0
) -> set[str]:
    """Which of a handful of folded values nobody holds; one statement.

    What is kept for *of_user* is free for them.
    """
    wanted = list(dict.fromkeys(keys))
    if not wanted:
        return set()
    values = {f"k{n}": key for n, key in enumerate(wanted)}
    held = tx.rows(_held_among(field, len(wanted)), of_user=of_user, **values)
    return set(wanted) - {row[0] for row in held}


# ------------------------------------------------------------------------- kept values

# One statement in the words both databases share.
_KEEP = Statement(
    text(
        "INSERT INTO reserved_names (field, key, user_id, until)"
        " VALUES (:field, :key, :of_user, :until)"
        " ON CONFLICT (field, key) DO UPDATE"
        " SET user_id = excluded.user_id, until = excluded.until"
    )
)
_ENDED = reserved_names.c.until <= bindparam("at")
_HAS_ENDED = Statement(select(reserved_names.c.until).where(_ENDED).limit(1))
_FORGET = Statement(delete(reserved_names).where(_ENDED))
_KEPT_FOR = Statement(
    select(
        reserved_names.c.field,
        _kept_key,
        reserved_names.c.user_id,
        reserved_names.c.until,
    )
    .where(reserved_names.c.user_id == bindparam("of_user"))
    .order_by(reserved_names.c.field, _kept_key)
)


@dataclass(frozen=True, slots=True)
class Held:
    """Whose a folded value is; ``until`` when it is only kept for them."""

    key: str
    user_id: int
    until: int | None = None


def keep(tx: Transaction, field: Field, key: str, *, user_id: int, until: int) -> None:
    """Keep a folded value for a user who had it; again moves the end."""
    tx.run(_KEEP, field=field, key=key, of_user=user_id, until=until)


def kept_for(reader: Reader, user_id: int) -> list[tuple[str, Held]]:
    """The field and value of every name that is kept for a user."""
    rows = reader.rows(_KEPT_FOR, of_user=user_id)
    return [(field, Held(*row)) for field, *row in rows]


@lru_cache(maxsize=64)
def _holders(field: Field, count: int) -> Statement:
    keys: list[Any] = [bindparam(f"k{n}") for n in range(count)]
    column = users.c[f"{field}_key"]
    kept = select(_kept_key, reserved_names.c.user_id, reserved_names.c.until).where(
        reserved_names.c.field == literal_column(f"'{field}'"), _kept_key.in_(keys)
    )
    held = select(column, users.c.id, null()).where(column.in_(keys))
    return Statement(held.union_all(kept))


def holders(reader: Reader, field: Field, keys: Collection[str]) -> dict[str, Held]:
    """Whose each of a handful of folded values is; free ones are left out."""
    if not keys:
        return {}
    values = {f"k{n}": key for n, key in enumerate(keys)}
    found = [Held(*row) for row in reader.rows(_holders(field, len(keys)), **values)]
    kept = {held.key: held for held in found if held.until is not None}
    return kept | {held.key: held for held in found if held.until is None}


def has_ended(reader: Reader, *, now: int) -> bool:
    """Whether a value was kept long enough."""
    return reader.row(_HAS_ENDED, at=now) is not None


def forget_ended(tx: Transaction, *, now: int) -> None:
    """Give back the values that were kept long enough."""
    tx.run(_FORGET, at=now)


# ---------------------------------------------------------------------------- numbers

_NEXT = Statement(
    select(name_counters.c.next).where(
        name_counters.c.field == bindparam("field"),
        name_counters.c.base == bindparam("base"),
    )
)
# One statement in the words both databases share: two creates may both be the first.
_REMEMBER = Statement(
    text(
        "INSERT INTO name_counters (field, base, next) VALUES (:field, :base, :number)"
        " ON CONFLICT (field, base) DO UPDATE SET next = excluded.next"
    )
)


def next_number(tx: Reader, field: str, base: str) -> int | None:
    """The next number to try behind a base; None when it was never numbered."""
    found = tx.value(_NEXT, field=field, base=base)
    return None if found is None else int(found)


def remember_number(tx: Transaction, field: str, base: str, number: int) -> None:
    """Remember where the numbers of a base go on."""
    tx.run(_REMEMBER, field=field, base=base, number=number)
