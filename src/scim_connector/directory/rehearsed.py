"""The rows of ``links`` that stand for nobody yet, each with its verdict (decision 14).

Visible ones were answered 2xx while their connection was rehearsing, or could not be
carried out when it went live.  Hidden ones ("refused") are requests that were answered
4xx in a rehearsal: the provider knows no id of theirs and sends them again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_, bindparam, delete, func, select, text, update

from scim_connector.directory import counters, links
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import link_emails
from scim_connector.directory.tables import links as table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scim_connector.directory.database import Reader, Transaction
    from scim_connector.directory.links import Link, LinkColumns

REFUSED = "refused"
BATCH = 500

_HERE = table.c.connection_id == bindparam("of_connection")
_WAITS = and_(_HERE, table.c.hidden_at.is_(None), table.c.user_id.is_(None))
_REFUSED = and_(_HERE, table.c.hidden_why == REFUSED)

_live = table.alias("live")
_LATER_MADE = (
    select(_live.c.seq)
    .where(
        _live.c.connection_id == table.c.connection_id,
        _live.c.user_name_key == table.c.user_name_key,
        _live.c.hidden_at.is_(None),
    )
    .exists()
)
_LISTED = (table.c.seq, table.c.id, table.c.user_name, table.c.active, table.c.verdict)
_BATCH = Statement(
    select(*links.COLUMNS)
    .where(_WAITS, table.c.seq > bindparam("after"))
    .order_by(table.c.seq)
    .limit(bindparam("at_most"))
)
#: Said literally, because only then SQLite takes the small index of it.
_COUNT_ACTIVE = Statement(
    select(func.count())
    .select_from(table)
    .where(_HERE, text("user_id IS NULL AND hidden_at IS NULL"), table.c.active)
)
_COUNT = Statement(select(func.count()).select_from(table).where(_WAITS))
_REFUSED_LINKS = Statement(
    select(*links.COLUMNS).where(_REFUSED, ~_LATER_MADE).order_by(table.c.seq)
)
_WAITING = Statement(
    select(*_LISTED)
    .where(_WAITS, table.c.seq > bindparam("after"))
    .order_by(table.c.seq)
    .limit(bindparam("at_most"))
)
_REFUSED_ONES = Statement(
    select(*_LISTED)
    .where(_REFUSED, ~_LATER_MADE, table.c.seq > bindparam("after"))
    .order_by(table.c.seq)
    .limit(bindparam("at_most"))
)
_WITH_EMAIL = Statement(
    select(*links.COLUMNS)
    .where(
        _WAITS,
        table.c.seq.in_(
            select(link_emails.c.link_seq).where(
                link_emails.c.connection_id == bindparam("of_connection"),
                link_emails.c.value_key == bindparam("email"),
            )
        ),
    )
    .order_by(table.c.seq)
    .limit(bindparam("at_most"))
)
_VERDICT = Statement(select(table.c.verdict).where(table.c.seq == bindparam("of_seq")))
_SAY = Statement(
    update(table)
    .where(table.c.seq == bindparam("of_seq"))
    .values(verdict=bindparam("new_verdict"))
)
_SAME_NAME = (_REFUSED, table.c.user_name_key == bindparam("key"))
_FORGET_EMAILS = Statement(
    delete(link_emails).where(
        link_emails.c.link_seq.in_(select(table.c.seq).where(*_SAME_NAME))
    )
)
_FORGET = Statement(delete(table).where(*_SAME_NAME))


@dataclass(frozen=True, slots=True)
class Stored:
    """One identity with the verdict as it was when the provider last sent it.

    ``answered`` is False where the request was refused: the provider has no id of it.
    """

    seq: int
    link_id: str
    user_name: str
    active: bool
    verdict: str | None
    answered: bool


def every(reader: Reader, connection_id: int) -> Iterator[Link]:
    """The identities that wait for their user, in the order they came."""
    after = 0
    while True:
        rows = reader.rows(
            _BATCH, of_connection=connection_id, after=after, at_most=BATCH
        )
        found = links.of_rows(rows)
        yield from found
        if len(found) < BATCH:
            return
        after = found[-1].seq


def count_active(reader: Reader, connection_id: int) -> int:
    """How many active identities of a connection stand for nobody."""
    return int(reader.value(_COUNT_ACTIVE, of_connection=connection_id))


def count_managed(reader: Reader, connection_id: int) -> int:
    """How many active users a connection manages; nobody while it is rehearsing."""
    active = counters.totals(reader, connection_id)[1]
    return active - count_active(reader, connection_id)


def count(reader: Reader, connection_id: int) -> int:
    """How many identities wait for their user."""
    return int(reader.value(_COUNT, of_connection=connection_id))


def refused(reader: Reader, connection_id: int) -> list[Link]:
    """The identities that were refused in a rehearsal and have not come since."""
    return links.of_rows(reader.rows(_REFUSED_LINKS, of_connection=connection_id))


def stored(
    reader: Reader, connection_id: int, *, answered: bool, after: int = 0
) -> Iterator[Stored]:
    """Those that wait (*answered*) or those refused, as they stand, in their order."""
    statement = _WAITING if answered else _REFUSED_ONES
    while True:
        rows = reader.rows(
            statement, of_connection=connection_id, after=after, at_most=BATCH
        )
        for seq, link_id, name, active, verdict in rows:
            yield Stored(seq, link_id, name, bool(active), verdict, answered)
        if len(rows) < BATCH:
            return
        after = rows[-1][0]


def with_email(
    reader: Reader, connection_id: int, key: str, *, at_most: int
) -> list[Link]:
    """The identities that wait and have this email address, folded, the oldest first."""
    rows = reader.rows(
        _WITH_EMAIL, of_connection=connection_id, email=key, at_most=at_most
    )
    return links.of_rows(rows)


def verdict(reader: Reader, link: Link) -> str | None:
    """The verdict as it was kept last."""
    found: str | None = reader.value(_VERDICT, of_seq=link.seq)
    return found


# -------------------------------------------------------------------------- changes


def say(tx: Transaction, link: Link, verdict: str) -> None:
    """Keep the verdict of an identity; nothing the provider sees changes by that."""
    tx.run(_SAY, of_seq=link.seq, new_verdict=verdict)


def keep_refused(
    tx: Transaction,
    *,
    connection_id: int,
    link_id: str,
    columns: LinkColumns,
    verdict: str,
    now: int,
) -> None:
    """Keep a refused identity out of sight, in place of its last refusal.

    One that the connection sees by now is left as it is.
    """
    key = columns.user_name_key
    if links.live_by_user_name(tx, connection_id, key) is not None:
        return
    tx.run(_FORGET_EMAILS, of_connection=connection_id, key=key)
    tx.run(_FORGET, of_connection=connection_id, key=key)
    link = links.add(
        tx,
        connection_id=connection_id,
        user_id=None,
        link_id=link_id,
        asked_active=columns.active,
        columns=columns,
        now=now,
    )
    links.hide(tx, link, why=REFUSED, now=now)
    say(tx, link, verdict)
