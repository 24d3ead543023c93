"""How far a connection has come, as JSON: its guide, its reach, its compatibility."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scim_connector.administration import compatibility, guide
from scim_connector.administration import connections as administration
from scim_connector.rules.permissions import MANAGE_PROVISIONING, VIEW_PROVISIONING
from scim_connector.web.admin_api import shapes
from scim_connector.web.admin_api.connections import found
from scim_connector.web.admin_api.routes import Route
from scim_connector.web.console import guides
from scim_connector.web.console.sheets import instant

if TYPE_CHECKING:
    from scim_connector.web.admin_api.routes import Visit


def get_guide(visit: Visit) -> dict[str, Any]:
    """What to do at the provider, and what has been seen of it."""
    held, base_url = found(visit), visit.office.settings.base_url
    seen = guide.ticks(visit.reader, held)
    return {
        "base_url": base_url,
        "warnings": administration.address_warnings(base_url),
        "steps": [
            {
                "title": each.title,
                "lines": list(each.lines),
                "values": [{"name": v.name, "text": v.text} for v in each.values],
                "seen": each.seen(seen),
            }
            for each in guides.of(held.kind, base_url)
        ],
    }


def reach_server(visit: Visit) -> dict[str, Any]:
    """Ask our own public address from here, and say how it answered."""
    found(visit)
    fault = guide.reach(visit.office.settings.address)
    return {"reached": not fault, "fault": fault or None}


def get_compatibility(visit: Visit) -> dict[str, Any]:
    """Habits of the provider that were met, and what becomes of them here."""
    held, reader = found(visit), visit.reader
    return {
        "habits": [
            {
                "name": each.quirk.name,
                "sent": each.quirk.sent,
                "vendors": each.quirk.vendors,
                "becomes": each.becomes,
                "is_off": each.is_off,
                "times": each.times,
                "last_seen": instant(each.last_seen_at),
            }
            for each in compatibility.habits(reader, held)
        ],
        "undeclared": [
            {
                "name": each.name,
                "times": each.times,
                "last_seen": instant(each.last_seen_at),
            }
            for each in compatibility.undeclared(reader, held)
        ],
    }


# ---------------------------------------------------------------------------- as data

_VALUE: Final = shapes.answer(
    name=shapes.told("The field at the provider."), text=shapes.told("What goes there.")
)
_STEP: Final = shapes.answer(
    title=shapes.told(),
    lines=shapes.many(shapes.told()),
    values=shapes.many(_VALUE),
    seen=shapes.flag("Whether requests show that it is done."),
)
_HABIT: Final = shapes.answer(
    name=shapes.told(),
    sent=shapes.told("What is sent."),
    vendors=shapes.told(),
    becomes=shapes.told("What becomes of it here."),
    is_off=shapes.flag("Whether it was switched off."),
    times=shapes.number("How often it was met."),
    last_seen=shapes.or_null(shapes.instant()),
)
_UNDECLARED: Final = shapes.answer(
    name=shapes.told(), times=shapes.number(), last_seen=shapes.instant()
)
SHAPES: Final = {
    "Guide": shapes.answer(
        base_url=shapes.told(),
        warnings=shapes.many(shapes.told(), "About that address."),
        steps=shapes.many(_STEP),
    ),
    "Compatibility": shapes.answer(
        habits=shapes.many(_HABIT, "Those met most often first."),
        undeclared=shapes.many(
            _UNDECLARED, "Attributes that nobody declared; they are ignored."
        ),
    ),
}
_ONE: Final = "/connections/{connection_id}"

ROUTES: Final = (
    Route(
        "GET",
        f"{_ONE}/guide",
        get_guide,
        VIEW_PROVISIONING,
        "What to do at the provider step by step, and what has been seen of it.",
        shapes.ref("Guide"),
    ),
    Route(
        "POST",
        f"{_ONE}/reach",
        reach_server,
        MANAGE_PROVISIONING,
        "Ask the public address of this server from here.",
        shapes.answer(
            reached=shapes.flag(), fault=shapes.or_null(shapes.told("Why not."))
        ),
    ),
    Route(
        "GET",
        f"{_ONE}/compatibility",
        get_compatibility,
        VIEW_PROVISIONING,
        "What the provider sends beside the standard, and what becomes of it.",
        shapes.ref("Compatibility"),
    ),
)
