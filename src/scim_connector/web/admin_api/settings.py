"""The settings of this installation as JSON, its permissions, and a test mail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scim_connector.administration import overview
from scim_connector.directory import outbox, roles, users
from scim_connector.rules.permissions import (
    ALL,
    MANAGE_SETTINGS,
    PERMISSIONS,
    VIEW_ROLES,
    VIEW_SETTINGS,
)
from scim_connector.settings import SETTINGS
from scim_connector.web.admin_api import shapes
from scim_connector.web.admin_api.routes import Route
from scim_connector.web.console.mails import STATES
from scim_connector.web.console.settings import line, row_of
from scim_connector.web.pages.frame import now

if TYPE_CHECKING:
    from scim_connector.web.admin_api.routes import Visit


def list_settings(visit: Visit) -> dict[str, Any]:
    """Every setting as it is in force, and how mail leaves."""
    reader, settings = visit.reader, visit.office.settings
    return {
        "items": [row_of(line(each, settings)) for each in SETTINGS],
        "mail": {
            "road": visit.office.mail.describe(),
            "held": outbox.count_held(reader),
            "not_sent": [
                {"state": state, "mails": mails}
                for state, mails in sorted(overview.mail(reader, now()).items())
            ],
        },
    }


def list_permissions(visit: Visit) -> dict[str, Any]:
    """What a role can allow, and which roles do."""
    sees_roles = visit.me.may(VIEW_ROLES)
    listed = roles.listed(visit.reader) if sees_roles else []
    return {
        "items": [
            {
                "id": each.id,
                "name": each.name,
                "changes": each.changes,
                "meaning": each.sentence,
                "roles": [r.name for r in listed if each.id in r.permissions]
                if sees_roles
                else None,
            }
            for each in PERMISSIONS
        ]
    }


def send_test_mail(visit: Visit) -> dict[str, Any]:
    """Send whoever asks a mail, by the road that all mails take."""
    address = users.required(visit.reader, visit.me.user_id).email
    return {"sent": visit.office.mail.send(address)}


# ---------------------------------------------------------------------------- as data

_NOT_SENT: Final = shapes.answer(
    state=shapes.one_of(sorted(STATES)), mails=shapes.number()
)
_MAIL: Final = shapes.answer(
    road=shapes.told("Where mails go, or why they cannot."),
    held=shapes.number("How many wait for one choice, /mails/held."),
    not_sent=shapes.many(_NOT_SENT, "Those of the last week that did not leave."),
)
SHAPES: Final = {
    "Setting": shapes.answer(
        name=shapes.told(),
        variable=shapes.told("The environment variable that sets it."),
        value=shapes.told('What is in force; of a secret only "set".'),
        default=shapes.told(),
        is_default=shapes.flag(),
        meaning=shapes.told(),
    ),
    "Permission": shapes.answer(
        id=shapes.one_of(sorted(ALL)),
        name=shapes.told(),
        changes=shapes.flag("Whether it is more than looking."),
        meaning=shapes.told(),
        roles=shapes.or_null(
            shapes.many(shapes.told(), "Null for who may not see roles.")
        ),
    ),
}

ROUTES: Final = (
    Route(
        "GET",
        "/settings",
        list_settings,
        VIEW_SETTINGS,
        "Every setting as it is in force, never a secret, and how mail leaves.",
        shapes.answer(items=shapes.many(shapes.ref("Setting")), mail=_MAIL),
    ),
    Route(
        "POST",
        "/settings/test-mail",
        send_test_mail,
        MANAGE_SETTINGS,
        "Send yourself a mail, by the road that all mails take.",
        shapes.answer(sent=shapes.told("To whom and by which road.")),
    ),
    Route(
        "GET",
        "/permissions",
        list_permissions,
        VIEW_SETTINGS,
        "What a role can allow, and which roles do.",
        shapes.answer(items=shapes.many(shapes.ref("Permission"))),
    ),
)
