"""How things stand, as JSON, and who asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scim_connector.administration import overview
from scim_connector.directory import connections
from scim_connector.rules.guard import KINDS
from scim_connector.rules.permissions import ALL, VIEW_PROVISIONING
from scim_connector.web.admin_api import connections as of_connections
from scim_connector.web.admin_api import shapes
from scim_connector.web.admin_api.routes import Route
from scim_connector.web.console.home import sentence
from scim_connector.web.console.sheets import instant
from scim_connector.web.pages.frame import now

if TYPE_CHECKING:
    from scim_connector.web.admin_api.routes import Visit


def get_overview(visit: Visit) -> dict[str, Any]:
    """How things stand."""
    present, reader = now(), visit.reader
    found = overview.look(reader, present)
    names = {c.id: c.name for c in connections.every(reader)}
    return {
        "sentence": sentence(found, present),
        "waiting": found.waiting,
        "conflicts": found.conflicts,
        "needs": [
            {
                "reason": need.reason,
                "title": need.title,
                "advice": need.advice,
                "people": [
                    {
                        "identity": each.identity,
                        "request_id": each.request_id,
                        "connection": names.get(each.connection_id),
                    }
                    for each in need.entries
                ],
            }
            for need in found.needs
        ],
        "mass_changes": [
            {
                "connection": each.connection,
                "kind": each.change.kind,
                "sentence": each.sentence,
                "seen_at": instant(each.change.seen_at),
                "is_held": each.change.is_held,
            }
            for each in found.mass_changes
        ],
        "connections": [
            of_connections.shown(reader, card.connection) for card in found.cards
        ],
    }


def get_me(visit: Visit) -> dict[str, Any]:
    """Who asks, and what they may do."""
    me = visit.me
    return {
        "id": me.user_id,
        "username": me.username,
        "permissions": sorted(me.permissions),
    }


_PERSON: Final = shapes.answer(
    identity=shapes.or_null(shapes.told()),
    request_id=shapes.told("Of their last request."),
    connection=shapes.or_null(shapes.told()),
)
_NEED: Final = shapes.answer(
    reason=shapes.told(),
    title=shapes.told(),
    advice=shapes.told("What to do."),
    people=shapes.many(_PERSON),
)
_MASS_CHANGE: Final = shapes.answer(
    connection=shapes.told(),
    kind=shapes.one_of(list(KINDS)),
    sentence=shapes.told(),
    seen_at=shapes.instant(),
    is_held=shapes.flag("Whether changes are refused until somebody approves."),
)
SHAPES: Final = {
    "Overview": shapes.answer(
        sentence=shapes.told("How things stand, in one sentence."),
        waiting=shapes.number("How many people need somebody."),
        conflicts=shapes.number("How many wait for a decision."),
        needs=shapes.many(_NEED, "Whom a provider sent and was refused, by reason."),
        mass_changes=shapes.many(
            _MASS_CHANGE, "What is held back, and what the guards saw in 24 hours."
        ),
        connections=shapes.many(shapes.ref("Connection")),
    )
}
ROUTES: Final = (
    Route(
        "GET",
        "/overview",
        get_overview,
        VIEW_PROVISIONING,
        "How things stand, and what needs somebody.",
        shapes.ref("Overview"),
    ),
    Route(
        "GET",
        "/me",
        get_me,
        None,
        "Who calls, and what they may do.",
        shapes.answer(
            id=shapes.an_id(),
            username=shapes.told(),
            permissions=shapes.many(shapes.one_of(sorted(ALL))),
        ),
    ),
)
