"""The provisioning log: what came, what became of it, why, and what to do."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import orjson

from scim_connector.administration import reasons
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import (
    async_requests,
    conflicts,
    connections,
    request_log,
    users,
)
from scim_connector.provisioning import resending, simulation
from scim_connector.rules.folding import email_key, username_key
from scim_connector.rules.permissions import MANAGE_PROVISIONING, VIEW_PROVISIONING
from scim_connector.rules.users import RulesViolated
from scim_connector.scim.errors import ScimError
from scim_connector.scim.folding import text_key
from scim_connector.web.console import lists, sheets
from scim_connector.web.console.desk import HOME
from scim_connector.web.pages.frame import now

if TYPE_CHECKING:
    from flask import Flask, Response

    from scim_connector.directory.async_requests import Asked
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader
    from scim_connector.directory.request_log import Entry
    from scim_connector.directory.users import User
    from scim_connector.provisioning import Call, Provisioning
    from scim_connector.provisioning.simulation import Simulator
    from scim_connector.web.console.desk import Desk, Person

PATH: Final = f"{HOME}/log"
ACTIONS: Final = (
    *("Create", "Update", "Disable", "Enable", "Delete", "Restore", "Link", "Read"),
)
OUTCOMES: Final = ("Success", "Warning", "Failure")
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_FIELDS: Final = (
    *("at", "identity", "action", "connection", "outcome", "status", "reason"),
    *("method", "path", "duration_ms", "request_id"),
)
_BATCH: Final = 1000


class LogPages:
    """The list of requests, and each with its six steps."""

    def __init__(
        self, desk: Desk, simulator: Simulator, provisioning: Provisioning
    ) -> None:
        """Read at *desk*; try again by *simulator*, apply again by *provisioning*."""
        self._desk = desk
        self._simulator = simulator
        self._provisioning = provisioning

    def put_on(self, app: Flask) -> None:
        """Add the routes."""
        one = f"{PATH}/<request_id>"
        self._desk.serve(app, PATH, self.index, VIEW_PROVISIONING)
        self._desk.serve(app, f"{PATH}/waiting", self.waiting, VIEW_PROVISIONING)
        self._desk.serve(app, one, self.show, VIEW_PROVISIONING)
        self._desk.serve(app, f"{one}/try", self.attempt, VIEW_PROVISIONING, "POST")
        again = f"{one}/again"
        self._desk.serve(app, again, self.apply_again, MANAGE_PROVISIONING, "POST")

    # ------------------------------------------------------------------------ list

    def index(self, me: Person) -> Response:
        """The newest requests first, narrowed by the filter in the address."""
        every = {c.id: c for c in connections.every(self._desk.reader)}
        try:
            query = _query({c.name: c.id for c in every.values()})
        except NotPossible as error:
            return self._listed(me, every, [], None, wrong=str(error), status=400)
        if lists.form():
            rows = self._lines(query, every)
            return sheets.answer("provisioning-log", _FIELDS, rows, lists.form())
        query["at_most"] = lists.PAGE + 1
        found = request_log.newest(self._desk.reader, **query)
        entries, goes_on = lists.cut(found)
        last = entries[-1].request_id if goes_on else None
        return self._listed(me, every, entries, last)

    def _listed(
        self,
        me: Person,
        every: dict[int, Connection],
        entries: list[Entry],
        last: str | None,
        *,
        wrong: str = "",
        status: int = 200,
    ) -> Response:
        return self._desk.page(
            me,
            "log.html",
            status,
            wrong=wrong,
            entries=[(entry, _reasons(entry)) for entry in entries],
            names={c.id: c.name for c in every.values()},
            more=lists.more(f"{len(entries)} on this page, the newest first.", last),
            chosen={name: lists.asked(name) for name in _ASKED},
            is_narrowed=any(lists.asked(name) for name in _ASKED if name != "tail"),
            waiting=_waiting(self._desk.reader),
            still=lists.address_without("tail", "after"),
            actions=[(each, each) for each in ACTIONS],
            outcomes=[(each, each) for each in OUTCOMES],
            methods=[(each, each) for each in METHODS],
            reasons=[(code, reasons.title_of(code)) for code in reasons.codes()],
            connections=[(c.name, c.name) for c in every.values()],
        )

    def _lines(
        self, query: dict[str, Any], every: dict[int, Connection]
    ) -> Iterator[dict[str, Any]]:
        reader, left = self._desk.reader, sheets.MOST
        query["at_most"] = _BATCH
        while left > 0 and (found := request_log.newest(reader, **query)):
            for entry in found:
                yield _line(entry, every)
            query["before"] = found[-1].request_id
            left -= len(found)

    def waiting(self, me: Person) -> Response:
        """What was taken to be carried out later, the first one first."""
        reader = self._desk.reader
        names = {c.id: c.name for c in connections.every(reader)}
        most = sheets.MOST if lists.form() else lists.PAGE + 1
        after = lists.number("after") or 0
        found = async_requests.listed(reader, after=after, at_most=most)
        if lists.form():
            rows = [waiting_line(each, names) for each in found]
            return sheets.answer("requests-waiting", WAITING, rows, lists.form())
        page, goes_on = lists.cut(found)
        return self._desk.page(
            me,
            "waiting.html",
            requests=page,
            names=names,
            more=lists.more(
                f"{len(page)} on this page, the first one first.",
                str(page[-1].id) if goes_on else None,
            ),
        )

    # ------------------------------------------------------------------------- one

    def show(self, me: Person, request_id: str) -> Response:
        """One request: its steps, its fields, request and answer, and what to do."""
        reader = self._desk.reader
        entry = request_log.by_request_id(reader, request_id[:36])
        if entry is None:
            return self._desk.missing(me, "request")
        if lists.form() == "json":
            return sheets.answer(
                f"request-{entry.request_id}",
                tuple(whole(entry)),
                [whole(entry)],
                "json",
            )
        return self._desk.page(me, "request.html", **self._words(entry))

    # ----------------------------------------------------------------------- again

    def _call(self, entry: Entry, source: str) -> tuple[Call, Connection]:
        """The request of *entry* as its connection would send it now."""
        connection = connections.required(self._desk.reader, entry.connection_id)
        sent = resending.logged(entry)
        call = simulation.call_of(
            connection, sent.method, sent.path, sent.body, now=now(), source=source
        )
        return call, connection

    def attempt(self, me: Person, request_id: str) -> Response:
        """Try the request as things stand now; nothing is written."""
        entry = request_log.by_request_id(self._desk.reader, request_id[:36])
        if entry is None:
            return self._desk.missing(me, "request")
        call, connection = self._call(entry, f"console:{me.username}")
        tried = trial(self._simulator.run(call), connection)
        return self._desk.page(me, "request.html", **self._words(entry), trial=tried)

    def apply_again(self, me: Person, request_id: str) -> Response:
        """Carry the request out once more, as its connection; the log has it anew."""
        entry = request_log.by_request_id(self._desk.reader, request_id[:36])
        if entry is None:
            return self._desk.missing(me, "request")
        if entry.method == "GET" or entry.action == "Read":
            raise NotPossible("A request that only reads changes nothing; try it dry.")
        call, _ = self._call(entry, f"console:{me.username}")
        with suppress(ScimError, RulesViolated):  # the log has it
            self._provisioning.carry_out(call)
        return self._desk.done(
            f"{PATH}/{call.request_id}",
            "This is the request applied again, by you and as its connection.",
        )

    def _words(self, entry: Entry) -> dict[str, Any]:
        reader = self._desk.reader
        connection = connections.by_id(reader, entry.connection_id)
        kind = _kind(connection)
        user = users.by_id(reader, entry.user_id) if entry.user_id else None
        key = text_key(entry.identity or "")
        waiting = conflicts.open_of(reader, entry.connection_id, key)
        return {
            "entry": entry,
            "connection": connection,
            "steps": orjson.loads(entry.steps),
            "fields": fields_of(entry),
            "remedies": reasons.of(entry.reason, kind),
            "again": reasons.AGAIN[kind],
            "user": user,
            "conflicts": waiting,
            "curl": curl(entry, self._desk.settings.address),
        }


_ASKED: Final = (
    *("words", "connection", "action", "outcome", "status", "reason", "method"),
    *("since", "until", "reads", "user", "tail"),
)


def _query(ids: dict[str, int]) -> dict[str, Any]:
    """What the address asks for, as ``request_log.newest`` takes it."""
    query = {
        "words": lists.asked("words") or None,
        "connection_id": lists.one_of("connection", ids),
        "action": lists.one_of("action", {each: each for each in ACTIONS}),
        "outcome": lists.one_of("outcome", {each: each for each in OUTCOMES}),
        "method": lists.one_of("method", {each: each for each in METHODS}),
        "reason": lists.asked("reason") or None,
        "status": lists.number("status"),
        "user_id": lists.number("user"),
        "since": lists.day("since"),
        "until": lists.day("until", end=True),
        "before": lists.asked("after") or None,
    }
    reads = bool(lists.asked("reads")) or query["action"] == "Read"
    found = {name: value for name, value in query.items() if value is not None}
    return {**found, "reads": reads or "outcome" in found}


def _waiting(reader: Reader) -> int:
    """How many requests were taken and are not carried out."""
    return sum(queue.count for queue in async_requests.queues(reader).values())


#: What is told of a request that waits.
WAITING: Final = ("request_id", "taken_at", "connection", "method", "path", "bytes")


def waiting_line(each: Asked, names: dict[int, str]) -> dict[str, Any]:
    """A request that waits, as a row of a file."""
    return {
        "request_id": each.txn,
        "taken_at": sheets.instant(each.taken_at),
        "connection": names.get(each.connection_id, ""),
        "method": each.method,
        "path": each.path,
        "bytes": each.size,
    }


def _reasons(entry: Entry) -> str:
    codes = [code for code in (entry.reason or "").split(",") if code]
    return ", ".join(reasons.title_of(code) for code in codes)


def _line(entry: Entry, every: dict[int, Connection]) -> dict[str, Any]:
    connection = every.get(entry.connection_id)
    return {
        **{name: getattr(entry, name, None) for name in _FIELDS},
        "at": sheets.instant(entry.at),
        "connection": "" if connection is None else connection.name,
        "duration_ms": round(entry.duration_us / 1000, 1),
    }


def whole(entry: Entry) -> dict[str, Any]:
    """Everything that is kept of a request, to be taken along."""
    return {
        "request_id": entry.request_id,
        "at": sheets.instant(entry.at),
        "method": entry.method,
        "path": entry.path,
        "action": entry.action,
        "outcome": entry.outcome,
        "status": entry.status,
        "reason": entry.reason,
        "identity": entry.identity,
        "duration_ms": round(entry.duration_us / 1000, 1),
        "steps": orjson.loads(entry.steps),
        "request": entry.request_body,
        "answer": entry.response_body,
    }


def _kind(connection: Connection | None) -> str:
    return "generic" if connection is None else connection.kind


def trial(entry: Entry, connection: Connection) -> dict[str, Any]:
    """A tried request as pages show it: the same steps and fields as in the log."""
    return {
        "entry": entry,
        "steps": orjson.loads(entry.steps),
        "fields": fields_of(entry),
        "remedies": reasons.of(entry.reason, _kind(connection)),
    }


def user_named(reader: Reader, name: str) -> User:
    """The user of this username or email; raises NotPossible."""
    key = username_key(name)
    user = users.by_username_key(reader, key) or users.by_email_key(
        reader, email_key(name)
    )
    if user is None:
        raise NotPossible(f'There is no user "{name}".')
    return user


#: What the local fields are called on pages.
NAMES: Final = {
    "first_name": "First name",
    "last_name": "Last name",
    "email": "Email",
    "username": "Username",
    "initials": "Initials",
}
_RULES: Final = {
    "stated": "As the provider states it",
    "candidates": "The first candidate of the mapping that was free",
}


def fields_of(entry: Entry) -> list[dict[str, Any]]:
    """Field by field: what was sent, what it became, and what was passed over."""
    for step in orjson.loads(entry.steps):
        found = step.get("facts", {}).get("fields")
        if found:
            return [field_of(name, trace) for name, trace in found.items()]
    return []


def field_of(name: str, trace: dict[str, Any]) -> dict[str, Any]:
    """One field as the pages show it, from its trace in the log."""
    rule = trace.get("rule", "")
    return {
        "name": NAMES.get(name, name),
        "sent": trace.get("sent", ""),
        "became": trace.get("became"),
        "why": "As before" if trace.get("kept") else _RULES.get(rule, rule),
        "passed": trace.get("passed_over", ()),
    }


def curl(entry: Entry, address: str) -> str:
    """The request as a command line for this *address*, without its secret."""
    lines = [
        shlex.join(["curl", "-X", entry.method, f"{address}{quote(entry.path)}"]),
        '-H "Authorization: Bearer $TOKEN"',
    ]
    if entry.request_body:
        body = shlex.quote(entry.request_body)
        lines += ["-H 'Content-Type: application/scim+json'", f"-d {body}"]
    return " \\\n  ".join(lines)
