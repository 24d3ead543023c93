"""Secrets of applications as JSON: made, shown once, revoked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scim_connector.administration import applications as administration
from scim_connector.directory import applications
from scim_connector.rules.permissions import MANAGE_APPS
from scim_connector.web.admin_api import lives, shapes
from scim_connector.web.admin_api.routes import Missing, Route
from scim_connector.web.console.sheets import instant
from scim_connector.web.pages.frame import now

if TYPE_CHECKING:
    from scim_connector.directory.applications import Application
    from scim_connector.directory.database import Reader
    from scim_connector.web.admin_api.routes import Visit

#: The address of an application.
ONE: Final = "/applications/{application_id}"


def found(visit: Visit) -> Application:
    """The application in the address; raises Missing."""
    held = applications.by_id(visit.reader, visit.places["application_id"])
    if held is None:
        raise Missing("There is no such application.")
    return held


def listed(reader: Reader, held: Application) -> list[dict[str, Any]]:
    """The secrets of an application, without what they are."""
    present = now()
    return [
        {
            "id": each.id,
            "state": each.state_at(present),
            "created": instant(each.created_at),
            "expires": instant(each.expires_at),
        }
        for each in reversed(applications.secrets(reader, held.id))
    ]


def create_application_secret(visit: Visit) -> dict[str, Any]:
    """A further secret of an application."""
    name, act = found(visit).name, visit.act()
    ends = lives.end_of(visit.body, act.now)
    made = visit.write(
        lambda tx: administration.create_secret(
            tx,
            administration.find(tx, name),
            pepper=visit.office.pepper,
            expires_at=ends,
            act=act,
        )
    )
    return lives.told(made, name, ends)


def revoke_application_secret(visit: Visit) -> None:
    """Revoke a secret at once."""
    held, act = found(visit), visit.act()
    secret_id = visit.places["secret_id"]
    if secret_id not in {s.id for s in applications.secrets(visit.reader, held.id)}:
        raise Missing(f"{held.name} has no secret of this id.")
    visit.write(lambda tx: administration.revoke_secret(tx, held, secret_id, act))


# ---------------------------------------------------------------------------- as data

SHAPES: Final = {
    "ApplicationSecret": shapes.answer(
        id=shapes.told(),
        state=shapes.one_of(("live", "expired", "revoked")),
        created=shapes.instant(),
        expires=shapes.or_null(shapes.instant()),
    ),
    **lives.SHAPES,
}
ROUTES: Final = (
    Route(
        "POST",
        f"{ONE}/secrets",
        create_application_secret,
        MANAGE_APPS,
        "A further secret of an application; it stands in this answer alone.",
        shapes.ref("MadeSecret"),
        body=shapes.given(days=lives.DAYS),
        status=201,
    ),
    Route(
        "DELETE",
        f"{ONE}/secrets/{{secret_id}}",
        revoke_application_secret,
        MANAGE_APPS,
        "Revoke a secret of an application; the next call with it is refused.",
        None,
    ),
)
