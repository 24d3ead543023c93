"""A small SCIM server in memory that gives both providers what they need.

Each fault in ``faults.py`` changes one thing of it. It shares no code with the probe
or with our server, so that neither can hide the other's mistakes.
"""

from __future__ import annotations

import json
import re
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

MESSAGES = "urn:ietf:params:scim:api:messages:2.0"
CORE = "urn:ietf:params:scim:schemas:core:2.0"
ENT = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
NAMES = (
    "userName externalId active displayName emails name title nickName roles locale"
    " phoneNumbers addresses members schemas groups password id meta primary type"
    " value formatted familyName givenName middleName streetAddress locality display"
    " employeeNumber department costCenter division organization manager"
)
CANONICAL = {name.lower(): name for name in NAMES.split()}
LISTS = {"emails", "phoneNumbers", "addresses", "members", "roles"}
PATH = re.compile(
    rf"^(?:(?P<urn>{re.escape(ENT)}):)?(?P<name>\w+)"
    r'(?:\[(?P<by>\w+) eq "(?P<key>[^"]*)"\])?(?:\.(?P<sub>\w+))?$',
    re.IGNORECASE,
)
Json = dict[str, Any]


class Refused(Exception):
    """Status, scimType and detail of a refusal."""


class Lab:
    """A WSGI application; *token* opens it."""

    token = "lab-token"
    content_type = "application/scim+json"

    def __init__(self) -> None:
        self.users: dict[str, Json] = {}
        self.groups: dict[str, Json] = {}

    # ----------------------------------------------------------------------- HTTP

    def __call__(self, environ: Json, start_response: Callable[..., Any]) -> Any:
        try:
            status, body = self.answer(environ)
        except Refused as refusal:
            status, body = refusal.args[0], self.error(*refusal.args)
        content = b"" if body is None else json.dumps(body).encode()
        headers = [("Content-Length", str(len(content)))]
        if content:
            headers.append(("Content-Type", self.content_type))
        if status == 201:
            headers.append(("Location", body["meta"]["location"]))
        start_response(f"{status} Status", headers)
        return [content]

    def error(self, status: int, scim_type: str = "", detail: str = "no") -> Json:
        body = {"schemas": [f"{MESSAGES}:Error"], "status": str(status)}
        return {**body, "detail": detail} | (
            {"scimType": scim_type} if scim_type else {}
        )

    def answer(self, environ: Json) -> tuple[int, Any]:
        if environ.get("HTTP_AUTHORIZATION") != f"Bearer {self.token}":
            raise Refused(401, "", "The token is not known.")
        _, _, kind, *rest = f"{environ['PATH_INFO'].rstrip('/')}/".split("/")
        query = {k: v[0] for k, v in parse_qs(environ["QUERY_STRING"]).items()}
        content = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"] or 0))
        return self.route(environ["REQUEST_METHOD"], kind, rest[0], query, content)

    def route(
        self, method: str, kind: str, key: str, query: Json, content: bytes
    ) -> tuple[int, Any]:
        if kind in {"Schemas", "ResourceTypes", "ServiceProviderConfig"}:
            return 200, self.page([{"id": f"{CORE}:User", "endpoint": "/Users"}], 1)
        store = {"Users": self.users, "Groups": self.groups}.get(kind)
        if store is None or (key and key not in store):
            raise Refused(404, "", "There is nothing here.")
        if method == "GET":
            return 200, self.shown(store[key], query) if key else self.list(
                store, query
            )
        if method == "DELETE":
            return self.delete(store, key)
        return self.write(method, kind, store, key, content)

    # ---------------------------------------------------------------------- reads

    def list(self, store: dict[str, Json], query: Json) -> Json:
        found = [r for r in store.values() if self.selects(r, query.get("filter"))]
        start, count = int(query.get("startIndex", 1)), int(query.get("count", 100))
        page = found[start - 1 : start - 1 + count]
        return self.page([self.shown(r, query) for r in page], len(found), start)

    def page(self, resources: list[Json], total: int, start: int = 1) -> Json:
        counters = {"totalResults": total, "startIndex": start}
        rest = {"itemsPerPage": len(resources), "Resources": resources}
        return {"schemas": [f"{MESSAGES}:ListResponse"], **counters, **rest}

    def selects(self, resource: Json, expression: str | None) -> bool:
        if not expression:
            return True
        return all(self.compares(resource, part) for part in expression.split('" and '))

    def compares(self, resource: Json, part: str) -> bool:
        path, _, wanted = part.rpartition(" eq ")
        found = PATH.match(path)
        wanted = wanted.strip('"')
        if "emails" in path:
            return any(e["value"] == wanted for e in resource.get("emails", []))
        assert found is not None
        place = resource.get(ENT, {}) if found["urn"] else resource
        value = place.get(found["name"])
        value = value.get("value") if isinstance(value, dict) else value
        if found["name"] == "userName":
            return str(value).lower() == wanted.lower()
        return bool(value == wanted)

    def shown(self, resource: Json, query: Json) -> Json:
        hidden = {query.get("excludedAttributes")}
        return {k: v for k, v in resource.items() if k not in hidden}

    # --------------------------------------------------------------------- writes

    def delete(self, store: dict[str, Json], key: str) -> tuple[int, Any]:
        del store[key]
        return 204, None

    def write(
        self, method: str, kind: str, store: dict[str, Json], key: str, content: bytes
    ) -> tuple[int, Any]:
        try:
            body = json.loads(content)
        except ValueError:
            raise Refused(400, "invalidSyntax", "This is no JSON.") from None
        if method == "PATCH":
            return self.patch(store, key, body)
        after = self.read(body)
        key = key or self.returning(after) if kind == "Users" else key
        if kind == "Users":
            self.check(after, key)
        if method == "POST" and key:
            return self.created(self.put(store, key, after))
        if method == "PUT":
            return 200, self.put(store, key, after)
        key, after["active"] = str(uuid4()), after.get("active", True)
        store[key] = self.complete(after, kind, key)
        return self.created(store[key])

    def returning(self, user: Json) -> str:
        """The id of the inactive user who is created anew, as Okta may."""
        for key, held in self.users.items():
            same = held.get("externalId") == user.get("externalId")
            if same and not held["active"]:
                return key
        return ""

    def created(self, resource: Json) -> tuple[int, Any]:
        return 201, resource

    def put(self, store: dict[str, Json], key: str, after: Json) -> Json:
        kept = {name: store[key][name] for name in ("id", "meta", "active")}
        store[key] = {**kept, **after, "id": key, "meta": kept["meta"]}
        return store[key]

    def complete(self, resource: Json, kind: str, key: str) -> Json:
        where = {"resourceType": kind[:-1], "location": f"http://lab/{kind}/{key}"}
        return {**resource, "id": key, "meta": where}

    def check(self, user: Json, key: str) -> None:
        if not user.get("userName"):
            raise Refused(400, "invalidValue", "userName is missing.")
        for other, held in self.users.items():
            if other != key and self.same(held["userName"], user["userName"]):
                raise Refused(409, "uniqueness", "userName is taken.")

    def same(self, one: str, other: str) -> bool:
        return one.lower() == other.lower()

    def read(self, value: Any, name: str = "") -> Any:
        """Canonical names, booleans and managers; no nulls, no password."""
        if isinstance(value, dict):
            named = {CANONICAL.get(k.lower(), k): v for k, v in value.items()}
            named.pop("password", None)
            return {k: self.read(v, k) for k, v in named.items() if v is not None}
        if isinstance(value, list):
            return [self.read(element, name) for element in value]
        if name == "active":
            return self.boolean(value)
        return {"value": value} if name == "manager" else value

    def boolean(self, value: Any) -> Any:
        return str(value).lower() == "true"

    # ---------------------------------------------------------------------- PATCH

    def patch(self, store: dict[str, Json], key: str, body: Json) -> tuple[int, Any]:
        after = json.loads(json.dumps(store[key]))
        for operation in body["Operations"]:
            self.apply(after, operation["op"].lower(), operation)
        if store is self.users:
            self.check(after, key)
        store[key] = after
        return self.patched(after)

    def patched(self, resource: Json) -> tuple[int, Any]:
        return 200, resource

    def apply(self, resource: Json, op: str, operation: Json) -> None:
        if "path" not in operation:
            self.spread(resource, op, operation["value"])
            return
        found = PATH.match(operation["path"])
        assert found is not None
        place = resource.setdefault(ENT, {}) if found["urn"] else resource
        name = CANONICAL[found["name"].lower()]
        value = self.read(operation.get("value"), name)
        if found["by"]:
            self.element(place, op, found, value)
        elif found["sub"]:
            place.setdefault(name, {})[found["sub"]] = value
        elif name == "members" and op != "replace":
            self.membership(resource, op, value)
        elif op == "remove":
            place.pop(name, None)
        else:
            place[name] = value

    def spread(self, resource: Json, op: str, values: Json) -> None:
        for path, value in values.items():
            if path != "id":
                self.apply(resource, op, {"path": path, "value": value})

    def element(self, place: Json, op: str, found: Any, value: Any) -> None:
        elements = place.setdefault(found["name"], [])
        hit = next((e for e in elements if e.get(found["by"]) == found["key"]), None)
        if op == "remove":
            elements[:] = [e for e in elements if e is not hit]
            return
        if hit is None:
            hit = self.missing(elements, found)
        hit[found["sub"]] = value

    def missing(self, elements: list[Json], found: Any) -> Json:
        elements.append({found["by"]: found["key"]})
        return elements[-1]

    def membership(self, group: Json, op: str, value: list[Json]) -> None:
        listed = [member["value"] for member in value]
        rest = [m for m in group.get("members", []) if m["value"] not in listed]
        group["members"] = rest if op == "remove" else [*rest, *value]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(
    application: Callable[..., Iterable[bytes]], tls: ssl.SSLContext | None = None
) -> Iterator[str]:
    """Serve an application on a free port; yields its SCIM base URL."""
    with make_server("127.0.0.1", 0, application, _Server, _Silent) as server:
        scheme = "http"
        if tls is not None:
            scheme = "https"
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"{scheme}://127.0.0.1:{server.server_port}/v2"
        finally:
            server.shutdown()
            thread.join()
