"""What the service publishes about itself (RFC 7644 section 4)."""

from __future__ import annotations

import pytest

from scim_connector.scim import discovery
from scim_connector.scim.errors import NotFound
from scim_connector.scim.schemas import (
    GROUP,
    USER,
    DeclaredAttribute,
    user_resource_type,
)
from scim_connector.scim.types import CORE, ENTERPRISE, LOCAL

BASE = "https://scim.example/scim/v2"
KEYWORDS = {
    "name",
    "type",
    "multiValued",
    "description",
    "required",
    "mutability",
    "returned",
    "uniqueness",
    "caseExact",
    "canonicalValues",
    "referenceTypes",
    "subAttributes",
}


def every_attribute(body):
    for attribute in body["attributes"]:
        yield attribute
        yield from attribute.get("subAttributes", [])


def values(body):
    """Give every value inside a JSON body."""
    yield body
    if isinstance(body, dict):
        body = list(body.values())
    if isinstance(body, list):
        for member in body:
            yield from values(member)


def test_three_schemas_are_published():
    """Core user, enterprise user and our own extension, each with its address."""
    body = discovery.schemas([USER], BASE)

    assert [schema["id"] for schema in body["Resources"]] == [CORE, ENTERPRISE, LOCAL]
    assert body["totalResults"] == body["itemsPerPage"] == 3
    assert body["Resources"][0]["meta"] == {
        "resourceType": "Schema",
        "location": f"{BASE}/Schemas/{CORE}",
    }


def test_groups_are_published_beside_users():
    """Every type that is offered is told, with its schemas (RFC 7643 section 6)."""
    types = discovery.resource_types([USER, GROUP], BASE)["Resources"]
    schemas = discovery.schemas([USER, GROUP], BASE)["Resources"]

    assert [each["endpoint"] for each in types] == ["/Users", "/Groups"]
    assert {each["schema"] for each in types} < {each["id"] for each in schemas}
    assert discovery.resource_type([USER, GROUP], "group", BASE) == types[1]
    assert "schemaExtensions" not in types[1]


def test_schemas_use_the_keywords_of_the_standard_and_no_nulls():
    """T33: Entra wants camelCase keywords and no null anywhere."""
    body = discovery.schemas([USER], BASE)

    assert None not in list(values(body))
    for schema in body["Resources"]:
        for attribute in every_attribute(schema):
            assert attribute.keys() <= KEYWORDS
            assert attribute["type"] != "complex" or attribute["subAttributes"]


def test_an_attribute_is_described_in_full():
    """RFC 7643 section 8.7.1: userName as the standard prints it."""
    core = discovery.schema([USER], CORE, BASE)

    user_name = {**core["attributes"][0]}
    assert user_name.pop("description")
    assert user_name == {
        "name": "userName",
        "type": "string",
        "multiValued": False,
        "required": True,
        "mutability": "readWrite",
        "returned": "default",
        "uniqueness": "server",
        "caseExact": False,
    }


def test_emails_are_published_as_required():
    """D16: a client that reads the schema sends an address."""
    core = discovery.schema([USER], CORE, BASE)
    emails = next(a for a in core["attributes"] if a["name"] == "emails")

    assert emails["required"]
    assert emails["subAttributes"][0]["required"]


def test_a_declared_attribute_is_published():
    """D17: what an operator declares stands in /Schemas."""
    kind = user_resource_type((DeclaredAttribute("urn:x:User", "tag"),))

    assert (
        discovery.schema([kind], "URN:X:user", BASE)["attributes"][0]["name"] == "tag"
    )


def test_one_schema_or_resource_type_by_its_id():
    """Members are found without case, unknown ones are 404."""
    assert discovery.schema([USER], CORE.lower(), BASE)["id"] == CORE
    assert discovery.resource_type([USER], "User", BASE)["endpoint"] == "/Users"
    with pytest.raises(NotFound):
        discovery.schema([USER], "urn:x", BASE)
    with pytest.raises(NotFound):
        discovery.resource_type([USER], "Group", BASE)


def test_the_resource_type_names_its_extensions():
    """RFC 7643 section 6: endpoint, schema and optional extensions."""
    body = discovery.resource_types([USER], BASE)["Resources"]

    assert len(body) == 1
    assert (body[0]["endpoint"], body[0]["schema"]) == ("/Users", CORE)
    assert body[0]["schemaExtensions"] == [
        {"schema": ENTERPRISE, "required": False},
        {"schema": LOCAL, "required": False},
    ]


def test_the_configuration_advertises_what_is_there():
    """T76: clients choose PUT or PATCH from it, so it tells the truth."""
    config = discovery.service_provider_config(BASE)

    supported = {
        name: config[name]["supported"]
        for name in ("patch", "bulk", "filter", "changePassword", "sort", "etag")
    }
    assert supported == {
        "patch": True,
        "bulk": True,
        "filter": True,
        "changePassword": False,
        "sort": True,
        "etag": True,
    }
    assert config["filter"]["maxResults"] == 1000
    assert config["pagination"] == {
        "cursor": True,
        "index": True,
        "defaultPaginationMethod": "index",
        "defaultPageSize": 100,
        "maxPageSize": 1000,
        "cursorTimeout": 3600,
    }
    assert config["authenticationSchemes"][0]["type"] == "oauthbearertoken"
    assert config["meta"]["location"] == f"{BASE}/ServiceProviderConfig"
    assert "documentationUri" not in config


def test_the_configuration_may_name_its_documentation():
    """DocumentationUri is there when there is a page."""
    config = discovery.service_provider_config(
        BASE, documentation="https://docs.example"
    )

    assert config["documentationUri"] == "https://docs.example"


def test_the_configuration_tells_of_security_events():
    """RFC 9967 section 4: their URIs, and that no request is answered by one."""
    uris = ["urn:ietf:params:scim:event:prov:deactivate"]
    config = discovery.service_provider_config(BASE, event_uris=uris)

    assert config["securityEvents"] == {"asyncRequest": "none", "eventUris": uris}
    assert "securityEvents" not in discovery.service_provider_config(BASE)
