"""What was taken to be carried out later is carried out, each request exactly once.

A request for one resource is one transaction with its log, its audit and its result, so
whoever is killed in the middle has done nothing.  A bulk request is a transaction for
each operation, as it always is (decision note 0010): it is leased, and each operation
has a key under which its answer is kept with the change.  Whoever takes it up after a
crash gets these answers and carries out the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from threading import Event, Thread
from time import perf_counter_ns, time_ns
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

import orjson
import structlog
from werkzeug.wrappers import Request

from scim_connector.directory import async_requests
from scim_connector.directory.database import DatabaseUnavailable
from scim_connector.directory.locking import DatabaseBusy
from scim_connector.directory.stores import Within
from scim_connector.provisioning import RequestGatherer
from scim_connector.rules.users import RulesViolated
from scim_connector.scim.errors import ScimError
from scim_connector.web import callers, replies
from scim_connector.web.answering import answered
from scim_connector.web.asynchronous import is_bulk, opened, sealed, told
from scim_connector.web.visits import Visit

if TYPE_CHECKING:
    from scim_connector.directory.async_requests import Asked
    from scim_connector.directory.database import Database, Transaction
    from scim_connector.directory.stores import Store
    from scim_connector.settings import Settings
    from scim_connector.tokens.secrets import SecretKeys
    from scim_connector.web.replies import Reply
    from scim_connector.web.scim import Scim

#: A bulk request that is renewed no more is taken up again so soon; microseconds.
LEASE: Final = 10 * 1_000_000
_RENEW_SECONDS: Final = 2.0

_log = structlog.get_logger("asynchronous")

ScimOn = Callable[["Store", RequestGatherer], "Scim"]
"""Builds what answers below ``/scim`` on a store; reads are logged by the gatherer."""


def present() -> int:
    """The present in microseconds UTC."""
    return time_ns() // 1000


class Carrier:
    """Carries out what waits; any number may work on one database."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        keys: SecretKeys,
        scim_on: ScimOn,
        clock: Callable[[], int] = present,
    ) -> None:
        """Answer by what *scim_on* builds, and encrypt results with *keys*."""
        self._base_url = settings.base_url
        self._largest = settings.max_body
        self._database = database
        self._keys = keys
        self._scim_on = scim_on
        self._clock = clock

    def round(self) -> int:
        """Carry out one request of each connection; returns how many there were."""
        waiting = async_requests.waiting(self._database.reader())
        return sum(self._next(connection_id) for connection_id in waiting)

    def _next(self, connection_id: int) -> bool:
        """Carry out the next request of a connection, unless another has it."""
        met: list[Asked] = []

        def work(tx: Transaction) -> None:
            met.clear()
            asked = async_requests.head(tx, connection_id, now=self._clock())
            if asked is None:
                return
            met.append(asked)
            if is_bulk(asked):
                async_requests.lease(tx, asked, until=self._clock() + LEASE)
            else:
                self._carry_out(tx, asked)

        try:
            self._database.write(work)
            if met and is_bulk(met[0]):
                self._carry_out_bulk(met[0])
        except (DatabaseBusy, DatabaseUnavailable):
            raise  # nothing is done yet, and it waits on
        except Exception as error:
            if not met:
                raise
            self._give_up(met[0], error)
        return bool(met)

    # ------------------------------------------------------------------- one resource

    def _carry_out(self, tx: Transaction, asked: Asked) -> None:
        """Carry a request out within a transaction, and keep its result there."""
        store = Within(tx)
        gatherer = RequestGatherer(store)
        reply = self._reply(store, asked, gatherer)
        gatherer.flush()
        self._keep(tx, asked, reply)

    def _keep(self, tx: Transaction, asked: Asked, reply: Reply) -> None:
        result = sealed(self._keys, told(asked, reply, self._base_url))
        async_requests.done(
            tx, asked, now=self._clock(), status=reply.status, result=result
        )

    def _give_up(self, asked: Asked, error: Exception) -> None:
        """Keep that something went wrong here, so that the next one has its turn."""
        reply = replies.refused(error, asked.txn)
        _log.warning("asynchronous request failed", txn=asked.txn, status=reply.status)
        self._database.write(partial(self._keep, asked=asked, reply=reply))

    # --------------------------------------------------------------------------- bulk

    def _carry_out_bulk(self, asked: Asked) -> None:
        gatherer = RequestGatherer(self._database)
        with self._held(asked):
            reply = self._reply(self._database, asked, gatherer)
            gatherer.flush()
        self._database.write(partial(self._keep, asked=asked, reply=reply))

    @contextmanager
    def _held(self, asked: Asked) -> Iterator[None]:
        """Keep others from a request while it is carried out."""
        ended = Event()
        holding = Thread(target=self._hold, args=(asked, ended), daemon=True)
        holding.start()
        try:
            yield
        finally:
            ended.set()
            holding.join()

    def _hold(self, asked: Asked, ended: Event) -> None:
        while not ended.wait(_RENEW_SECONDS):
            until = self._clock() + LEASE
            try:
                self._database.write(
                    partial(async_requests.renew, asked=asked, until=until)
                )
            except (DatabaseBusy, DatabaseUnavailable):
                continue  # the keys of the operations hold, whoever else begins

    # ----------------------------------------------------------------------- the same

    def _reply(self, store: Store, asked: Asked, gatherer: RequestGatherer) -> Reply:
        """What the request is answered, by the road of every other one."""
        sent = orjson.loads(opened(self._keys, asked.sealed or ""))
        reader, now = store.reader(), self._clock()
        caller, refusal = callers.remembered(reader, asked)
        scim = self._scim_on(store, gatherer)
        visit = self._visit(asked, sent, caller, now)

        def answer(visit: Visit) -> Reply:
            if refusal is not None:
                raise refusal
            return scim.answer(visit)

        try:
            return answered(visit, answer, gatherer)
        except (ScimError, RulesViolated) as error:
            return replies.refused(error, visit.id)

    def _visit(
        self, asked: Asked, sent: dict[str, Any], caller: callers.Caller, now: int
    ) -> Visit:
        """The request as it came, now."""
        return Visit(
            id=_id(asked),
            now=now,
            started=perf_counter_ns(),
            caller=caller,
            path=asked.path.removeprefix("/scim"),
            request=Request(_environ(asked, sent), populate_request=False),
            source=asked.source,
            largest=self._largest,
            taken_at=asked.taken_at,
        )


def _id(asked: Asked) -> str:
    """The id in the log: a bulk request that is taken up again has another one."""
    if not asked.attempts:
        return asked.txn
    return str(uuid5(UUID(asked.txn), f"attempt {asked.attempts}"))


def _environ(asked: Asked, sent: dict[str, Any]) -> dict[str, Any]:
    """A request as WSGI has it."""
    body = b"" if sent["body"] is None else orjson.dumps(sent["body"])
    key = sent["key"]
    if key is None and is_bulk(asked):
        key = asked.txn
    environ = {
        "REQUEST_METHOD": asked.method,
        "PATH_INFO": asked.path,
        "QUERY_STRING": sent["query"],
        "CONTENT_TYPE": sent["type"],
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_IF_MATCH": sent["if_match"],
        "HTTP_IDEMPOTENCY_KEY": key,
        "wsgi.input": BytesIO(body),
        "wsgi.url_scheme": "http",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
    }
    return {name: value for name, value in environ.items() if value is not None}
