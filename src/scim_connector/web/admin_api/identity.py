"""What a provider states about a user, as JSON, field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scim_connector.administration import identities
from scim_connector.rules.permissions import VIEW_USERS
from scim_connector.web.admin_api import shapes
from scim_connector.web.admin_api.log import FIELD
from scim_connector.web.admin_api.routes import Missing, Route
from scim_connector.web.admin_api.user import found
from scim_connector.web.console.log import field_of
from scim_connector.web.console.sheets import instant

if TYPE_CHECKING:
    from scim_connector.web.admin_api.routes import Visit


def get_identity(visit: Visit) -> dict[str, Any]:
    """What the provider sent, and what became of it."""
    user = found(visit)
    identity = identities.of_user(visit.reader, user)
    if identity is None:
        raise Missing(f"{user.username} is not managed by a provider.")
    link = identity.link
    return {
        "connection": identity.connection.name,
        "scim_id": link.id,
        "user_name": link.user_name,
        "external_id": link.external_id,
        "asked_active": link.asked_active,
        "version": link.version,
        "since": instant(link.created_at),
        "sent": identity.sent,
        "fields": [field_of(name, trace) for name, trace in identity.traces],
    }


# ---------------------------------------------------------------------------- as data

SHAPES: Final = {
    "Identity": shapes.answer(
        connection=shapes.told(),
        scim_id=shapes.told(),
        user_name=shapes.told(),
        external_id=shapes.or_null(shapes.told()),
        asked_active=shapes.flag("Whether the provider asked for an active user."),
        version=shapes.number(),
        since=shapes.instant(),
        sent=shapes.anything("The SCIM resource as the provider states it."),
        fields=shapes.many(FIELD, "Field by field."),
    )
}
ROUTES: Final = (
    Route(
        "GET",
        "/users/{user_id}/identity",
        get_identity,
        VIEW_USERS,
        "What the provider states about a user, and what became of it.",
        shapes.ref("Identity"),
    ),
)
