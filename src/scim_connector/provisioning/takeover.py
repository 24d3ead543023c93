"""How far a connection has come with the people of the one it takes over (D13).

Counted from what is stored, nothing is judged or changed here: people move with the
requests of their new provider (``matching``), and the former connection is retired by a
person (``administration.connections``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from scim_connector.directory import (
    assignments,
    connections,
    links,
    rehearsed,
    takeovers,
    users,
)
from scim_connector.provisioning import rehearsal_table, verdicts

if TYPE_CHECKING:
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader
    from scim_connector.directory.takeovers import Waiting
    from scim_connector.provisioning.verdicts import Verdict

#: As many of those who are left are named.
MOST_NAMED: Final = 50


@dataclass(frozen=True, slots=True)
class Left:
    """An active person who has not moved, and why not."""

    user_id: int
    username: str
    user_name: str
    why: str


@dataclass(frozen=True, slots=True)
class Takeover:
    """The two connections and their numbers; in a rehearsal what would become of them.

    *still* are the active people of *former* who have not moved, *taken* those who have,
    *strangers* those the new provider sent whom *former* never managed.
    """

    former: Connection
    successor: Connection | None
    still: int
    taken: int = 0
    strangers: int = 0
    left: Sequence[Left] = ()

    @property
    def has_begun(self) -> bool:
        """Whether the new provider has sent somebody."""
        return bool(self.taken or self.strangers)

    @property
    def is_done(self) -> bool:
        """Whether nobody is left, so that the former connection can be retired."""
        return self._is_live and self.has_begun and not self.still

    @property
    def _is_live(self) -> bool:
        return self.successor is not None and self.successor.state == "live"


def look(reader: Reader, former: Connection) -> Takeover:
    """How far the takeover of a connection is, by the newest that was made for it."""
    successor = successor_of(reader, former)
    if successor is None:
        return Takeover(former, None, rehearsed.count_managed(reader, former.id))
    if successor.is_rehearsing:
        return _rehearsed(reader, former, successor)
    return Takeover(
        former,
        successor,
        rehearsed.count_managed(reader, former.id),
        takeovers.count_taken(reader, former.id),
        takeovers.count_strangers(reader, successor.id, former.id),
        _named(reader, successor, takeovers.still(reader, former.id)),
    )


def successor_of(reader: Reader, former: Connection) -> Connection | None:
    """The connection that takes over the people of another, if there is one."""
    found = [
        each
        for each in connections.every(reader)
        if each.takes_over == former.id and each.state != "retired"
    ]
    return found[-1] if found else None


def _rehearsed(reader: Reader, former: Connection, successor: Connection) -> Takeover:
    """What the verdicts of a rehearsal say; nobody has moved yet."""
    every = [row.verdict for row in rehearsal_table.rows(reader, successor)]
    matched = {v.user_id for v in every if v.user_id is not None}
    waiting = list(takeovers.still(reader, former.id))
    left = [each for each in waiting if each.user_id not in matched]
    return Takeover(
        former,
        successor,
        len(left),
        len(waiting) - len(left),
        _created(every),
        _named(reader, successor, left),
    )


def _created(every: Sequence[Verdict]) -> int:
    return sum(1 for verdict in every if verdict.outcome == verdicts.CREATE)


def _named(
    reader: Reader, successor: Connection, waiting: Iterable[Waiting]
) -> list[Left]:
    return [_left(reader, successor, each) for each in islice(waiting, MOST_NAMED)]


def _left(reader: Reader, successor: Connection, each: Waiting) -> Left:
    user = users.required(reader, each.user_id)
    return Left(user.id, user.username, each.user_name, _why(reader, successor, each))


def _why(reader: Reader, successor: Connection, each: Waiting) -> str:
    """Why somebody has not moved, in a sentence that says what would help."""
    name = successor.name
    if users.required(reader, each.user_id).is_api_user:
        return "An API user is never taken over; unlink it, then link it by hand."
    acts = successor.may_act_as_administrator
    if not acts and assignments.is_administrator(reader, each.user_id):
        rule = f"Holds the Administrator role; {name} takes over none unless it may"
        return f"{rule} act as an Administrator (Settings)."
    sent = links.live_by_user_name(reader, successor.id, each.user_name_key)
    if sent is None:
        return f"{name} has sent nobody with this userName."
    if sent.user_id is None:
        return f"{name} has sent this userName; its rehearsal says what would happen."
    other = users.required(reader, sent.user_id).username
    return f"{name} has sent this userName, and it stands for {other}."
