"""Which names and addresses are taken, and where the numbers behind a name go on."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import bindparam, or_, select, text

from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import name_counters, users
from scim_connector.rules.users import Holder, Taken

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scim_connector.directory.database import Reader, Transaction

_TAKEN = Statement(
    select(
        users.c.id,
        users.c.active,
        users.c.username_key,
        users.c.initials_key,
        users.c.email_key,
    ).where(
        or_(
            users.c.username_key == bindparam("username_key"),
            users.c.initials_key == bindparam("initials_key"),
            users.c.email_key == bindparam("email_key"),
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
    """Which of three values somebody else holds, inactive users included (R2, R5, R7)."""
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
            if keys[name] == key:
                held[name] = Holder.ACTIVE if active else Holder.INACTIVE
    return Taken(**held)


@lru_cache(maxsize=64)
def _held_among(column: str, count: int) -> Statement:
    keys: list[Any] = [bindparam(f"k{n}") for n in range(count)]
    return Statement(select(users.c[column]).where(users.c[column].in_(keys)))


def free_values(
    tx: Reader, field: Literal["username", "initials"], keys: Iterable[str]
) -> set[str]:
    """Which of a handful of folded values nobody holds; one statement."""
    wanted = list(dict.fromkeys(keys))
    if not wanted:
        return set()
    statement = _held_among(f"{field}_key", len(wanted))
    held = tx.rows(statement, **{f"k{n}": key for n, key in enumerate(wanted)})
    return set(wanted) - {row[0] for row in held}


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
