"""Proof of cut-off as JSON: each deactivation, what it ended, and how fast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scim_connector.directory import connections, receipts
from scim_connector.rules.permissions import COMPLIANCE
from scim_connector.web.admin_api import shapes
from scim_connector.web.admin_api.routes import AFTER_ID, LIMIT, Route, cut
from scim_connector.web.console.receipts import line

if TYPE_CHECKING:
    from scim_connector.directory.receipts import Receipt
    from scim_connector.web.admin_api.routes import Visit


def list_receipts(visit: Visit) -> dict[str, Any]:
    """The newest deactivations first."""
    names = {c.id: c.name for c in connections.every(visit.reader)}
    before = visit.asked.get("after")
    found = receipts.newest(visit.reader, before=before, at_most=visit.limit + 1)
    page, goes_on = cut(found, visit.limit)
    last = str(page[-1].id) if goes_on else None
    return {"items": [shown(each, names) for each in page], "next": last}


def shown(each: Receipt, names: dict[int, str]) -> dict[str, Any]:
    """One receipt."""
    told = line(each, names)
    connection = told["connection"] or None
    return {"id": each.id, "user_id": each.user_id, **told, "connection": connection}


SHAPES: Final = {
    "Receipt": shapes.answer(
        id=shapes.an_id(),
        user_id=shapes.an_id(),
        asked_at=shapes.instant(),
        username=shapes.told(),
        by=shapes.told("Who deactivated them."),
        connection=shapes.or_null(shapes.told()),
        ended=shapes.told("What was open and ended."),
        took_ms={"type": "number", "description": "From the request to the end."},
        told=shapes.told("Each application, and whether it was told."),
        request_id=shapes.or_null(shapes.told()),
    )
}
ROUTES: Final = (
    Route(
        "GET",
        "/receipts",
        list_receipts,
        COMPLIANCE,
        "Proof of cut-off: every deactivation, the newest first.",
        shapes.page_of("Receipt"),
        parameters=(LIMIT, AFTER_ID),
    ),
)
