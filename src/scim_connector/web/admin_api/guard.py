"""The guard of a connection as JSON: its thresholds, what it holds back, the approval."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from scim_connector.administration import guard as administration
from scim_connector.administration.overview import OPEN_FOR
from scim_connector.administration.reasons import AGAIN
from scim_connector.directory import connections, mass_changes
from scim_connector.rules import guard
from scim_connector.rules.permissions import MANAGE_PROVISIONING, VIEW_PROVISIONING
from scim_connector.web.admin_api import shapes
from scim_connector.web.admin_api.connections import found
from scim_connector.web.admin_api.routes import Route
from scim_connector.web.console.sheets import instant
from scim_connector.web.pages.frame import now

if TYPE_CHECKING:
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.database import Reader
    from scim_connector.directory.request_log import Entry
    from scim_connector.web.admin_api.routes import Visit

_FLAGS: Final = ("holds", "is_on")


def get_guard(visit: Visit) -> dict[str, Any]:
    """When there are too many changes, what then, and who waits because of it."""
    return _shown(visit.reader, found(visit))


def _shown(reader: Reader, held: Connection) -> dict[str, Any]:
    holding = {each.kind for each in mass_changes.held(reader, held.id)}
    waiting = administration.waiting(reader, held, since=now() - OPEN_FOR)
    return {
        "thresholds": [
            {"kind": kind, **asdict(each), "is_held": kind in holding}
            for kind, each in guard.thresholds(held.guard).items()
        ],
        "waiting": [_waits(each) for each in waiting],
    }


def _waits(each: Entry) -> dict[str, Any]:
    return {
        "request_id": each.request_id,
        "at": instant(each.at),
        "identity": each.identity,
    }


def set_guard(visit: Visit) -> dict[str, Any]:
    """Set the threshold of one kind; what is left out stays."""
    held, act, kind = found(visit), visit.act(), visit.body["kind"]
    # JSON has one kind of number: 5.0 is a whole one too.
    numbers = {n: int(visit.body[n]) for n in guard.BOUNDS if n in visit.body}
    flags = {name: visit.body[name] for name in _FLAGS if name in visit.body}
    visit.write(
        lambda tx: administration.set_threshold(tx, held, kind, numbers | flags, act)
    )
    return _shown(visit.reader, connections.required(visit.reader, held.id))


def approve_changes(visit: Visit) -> dict[str, Any]:
    """Let what is held back pass for a day, or a kind ahead of it."""
    held, act, kind = found(visit), visit.act(), visit.body.get("kind")
    kinds = [kind] if kind else []
    return {
        "approved": visit.write(
            lambda tx: administration.approve(tx, held, kinds, act)
        ),
        "until": instant(act.now + administration.APPROVED_FOR),
        "next": AGAIN[held.kind],
    }


# ---------------------------------------------------------------------------- as data

_KIND: Final = shapes.one_of(guard.KINDS)
_SAYS: Final = {
    "most": "More people than this are too many.",
    "share": "So is more than this percentage of all; 0 leaves it out.",
    "hours": "Within so many hours.",
}
_NUMBERS: Final = {
    name: shapes.number(_SAYS[name], least=least, most=most)
    for name, (least, most) in guard.BOUNDS.items()
}
_THRESHOLD: Final = {
    **_NUMBERS,
    "holds": shapes.flag("Whether the rest is refused until somebody approves."),
    "is_on": shapes.flag("Whether it is watched at all."),
}
_WAITS: Final = shapes.answer(
    request_id=shapes.told(),
    at=shapes.instant(),
    identity=shapes.or_null(shapes.told("Whom the request was about.")),
)
SHAPES: Final = {
    "Guard": shapes.answer(
        thresholds=shapes.many(
            shapes.answer(
                kind=_KIND,
                **_THRESHOLD,
                is_held=shapes.flag("Whether it holds something back now."),
            )
        ),
        waiting=shapes.many(_WAITS, "The requests that were held back, by person."),
    )
}
_HERE: Final = "/connections/{connection_id}/guard"

ROUTES: Final = (
    Route(
        "GET",
        _HERE,
        get_guard,
        VIEW_PROVISIONING,
        "When a connection changes too many people, and who waits because of it.",
        shapes.ref("Guard"),
    ),
    Route(
        "PATCH",
        _HERE,
        set_guard,
        MANAGE_PROVISIONING,
        "Set when there are too many changes of one kind, and whether they are held.",
        shapes.ref("Guard"),
        body=shapes.given(("kind",), kind=_KIND, **_THRESHOLD),
    ),
    Route(
        "POST",
        f"{_HERE}/approve",
        approve_changes,
        MANAGE_PROVISIONING,
        "Let what is held back pass for a day, or the named kind ahead of it.",
        shapes.answer(
            approved=shapes.many(_KIND),
            until=shapes.instant(),
            next=shapes.told("How the provider sends them again."),
        ),
        body=shapes.given((), kind=_KIND),
    ),
)
