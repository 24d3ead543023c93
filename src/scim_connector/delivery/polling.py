"""Security events for receivers that ask for them (RFC 8936).

A receiver that polls has a position in the sealed record of changes, as one that is
pushed to.  What it acknowledges or refuses is remembered; its position goes on behind
everything that is settled, and all the rest comes again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from time import monotonic, sleep
from typing import TYPE_CHECKING, Final

import structlog

from scim_connector.delivery.event_tokens import NO_EVENT, TEST, EventTokens, Mark
from scim_connector.delivery.worker import present
from scim_connector.directory import receivers, seals
from scim_connector.rules.polling import Polled
from scim_connector.tokens.turns import POLLING

if TYPE_CHECKING:
    from scim_connector.delivery.event_tokens import EventToken
    from scim_connector.directory.audit import AuditEvent
    from scim_connector.directory.database import Database, Transaction
    from scim_connector.directory.receivers import Receiver
    from scim_connector.rules.polling import Poll
    from scim_connector.tokens.signing import SigningKeys

#: A token may be taken before one that stands in front of it, within so many events.
WINDOW: Final = 1000
#: So many windows are passed in one request where nothing is for the receiver.
_ROUNDS: Final = 20
#: Less than a server that is told to end waits for its answers (``cli.serve``).
WAIT_SECONDS: Final = 3.0
_LOOK_SECONDS: Final = 0.25
#: How often it is kept that a receiver has asked; microseconds.
_MINUTE: Final = 60 * 1_000_000

_log = structlog.get_logger("security_events")


class Seats:
    """Lets a few receivers wait in a process, each once."""

    def __init__(self, most: int = POLLING // 2) -> None:
        """*most* wait at once."""
        self._most = most
        self._waiting: set[int] = set()
        self._lock = Lock()

    @contextmanager
    def one(self, receiver_id: int) -> Iterator[bool]:
        """Whether a receiver may wait now."""
        with self._lock:
            free = len(self._waiting) < self._most
            seated = free and receiver_id not in self._waiting
            if seated:
                self._waiting.add(receiver_id)
        try:
            yield seated
        finally:
            if seated:
                with self._lock:
                    self._waiting.discard(receiver_id)


@dataclass(frozen=True, slots=True)
class _Found:
    """Tokens that are not settled; everything up to the event *clear* is."""

    tokens: tuple[EventToken, ...]
    clear: int
    more: bool


class Polls:
    """Answers receivers that poll; built once per process."""

    def __init__(
        self,
        database: Database,
        signing: SigningKeys,
        *,
        issuer: str,
        seats: Seats | None = None,
        wait_seconds: float = WAIT_SECONDS,
        clock: Callable[[], int] = present,
    ) -> None:
        """Sign with *signing* in the name of *issuer*; wait so long for an event."""
        self._database = database
        self._tokens = EventTokens(database, signing, issuer)
        self._seats = seats or Seats()
        self._wait_seconds = wait_seconds
        self._clock = clock

    def answer(self, receiver: Receiver, poll: Poll) -> Polled:
        """Settle what the request names, and give what is not settled, the oldest first.

        Where there is nothing, and it is not asked at once, it waits a little.
        """
        self._settle(receiver, poll)
        seen = seals.last_event(self._database.reader())
        answer = self._give(receiver, poll.most)
        if answer.tokens or answer.more or poll.at_once:
            return answer
        with self._seats.one(receiver.id) as seated:
            return self._wait(receiver, poll.most, seen) if seated else answer

    def _wait(self, receiver: Receiver, most: int, seen: int) -> Polled:
        """Give what is sealed behind the event *seen*, as soon as it is there."""
        until = monotonic() + self._wait_seconds
        answer = Polled({}, more=False)
        while not answer.tokens and monotonic() < until:
            sleep(_LOOK_SECONDS)
            last = seals.last_event(self._database.reader())
            if last > seen:
                seen, answer = last, self._give(receiver, most)
        return answer

    # --------------------------------------------------------------------- settling

    def _settle(self, receiver: Receiver, poll: Poll) -> None:
        """Remember what was taken and what was refused; ids of nothing are passed over."""
        named = poll.taken | poll.refused.keys()
        marks = self._named(receiver, named) if named else []
        if not marks:
            return
        self._database.write(lambda tx: self._remember(tx, receiver, marks, poll))
        for mark in marks:
            why = poll.refused.get(mark.jti)
            if why is not None:
                _log.warning("security event refused", jti=mark.jti, reason=why)

    def _remember(
        self, tx: Transaction, receiver: Receiver, marks: list[Mark], poll: Poll
    ) -> None:
        held, now = receivers.held(tx, receiver.id), self._clock()
        if held is None or _is_replayed(held, receiver):
            return  # all of them come again
        known = receivers.settled(tx, held)
        for mark in marks:
            if mark.jti not in known and _is_open(mark, held):
                refused = poll.refused.get(mark.jti)
                receivers.took(tx, mark.settled(held.id, at=now, refused=refused))
        receivers.delivered(tx, held.id, now=now)
        if any(mark.jti == held.test_jti for mark in marks):
            receivers.change(tx, held.id, {"test_jti": None})

    def _named(self, receiver: Receiver, named: frozenset[str]) -> list[Mark]:
        """The tokens of these ids that the receiver can have been given."""
        found = []
        if receiver.test_jti in named:
            found.append(Mark(NO_EVENT, TEST, receiver.test_jti or ""))
        for event in self._events(receiver):
            found += [m for m in self._tokens.marks(receiver, event) if m.jti in named]
            if len(found) == len(named):
                break
        return found

    # ----------------------------------------------------------------------- giving

    def _give(self, receiver: Receiver, most: int) -> Polled:
        """What is to be sent now, signed; its position goes on as far as it can."""
        now = self._clock()
        for _ in range(_ROUNDS):
            held = receivers.by_id(self._database.reader(), receiver.id)
            if held is None or held.token_id != receiver.token_id or held.paused:
                return Polled({}, more=False)
            found = self._walk(held, most)
            self._pass(held, found.clear, now)
            if found.tokens or not found.more or not most:
                return self._signed(held, found, now)
        return Polled({}, more=True)  # it goes on there when it is asked again

    def _signed(self, receiver: Receiver, found: _Found, now: int) -> Polled:
        tokens = {
            token.mark.jti: self._tokens.signed(receiver, token, now)
            for token in found.tokens
        }
        return Polled(tokens, found.more)

    def _walk(self, receiver: Receiver, most: int) -> _Found:
        """Look for tokens that are not settled, a window of events at most."""
        settled = receivers.settled(self._database.reader(), receiver)
        pending: list[EventToken] = []
        if receiver.test_jti is not None:
            pending.append(self._tokens.test(receiver, receiver.test_jti))
        events = self._events(receiver)
        clear, is_clear = receiver.position, True
        for event in events:
            caused = list(self._tokens.of(receiver, event, but=settled))
            is_clear = is_clear and not caused
            clear = event.id if is_clear else clear
            pending += caused
            if len(pending) > most:
                break
        more = len(pending) > most or len(events) == WINDOW
        return _Found(tuple(pending[:most]), clear, more)

    def _events(self, receiver: Receiver) -> list[AuditEvent]:
        reader = self._database.reader()
        return seals.sealed_after(reader, receiver.position, at_most=WINDOW)

    def _pass(self, receiver: Receiver, clear: int, now: int) -> None:
        """Go on behind what is settled, unless somebody has replayed meanwhile."""
        is_told = receiver.polled_at is not None and receiver.polled_at > now - _MINUTE
        if clear > receiver.position or not is_told:
            self._database.write(lambda tx: _moved(tx, receiver, clear, now))


def _moved(tx: Transaction, looked_at: Receiver, clear: int, now: int) -> None:
    held = receivers.held(tx, looked_at.id)
    if held is not None and not _is_replayed(held, looked_at):
        position = max(held.position, clear)
        changes = {"position": position, "polled_at": now}
        receivers.change(tx, held.id, changes)


def _is_replayed(held: Receiver, looked_at: Receiver) -> bool:
    """Whether events were to be sent again since a receiver was looked at."""
    went_back = held.position < looked_at.position
    return went_back or held.settled_from != looked_at.settled_from


def _is_open(mark: Mark, receiver: Receiver) -> bool:
    return mark.event_id > receiver.position or mark.jti == receiver.test_jti
