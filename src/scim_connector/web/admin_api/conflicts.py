"""Conflicts as JSON: what only a person can decide, and deciding it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scim_connector.administration import conflicts as administration
from scim_connector.administration.conflicts import KINDS, Listed, Query
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import conflicts, connections
from scim_connector.rules.permissions import MANAGE_PROVISIONING, VIEW_PROVISIONING
from scim_connector.web.admin_api import shapes
from scim_connector.web.admin_api.routes import (
    AFTER,
    LIMIT,
    Missing,
    Parameter,
    Route,
    cut,
)
from scim_connector.web.console.sheets import instant

if TYPE_CHECKING:
    from scim_connector.directory.conflicts import Conflict
    from scim_connector.web.admin_api.routes import Visit

_STATES: Final = ("open", "decided")
_LONGEST: Final = 18


def list_conflicts(visit: Visit) -> dict[str, Any]:
    """What waits, the latest first; or what was decided."""
    names = {c.name: c.id for c in connections.every(visit.reader)}
    query = Query(
        connection_id=visit.choose("connection", names),
        kind=visit.asked.get("kind"),
        is_open=visit.asked.get("state") != "decided",
        after=_place(visit.asked.get("after")),
        at_most=visit.limit + 1,
    )
    page, goes_on = cut(administration.listed(visit.reader, query), visit.limit)
    last = page[-1].entry if goes_on else None
    return {
        "items": [row(each) for each in page],
        "next": None if last is None else f"{last.last_seen_at}.{last.id}",
    }


def _place(text: str | None) -> tuple[int, int] | None:
    """Where a list goes on; raises NotPossible for what was never a ``next``."""
    if text is None:
        return None
    words = text.split(".")
    known = [w for w in words if w.isascii() and w.isdigit() and len(w) <= _LONGEST]
    if len(words) != 2 or known != words:  # noqa: PLR2004
        raise NotPossible(f'after "{text}" is no `next` of an answer.')
    return int(words[0]), int(words[1])


def row(each: Listed) -> dict[str, Any]:
    """One conflict as lists have it; its shape is ConflictRow."""
    entry, user = each.entry, each.user
    local = None if user is None else {"id": user.id, "username": user.username}
    return {
        "id": entry.id,
        "connection": each.connection,
        "kind": entry.kind,
        "label": each.kind.label,
        "identity": entry.identity,
        "detail": entry.detail,
        "local_user": local,
        "times": entry.times,
        "first_seen": instant(entry.first_seen_at),
        "last_seen": instant(entry.last_seen_at),
        "resolved": instant(entry.resolved_at),
        "resolution": entry.resolution,
        "request_id": each.request_id,
    }


def _found(visit: Visit) -> Conflict:
    """The conflict in the address; raises Missing."""
    entry = conflicts.by_id(visit.reader, visit.places["conflict_id"])
    if entry is None:
        raise Missing("There is no such conflict.")
    return entry


def _shown(visit: Visit, entry: Conflict) -> dict[str, Any]:
    reader = visit.reader
    return {
        **row(administration.shown(reader, entry)),
        "remedies": [
            {
                "id": each.id,
                "label": each.label,
                "consequence": each.consequence,
                "takes": each.takes,
            }
            for each in administration.fitting(reader, entry)
        ],
        "unfit": [
            {"id": each.id, "label": each.label, "why": why}
            for each, why in administration.unfitting(reader, entry)
        ],
    }


def get_conflict(visit: Visit) -> dict[str, Any]:
    """One conflict, with what can be done about it."""
    return _shown(visit, _found(visit))


def decide_conflict(visit: Visit) -> dict[str, Any]:
    """Carry one remedy out."""
    entry, body, act = _found(visit), visit.body, visit.act()
    values = {name: body[name] for name in ("email", "username") if name in body}
    done = visit.write(
        lambda tx: administration.decide(tx, entry.id, body["remedy"], values, act)
    )
    return {"done": done.sentence, "conflict": _shown(visit, _found(visit))}


# ---------------------------------------------------------------------------- as data

_SHARED: Final = {
    "id": shapes.an_id(),
    "connection": shapes.told(),
    "kind": shapes.told(),
    "label": shapes.told("The kind in words."),
    "identity": shapes.told("The userName that the provider sends."),
    "detail": shapes.told(),
    "local_user": shapes.or_null(
        shapes.answer(id=shapes.an_id(), username=shapes.told())
    ),
    "times": shapes.number("How often the provider tried."),
    "first_seen": shapes.instant(),
    "last_seen": shapes.instant(),
    "resolved": shapes.or_null(shapes.instant()),
    "resolution": shapes.or_null(shapes.told()),
    "request_id": shapes.or_null(shapes.told("The last request that met it.")),
}
_REMEDIES: Final = sorted({r.id for kind in KINDS.values() for r in kind.remedies})
_REMEDY: Final = shapes.answer(
    id=shapes.one_of(_REMEDIES),
    label=shapes.told(),
    consequence=shapes.told(),
    takes=shapes.or_null(shapes.told("The value that has to be sent with it.")),
)
_UNFIT: Final = shapes.answer(
    id=shapes.one_of(_REMEDIES), label=shapes.told(), why=shapes.told()
)
SHAPES: Final = {
    "ConflictRow": shapes.answer(**_SHARED),
    "Conflict": shapes.answer(
        **_SHARED, remedies=shapes.many(_REMEDY), unfit=shapes.many(_UNFIT)
    ),
}
_ONE: Final = "/conflicts/{conflict_id}"

ROUTES: Final = (
    Route(
        "GET",
        "/conflicts",
        list_conflicts,
        VIEW_PROVISIONING,
        "What waits for a decision, the latest first.",
        shapes.page_of("ConflictRow"),
        parameters=(
            Parameter("connection", shapes.text("Name of a connection.")),
            Parameter("kind", shapes.one_of(KINDS)),
            Parameter("state", shapes.one_of(_STATES, "open without a word.")),
            LIMIT,
            AFTER,
        ),
    ),
    Route(
        "GET",
        _ONE,
        get_conflict,
        VIEW_PROVISIONING,
        "One conflict: whom it meets, and what can be done.",
        shapes.ref("Conflict"),
    ),
    Route(
        "POST",
        f"{_ONE}/decide",
        decide_conflict,
        MANAGE_PROVISIONING,
        "Decide a conflict by one of its remedies.",
        shapes.answer(done=shapes.told(), conflict=shapes.ref("Conflict")),
        body=shapes.given(
            ("remedy",),
            remedy=shapes.one_of(_REMEDIES),
            email=shapes.text("Where the remedy takes one."),
            username=shapes.text("Where the remedy takes one."),
        ),
    ),
)
