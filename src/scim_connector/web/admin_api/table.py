"""Every route of the Admin API: what is served, and what the document says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scim_connector.web.admin_api import (
    conflicts,
    connections,
    log,
    mappings,
    overview,
    receipts,
    roles,
    simulate,
    user,
    users,
)

if TYPE_CHECKING:
    from scim_connector.web.admin_api.routes import Route
    from scim_connector.web.admin_api.shapes import Shape

ROUTES: Final[tuple[Route, ...]] = (
    *overview.ROUTES,
    *simulate.ROUTES,
    *users.ROUTES,
    *user.ROUTES,
    *log.ROUTES,
    *receipts.ROUTES,
    *conflicts.ROUTES,
    *connections.ROUTES,
    *mappings.ROUTES,
    *roles.ROUTES,
)
SHAPES: Final[dict[str, Shape]] = {
    **overview.SHAPES,
    **users.SHAPES,
    **log.SHAPES,
    **receipts.SHAPES,
    **conflicts.SHAPES,
    **connections.SHAPES,
    **mappings.SHAPES,
    **roles.SHAPES,
}
