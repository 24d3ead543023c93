"""By which route a request came: a template, for an address may name people."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final

from flask import request, request_started

from scim_connector.provisioning.entries import ACTIONS
from scim_connector.web.admin_api import table
from scim_connector.web.admin_api.routes import ROOT, found
from scim_connector.web.app import SCIM

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from flask import Flask

_ROUTE: Final = "scim_connector.route"
_CONVERTER: Final = re.compile(r"<(?:[^<>:]*:)?(\w+)>")
_VERSION: Final = f"{SCIM}/v2"
_WITH_RESOURCES: Final = frozenset({"Users", "Groups", "Roles", "Entitlements"})
_WITH_NAMES: Final = frozenset({"Schemas", "ResourceTypes"})
_ALONE: Final = frozenset({"Bulk", "Me", ".search", "ServiceProviderConfig"})


class Routes:
    """Knows the template of every address that is served."""

    def __init__(self, app: Flask, roads: Collection[str]) -> None:
        """Those of *app*, and *roads*, which stand for themselves."""
        self._roads = frozenset(roads)
        request_started.connect(_keep, app, weak=False)

    def of(self, environ: WSGIEnvironment) -> str | None:
        """The template of a request that was answered; None where nothing lies."""
        path = environ.get("PATH_INFO", "")
        if path in self._roads:
            return str(path)
        if path.startswith(f"{SCIM}/"):
            return scim_route(path)
        if path.startswith(f"{ROOT}/"):
            return _admin_route(environ["REQUEST_METHOD"], path)
        route: str | None = environ.get(_ROUTE)
        return route


def action_of(method: str, route: str | None) -> str | None:
    """The word of the log for a request below ``/scim``; a bulk request has many."""
    if route is None or not route.startswith(SCIM) or route == f"{_VERSION}/Bulk":
        return None
    return "Read" if route.endswith("/.search") else ACTIONS.get(method, "Read")


def scim_route(path: str) -> str | None:
    """The template of an address below ``/scim``; None where nothing lies."""
    parts = [part for part in path.split("/") if part]
    shown = _shown(parts[2:]) if parts[:2] == ["scim", "v2"] else None
    return None if shown is None else "/".join((_VERSION, *shown))


def _shown(rest: list[str]) -> list[str] | None:
    """What stands behind the version, without what is somebody's."""
    match rest:
        case []:
            return []
        case [name] if name in _WITH_RESOURCES | _WITH_NAMES | _ALONE:
            return [name]
        case [name, ".search"] if name in _WITH_RESOURCES:
            return [name, ".search"]
        case [name, _] if name in _WITH_RESOURCES:
            return [name, "{id}"]
        case [name, _] if name in _WITH_NAMES:
            return [name, "{name}"]
    return None


def _admin_route(method: str, path: str) -> str | None:
    there = found(table.ROUTES, path[len(ROOT) :])
    route = there.get("GET" if method == "HEAD" else method)
    return None if route is None else f"{ROOT}{route[0].path}"


def _keep(_: Flask, **__: Any) -> None:
    """Keep the rule that Flask has found, for when the answer is there."""
    if request.url_rule is not None:
        request.environ[_ROUTE] = _CONVERTER.sub(r"{\1}", request.url_rule.rule)
