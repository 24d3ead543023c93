"""The rows of ``users``: read by anyone, changed through ``accounts`` only."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import (
    BigInteger,
    Select,
    bindparam,
    func,
    insert,
    or_,
    select,
    text,
    update,
)

from scim_connector.directory.links import MANAGING
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import assignments, links, users
from scim_connector.rules import folding

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction
    from scim_connector.rules.users import Draft


@dataclass(frozen=True, slots=True)
class User:
    """One local user, with every column of the table in its order."""

    id: int
    user_type: str
    is_api_user: bool
    active: bool
    first_name: str
    last_name: str
    initials: str
    initials_key: str
    email: str
    email_key: str
    username: str
    username_key: str
    initials_origin: str
    email_origin: str
    username_origin: str
    profile_origin: str
    email_trusted: bool
    overrides: str
    profile_id: int | None
    held_by: str | None
    held_at: int | None
    password_hash: str | None
    password_expired: bool
    welcomed: bool
    first_login_at: int | None
    epoch: int
    version: int
    created_at: int
    updated_at: int
    password_changed_at: int | None
    erased_at: int | None

    @property
    def overridden(self) -> frozenset[str]:
        """The fields a person changed here against the provider."""
        return (
            frozenset(orjson.loads(self.overrides)) if self.overrides else frozenset()
        )


_NAMES = tuple(field.name for field in fields(User))
#: The columns of a User, in the order of its fields.
COLUMNS = tuple(users.c[name] for name in _NAMES)
_FLAGS = frozenset(
    i for i, n in enumerate(_NAMES) if users.c[n].type.python_type is bool
)

_BY_ID = Statement(select(*COLUMNS).where(users.c.id == bindparam("user_id")))
_HOLD = Statement(
    select(users.c.id).where(users.c.id == bindparam("of_id")).with_for_update()
)
_BY = {
    name: Statement(select(*COLUMNS).where(users.c[name] == bindparam("key")))
    for name in ("username_key", "email_key", "initials_key")
}
_ADDED = tuple(name for name in _NAMES if name != "id")
_ADD = Statement(insert(users).returning(users.c.id), _ADDED)


def _user(row: Sequence[Any] | None) -> User | None:
    if row is None:
        return None
    values: list[Any] = list(row)
    for index in _FLAGS:
        values[index] = bool(values[index])
    return User(*values)


def of_rows(rows: Sequence[Sequence[Any]]) -> list[User]:
    """Users from rows of :data:`COLUMNS`."""
    return [user for row in rows if (user := _user(row)) is not None]


def by_id(reader: Reader, user_id: int) -> User | None:
    """The user of this id."""
    return _user(reader.row(_BY_ID, user_id=user_id))


def held(tx: Transaction, user_id: int) -> User:
    """The user of this id, whom nobody changes before this transaction ends."""
    tx.row(_HOLD, of_id=user_id)
    return required(tx, user_id)


@lru_cache(maxsize=128)
def _among(count: int) -> Statement:
    ids: list[Any] = [bindparam(f"u{n}") for n in range(count)]
    return Statement(select(*COLUMNS).where(users.c.id.in_(ids)))


def by_ids(reader: Reader, user_ids: Collection[int]) -> dict[int, User]:
    """The users of these ids, by id; one statement."""
    if not user_ids:
        return {}
    values = {f"u{n}": user_id for n, user_id in enumerate(user_ids)}
    rows = reader.rows(_among(len(user_ids)), **values)
    return {user.id: user for row in rows if (user := _user(row))}


def required(reader: Reader, user_id: int) -> User:
    """The user of this id, who must exist; raises LookupError."""
    found = by_id(reader, user_id)
    if found is None:
        message = f"There is no user {user_id}."
        raise LookupError(message)
    return found


def by_username_key(reader: Reader, key: str) -> User | None:
    """The user of this folded username (``rules.folding.username_key``)."""
    return _user(reader.row(_BY["username_key"], key=key))


def by_email_key(reader: Reader, key: str) -> User | None:
    """The user of this folded email address."""
    return _user(reader.row(_BY["email_key"], key=key))


def by_initials_key(reader: Reader, key: str) -> User | None:
    """The user of these folded initials."""
    return _user(reader.row(_BY["initials_key"], key=key))


_WITHOUT_LINK = Statement(
    select(*COLUMNS)
    .where(users.c.id.not_in(select(links.c.user_id).where(MANAGING)))
    .order_by(users.c.username_key)
)


_PERSON = (users.c.active, users.c.is_api_user.is_(False))
_PEOPLE = Statement(
    select(*COLUMNS)
    .where(*_PERSON)
    .order_by(users.c.id)
    .limit(bindparam("most", type_=BigInteger))
    .offset(bindparam("skipped", type_=BigInteger))
)
_COUNT_PEOPLE = Statement(select(func.count()).select_from(users).where(*_PERSON))


def people(reader: Reader, *, skipped: int, most: int) -> list[User]:
    """Active people, whatever connection they come from, the oldest first."""
    rows = reader.rows(_PEOPLE, skipped=skipped, most=most)
    return of_rows(rows)


def count_people(reader: Reader) -> int:
    """How many active people there are."""
    return int(reader.value(_COUNT_PEOPLE))


_NEVER = Statement(
    select(*COLUMNS)
    .where(*_PERSON, users.c.first_login_at.is_(None))
    .order_by(users.c.username_key)
)


def never_signed_in(reader: Reader) -> list[User]:
    """Active people who have never signed in, by username."""
    return of_rows(reader.rows(_NEVER))


_LINKED = Statement(
    select(links.c.user_id)
    .where(links.c.hidden_at.is_(None), links.c.user_id.is_not(None))
    .limit(1)
)


def has_linked(reader: Reader) -> bool:
    """Whether a provider manages anybody."""
    return reader.row(_LINKED) is not None


_HELD_INACTIVE = Statement(
    select(*COLUMNS)
    .where(users.c.held_by.is_not(None), users.c.active.is_(False))
    .order_by(users.c.held_at.desc())
    .limit(bindparam("at_most", type_=BigInteger))
)


def held_inactive(reader: Reader, *, at_most: int) -> list[User]:
    """Users a person made inactive, so that no provider brings them back (R19)."""
    rows = reader.rows(_HELD_INACTIVE, at_most=at_most)
    return of_rows(rows)


def without_link(reader: Reader) -> list[User]:
    """The users no provider manages, by username."""
    return of_rows(reader.rows(_WITHOUT_LINK))


@dataclass(frozen=True, slots=True)
class Query:
    """What a list of users is narrowed to; None leaves a filter out.

    ``connection_id`` is whose identity stands for them; that of a retired connection
    manages nobody (``managed``).  ``words`` is looked for in username, initials, email
    and both names.
    """

    words: str | None = None
    active: bool | None = None
    api_user: bool | None = None
    user_type: str | None = None
    role_id: int | None = None
    profile_id: int | None = None
    connection_id: int | None = None
    managed: bool | None = None
    held: bool = False
    never_signed_in: bool = False
    ids: frozenset[int] | None = None
    after: str = ""
    at_most: int = 100


def search(reader: Reader, query: Query) -> list[User]:
    """The users a query fits, by username; go on with ``after`` = the last key."""
    return of_rows(reader.rows(_narrowed(query)))


def _narrowed(query: Query) -> Statement:
    clause = select(*COLUMNS).where(users.c.username_key > query.after)
    clause = clause.where(*_equal(query), *_named(query), *_standing(query))
    clause = _by_source(clause, query)
    return Statement(clause.order_by(users.c.username_key).limit(query.at_most))


def _equal(query: Query) -> Iterator[Any]:
    """What is compared as it is."""
    for column, value in (
        (users.c.active, query.active),
        (users.c.is_api_user, query.api_user),
        (users.c.user_type, query.user_type),
        (users.c.profile_id, query.profile_id),
    ):
        if value is not None:
            yield column.is_(value) if isinstance(value, bool) else column == value
    if query.ids is not None:
        yield users.c.id.in_(query.ids)


def _named(query: Query) -> Iterator[Any]:
    """What the words are looked for in."""
    if query.words is None:
        return
    needle = query.words.casefold()
    fields = ("username_key", "initials_key", "email_key")
    names = [users.c[n] for n in ("first_name", "last_name")]
    held = (*(users.c[n] for n in fields), *map(func.lower, names))
    found = [c.contains(needle, autoescape=True) for c in held]
    if not needle.isascii():
        # SQLite lowers ASCII alone: other letters are found as they are written.
        found += [c.contains(query.words, autoescape=True) for c in names]
    # Found by id, so that SQLite can look into one index and not into every row.
    yield users.c.id.in_(select(users.c.id).where(or_(*found)))


def _standing(query: Query) -> Iterator[Any]:
    """Roles, being held inactive, never having signed in."""
    if query.role_id is not None:
        holders = select(assignments.c.user_id).where(
            assignments.c.role_id == query.role_id
        )
        yield users.c.id.in_(holders)
    if query.held:
        yield text("users.held_by IS NOT NULL")
        yield ~users.c.active
    if query.never_signed_in:
        yield from (*_PERSON, users.c.first_login_at.is_(None))


def _by_source(clause: Select[Any], query: Query) -> Select[Any]:
    if query.connection_id is not None:
        here = select(links.c.user_id).where(
            links.c.hidden_at.is_(None),
            links.c.user_id.is_not(None),
            links.c.connection_id == query.connection_id,
        )
        return clause.where(users.c.id.in_(here))
    if query.managed is None:
        return clause
    managed = users.c.id.in_(select(links.c.user_id).where(MANAGING))
    return clause.where(managed if query.managed else ~managed)


def add(
    tx: Transaction,
    draft: Draft,
    origins: Mapping[str, str],
    *,
    trusted: bool,
    welcomed: bool = False,
    now: int,
) -> User:
    """Insert a user the rules have accepted; raises ConstraintBroken on a lost race."""
    values: dict[str, Any] = {
        "user_type": draft.user_type.value,
        "is_api_user": draft.api_user,
        "active": draft.active,
        "first_name": draft.first_name,
        "last_name": draft.last_name,
        "initials": draft.initials,
        "initials_key": folding.initials_key(draft.initials),
        "email": draft.email or "",
        "email_key": folding.email_key(draft.email or ""),
        "username": draft.username,
        "username_key": folding.username_key(draft.username),
        "initials_origin": origins.get("initials", "local"),
        "email_origin": origins.get("email", "local"),
        "username_origin": origins.get("username", "local"),
        "profile_origin": origins.get("profile", "local"),
        "email_trusted": trusted,
        "overrides": "[]",
        "profile_id": None,
        "held_by": None,
        "held_at": None,
        "password_hash": None,
        "password_expired": False,
        "welcomed": welcomed,
        "first_login_at": None,
        "epoch": 0,
        "version": 1,
        "created_at": now,
        "updated_at": now,
        "password_changed_at": None,
        "erased_at": None,
    }
    return User(id=tx.insert(_ADD, **values), **values)


@lru_cache(maxsize=256)
def _update(names: tuple[str, ...]) -> Statement:
    return Statement(
        update(users)
        .where(users.c.id == bindparam("user_id"))
        .values({name: bindparam(f"new_{name}") for name in names})
    )


def change(tx: Transaction, user_id: int, changes: Mapping[str, Any]) -> None:
    """Set columns of one user; ``accounts`` is the only caller."""
    names = tuple(sorted(changes))
    values = {f"new_{name}": changes[name] for name in names}
    tx.run(_update(names), user_id=user_id, **values)
