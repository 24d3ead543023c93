"""Every authenticated request, with its six steps (decision 33)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    bindparam,
    case,
    exists,
    func,
    insert,
    literal,
    not_,
    select,
    text,
    tuple_,
)

from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import request_log
from scim_connector.scim.folding import text_key

if TYPE_CHECKING:
    from scim_connector.directory.database import Reader, Transaction


@dataclass(frozen=True, slots=True)
class Entry:
    """One request; ``at`` in microseconds UTC, ``duration_us`` in microseconds."""

    request_id: str
    at: int
    connection_id: int
    credential_id: str | None
    method: str
    path: str
    action: str
    outcome: str
    status: int
    reason: str | None
    identity: str | None
    link_id: str | None
    user_id: int | None
    duration_us: int
    steps: str
    request_body: str | None
    response_body: str | None


_NAMES = tuple(Entry.__dataclass_fields__)
_COLUMNS = tuple(request_log.c[name] for name in _NAMES)
_ADD = Statement(insert(request_log), (*_NAMES, "identity_key"))
_BY_ID = Statement(
    select(*_COLUMNS).where(request_log.c.request_id == bindparam("of_id"))
)
#: What a list may be narrowed to by equality, by the name of the argument.
FILTERS = (
    *("connection_id", "action", "outcome", "status", "method", "user_id", "link_id"),
)
_AT = BigInteger()


def add(tx: Transaction, entry: Entry) -> None:
    """Log one request in the transaction of its change."""
    tx.run(_ADD, **_values(entry))


def add_batch(tx: Transaction, entries: Sequence[Entry]) -> None:
    """Log many requests at once."""
    tx.run_each(_ADD, [_values(entry) for entry in entries])


def _values(entry: Entry) -> dict[str, Any]:
    values = {name: getattr(entry, name) for name in _NAMES}
    key = None if entry.identity is None else text_key(entry.identity)
    return {**values, "identity_key": key}


def by_request_id(reader: Reader, request_id: str) -> Entry | None:
    """The request of this id."""
    row = reader.row(_BY_ID, of_id=request_id)
    return None if row is None else Entry(*row)


def _place() -> Any:
    return tuple_(request_log.c.at, request_log.c.id)


def _conditions(names: Collection[str]) -> Iterator[Any]:
    """The conditions behind the names of :class:`Narrowed`, in the same words."""
    for name in names:
        match name:
            case "identity":
                yield request_log.c.identity_key == bindparam("identity")
            case "words":
                yield request_log.c.identity_key >= bindparam("words")
                yield request_log.c.identity_key < bindparam("words_end")
            case "since":
                yield request_log.c.at >= bindparam("since", type_=_AT)
            case "until":
                yield request_log.c.at < bindparam("until", type_=_AT)
            case "reason":
                padded = literal(",").concat(request_log.c.reason).concat(",")
                yield padded.contains(bindparam("reason"))
            case _:
                yield request_log.c[name] == bindparam(name)


@lru_cache(maxsize=256)
def _listing(names: tuple[str, ...], reads: bool, older: bool) -> Statement:
    clause = select(*_COLUMNS).order_by(
        request_log.c.at.desc(), request_log.c.id.desc()
    )
    clause = clause.where(*_conditions(names))
    if not reads:  # said literally, because only then SQLite takes the index of it
        clause = clause.where(text("action <> 'Read'"))
    if older:
        last = select(request_log.c.at, request_log.c.id).where(
            request_log.c.request_id == bindparam("before")
        )
        clause = clause.where(_place() < last.scalar_subquery())
    return Statement(clause.limit(bindparam("at_most")))


def newest(
    reader: Reader,
    *,
    at_most: int = 50,
    reads: bool = True,
    before: str | None = None,
    **filters: Any,
) -> list[Entry]:
    """The newest requests first, narrowed to *filters*.

    :data:`FILTERS` are compared as they are; *identity* in any case, *words* is what
    it begins with, *reason* one code of several, *since* and *until* instants.  Go on
    with ``before`` = the request id of the last one.
    """
    names = tuple(sorted(filters))
    values: dict[str, Any] = {**filters, "at_most": at_most}
    if "identity" in filters:
        values["identity"] = text_key(filters["identity"])
    if "words" in filters:
        values["words"] = text_key(filters["words"])
        values["words_end"] = values["words"] + "\U0010ffff"
    if "reason" in filters:
        values["reason"] = f",{filters['reason']},"
    if before is not None:
        values["before"] = before
    statement = _listing(names, reads, before is not None)
    return [Entry(*row) for row in reader.rows(statement, **values)]


# ----------------------------------------------------------------------- what is open

_CHANGES = text("request_log.action <> 'Read'")
_LATER = request_log.alias("later")
_SETTLED = exists().where(
    _LATER.c.identity_key == request_log.c.identity_key,
    _LATER.c.id > request_log.c.id,
    _LATER.c.connection_id == request_log.c.connection_id,
    _LATER.c.action != "Read",
)
_OPEN = Statement(
    select(*_COLUMNS)
    .where(
        text("request_log.outcome <> 'Success'"),
        request_log.c.outcome == "Failure",
        _CHANGES,
        request_log.c.at >= bindparam("since", type_=_AT),
        request_log.c.identity_key.is_not(None),
        not_(_SETTLED),
    )
    .order_by(request_log.c.at.desc(), request_log.c.id.desc())
    .limit(bindparam("at_most", type_=_AT))
)


def open_failures(reader: Reader, *, since: int, at_most: int = 200) -> list[Entry]:
    """The last request about somebody, where it was refused; the newest first.

    What a later request about the same identity has answered is open no more.
    """
    rows = reader.rows(_OPEN, since=since, at_most=at_most)
    return [Entry(*row) for row in rows]


# ----------------------------------------------------------------------------- shares

_RECENT = (
    select(
        request_log.c.connection_id.label("connection_id"),
        request_log.c.outcome.label("outcome"),
        request_log.c.reason.label("reason"),
    )
    .where(text("action <> 'Read'"), request_log.c.at >= bindparam("since", type_=_AT))
    .order_by(request_log.c.at.desc(), request_log.c.id.desc())
    .limit(bindparam("at_most", type_=_AT))
    .subquery()
)
_SHARES = Statement(
    select(
        _RECENT.c.connection_id,
        case((_RECENT.c.outcome == "Failure", _RECENT.c.reason), else_="").label("why"),
        func.count(),
    ).group_by(_RECENT.c.connection_id, "why")
)


def shares(
    reader: Reader, *, since: int, at_most: int = 10_000
) -> dict[int, dict[str, int]]:
    """How many of the newest changes of each connection were refused for each reason.

    Those that were not refused count under no reason.
    """
    found: dict[int, dict[str, int]] = {}
    rows = reader.rows(_SHARES, since=since, at_most=at_most)
    for connection_id, reason, count in rows:
        found.setdefault(int(connection_id), {})[reason or ""] = int(count)
    return found


# ---------------------------------------------------------------------------- figures

_OF_CONNECTION = request_log.c.connection_id == bindparam("of_connection")
_LAST = Statement(select(func.max(request_log.c.at)).where(_OF_CONNECTION))
_LAST_SUCCESS = Statement(
    select(request_log.c.at)
    .where(_OF_CONNECTION, request_log.c.outcome != "Failure")
    .order_by(request_log.c.at.desc(), request_log.c.id.desc())
    .limit(1)
)
_HOUR = 3600 * 1_000_000
_BUCKET = (
    (request_log.c.at - bindparam("since", type_=_AT)) // bindparam("width", type_=_AT)
).label("bucket")
_SINCE = request_log.c.at >= bindparam("since", type_=_AT)
_COUNTED = Statement(
    select(_BUCKET, func.count()).where(_OF_CONNECTION, _SINCE).group_by(_BUCKET)
)
_REFUSED = Statement(
    select(_BUCKET, func.count())
    .where(
        text("outcome <> 'Success'"),
        request_log.c.outcome == "Failure",
        _OF_CONNECTION,
        _SINCE,
    )
    .group_by(_BUCKET)
)


_NEWEST_CHANGES = (
    select(request_log.c.action, request_log.c.outcome)
    .where(text("action <> 'Read'"), _OF_CONNECTION)
    .order_by(request_log.c.at.desc(), request_log.c.id.desc())
    .limit(bindparam("at_most", type_=_AT))
    .subquery()
)
_DONE = Statement(
    select(_NEWEST_CHANGES.c.action)
    .distinct()
    .where(_NEWEST_CHANGES.c.outcome != "Failure")
)


def actions_done(reader: Reader, connection_id: int, *, at_most: int) -> set[str]:
    """What a connection has done among its newest changes, by the log's words."""
    rows = reader.rows(_DONE, of_connection=connection_id, at_most=at_most)
    return {row[0] for row in rows}


def last(reader: Reader, connection_id: int) -> tuple[int | None, int | None]:
    """When a connection last asked, and when it last got what it asked for."""
    return (
        reader.value(_LAST, of_connection=connection_id),
        reader.value(_LAST_SUCCESS, of_connection=connection_id),
    )


def by_hour(
    reader: Reader, connection_id: int, *, now: int, hours: int = 24
) -> tuple[list[int], list[int]]:
    """How many requests a connection made in each past hour, and how many refused."""
    asked = {"of_connection": connection_id, "since": now - hours * _HOUR}
    counted, refused = [0] * (hours + 1), [0] * (hours + 1)
    for figures, statement in ((counted, _COUNTED), (refused, _REFUSED)):
        for bucket, count in reader.rows(statement, width=_HOUR, **asked):
            figures[int(bucket)] = int(count)
    return counted[:hours], refused[:hours]


# ------------------------------------------------------------------- conflicts


@lru_cache(maxsize=128)
def _met(connections: int, instants: int) -> Statement:
    columns = (request_log.c.connection_id, request_log.c.at, request_log.c.identity)
    here: list[Any] = [bindparam(f"c{n}") for n in range(connections)]
    then: list[Any] = [bindparam(f"t{n}") for n in range(instants)]
    return Statement(
        select(*columns, request_log.c.request_id)
        .where(request_log.c.connection_id.in_(here), request_log.c.at.in_(then))
        .order_by(request_log.c.id)
    )


def met_at(
    reader: Reader, connection_ids: Sequence[int], instants: Sequence[int]
) -> list[tuple[int, int, str | None, str]]:
    """Connection, instant, identity and request id of what came at these instants."""
    if not connection_ids or not instants:
        return []
    values = {f"c{n}": value for n, value in enumerate(connection_ids)}
    values |= {f"t{n}": value for n, value in enumerate(instants)}
    statement = _met(len(connection_ids), len(instants))
    return [(c, at, who, id_) for c, at, who, id_ in reader.rows(statement, **values)]
