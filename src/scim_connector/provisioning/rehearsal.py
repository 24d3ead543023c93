"""The rehearsal of a connection as an administrator looks at it, and its end.

Everybody who was stored is carried out in one transaction, in the order they came: rolled
back to be looked at (:func:`outcome`), kept to go live (:func:`go_live`).  What was said
of each when they came is in ``rehearsal_table``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final

from scim_connector.accounts import representation
from scim_connector.accounts.compiled import mapping_of
from scim_connector.directory import audit, connections, outbox, rehearsed, users
from scim_connector.provisioning import verdicts
from scim_connector.provisioning.calls import Call
from scim_connector.provisioning.course import Course
from scim_connector.provisioning.exchange import queue
from scim_connector.provisioning.verdicts import Forecast, Verdict
from scim_connector.rules.events import Event

if TYPE_CHECKING:
    from scim_connector.accounts import Act
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Database, Reader, Transaction
    from scim_connector.directory.links import Link
    from scim_connector.mapping.language import Mapping

Progress = Callable[[int], None]

_MAIL: Final = "mail:"


class NothingToCarryOut(Exception):
    """The connection is not rehearsing, and nobody of it waits for a user."""


def waiting(reader: Reader, connection: Connection) -> int:
    """How many identities wait to be carried out: the steps of *progress*."""
    return rehearsed.count(reader, connection.id)


def outcome(
    database: Database,
    connection: Connection,
    *,
    now: int,
    progress: Progress = lambda done: None,
) -> Forecast:
    """What going live would do now, everybody judged anew together; keeps nothing.

    Those whose requests were refused are judged last (``answered`` False): going live
    leaves them to the provider's next try.
    """

    def work(tx: Transaction) -> Forecast:
        run = _Run(tx, connections.required(tx, connection.id), now, progress)
        result = run.everybody()
        result.unmatched = users.without_link(tx)
        result.verdicts += run.refused_requests()
        return result

    return database.preview(work)


def go_live(
    database: Database,
    connection: Connection,
    act: Act,
    *,
    progress: Progress = lambda done: None,
) -> Forecast:
    """Carry out whom the rehearsal stored, and make the connection live: all or nothing.

    Each keeps the SCIM id and the resource.  Who is refused stays, without a user and
    with the reason: the provider's next request for them tries again, and so does this
    when it is called again.  Whatever *progress* raises leaves everything as it was.
    Raises NothingToCarryOut for a connection that is live, with nobody waiting.
    """

    def work(tx: Transaction) -> Forecast:
        connections.hold_states(tx)
        present = connections.required(tx, connection.id)
        _require_something(tx, present)
        if present.is_rehearsing:
            connections.change(tx, present.id, {"state": "live"})
            present = connections.required(tx, present.id)
        result = _Run(tx, present, act.now, progress).everybody(keep=True)
        result.unmatched = users.without_link(tx)
        _tell(tx, present, result, act)
        return result

    return database.write(work)


def _require_something(tx: Transaction, connection: Connection) -> None:
    if connection.is_rehearsing:
        return
    if connection.state != "live" or not rehearsed.count(tx, connection.id):
        message = f"Connection {connection.name} is {connection.state}"
        raise NothingToCarryOut(f"{message}, and nobody of it waits to be carried out.")


def _tell(tx: Transaction, connection: Connection, result: Forecast, act: Act) -> None:
    counts = {word.removeprefix("would "): n for word, n in result.counts.items()}
    audit.record(
        tx,
        [Event("connection:went_live", {"connection": connection.name, **counts})],
        at=act.now,
        actor=act.actor,
        connection_id=connection.id,
        request_id=act.request_id,
    )


class _Run:
    """Everybody of one connection, one after the other, inside one transaction."""

    def __init__(
        self, tx: Transaction, connection: Connection, now: int, progress: Progress
    ) -> None:
        self._tx = tx
        self._connection = connection
        self._mapping: Mapping = mapping_of(tx, connection)
        self._now = now
        self._progress = progress

    def everybody(self, *, keep: bool = False) -> Forecast:
        """Carry out whoever waits; with *keep* what is left open is kept, too."""
        tx, before = self._tx, outbox.waiting_by_topic(self._tx)
        result = Forecast()
        for link in rehearsed.every(tx, self._connection.id):
            course = self._course()
            verdict = self._verdict(course, link)
            result.verdicts.append(verdict)
            if keep:
                queue(tx, course)
                if verdict.outcome == verdicts.REFUSE:
                    rehearsed.say(tx, link, verdict.as_json())
            self._progress(1)
        result.mails = _more_mails(before, outbox.waiting_by_topic(tx))
        return result

    def refused_requests(self) -> list[Verdict]:
        """Judge those whose requests were refused, after everybody else."""
        found = []
        for link in rehearsed.refused(self._tx, self._connection.id):
            document = representation.stated(link)
            verdict = verdicts.judged(self._tx, self._course(), self._mapping, document)
            found.append(replace(verdict, answered=False))
        return found

    def _verdict(self, course: Course, link: Link) -> Verdict:
        document = representation.stated(link)
        return verdicts.judged(self._tx, course, self._mapping, document, link=link)

    def _course(self) -> Course:
        return Course.of(_call(self._connection, self._now), "Create")


def _more_mails(before: dict[str, int], after: dict[str, int]) -> Counter[str]:
    more = Counter(after) - Counter(before)
    return Counter({topic: n for topic, n in more.items() if topic.startswith(_MAIL)})


def _call(connection: Connection, now: int) -> Call:
    return Call(
        request_id="go-live",
        method="POST",
        path="/Users",
        source="go-live",
        now=now,
        started=perf_counter_ns(),
        connection=connection,
        credential_id="go-live",
    )
