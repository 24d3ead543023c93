"""The API App as JSON: installed or not, and as whom it acts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scim_connector.administration import api_app as administration
from scim_connector.rules.permissions import MANAGE_APPS, VIEW_APPS
from scim_connector.web.admin_api import shapes
from scim_connector.web.admin_api.routes import Route
from scim_connector.web.console.api_app import summary

if TYPE_CHECKING:
    from scim_connector.web.admin_api.routes import Visit


def get_api_app(visit: Visit) -> dict[str, Any]:
    """Whether the App is installed, and as whom it acts."""
    reader = visit.reader
    app = summary(reader)
    user = app.user
    return {
        "installed": app.installed,
        "acts_as": {"id": user.id, "username": user.username} if user else None,
        "if_deactivated": administration.consequence(reader, [user.id] if user else [])
        or None,
    }


def install_api_app(visit: Visit) -> dict[str, Any]:
    """Mark the App as installed."""
    act = visit.act()
    visit.write(lambda tx: administration.install(tx, act))
    return get_api_app(visit)


def uninstall_api_app(visit: Visit) -> dict[str, Any]:
    """Mark the App as gone, or say what that ends."""
    act, ends = visit.act(), administration.leaving(visit.reader)
    visit.do(lambda tx: administration.uninstall(tx, act))
    return {"done": visit.body["sure"], "ends": f"{ends}."}


def configure_api_app(visit: Visit) -> dict[str, Any]:
    """Let the App act as an API user."""
    username, act = visit.body["username"].strip(), visit.act()
    visit.write(lambda tx: administration.configure(tx, username, act))
    return get_api_app(visit)


# ---------------------------------------------------------------------------- as data

_USER: Final = shapes.answer(id=shapes.an_id(), username=shapes.told())
SHAPES: Final = {
    "ApiApp": shapes.answer(
        installed=shapes.flag("Whether keys of API users open anything."),
        acts_as=shapes.or_null(_USER),
        if_deactivated=shapes.or_null(
            shapes.told("What follows when that user is deactivated.")
        ),
    )
}
_THE_APP: Final = shapes.ref("ApiApp")

ROUTES: Final = (
    Route(
        "GET",
        "/api-app",
        get_api_app,
        VIEW_APPS,
        "Whether the API App is installed, and as whom it acts.",
        _THE_APP,
    ),
    Route(
        "POST",
        "/api-app/install",
        install_api_app,
        MANAGE_APPS,
        "Mark the API App as installed, so that keys of API users open something.",
        _THE_APP,
    ),
    Route(
        "POST",
        "/api-app/uninstall",
        uninstall_api_app,
        MANAGE_APPS,
        "Mark the API App as gone: every API token ends, that of the caller too; keys"
        " wait until it is back.",
        shapes.answer(done=shapes.flag(), ends=shapes.told("What ends by it.")),
        body=shapes.given(("sure",), sure=shapes.sure("Whether to uninstall it.")),
    ),
    Route(
        "POST",
        "/api-app/configure",
        configure_api_app,
        MANAGE_APPS,
        "Let the API App act as an active API user.",
        _THE_APP,
        body=shapes.given(
            ("username",), username=shapes.text("Of an active API user.")
        ),
    ),
)
