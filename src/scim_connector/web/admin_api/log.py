"""The provisioning log as JSON: what came, what became of it, why, and what to do."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from scim_connector.administration import reasons
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import async_requests, connections, request_log
from scim_connector.provisioning import resending, simulation
from scim_connector.rules.permissions import MANAGE_PROVISIONING, VIEW_PROVISIONING
from scim_connector.rules.users import RulesViolated
from scim_connector.scim.errors import ScimError
from scim_connector.web.admin_api import shapes
from scim_connector.web.admin_api.routes import (
    AFTER,
    AFTER_ID,
    LIMIT,
    Missing,
    Parameter,
    Route,
    cut,
)
from scim_connector.web.console.lists import day_of
from scim_connector.web.console.log import (
    ACTIONS,
    METHODS,
    OUTCOMES,
    curl,
    fields_of,
    waiting_line,
    whole,
)
from scim_connector.web.pages.frame import now

if TYPE_CHECKING:
    from scim_connector.directory.request_log import Entry
    from scim_connector.provisioning import Call
    from scim_connector.web.admin_api.routes import Office, Visit

_ROW: Final = (
    *("request_id", "at", "method", "path", "action", "outcome", "status", "reason"),
    *("identity", "duration_ms"),
)
_SAME: Final = ("words", "action", "outcome", "method", "reason", "status")


def list_requests(visit: Visit) -> dict[str, Any]:
    """The newest requests first, narrowed by the query."""
    every = connections.every(visit.reader)
    names = {c.id: c.name for c in every}
    query = _query(visit, {c.name: c.id for c in every})
    found = request_log.newest(visit.reader, at_most=visit.limit + 1, **query)
    page, goes_on = cut(found, visit.limit)
    rows = []
    for entry in page:
        told = whole(entry)
        row = {name: told[name] for name in _ROW}
        rows.append({**row, "connection": names.get(entry.connection_id)})
    return {"items": rows, "next": page[-1].request_id if goes_on else None}


def list_waiting(visit: Visit) -> dict[str, Any]:
    """What was taken to be carried out later, the first one first."""
    names = {c.id: c.name for c in connections.every(visit.reader)}
    found = async_requests.listed(
        visit.reader, after=visit.asked.get("after", 0), at_most=visit.limit + 1
    )
    page, goes_on = cut(found, visit.limit)
    return {
        "items": [waiting_line(each, names) for each in page],
        "next": str(page[-1].id) if goes_on else None,
    }


def _query(visit: Visit, ids: dict[str, int]) -> dict[str, Any]:
    """What the query asks for, as ``request_log.newest`` takes it."""
    asked = visit.asked
    query = {name: asked.get(name) for name in _SAME}
    query |= {
        "connection_id": visit.choose("connection", ids),
        "user_id": asked.get("user"),
        "since": day_of("since", asked.get("since", "")),
        "until": day_of("until", asked.get("until", ""), end=True),
        "before": asked.get("after"),
    }
    reads = asked.get("reads", False) or query["action"] == "Read"
    found = {name: value for name, value in query.items() if value not in {None, ""}}
    return {**found, "reads": reads or "outcome" in found}


def _found(visit: Visit) -> Entry:
    """The request in the address; raises Missing."""
    entry = request_log.by_request_id(visit.reader, visit.places["request_id"])
    if entry is None:
        raise Missing("There is no such request.")
    return entry


def shown(office: Office, entry: Entry) -> dict[str, Any]:
    """One request with its steps, its fields, and what to do about it."""
    connection = connections.by_id(office.reader, entry.connection_id)
    kind = "generic" if connection is None else connection.kind
    return {
        **whole(entry),
        "connection": None if connection is None else connection.name,
        "user_id": entry.user_id,
        "fields": fields_of(entry),
        "remedies": [
            {
                "title": each.title,
                "meaning": each.meaning,
                "advice": each.advice,
                "rule": each.rule_id or None,
            }
            for each in reasons.of(entry.reason, kind)
        ],
        "curl": curl(entry, office.settings.address),
    }


def get_request(visit: Visit) -> dict[str, Any]:
    """One request."""
    return shown(visit.office, _found(visit))


def _call(visit: Visit, entry: Entry) -> Call:
    """The request of *entry* as its connection would send it now."""
    connection = connections.required(visit.reader, entry.connection_id)
    sent = resending.logged(entry)
    source = f"console:{visit.me.username}"
    return simulation.call_of(
        connection, sent.method, sent.path, sent.body, now=now(), source=source
    )


def try_request(visit: Visit) -> dict[str, Any]:
    """Try the request as things stand now; nothing is written."""
    call = _call(visit, _found(visit))
    return shown(visit.office, visit.office.simulator.run(call))


def apply_request(visit: Visit) -> dict[str, Any]:
    """Carry the request out once more, as its connection; the log has it anew."""
    entry = _found(visit)
    if entry.method == "GET" or entry.action == "Read":
        raise NotPossible("A request that only reads changes nothing; try it dry.")
    call = _call(visit, entry)
    with suppress(ScimError, RulesViolated):  # the log has it
        visit.office.provisioning.carry_out(call)
    made = request_log.by_request_id(visit.reader, call.request_id)
    if made is None:
        raise NotPossible("This cannot be applied again; try it dry.")
    return shown(visit.office, made)


# ---------------------------------------------------------------------------- as data

_SHARED: Final = {
    "request_id": shapes.told(),
    "at": shapes.instant(),
    "method": shapes.told(),
    "path": shapes.told(),
    "action": shapes.one_of(ACTIONS),
    "outcome": shapes.one_of(OUTCOMES),
    "status": shapes.number("What the provider was answered."),
    "reason": shapes.or_null(shapes.told("Codes of why, with commas between.")),
    "identity": shapes.or_null(shapes.told("Whom it is about, as sent.")),
    "duration_ms": {"type": "number"},
    "connection": shapes.or_null(shapes.told()),
}
FIELD: Final = shapes.answer(
    name=shapes.told(),
    sent={"description": "What the provider sent for it."},
    became={"description": "The local value, or null."},
    why=shapes.told(),
    passed=shapes.many(shapes.anything(), "Values that were passed over, and why."),
)
_REMEDY: Final = shapes.answer(
    title=shapes.told(),
    meaning=shapes.told(),
    advice=shapes.told("What to do."),
    rule=shapes.or_null(shapes.told("Id of the rule of the handbook.")),
)
SHAPES: Final = {
    "RequestRow": shapes.answer(**_SHARED),
    "WaitingRequest": shapes.answer(
        request_id=shapes.told(),
        taken_at=shapes.instant(),
        connection=shapes.told(),
        method=shapes.told(),
        path=shapes.told(),
        bytes=shapes.number("How much was sent."),
    ),
    "Request": shapes.answer(
        **_SHARED,
        user_id=shapes.or_null(shapes.an_id()),
        steps=shapes.many(shapes.anything(), "The six steps."),
        fields=shapes.many(FIELD, "Field by field."),
        remedies=shapes.many(_REMEDY, "What to do about each reason."),
        request=shapes.or_null(shapes.told("The body that came, as text.")),
        answer=shapes.or_null(shapes.told("The body of the answer, as text.")),
        curl=shapes.told("The request as a command, without its secret."),
    ),
}
_DAY: Final = "A day in UTC, as 2026-12-31."
_FILTERS: Final = (
    Parameter("words", shapes.text("How the identity begins, or a request id.")),
    Parameter("connection", shapes.text("Name of a connection.")),
    Parameter("action", shapes.one_of(ACTIONS)),
    Parameter("outcome", shapes.one_of(OUTCOMES)),
    Parameter("status", shapes.number("As answered.", least=100, most=599)),
    Parameter("reason", shapes.text("One code.")),
    Parameter("method", shapes.one_of(METHODS)),
    Parameter("since", shapes.text(_DAY)),
    Parameter("until", shapes.text(_DAY)),
    Parameter("reads", shapes.flag("Whether reads are listed too.")),
    Parameter("user", shapes.an_id("Number of a local user.")),
)
_ONE: Final = "/log/{request_id}"

ROUTES: Final = (
    Route(
        "GET",
        "/log",
        list_requests,
        VIEW_PROVISIONING,
        "Requests of providers, the newest first.",
        shapes.page_of("RequestRow"),
        parameters=(*_FILTERS, LIMIT, AFTER),
    ),
    Route(
        "GET",
        "/requests/waiting",
        list_waiting,
        VIEW_PROVISIONING,
        "Requests taken to be carried out later, the first one first.",
        shapes.page_of("WaitingRequest"),
        parameters=(LIMIT, AFTER_ID),
    ),
    Route(
        "GET",
        _ONE,
        get_request,
        VIEW_PROVISIONING,
        "One request: its six steps, its fields, and what to do.",
        shapes.ref("Request"),
    ),
    Route(
        "POST",
        f"{_ONE}/try",
        try_request,
        VIEW_PROVISIONING,
        "Try a request of the log as things stand now; nothing is written.",
        shapes.ref("Request"),
    ),
    Route(
        "POST",
        f"{_ONE}/again",
        apply_request,
        MANAGE_PROVISIONING,
        "Apply a request of the log again, as its connection.",
        shapes.ref("Request"),
    ),
)
