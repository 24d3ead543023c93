"""Which names and addresses are taken or kept, and where the numbers of a name go on.

A former name that is kept for somebody (``reserved_names``) counts as taken by everybody
else for as long as its row stands.  Housekeeping drops the row when its time is over, so
that no request has to look at a clock.  What somebody had who was erased is never given
again; only its hash is known (``erased_names``).  One statement finds holders of all
three kinds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
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
from scim_connector.directory.tables import (
    erased_names,
    name_counters,
    reserved_names,
    users,
)
from scim_connector.rules.users import Holder, Taken

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from scim_connector.directory.database import Reader, Transaction

Field = Literal["username", "initials"]


_FIELDS = ("username", "initials", "email")
_kept_key = reserved_names.c.key


def hashed(field: str, key: str) -> str:
    """What is kept of a folded value whose holder was erased."""
    return sha256(f"scim_connector erased {field}\0{key}".encode()).hexdigest()


def _erased(field: str) -> Any:
    """The hash of an erased value of this field, else NULL."""
    of_field = erased_names.c.field == literal_column(f"'{field}'")
    return case((of_field, erased_names.c.hash))


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
        ),
        select(null(), null(), *(_erased(field) for field in _FIELDS)).where(
            or_(
                *(
                    and_(
                        erased_names.c.field == literal_column(f"'{field}'"),
                        erased_names.c.hash == bindparam(f"{field}_hash"),
                    )
                    for field in _FIELDS
                )
            )
        ),
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

    A former name that is kept for another user counts too, and what somebody had who
    was erased.
    """
    keys = {"username": username_key, "initials": initials_key, "email": email_key}
    hashes = {name: hashed(name, key) for name, key in keys.items()}
    held: dict[str, Holder] = {}
    rows = reader.rows(
        _TAKEN,
        **{f"{name}_key": key for name, key in keys.items()},
        **{f"{name}_hash": value for name, value in hashes.items()},
    )
    for user_id, active, *present in rows:
        if user_id is not None and user_id == except_user:
            continue
        wanted = hashes if user_id is None else keys
        for name, key in zip(_FIELDS, present, strict=True):
            if wanted[name] == key:
                _hold(held, name, user_id, active)
    return Taken(**held)


def _hold(
    held: dict[str, Holder], name: str, user_id: int | None, active: bool | None
) -> None:
    """Say how a value is not to be had; who has it now comes before who had it."""
    if active is not None:
        held[name] = Holder.ACTIVE if active else Holder.INACTIVE
    else:
        held.setdefault(name, Holder.ERASED if user_id is None else Holder.KEPT)


@lru_cache(maxsize=64)
def _held_among(field: Field, count: int) -> Statement:
    keys: list[Any] = [bindparam(f"k{n}") for n in range(count)]
    column = users.c[f"{field}_key"]
    kept = select(_kept_key).where(
        reserved_names.c.field == literal_column(f"'{field}'"),
        _kept_key.in_(keys),
        reserved_names.c.user_id != bindparam("of_user"),
    )
    held = select(column).where(column.in_(keys))
    return Statement(held.union_all(kept, _erased_among(field, count)))


def _erased_among(field: Field, count: int) -> Any:
    hashes: list[Any] = [bindparam(f"h{n}") for n in range(count)]
    return select(erased_names.c.hash).where(
        erased_names.c.field == literal_column(f"'{field}'"),
        erased_names.c.hash.in_(hashes),
    )


def free_values(
    tx: Reader, field: Field, keys: Iterable[str], *, of_user: int = 0
) -> set[str]:
    """Which of a handful of folded values nobody holds; one statement.

    What is kept for *of_user* is free for them.
    """
    wanted = list(dict.fromkeys(keys))
    if not wanted:
        return set()
    hashes = [hashed(field, key) for key in wanted]
    values = _numbered("k", wanted) | _numbered("h", hashes)
    rows = tx.rows(_held_among(field, len(wanted)), of_user=of_user, **values)
    held = {row[0] for row in rows}
    return {k for k, h in zip(wanted, hashes, strict=True) if not held & {k, h}}


def _numbered(letter: str, values: Iterable[str]) -> dict[str, str]:
    return {f"{letter}{n}": value for n, value in enumerate(values)}


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
    """Whose a folded value is; ``until`` when it is only kept for them.

    Nobody's, for ever, is what somebody had who was erased.
    """

    key: str
    user_id: int | None
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
    erased = _erased_among(field, count).add_columns(null(), null())
    return Statement(held.union_all(kept, erased))


def holders(reader: Reader, field: Field, keys: Collection[str]) -> dict[str, Held]:
    """Whose each of a handful of folded values is; free ones are left out."""
    if not keys:
        return {}
    by_hash = {hashed(field, key): key for key in keys}
    values = _numbered("k", keys) | _numbered("h", by_hash)
    rows = reader.rows(_holders(field, len(keys)), **values)
    found = [Held(by_hash.get(key, key), *whose) for key, *whose in rows]
    kept = {held.key: held for held in found if held.until is not None}
    return kept | {held.key: held for held in found if held.until is None}


_ERASE = Statement(
    text(
        "INSERT INTO erased_names (field, hash) VALUES (:field, :hash)"
        " ON CONFLICT (field, hash) DO NOTHING"
    )
)
_GIVE_UP = Statement(
    delete(reserved_names).where(reserved_names.c.user_id == bindparam("of_user"))
)


def erase(tx: Transaction, user_id: int, present: Mapping[str, str]) -> None:
    """Give the values a user has, and those kept for them, to nobody ever again.

    *present* are the folded ones by their field.
    """
    former = [(field, held.key) for field, held in kept_for(tx, user_id)]
    for field, key in (*present.items(), *former):
        tx.run(_ERASE, field=field, hash=hashed(field, key))
    tx.run(_GIVE_UP, of_user=user_id)


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


_FORGET_NUMBERS = Statement(
    text(
        "DELETE FROM name_counters WHERE field = 'username'"
        " AND substr(:key, 1, length(base)) = base"
    )
)


def forget_numbers(tx: Transaction, username_key: str) -> None:
    """Forget where the numbers of a username go on: the base is part of a name."""
    tx.run(_FORGET_NUMBERS, key=username_key)
