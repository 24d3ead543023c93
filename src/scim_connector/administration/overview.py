"""How things stand: each connection, what needs somebody, and what was cut off."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scim_connector.administration import connections as administration
from scim_connector.administration import guard, reasons
from scim_connector.directory import (
    conflicts,
    connections,
    credentials,
    mass_changes,
    outbox,
    receipts,
    request_log,
    users,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scim_connector.administration.guard import Seen
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.credentials import Credential
    from scim_connector.directory.database import Reader
    from scim_connector.directory.receipts import Receipt
    from scim_connector.directory.request_log import Entry
    from scim_connector.directory.users import User

_HOUR: Final = 3600 * 1_000_000
DAY: Final = 24 * _HOUR
WEEK: Final = 7 * DAY
#: A provider that works asks more often than this.
SILENT_AFTER: Final = 3 * _HOUR
#: A failure that nothing has followed for so long is history.
OPEN_FOR: Final = 30 * DAY
#: When an expiry is worth a word, in days.
WARN_DAYS: Final = (30, 14, 7, 1)
MOST_SHOWN: Final = 5
MOST_MAILS: Final = 500


@dataclass(frozen=True, slots=True)
class Expiry:
    """The credential of a connection that ends first; *days* is below 0 when over."""

    credential: Credential
    days: int

    @property
    def is_near(self) -> bool:
        """Whether it is worth a word."""
        return self.days <= WARN_DAYS[0]


@dataclass(frozen=True, slots=True)
class Card:
    """One connection at a glance; instants in microseconds UTC."""

    connection: Connection
    state: str
    tone: str
    people: int
    last_request: int | None
    last_success: int | None
    counted: Sequence[int]
    refused: Sequence[int]
    expiry: Expiry | None


@dataclass(frozen=True, slots=True)
class Need:
    """People who were refused for one reason, and what to do about it."""

    reason: str
    title: str
    advice: str
    entries: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything the first page tells."""

    cards: Sequence[Card]
    needs: Sequence[Need]
    conflicts: int
    receipts: Sequence[Receipt]
    held: Sequence[User]
    mail: Counter[str]
    mass_changes: Sequence[Seen] = ()

    @property
    def held_back(self) -> list[Seen]:
        """The mass changes that wait for somebody to approve them."""
        return [each for each in self.mass_changes if each.change.is_held]

    @property
    def waiting(self) -> int:
        """How many people need somebody."""
        return sum(len(need.entries) for need in self.needs)


def look(reader: Reader, now: int) -> Overview:
    """How things stand at this instant."""
    every = [c for c in connections.every(reader) if c.state != "retired"]
    return Overview(
        cards=[card(reader, each, now) for each in every],
        needs=needs(reader, now),
        conflicts=conflicts.count_open(reader),
        receipts=receipts.newest(reader, since=now - WEEK, at_most=MOST_SHOWN),
        held=users.held_inactive(reader, at_most=MOST_SHOWN + 1),
        mail=mail(reader, now),
        mass_changes=guard.seen(reader, since=now - DAY),
    )


def mail(reader: Reader, now: int) -> Counter[str]:
    """The mails of the last week that did not leave and should, by how they stand."""
    found = outbox.listed(reader, "mail:", at_most=MOST_MAILS, not_sent=True)
    return Counter(
        each.state_at(now)
        for each in found
        if (each.given_up_at is None or each.given_up_at > now - WEEK)
        and not each.withdrawn
    )


def card(reader: Reader, connection: Connection, now: int) -> Card:
    """One connection at a glance."""
    last, success = request_log.last(reader, connection.id)
    counted, refused = request_log.by_hour(reader, connection.id, now=now)
    expiry = first_expiry(credentials.of_connection(reader, connection.id), now)
    state, tone = _state(connection, last, expiry, now)
    if mass_changes.held(reader, connection.id):
        state, tone = "Holds changes back", "bad"
    return Card(
        connection,
        state,
        tone,
        people=administration.people(reader, connection),
        last_request=last,
        last_success=success,
        counted=counted,
        refused=refused,
        expiry=expiry,
    )


def _state(
    connection: Connection, last: int | None, expiry: Expiry | None, now: int
) -> tuple[str, str]:
    """The state of a connection in words, and its tone."""
    if connection.state == "paused":
        return "Paused", "warn"
    if connection.state == "rehearsing":
        return "In rehearsal", "warn"
    if expiry is None or expiry.days < 0:
        return "No token that works", "bad"
    if last is None:
        return "Waiting for the first request", "quiet"
    silent = (now - last) // _HOUR
    if now - last < SILENT_AFTER:
        return "Connected", "ok"
    days = silent // 24
    long = f"{days} day{'s' * (days > 1)}" if days else f"{silent} hours"
    return f"Not heard of for {long}", "warn"


def first_expiry(held: Sequence[Credential], now: int) -> Expiry | None:
    """The live credential that lasts longest, or the one that ended last; or None."""
    usable = [c for c in held if c.kind in {"bearer", "secret", "trust"}]
    usable = [c for c in usable if c.revoked_at is None]
    if not usable:
        return None
    never = now + 100 * 365 * DAY
    best = max(usable, key=lambda c: c.expires_at or never)
    return Expiry(best, ((best.expires_at or never) - now) // DAY)


def needs(reader: Reader, now: int) -> list[Need]:
    """Refusals that nothing has answered yet, by reason, the most frequent first."""
    kinds = {c.id: c.kind for c in connections.every(reader)}
    grouped: dict[str, list[Entry]] = {}
    for entry in request_log.open_failures(reader, since=now - OPEN_FOR):
        grouped.setdefault(entry.reason or "", []).append(entry)
    made = []
    for reason, entries in grouped.items():
        found = reasons.of(reason, kinds.get(entries[0].connection_id, "generic"))
        title = ", ".join(each.title for each in found) or reason or "Refused"
        advice = " ".join(each.advice for each in found)
        made.append(Need(reason, title, advice, entries))
    return sorted(made, key=lambda need: -len(need.entries))


def refused_people(reader: Reader, now: int) -> frozenset[int]:
    """The users whose last request was refused, and nothing has answered it yet."""
    failures = request_log.open_failures(reader, since=now - OPEN_FOR)
    return frozenset(each.user_id for each in failures if each.user_id is not None)
