"""The description of the Admin API, OpenAPI 3.1, made of the very table it is served by."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final

from scim_connector import __version__
from scim_connector.web.admin_api import answers, progress, shapes, table
from scim_connector.web.admin_api.routes import ROOT, TEXT_PLACES, Route

#: Where the document is, below the root.
PATH: Final = "/openapi.json"
_WHY: Final = {
    400: "The request, or what it asks for, does not fit; every fault is named.",
    401: "Nobody is known by this token or cookie.",
    403: "The permission is missing, a rule forbids it, or another site sent it.",
    404: "What the address names is not there.",
    409: "Somebody has the value already, or others changed it at the same moment.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    429: "Too many requests; Retry-After says how long to wait.",
    500: "Something went wrong here; nothing was changed.",
    503: "The database is busy or away; nothing was changed.",
}


def made(address: str) -> dict[str, Any]:
    """The document of an installation at *address*."""
    paths: dict[str, dict[str, Any]] = {}
    for route in table.ROUTES:
        paths.setdefault(f"{ROOT}{route.path}", {})[route.method.lower()] = _of(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "scim-connector Admin API",
            "version": __version__,
            "description": "What the console does, as JSON. Call with the token of an"
            " API user, or from the console with its session cookie.",
        },
        "servers": [{"url": address}],
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": answers.SHAPES | progress.SHAPES | table.SHAPES,
            "responses": _problems(),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "__Host-session-account",
                },
            },
        },
    }


def _of(route: Route) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": route.view.__name__,
        "summary": route.summary,
        "description": f"Permission: {permission_of(route)}.",
        "tags": [route.parts[0]],
        "parameters": [*_places(route), *_words(route)],
        "responses": dict(_answers(route)),
    }
    if route.body is not None:
        content = {answers.TYPE: {"schema": route.body}}
        made["requestBody"] = {"required": True, "content": content}
    return made


def permission_of(route: Route) -> str:
    """The id of the permission a route asks for, in words."""
    return "any" if route.permission is None else route.permission.id


def _places(route: Route) -> Iterator[dict[str, Any]]:
    for name in route.places:
        shape = (
            shapes.text(most=100, least=1) if name in TEXT_PLACES else shapes.an_id()
        )
        yield {"name": name, "in": "path", "required": True, "schema": shape}


def _words(route: Route) -> Iterator[dict[str, Any]]:
    for each in route.parameters:
        yield {"name": each.name, "in": "query", "schema": each.shape}


def _answers(route: Route) -> Iterator[tuple[str, dict[str, Any]]]:
    if route.answer is None:
        yield "204", {"description": "Done."}
    else:
        content = {answers.TYPE: {"schema": route.answer}}
        if route.is_long:
            content[progress.TYPE] = {"schema": progress.shape_of(route.answer)}
        yield str(route.status), {"description": route.summary, "content": content}
    for status in statuses(route):
        yield str(status), {"$ref": f"#/components/responses/{_named(status)}"}


def _problems() -> dict[str, Any]:
    """Every problem that a route may answer, once."""
    content = {answers.PROBLEM_TYPE: {"schema": shapes.ref("Problem")}}
    return {
        _named(status): {"description": why, "content": content}
        for status, why in _WHY.items()
    }


def _named(status: int) -> str:
    return HTTPStatus(status).phrase.title().replace(" ", "")


def statuses(route: Route) -> list[int]:
    """What a route may answer besides its success."""
    found = {400, 401, 403, 429, 500, 503}
    found |= {404} if route.places else set()
    found |= {409} if route.changes else set()
    found |= {413, 415} if route.body is not None else set()
    return sorted(found)
