"""What is answered: JSON, and problems as RFC 9457 has them."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import orjson

from scim_connector.provisioning.plans import TooManyChanges
from scim_connector.provisioning.problems import problem_of
from scim_connector.rules.users import RulesViolated
from scim_connector.scim.errors import ScimError
from scim_connector.web import replies
from scim_connector.web.admin_api import shapes
from scim_connector.web.admin_api.routes import Missing, Unfit
from scim_connector.web.console.desk import REFUSALS, sentence_of, status_of
from scim_connector.web.replies import Reply

if TYPE_CHECKING:
    from scim_connector.web.admin_api.shapes import Shape
    from scim_connector.web.replies import Headers

TYPE: Final = "application/json"
PROBLEM_TYPE: Final = "application/problem+json"
ALWAYS: Final = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
)

VIOLATION: Final = shapes.answer(
    rule=shapes.or_null(
        shapes.told("Id of the rule; null where the request is unfit.")
    ),
    field=shapes.told("The field it is about; empty for the whole."),
    message=shapes.told("What is wrong, and what to change."),
)
PROBLEM: Final[Shape] = shapes.answer(
    type=shapes.told(),
    title=shapes.told(),
    status=shapes.number(),
    detail=shapes.told("What to change, as the pages say it."),
    request_id=shapes.told("Stands in the log of the server beside it."),
    violations=shapes.many(shapes.ref("Violation"), "Every broken rule."),
)
SHAPES: Final = {"Violation": VIOLATION, "Problem": PROBLEM}


def json(value: Any, request_id: str, status: int = 200) -> Reply:
    """A JSON answer that nobody keeps."""
    return _made(status, TYPE, value, request_id)


def empty(request_id: str) -> Reply:
    """204: done, and nothing to say."""
    return Reply(204, [*ALWAYS, ("X-Request-Id", request_id)])


def problem(error: Exception, request_id: str) -> Reply:
    """The answer to whatever went wrong."""
    body, headers = told(error, request_id)
    return _made(body["status"], PROBLEM_TYPE, body, request_id, headers)


def told(error: Exception, request_id: str) -> tuple[dict[str, Any], Headers]:
    """Whatever went wrong as a problem, and the headers that go with it."""
    status, detail, headers = _sentence(error, request_id)
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "request_id": request_id,
        "violations": _violations(error),
    }
    return body, headers


def _sentence(error: Exception, request_id: str) -> tuple[int, str, Headers]:
    match error:
        case Missing():
            return 404, str(error), []
        case Unfit():
            return 400, str(error), []
        case TooManyChanges():
            return 409, _many(error), []
    if isinstance(error, REFUSALS):
        headers = replies.headers_of(error) if isinstance(error, ScimError) else []
        return status_of(error), sentence_of(error), headers
    found = problem_of(error, request_id)
    headers = replies.headers_of(found.refusal) if found.refusal else []
    return found.status, str(found.body["detail"]), headers


def _violations(error: Exception) -> list[dict[str, Any]]:
    match error:
        case RulesViolated():
            return [_violation(v.rule.id, v.attribute, v) for v in error.violations]
        case Unfit():
            return [_violation(None, fault.field, fault) for fault in error.faults]
    return []


def _violation(rule: str | None, field: str, what: Any) -> dict[str, Any]:
    return {"rule": rule, "field": field, "message": what.message}


def _many(error: TooManyChanges) -> str:
    said, _, _ = str(error).partition(" Look at the plan;")
    return f'{said} Look at the plan; to go on, send "changes": {error.plan.changed}.'


def _made(
    status: int, kind: str, value: Any, request_id: str, more: Headers | None = None
) -> Reply:
    body = orjson.dumps(value)
    headers = [*ALWAYS, ("Content-Type", kind), ("X-Request-Id", request_id)]
    length = ("Content-Length", str(len(body)))
    return Reply(status, [*headers, *(more or []), length], body)
