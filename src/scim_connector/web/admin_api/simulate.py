"""The dry run of any SCIM request, as JSON: the six steps, and nothing written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from scim_connector.administration import connections as administration
from scim_connector.administration import users
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import request_log
from scim_connector.mapping import language
from scim_connector.provisioning import resending, simulation
from scim_connector.provisioning.resending import Sent
from scim_connector.rules.permissions import VIEW_PROVISIONING
from scim_connector.web.admin_api import shapes
from scim_connector.web.admin_api.log import shown
from scim_connector.web.admin_api.routes import Route
from scim_connector.web.pages.frame import now

if TYPE_CHECKING:
    from scim_connector.directory.connections import Connection
    from scim_connector.web.admin_api.routes import Visit

#: The most characters of a mapping.
LONGEST_MAPPING: Final = 1_000_000


def simulate(visit: Visit) -> dict[str, Any]:
    """Try a request as a connection would send it."""
    body = visit.body
    connection = administration.find(visit.reader, body["connection"])
    sent = _sent(visit, connection)
    text = body.get("mapping")
    mapping = None if text is None else language.load(text, f"{connection.name}.toml")
    call = simulation.call_of(
        connection,
        sent.method,
        sent.path,
        sent.body,
        now=now(),
        source=f"console:{visit.me.username}",
    )
    entry = visit.office.simulator.run(
        call, mapping=mapping, if_match=body.get("if_match")
    )
    return shown(visit.office, entry)


def _sent(visit: Visit, connection: Connection) -> Sent:
    """The request: a stored user again, one of the log, or as it is stated."""
    body = visit.body
    if "user" in body:
        return _of_user(visit, connection)
    if "request_id" in body:
        entry = request_log.by_request_id(visit.reader, body["request_id"])
        if entry is None or entry.connection_id != connection.id:
            message = f"{connection.name} sent no request of this id"
            raise NotPossible(f"{message}; reads appear after a second.")
        return resending.logged(entry)
    method, path = body.get("method", "POST"), body.get("path", "/Users")
    return Sent(method, path, body.get("body"))


def _of_user(visit: Visit, connection: Connection) -> Sent:
    user = users.find(visit.reader, visit.body["user"])
    sent = resending.again(visit.reader, connection, user)
    method = visit.body.get("method")
    if method is None:
        return sent
    if sent.method != "PUT":
        message = f"{connection.name} has no id for {user.username}"
        raise NotPossible(f"{message}; leave method out to try a POST.")
    return replace(sent, method=method, body=visit.body.get("body"))


_ASKED: Final = shapes.given(
    ("connection",),
    connection=shapes.text("Name of the connection that would send it.", least=1),
    method=shapes.one_of(
        ("GET", "POST", "PUT", "PATCH", "DELETE"), "POST without a word."
    ),
    path=shapes.text("As a provider sends it; /Users without a word.", most=2000),
    body=shapes.anything("The SCIM resource or message."),
    user=shapes.text("Instead of a path: this user, as stored, once more.", least=1),
    request_id=shapes.text("Instead: this request of the log, once more.", least=1),
    mapping=shapes.text(
        "As if this mapping were applied, and the user had followed it.",
        most=LONGEST_MAPPING,
    ),
    if_match=shapes.text("The version that the request expects."),
)

ROUTES: Final = (
    Route(
        "POST",
        "/simulate",
        simulate,
        VIEW_PROVISIONING,
        "Try any SCIM request; nothing is written, whatever the outcome says.",
        shapes.ref("Request"),
        body=_ASKED,
        is_large=True,
    ),
)
