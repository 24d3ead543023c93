"""The worker: takes what is due out of the outbox and sends it.

One runs inside each process of ``serve``, and ``scim-connector worker`` adds more.  A
message is leased, so that two workers send it once; who dies with a lease leaves it to
another a few minutes later, under the same ``Message-ID``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from threading import Event, Thread
from time import time_ns
from typing import TYPE_CHECKING, Final

import structlog

from scim_connector.delivery.backoff import next_try
from scim_connector.delivery.senders import Needless, Silent, TryLater, Undeliverable
from scim_connector.directory import outbox
from scim_connector.directory.locking import DatabaseBusy
from scim_connector.directory.snapshots import look

if TYPE_CHECKING:
    from scim_connector.directory.database import Database, Transaction
    from scim_connector.directory.outbox import Message

#: A lease outlives the slowest sending of one message; microseconds.
LEASE: Final = 5 * 60 * 1_000_000
SLOWEST: Final = 2 * 60 * 1_000_000
AT_ONCE: Final = 10
#: Webhooks are taken one by one: the first that does not answer puts its others off.
AT_ONCE_OF_WEBHOOKS: Final = 1
EVERY_SECONDS: Final = 1.0

_log = structlog.get_logger("worker")

Deliver = Callable[["Message"], None]
"""Sends one message; raises a NotSent, whose text is for an operator."""


def present() -> int:
    """The present in microseconds UTC."""
    return time_ns() // 1000


class Rounds:
    """Works in rounds until it is stopped: again at once while there is something to do."""

    def __init__(
        self, database: Database, work: Callable[[], int], every: float = EVERY_SECONDS
    ) -> None:
        """*work* does what is due and returns how much that was; *every* in seconds."""
        self._database = database
        self._work = work
        self._every = every
        self._ended = Event()
        self._thread = Thread(target=self.run, name="worker", daemon=True)

    def start(self) -> None:
        """Begin in a thread; call it once, in the process it is to run in."""
        self._thread.start()

    def end(self) -> None:
        """End after what is being done; does not wait for that."""
        self._ended.set()

    def stop(self) -> None:
        """End after what is being done."""
        self.end()
        if self._thread.is_alive():
            self._thread.join(timeout=15)

    def run(self) -> None:
        """Work until :meth:`stop`."""
        while not self._ended.wait(self._every):
            try:
                if look(self._database):
                    continue  # what is done now could not be kept
                while self.round() and not self._ended.is_set():
                    pass
            except Exception as error:
                _log.warning("worker round failed", reason=str(error) or repr(error))

    def round(self) -> int:
        """Do what is due now; returns how much that was."""
        return self._work()


class Worker(Rounds):
    """Sends the messages of some topics; any number may work on one database."""

    def __init__(
        self,
        database: Database,
        roads: Mapping[str, Deliver],
        clock: Callable[[], int] = present,
        *,
        of_webhooks: bool = False,
    ) -> None:
        """*roads* says by the word before the colon of a topic how it is sent.

        Messages to webhooks are sent by a worker of their own, and no others by that
        one.
        """
        super().__init__(database, self._send_due)
        self._of_webhooks = of_webhooks
        self._roads = roads
        self._clock = clock

    def _send_due(self) -> int:
        """Send what is due now, a few at most; returns how many were tried.

        What a slow server leaves no time for, or the end of this worker, is given back
        before its lease ends, so that nobody else sends it meanwhile.
        """
        now, lane = self._clock(), self._of_webhooks
        if not outbox.has_due(self._database.reader(), now=now, of_webhooks=lane):
            return 0
        until, most = now + LEASE, AT_ONCE_OF_WEBHOOKS if lane else AT_ONCE
        take = partial(
            outbox.lease, now=now, until=until, at_most=most, of_webhooks=lane
        )
        leased = self._database.write(take)
        for number, message in enumerate(leased):
            if self._ended.is_set() or self._clock() + SLOWEST > now + LEASE:
                self._give_back(leased[number:])
                return number
            if not self._send(message):
                self._give_back(leased[number + 1 :])
                return number + 1
        return len(leased)

    def _give_back(self, rest: list[Message]) -> None:
        self._database.write(partial(outbox.give_back, leased=rest))

    def _send(self, message: Message) -> bool:
        """Send one; False when what else is leased may be for who does not answer."""
        road = self._roads.get(message.topic.partition(":")[0])
        try:
            if road is None:
                raise Undeliverable(f"Nothing here sends {message.topic}.")
            road(message)
        except DatabaseBusy:  # its link could not be kept; the lease ends by itself
            raise
        except Needless as error:
            self._withdrawn(message, str(error))
        except Undeliverable as error:
            self._failed(message, str(error), again_at=None)
        except TryLater as error:
            again = next_try(message.attempts, self._clock(), message.best_before)
            self._failed(message, str(error), again_at=again)
            return not isinstance(error, Silent)
        except Exception as error:
            _log.exception("message failed", topic=message.topic, exc_info=error)
            again = next_try(message.attempts, self._clock(), message.best_before)
            self._failed(message, "Something went wrong here.", again_at=again)
        else:
            self._delivered(message)
        return True

    def _delivered(self, message: Message) -> None:
        def work(tx: Transaction) -> None:
            outbox.delivered(tx, message.id, now=self._clock())

        self._database.write(work)

    def _withdrawn(self, message: Message, why: str) -> None:
        withdraw = partial(outbox.withdraw, message_id=message.id, why=why)
        self._database.write(partial(withdraw, now=self._clock()))
        _log.info("not needed", topic=message.topic, id=message.id, reason=why)

    def _failed(self, message: Message, why: str, *, again_at: int | None) -> None:
        def work(tx: Transaction) -> None:
            outbox.failed(tx, message.id, why, now=self._clock(), again_at=again_at)

        self._database.write(work)
        _log.warning("not delivered", topic=message.topic, id=message.id, reason=why)


class Workers:
    """Several workers of one process, each in a thread of its own."""

    def __init__(self, first: Rounds, *others: Rounds) -> None:
        """Let them work beside each other."""
        self._first = first
        self._others = others

    def start(self) -> None:
        """Begin; call it once, in the process they are to run in."""
        for each in (self._first, *self._others):
            each.start()

    def stop(self) -> None:
        """End each after what it is doing."""
        every = (self._first, *self._others)
        for each in every:
            each.end()
        for each in every:
            each.stop()

    def run(self) -> None:
        """Work until :meth:`stop`, the first of them in this thread."""
        for each in self._others:
            each.start()
        self._first.run()
        self.stop()

    def round(self) -> int:
        """Send what is due now, a few at most; returns how many were tried."""
        return sum(each.round() for each in (self._first, *self._others))
