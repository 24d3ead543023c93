"""Every authenticated request, with its six steps (decision 33)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, insert, select, tuple_

from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import request_log

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
_ADD = Statement(insert(request_log), _NAMES)
_BY_ID = Statement(
    select(*_COLUMNS).where(request_log.c.request_id == bindparam("of_id"))
)
#: What a list may be narrowed to, by the name of the argument.
FILTERS = ("connection_id", "action", "outcome", "status", "identity", "user_id")


def add(tx: Transaction, entry: Entry) -> None:
    """Log one request in the transaction of its change."""
    tx.run(_ADD, **_values(entry))


def add_batch(tx: Transaction, entries: Sequence[Entry]) -> None:
    """Log many requests at once."""
    tx.run_each(_ADD, [_values(entry) for entry in entries])


def _values(entry: Entry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in _NAMES}


def by_request_id(reader: Reader, request_id: str) -> Entry | None:
    """The request of this id."""
    row = reader.row(_BY_ID, of_id=request_id)
    return None if row is None else Entry(*row)


@lru_cache(maxsize=128)
def _listing(names: tuple[str, ...], reads: bool, older: bool) -> Statement:
    clause = select(*_COLUMNS).order_by(
        request_log.c.at.desc(), request_log.c.id.desc()
    )
    for name in names:
        clause = clause.where(request_log.c[name] == bindparam(name))
    if not reads:
        clause = clause.where(request_log.c.action != "Read")
    if older:
        last = select(request_log.c.at, request_log.c.id).where(
            request_log.c.request_id == bindparam("before")
        )
        place = tuple_(request_log.c.at, request_log.c.id)
        clause = clause.where(place < last.scalar_subquery())
    return Statement(clause.limit(bindparam("at_most")))


def newest(
    reader: Reader,
    *,
    at_most: int = 50,
    reads: bool = True,
    before: str | None = None,
    **filters: Any,
) -> list[Entry]:
    """The newest requests first, narrowed to *filters* (:data:`FILTERS`).

    Go on with ``before`` = the request id of the last one.
    """
    values = filters | {"at_most": at_most}
    if before is not None:
        values["before"] = before
    statement = _listing(tuple(sorted(filters)), reads, before is not None)
    return [Entry(*row) for row in reader.rows(statement, **values)]


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
