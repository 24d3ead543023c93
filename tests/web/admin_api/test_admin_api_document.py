"""The OpenAPI document is true: schemathesis asks every route what it promises.

Each operation is asked with values of its schemas and with values outside of them, by
a token and by a session cookie.  Ids are those of things that are there, mostly; whom
the callers are themselves is not among them, or the first request would end the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.openapi import from_dict
from schemathesis.specs.openapi import checks

from scim_connector.administration import shipped
from scim_connector.web.admin_api import table
from scim_connector.web.admin_api.routes import Route
from tests import admin_api
from tests.admin_api import Caller
from tests.console import Office

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
#: Of each operation, mode and kind of caller.
EXAMPLES = 8
NOT_THERE = 999_999


@dataclass(frozen=True)
class Field:
    """What the operations work on, by the names in the addresses."""

    there: Mapping[str, list[Any]]
    words: Mapping[str, Any]
    document: dict[str, Any]

    def place(self, case: Case) -> None:
        """Put what is there where the address, the query and the body name something."""
        for name, value in case.path_parameters.items():
            among = [*self.there.get(name, ()) * 3, NOT_THERE]
            if name in self.there:
                case.path_parameters[name] = among[_size(value) % len(among)]
        for held in (case.query, case.body):
            for name in list(held) if isinstance(held, dict) else ():
                if name in self.words and _size(held[name]) % 3:
                    held[name] = self.words[name]


def _size(value: Any) -> int:
    return value if isinstance(value, int) else len(str(value))


@pytest.fixture(scope="module")
def field(api_office: Office, machine: Caller) -> Field:
    """Two linked people, a colleague, a conflict, a role, and two connections.

    One of them rehearses: somebody would be created there, somebody is refused.
    """
    for name in ("kim.doe", "bo.li"):
        api_office.person(f"{name}@contoso.com")
    machine.done("POST", "/users", {"kind": "person", "email": "cleo@contoso.com"})
    taken = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "c.leo@contoso.com",
        "emails": [{"value": "cleo@contoso.com", "primary": True}],
    }
    assert api_office.scim.send("POST", "/Users", taken).status == 409
    made = machine.done("POST", "/connections", {"name": "spare", "kind": "entra"})
    spare = made["connection"]["id"]
    for _ in range(3):
        machine.done("POST", f"/connections/{spare}/tokens", {"kind": "bearer"})
    tokens = machine.get(f"/connections/{spare}/tokens")["items"]
    rehearsing = _rehearsing(api_office, machine)
    role = {"name": "Reader", "permissions": ["users.view"]}
    members = [{"value": api_office.person("mia.member@contoso.com")}]
    sent = {"displayName": "Members", "members": members}
    assert api_office.scim.send("POST", "/Groups", sent).status == 201
    robot = {"kind": "api", "email": "robot.one@contoso.com"}
    robot_id = machine.done("POST", "/users", robot)["user"]["id"]
    keys = machine.get(f"/api-app/users/{robot_id}/keys")["items"]
    users = machine.get("/users", words="contoso", limit=200)["items"]
    conflicts = [c["id"] for c in machine.get("/conflicts")["items"]]
    portal = {"name": "portal", "kind": "web", "address": "https://portal.example.com"}
    application = machine.done("POST", "/applications", portal)["id"]
    secrets = [
        machine.done("POST", f"/applications/{application}/secrets", {})["id"]
        for _ in range(3)
    ]
    mine = {"ada@contoso.com", "machine.one"}
    return Field(
        {
            "user_id": [u["id"] for u in users if u["username"] not in mine],
            "connection_id": [spare, rehearsing],
            "conflict_id": conflicts,
            "request_id": [r["request_id"] for r in machine.get("/log")["items"]],
            "role_id": [1, machine.done("POST", "/roles", role)["id"]],
            "profile_id": [1, 2],
            "token_id": [t["id"] for t in tokens],
            "number": [1],
            "application_id": [application],
            "group_id": [group["id"] for group in machine.get("/groups")["items"]],
            "mail_id": [mail["id"] for mail in machine.get("/mails")["items"]],
            "secret_id": secrets,
            "key_id": [key["id"] for key in keys],
        },
        {
            "connection": "default",
            "conflicts": [*conflicts, NOT_THERE],
            "user": "bo.li@contoso.com",
            "role": "Reader",
            "roles": ["Reader"],
            "profile": None,
            "email": "dora@contoso.com",
            "initials": "",
            "username": "dora.long",
            "text": shipped.text("generic"),
            "mapping": shipped.text("generic"),
            "sure": False,
        },
        _without_security(machine.get("/openapi.json")),
    )


def _rehearsing(office: Office, machine: Caller) -> int:
    asked = {"name": "rehearsing", "kind": "okta", "rehearse": True}
    made = machine.done("POST", "/connections", asked)
    for name, email, status in (("dee", "dee@contoso.com", 201), ("eli", "no", 400)):
        sent = {"userName": name, "emails": [{"value": email, "primary": True}]}
        told = office.scim.send("POST", "/Users", sent, token=made["token"])
        assert told.status == status
    return int(made["connection"]["id"])


def _without_security(served: dict[str, Any]) -> dict[str, Any]:
    """The document, where who calls is up to us and not to chance."""
    del served["security"], served["components"]["securitySchemes"]
    return served


@pytest.fixture(scope="module", params=["token", "cookie"])
def caller(
    request: pytest.FixtureRequest, api_office: Office, machine: Caller
) -> Caller:
    """A program with a token, or the administrator's browser."""
    if request.param == "token":
        return machine
    return admin_api.browser(api_office.admin, api_office)


def _asked() -> list[Any]:
    """Every route in both modes, where anything about it can be wrong."""
    return [
        pytest.param(route, mode, id=f"{route.view.__name__}-{mode.value}")
        for route in table.ROUTES
        for mode in GenerationMode
        if mode is GenerationMode.POSITIVE
        or (route.places or route.parameters or route.body)
    ]


@pytest.mark.parametrize(("route", "mode"), _asked())
def test_each_route_keeps_what_the_document_promises(
    field: Field, caller: Caller, route: Route, mode: GenerationMode
) -> None:
    """No server error, no other status, content type or shape than is described."""
    operation = from_dict(field.document).find_operation_by_id(route.view.__name__)
    seen: list[int] = []

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Case) -> None:
        if mode is GenerationMode.POSITIVE:
            field.place(case)
        address = field.document["servers"][0]["url"]
        response = case.call(base_url=address, headers=caller.headers)
        seen.append(response.status_code)
        case.validate_response(response, checks=CHECKS)

    ask()

    assert 401 not in seen, "the caller is nobody any more"
