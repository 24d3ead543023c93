"""The functions of mappings as JSON, and an expression tried on a resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scim_connector.administration import expressions
from scim_connector.mapping.functions import FUNCTIONS
from scim_connector.rules.permissions import VIEW_PROVISIONING
from scim_connector.web.admin_api import shapes
from scim_connector.web.admin_api.connections import found
from scim_connector.web.admin_api.routes import Route

if TYPE_CHECKING:
    from scim_connector.web.admin_api.routes import Visit

_LONGEST: Final = 2000


def list_functions(_: Visit) -> dict[str, Any]:
    """Every function with an example."""
    return {
        "items": [
            {
                "name": each.name,
                "signature": each.signature,
                "meaning": each.sentence,
                "example": each.example,
            }
            for each in sorted(FUNCTIONS.values(), key=lambda f: f.name)
        ]
    }


def evaluate_expression(visit: Visit) -> dict[str, Any]:
    """What an expression gives on a resource; nothing is written."""
    held, body = found(visit), visit.body
    value = expressions.evaluated(
        visit.reader, held, body["expression"], body["resource"]
    )
    return {"value": value, "is_nothing": value in (None, "", [])}


# ---------------------------------------------------------------------------- as data

SHAPES: Final = {
    "Function": shapes.answer(
        name=shapes.told(),
        signature=shapes.told(),
        meaning=shapes.told(),
        example=shapes.told(),
    )
}
ROUTES: Final = (
    Route(
        "GET",
        "/mapping-functions",
        list_functions,
        VIEW_PROVISIONING,
        "Every function of the mapping language, with an example.",
        shapes.answer(items=shapes.many(shapes.ref("Function"))),
    ),
    Route(
        "POST",
        "/connections/{connection_id}/mappings/evaluate",
        evaluate_expression,
        VIEW_PROVISIONING,
        "Try an expression on a SCIM user; nothing is written.",
        shapes.answer(
            value={"description": "What it gives: text, a number, a flag or a list."},
            is_nothing=shapes.flag("Whether that counts as nothing."),
        ),
        body=shapes.given(
            ("expression", "resource"),
            expression=shapes.text(most=_LONGEST, least=1),
            resource=shapes.anything("The SCIM user."),
        ),
    ),
)
