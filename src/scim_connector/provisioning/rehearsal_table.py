"""What a rehearsal said of everybody when the provider last sent them; quick.

The local users and the other newcomers may have changed since: everybody is judged anew,
together, by :func:`scim_connector.provisioning.rehearsal.outcome`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import orjson

from scim_connector.directory import rehearsed, users
from scim_connector.provisioning import verdicts
from scim_connector.provisioning.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader
    from scim_connector.directory.rehearsed import Stored
    from scim_connector.directory.users import User


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands: refused requests come behind those the provider has ids of."""

    answered: bool = True
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One verdict, and where it stands in the table."""

    place: Place
    verdict: Verdict


def rows(
    reader: Reader,
    connection: Connection,
    *,
    after: Place | None = None,
    outcome: str | None = None,
) -> Iterator[Row]:
    """The rows behind *after*, in the order they came; with *outcome* those alone."""
    for each in _stored(reader, connection.id, after or Place()):
        if outcome in {None, _said(each)["outcome"]}:
            yield Row(Place(each.answered, each.seq), _verdict(each))


def _stored(reader: Reader, connection_id: int, after: Place) -> Iterator[Stored]:
    refused = rehearsed.stored(
        reader, connection_id, answered=False, after=0 if after.answered else after.seq
    )
    if not after.answered:
        return refused
    waiting = rehearsed.stored(reader, connection_id, answered=True, after=after.seq)
    return chain(waiting, refused)


def _said(row: Stored) -> dict[str, Any]:
    """What was kept beside an identity, as it was written: enough to count by."""
    if row.verdict is None:
        return {"outcome": verdicts.REFUSE, "user_id": None}
    kept: dict[str, Any] = orjson.loads(row.verdict)
    return kept


def _verdict(row: Stored) -> Verdict:
    if row.verdict is None:
        kept = Verdict(0, row.user_name, verdicts.REFUSE)
    else:
        kept = verdicts.of_json(row.verdict)
    link_id = row.link_id if row.answered else None
    return replace(
        kept,
        identity=row.user_name,
        link_id=link_id,
        active=row.active,
        answered=row.answered,
    )


def counts(reader: Reader, connection: Connection) -> Counter[str]:
    """How many rows there are of each outcome."""
    stored = _stored(reader, connection.id, Place())
    return Counter(_said(each)["outcome"] for each in stored)


def unmatched(
    reader: Reader, connection: Connection, *, after: str = "", at_most: int
) -> list[User]:
    """Local users without a provider whom no row would link, by username.

    Go on with *after* = the last key.
    """
    stored = _stored(reader, connection.id, Place())
    matched = {_said(each).get("user_id") for each in stored}
    found: list[User] = []
    query = users.Query(managed=False, after=after, at_most=at_most)
    while len(found) < at_most:
        batch = users.search(reader, query)
        found += [user for user in batch if user.id not in matched]
        if len(batch) < at_most:
            break
        query = replace(query, after=batch[-1].username_key)
    return found[:at_most]
