"""The rows of ``links``: a provider's resource and the local user it stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    and_,
    bindparam,
    case,
    delete,
    insert,
    or_,
    select,
    update,
)

from scim_connector.directory import counters, memberships
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import connections, link_emails, links
from scim_connector.scim import rendering

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction


@dataclass(frozen=True, slots=True)
class Link:
    """One link; ``served`` is the rendered resource (see ``scim.rendering``)."""

    seq: int
    id: str
    connection_id: int
    user_id: int | None
    external_id: str | None
    user_name: str
    user_name_key: str
    display_name_key: str | None
    family_name_key: str | None
    given_name_key: str | None
    employee_number_key: str | None
    local_username_key: str | None
    local_initials_key: str | None
    active: bool
    asked_active: bool
    version: int
    created_at: int
    modified_at: int
    hidden_at: int | None
    served: str

    @property
    def local_user_id(self) -> int:
        """The user behind a link that has one; only a rehearsed link has none."""
        if self.user_id is None:
            message = f"link {self.id} stands for nobody"
            raise LookupError(message)
        return self.user_id


@dataclass(frozen=True, slots=True)
class LinkColumns:
    """What is searched and served, all derived from one resource (decision 40)."""

    external_id: str | None
    user_name: str
    user_name_key: str
    display_name_key: str | None
    family_name_key: str | None
    given_name_key: str | None
    employee_number_key: str | None
    local_username_key: str | None
    local_initials_key: str | None
    active: bool
    emails: tuple[str, ...]
    served: str
    search: str

    def values(self) -> dict[str, Any]:
        """The values of the columns of ``links``."""
        return {name: getattr(self, name) for name in _SEARCHED}


#: How far the clocks of two servers of one installation may be apart; microseconds.
CLOCKS_DIFFER = 60 * 1_000_000
_NAMES = tuple(Link.__dataclass_fields__)
#: The columns of a Link, in the order of its fields.
COLUMNS = tuple(links.c[name] for name in _NAMES)
_SEARCHED = tuple(n for n in LinkColumns.__dataclass_fields__ if n != "emails")
_ACTIVE, _ASKED = _NAMES.index("active"), _NAMES.index("asked_active")
_LIVE = links.c.hidden_at.is_(None)
_RETIRED = select(connections.c.id).where(connections.c.state == "retired")
#: The condition that a link manages somebody; of a retired connection it does not (D13).
MANAGING = and_(
    _LIVE, links.c.user_id.is_not(None), links.c.connection_id.not_in(_RETIRED)
)
_HERE = links.c.connection_id == bindparam("of_connection")

_SERVED = Statement(
    select(links.c.served, links.c.version, memberships.references(links)).where(
        links.c.id == bindparam("of_id"), _HERE, _LIVE
    )
)
_BY_ID = Statement(
    select(*COLUMNS).where(links.c.id == bindparam("of_id"), _HERE, _LIVE)
)
_BY_NAME = Statement(
    select(*COLUMNS).where(_HERE, links.c.user_name_key == bindparam("key"), _LIVE)
)
_OF_USER = Statement(
    select(*COLUMNS).where(links.c.user_id == bindparam("of_user"), _LIVE)
)
_IS_BEFORE = links.c.created_at <= bindparam("at", type_=BigInteger)
_OF_USER_AT = Statement(
    select(*COLUMNS)
    .where(
        links.c.user_id == bindparam("of_user"),
        links.c.created_at <= bindparam("soon", type_=BigInteger),
    )
    .order_by(
        case((_IS_BEFORE, 0), else_=1),
        case((_IS_BEFORE, -links.c.seq), else_=links.c.seq),
    )
    .limit(1)
)
_LAST_OF_USER = Statement(
    select(*COLUMNS)
    .where(links.c.user_id == bindparam("of_user"), _HERE)
    .order_by(links.c.seq.desc())
    .limit(1)
)
# Two index look-ups; an OR of both would walk through the whole connection.
_MATCHES = Statement(
    select(*COLUMNS)
    .where(
        links.c.seq.in_(
            select(links.c.seq)
            .where(_HERE, links.c.user_name_key == bindparam("key"))
            .union(
                select(links.c.seq).where(
                    _HERE, links.c.external_id == bindparam("external")
                )
            )
        ),
        or_(_LIVE, links.c.hidden_why == "deleted"),
    )
    .order_by(links.c.seq)
)
_REMOVED = Statement(
    select(links.c.seq).where(
        links.c.user_id == bindparam("of_user"), _HERE, links.c.hidden_why == "deleted"
    )
)
_BATCH = Statement(
    select(*COLUMNS)
    .where(_HERE, _LIVE, links.c.seq > bindparam("after"))
    .order_by(links.c.seq)
    .limit(bindparam("at_most"))
)


def _link(row: Sequence[Any] | None) -> Link | None:
    if row is None:
        return None
    values = list(row)
    values[_ACTIVE], values[_ASKED] = bool(row[_ACTIVE]), bool(row[_ASKED])
    return Link(*values)


def of_rows(rows: Sequence[Sequence[Any]]) -> list[Link]:
    """Links from rows of :data:`COLUMNS`."""
    return [link for row in rows if (link := _link(row)) is not None]


def served(reader: Reader, connection_id: int, link_id: str) -> tuple[str, int] | None:
    """The resource with its groups, and its version: the one statement of a GET."""
    if "\0" in link_id:  # no text of PostgreSQL, and nobody's id
        return None
    row = reader.row(_SERVED, of_id=link_id, of_connection=connection_id)
    return None if row is None else (rendering.with_groups(row[0], row[2]), row[1])


def by_id(reader: Reader, connection_id: int, link_id: str) -> Link | None:
    """The visible link of this SCIM id on this connection."""
    if "\0" in link_id:
        return None
    return _link(reader.row(_BY_ID, of_id=link_id, of_connection=connection_id))


def live_by_user_name(reader: Reader, connection_id: int, key: str) -> Link | None:
    """The visible link of this folded userName on this connection."""
    return _link(reader.row(_BY_NAME, key=key, of_connection=connection_id))


def of_user_at(reader: Reader, user_id: int, at: int) -> Link | None:
    """The link that stood for a user at an instant, or the last one before it.

    Without one the first within a minute behind it: the clocks of two servers differ.
    """
    soon = at + CLOCKS_DIFFER
    return _link(reader.row(_OF_USER_AT, of_user=user_id, at=at, soon=soon))


def of_user(reader: Reader, user_id: int) -> Link | None:
    """The one visible link of a user, whatever its connection."""
    return _link(reader.row(_OF_USER, of_user=user_id))


def last_of_user(reader: Reader, connection_id: int, user_id: int) -> Link | None:
    """The newest link of a user on this connection, a hidden one too."""
    row = reader.row(_LAST_OF_USER, of_user=user_id, of_connection=connection_id)
    return _link(row)


_NEWEST_IDS = Statement(
    select(links.c.external_id)
    .where(_HERE, _LIVE)
    .order_by(links.c.seq.desc())
    .limit(bindparam("at_most"))
)


def newest_external_ids(
    reader: Reader, connection_id: int, *, at_most: int
) -> list[str | None]:
    """The externalId of the newest visible links of a connection."""
    rows = reader.rows(_NEWEST_IDS, of_connection=connection_id, at_most=at_most)
    return [row[0] for row in rows]


@lru_cache(maxsize=128)
def _managing(count: int) -> Statement:
    ids: list[Any] = [bindparam(f"u{n}") for n in range(count)]
    return Statement(
        select(links.c.user_id, links.c.connection_id).where(
            links.c.user_id.in_(ids), MANAGING
        )
    )


def managing(reader: Reader, user_ids: Sequence[int]) -> dict[int, int]:
    """Which connection manages each of some users, by user; one statement."""
    if not user_ids:
        return {}
    values = {f"u{n}": user_id for n, user_id in enumerate(user_ids)}
    return dict(reader.rows(_managing(len(user_ids)), **values))


def matches(
    reader: Reader, connection_id: int, external_id: str | None, key: str
) -> list[Link]:
    """The links that share the externalId or the folded userName.

    Visible ones, and those a DELETE hid; not what was unlinked or moved away.
    """
    rows = reader.rows(
        _MATCHES, of_connection=connection_id, key=key, external=external_id
    )
    return of_rows(rows)


def was_removed(reader: Reader, connection_id: int, user_id: int) -> bool:
    """Whether a DELETE of this connection hid a link of the user."""
    row = reader.row(_REMOVED, of_user=user_id, of_connection=connection_id)
    return row is not None


def batch(
    reader: Reader, connection_id: int, *, after: int, at_most: int
) -> list[Link]:
    """The next visible links of a connection behind the sequence number *after*."""
    rows = reader.rows(
        _BATCH, of_connection=connection_id, after=after, at_most=at_most
    )
    return of_rows(rows)


# -------------------------------------------------------------------------- changes

_ADDED = (
    *("id", "connection_id", "user_id", "asked_active", "version"),
    *("created_at", "modified_at", "hidden_at"),
    *_SEARCHED,
)
_ADD = Statement(insert(links).returning(links.c.seq), _ADDED)
_ALWAYS = ("asked_active", "version", "modified_at", "served", "search")
_INDEXED = tuple(name for name in _SEARCHED if name not in _ALWAYS)


@lru_cache(maxsize=256)
def _update(changed: tuple[str, ...]) -> Statement:
    return Statement(
        update(links)
        .where(links.c.seq == bindparam("of_seq"))
        .values({name: bindparam(f"new_{name}") for name in (*changed, *_ALWAYS)})
    )


_ASK = Statement(
    update(links)
    .where(links.c.seq == bindparam("of_seq"))
    .values(asked_active=bindparam("new_asked"))
)
_ATTACH = Statement(
    update(links)
    .where(links.c.seq == bindparam("of_seq"))
    .values(user_id=bindparam("new_user"), verdict=None)
)
_HIDE = Statement(
    update(links)
    .where(links.c.seq == bindparam("of_seq"))
    .values(hidden_at=bindparam("new_at"), hidden_why=bindparam("new_why"))
)
_DROP_EMAILS = Statement(
    delete(link_emails).where(link_emails.c.link_seq == bindparam("of_seq"))
)
_EMAILS = Statement(
    select(link_emails.c.value_key)
    .where(link_emails.c.link_seq == bindparam("of_seq"))
    .order_by(link_emails.c.position)
)
_ADD_EMAIL = Statement(
    insert(link_emails), ("link_seq", "position", "connection_id", "value_key")
)


def add(
    tx: Transaction,
    *,
    connection_id: int,
    user_id: int | None,
    link_id: str,
    asked_active: bool,
    columns: LinkColumns,
    now: int,
) -> Link:
    """Insert a link; raises ConstraintBroken "user_name" or "live_user" on a race.

    Only in a rehearsal it stands for nobody yet (``user_id`` None).
    """
    values = columns.values() | {
        "id": link_id,
        "connection_id": connection_id,
        "user_id": user_id,
        "asked_active": asked_active,
        "version": 1,
        "created_at": now,
        "modified_at": now,
        "hidden_at": None,
    }
    seq = tx.insert(_ADD, **values)
    _write_emails(tx, seq, connection_id, columns.emails)
    counters.move(tx, connection_id, seq, live=1, active=int(columns.active))
    return Link(seq=seq, **{name: values[name] for name in _NAMES if name != "seq"})


def update_to(
    tx: Transaction,
    link: Link,
    *,
    asked_active: bool,
    columns: LinkColumns,
    version: int,
    now: int,
) -> Link:
    """Write a changed representation; columns, e-mails and counts move with it.

    *link* is as this transaction read it: only what differs is set, because SQLite
    writes every index anew whose column is named, and that is half of a PATCH.
    """
    values = columns.values() | {
        "asked_active": asked_active,
        "version": version,
        "modified_at": now,
    }
    changed = tuple(n for n in _INDEXED if values[n] != getattr(link, n))
    written = {f"new_{name}": values[name] for name in (*changed, *_ALWAYS)}
    tx.run(_update(changed), of_seq=link.seq, **written)
    if tuple(row[0] for row in tx.rows(_EMAILS, of_seq=link.seq)) != columns.emails:
        tx.run(_DROP_EMAILS, of_seq=link.seq)
        _write_emails(tx, link.seq, link.connection_id, columns.emails)
    moved = int(columns.active) - int(link.active)
    counters.move(tx, link.connection_id, link.seq, live=0, active=moved)
    return replace(link, **{name: values[name] for name in values.keys() & set(_NAMES)})


def attach(tx: Transaction, link: Link, user_id: int) -> Link:
    """Let a link that stood for nobody stand for a user; its id and resource stay."""
    tx.run(_ATTACH, of_seq=link.seq, new_user=user_id)
    return replace(link, user_id=user_id)


def _write_emails(
    tx: Transaction, seq: int, connection_id: int, emails: Sequence[str]
) -> None:
    for position, key in enumerate(emails):
        tx.run(
            _ADD_EMAIL,
            link_seq=seq,
            position=position,
            connection_id=connection_id,
            value_key=key,
        )


_EVER_OF_USER = Statement(
    select(*COLUMNS)
    .where(links.c.user_id == bindparam("of_user"))
    .order_by(links.c.seq)
)
_ERASE = Statement(
    update(links)
    .where(links.c.seq == bindparam("of_seq"), links.c.hidden_at.is_not(None))
    .values(
        {name: bindparam(f"new_{name}") for name in _SEARCHED if name != "active"}
        | {"hidden_why": "erased", "verdict": None}
    )
)


def ever_of_user(reader: Reader, user_id: int) -> list[Link]:
    """Every link that stood for a user, hidden ones too, the oldest first."""
    return of_rows(reader.rows(_EVER_OF_USER, of_user=user_id))


_LIVE_NAME = Statement(
    select(links.c.seq).where(links.c.user_name_key == bindparam("key"), _LIVE).limit(1)
)


def is_live_name(reader: Reader, key: str) -> bool:
    """Whether a visible link of any connection has this folded userName."""
    return reader.row(_LIVE_NAME, key=key) is not None


def erase(tx: Transaction, link: Link, columns: LinkColumns) -> None:
    """Put *columns* in place of what a hidden link told; nothing revives it then."""
    values = {f"new_{n}": v for n, v in columns.values().items() if n != "active"}
    tx.run(_ERASE, of_seq=link.seq, **values)
    tx.run(_DROP_EMAILS, of_seq=link.seq)


def ask_active(tx: Transaction, link: Link, asked: bool) -> None:
    """Remember what the provider last asked for; nothing it sees changes by that."""
    tx.run(_ASK, of_seq=link.seq, new_asked=asked)


def hide(tx: Transaction, link: Link, *, why: str, now: int) -> None:
    """Make the id answer 404 for ever; *why* says how it ended.

    A POST may bring back only what was "deleted"; the others are "unlinked",
    "taken_over", and "rehearsed" for what went while it was rehearsed.
    """
    tx.run(_HIDE, of_seq=link.seq, new_at=now, new_why=why)
    counters.move(tx, link.connection_id, link.seq, live=-1, active=-int(link.active))
