"""Whom the events of audit are about, without reading what they tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_, select

from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import audit_events, users
from scim_connector.rules import folding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from scim_connector.directory.database import Reader


@dataclass(frozen=True, slots=True)
class Query:
    """Which events: of these *names*, and what else is not None.

    *actor* is whole (``console:ada``) or the name alone; *since* belongs to the span,
    *until* does not; instants in microseconds UTC.
    """

    names: Collection[str]
    connection_id: int | None = None
    actor: str = ""
    since: int | None = None
    until: int | None = None


def people(reader: Reader, query: Query) -> list[int]:
    """The ids of the users whom the events are about, the first user first."""
    column = audit_events.c.user_id
    clause = select(column).distinct().where(column.is_not(None), *_conditions(query))
    return [int(row[0]) for row in reader.rows(Statement(clause.order_by(column)))]


def _by(asked: str) -> Any:
    """Who is a user here stands in audit by their id, everybody else by name."""
    kind, _, name = asked.rpartition(":")
    actor = audit_events.c.actor
    people = select(users.c.id).where(
        users.c.username_key == folding.username_key(name)
    )
    is_user = audit_events.c.actor_id.in_(people)
    if kind:
        return or_(actor == asked, and_(actor == kind, is_user))
    return or_(actor.endswith(f":{name}", autoescape=True), is_user)


def _conditions(query: Query) -> Iterator[Any]:
    yield audit_events.c.name.in_(sorted(query.names))
    if query.connection_id is not None:
        yield audit_events.c.connection_id == query.connection_id
    if query.actor:
        yield _by(query.actor)
    if query.since is not None:
        yield audit_events.c.at >= query.since
    if query.until is not None:
        yield audit_events.c.at < query.until
