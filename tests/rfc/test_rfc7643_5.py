"""RFC 7643 sections 5 to 7 and 9: what the service tells about itself."""

from __future__ import annotations

import pytest

from tests.rfc import asking
from tests.rfc.asking import CORE, LOCAL, Json, operation
from tests.rfc.requirements import not_applicable, not_tested, requirement
from tests.server import Server

CONFIG = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
TYPE = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Schema"

WITHOUT_TEST = (
    not_applicable(
        "RFC7643-7-18",
        "SHOULD",
        "A value whose uniqueness is global is unique everywhere.",
        "No published attribute says so.",
    ),
    not_tested(
        "RFC7643-9.2-1",
        "MUST NOT",
        "Passwords are not stored as plain text.",
        "A provider's password is dropped at the door (RFC7643-4.1.1-6); the hashes of "
        "local ones are seen in the database alone: tests/tokens.",
    ),
    not_tested(
        "RFC7643-9.2-2",
        "SHOULD",
        "Credentials are kept by the best practices: hashed, and safe from injection.",
        "Not visible over HTTP; see tests/tokens and tests/directory, and the hostile "
        "recorded exchanges for injection.",
    ),
)


def config(scim: Server) -> Json:
    """What the service tells about itself."""
    told: Json = scim.send("GET", "/ServiceProviderConfig").body
    return told


def types(scim: Server) -> list[Json]:
    """All resource types."""
    listed: list[Json] = scim.send("GET", "/ResourceTypes").body["Resources"]
    return listed


def schemas(scim: Server) -> list[Json]:
    """All schemas."""
    listed: list[Json] = scim.send("GET", "/Schemas").body["Resources"]
    return listed


def attribute(scim: Server, urn: str, name: str) -> Json:
    """One published attribute."""
    listed = scim.send("GET", f"/Schemas/{urn}").body["attributes"]
    found: Json = next(one for one in listed if one["name"] == name)
    return found


# -------------------------------------------------------------------------------- 5


@requirement(
    "RFC7643-5-1",
    "MUST",
    "patch, bulk, filter, changePassword, sort and etag each say whether supported.",
)
@pytest.mark.parametrize(
    "feature", ["patch", "bulk", "filter", "changePassword", "sort", "etag"]
)
def test_each_feature_says_whether_it_is_there(scim: Server, feature: str) -> None:
    """Supported is a boolean in each of the six."""
    assert isinstance(config(scim)[feature]["supported"], bool)


@requirement(
    "RFC7643-5-2", "MUST", "bulk has maxOperations and maxPayloadSize, in bytes."
)
@requirement("RFC7643-5-3", "MUST", "filter has maxResults.")
def test_limits_are_whole_numbers(scim: Server) -> None:
    """Each limit is a whole number."""
    told = config(scim)

    assert isinstance(told["bulk"]["maxOperations"], int)
    assert told["bulk"]["maxPayloadSize"] > 0
    assert told["filter"]["maxResults"] > 0


@requirement("RFC7643-5-4", "MUST", "authenticationSchemes says how to authenticate.")
@requirement("RFC7643-5-5", "MUST", "A scheme has type, name and description.")
def test_schemes_are_described(scim: Server) -> None:
    """Each scheme has the three, and its type is one the RFC knows."""
    known = {"oauth", "oauth2", "oauthbearertoken", "httpbasic", "httpdigest"}
    schemes = config(scim)["authenticationSchemes"]

    assert schemes
    for scheme in schemes:
        assert scheme["type"] in known
        assert scheme["name"]
        assert scheme["description"]


@requirement(
    "RFC7643-5-6",
    "SHOULD",
    "authenticationSchemes can be read without authentication.",
    deviates="Nothing under /scim is answered to a stranger, so that nobody learns what "
    "runs here; the scheme stands in the WWW-Authenticate header of the 401.",
)
def test_a_stranger_learns_the_scheme_from_the_401(scim: Server) -> None:
    """Without a token there is a 401 that names the scheme, and nothing else."""
    headers = {"Authorization": None}
    reply = scim.send("GET", "/ServiceProviderConfig", headers=headers)  # type: ignore[arg-type]

    assert asking.refused(reply, 401)
    assert reply.headers["www-authenticate"].startswith("Bearer")


@requirement("RFC7643-5-7", "MUST", "What is told is true: read-only for clients.")
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_the_config_cannot_be_changed(scim: Server, method: str) -> None:
    """No method but GET is served there."""
    reply = scim.send(method, "/ServiceProviderConfig", {})

    assert asking.refused(reply, 405)
    assert "GET" in reply.headers["allow"]


# -------------------------------------------------------------------------------- 6


@requirement("RFC7643-6-1", "MUST", "A resource type has a name, endpoint and schema.")
@requirement("RFC7643-6-2", "MUST", "Its name is what meta.resourceType says.")
@requirement("RFC7643-6-3", "MUST", "Its description is given where there is one.")
def test_types_are_described(scim: Server) -> None:
    """Every type has the four, and users carry the name of theirs."""
    told = types(scim)
    named = {one["name"]: one for one in told}

    for one in told:
        assert one["schemas"] == [TYPE]
        assert one["endpoint"].startswith("/")
        assert one["description"]
        assert one["schema"]
    assert asking.created(scim)["meta"]["resourceType"] in named


@requirement("RFC7643-6-4", "MUST", "schema is the id of a schema in /Schemas.")
@requirement("RFC7643-6-5", "MUST", "So is the schema of each extension.")
@requirement("RFC7643-6-6", "MUST", "Each extension says whether it is required.")
def test_types_name_published_schemas(scim: Server) -> None:
    """No type names a schema that cannot be read."""
    known = {schema["id"] for schema in schemas(scim)}

    for one in types(scim):
        extensions = one.get("schemaExtensions", [])
        assert one["schema"] in known
        assert {extension["schema"] for extension in extensions} <= known
        assert all(isinstance(e["required"], bool) for e in extensions)


@requirement(
    "RFC7643-6-7",
    "MUST",
    "A resource has each extension that its type requires, with what that requires.",
)
def test_no_extension_is_required(scim: Server) -> None:
    """No extension is required, and a user without any is created."""
    user_type = next(one for one in types(scim) if one["name"] == "User")

    assert not any(e["required"] for e in user_type["schemaExtensions"])
    assert asking.created(scim)["schemas"] == [CORE]


# -------------------------------------------------------------------------------- 7


@requirement("RFC7643-7-1", "MUST", "For every URN in schemas there is a schema.")
@requirement("RFC7643-7-2", "MUST", "A schema's id is its URN.")
@requirement("RFC7643-7-3", "MUST", "A schema has a name.")
@requirement("RFC7643-7-4", "MUST", "A schema has a description.")
def test_schemas_are_described(scim: Server) -> None:
    """Each schema is read under its URN, and says what it is."""
    for schema in schemas(scim):
        assert schema["schemas"] == [SCHEMA]
        assert schema["name"]
        assert schema["description"]
        assert scim.send("GET", f"/Schemas/{schema['id']}").body == schema


@requirement("RFC7643-7-5", "MUST", "An attribute has a description.")
@requirement("RFC7643-7-6", "SHOULD", "A complex attribute lists its parts.")
@requirement(
    "RFC7643-7-7",
    "MUST",
    "type, mutability, returned and uniqueness have one of the words the RFC gives.",
)
def test_attributes_are_described(scim: Server) -> None:
    """Every published attribute, parts included, uses the words of the RFC."""
    words = {
        "mutability": {"readOnly", "readWrite", "immutable", "writeOnly"},
        "returned": {"always", "never", "default", "request"},
        "uniqueness": {"none", "server", "global"},
    }
    for schema in schemas(scim):
        for one in schema["attributes"]:
            assert (one["type"] == "complex") is bool(one.get("subAttributes"))
            for each in (one, *one.get("subAttributes", [])):
                assert each["description"]
                for key, allowed in words.items():
                    assert each.get(key, "none") in allowed | {"none"}


@requirement("RFC7643-7-8", "MUST", "Filters obey caseExact.")
@requirement("RFC7643-7-9", "MUST", "Values that are caseExact keep their case.")
def test_case_is_obeyed(scim: Server) -> None:
    """ExternalId is found in its case alone, userName in any; both keep theirs."""
    own = f"A{asking.name()}"
    user = asking.created(scim, externalId=own, userName=f"{own}@Example.com")

    assert (user["externalId"], user["userName"]) == (own, f"{own}@Example.com")
    assert asking.found(scim, f'externalId eq "{own}"')
    assert not asking.found(scim, f'externalId eq "{own.lower()}"')
    assert asking.found(scim, f'userName eq "{own.lower()}@example.com"')


@requirement("RFC7643-7-10", "MUST NOT", "What is readOnly is not changed.")
def test_read_only_is_not_changed(scim: Server) -> None:
    """PUT ignores it, PATCH of its path is refused, and nothing has changed."""
    user = asking.created(scim)
    put = scim.send("PUT", asking.at(user), user | {"id": "7", "meta": {}})
    patch = asking.patched(scim, user, operation("replace", "meta.created", "1999"))

    assert put.status == 200
    assert asking.refused(patch, 400, "mutability")
    assert asking.read(scim, user) == user


@requirement("RFC7643-7-11", "MUST NOT", "What is immutable is not changed once set.")
def test_immutable_is_not_changed(scim: Server) -> None:
    """apiUser, our one immutable attribute, is refused as soon as it would differ."""
    user = asking.created(scim)
    path = f"{LOCAL}:apiUser"

    assert attribute(scim, LOCAL, "apiUser")["mutability"] == "immutable"
    reply = asking.patched(scim, user, operation("replace", path, True))
    assert asking.refused(reply, 400, "mutability")


@requirement("RFC7643-7-12", "MUST NOT", "What is writeOnly is not answered.")
def test_nothing_is_write_only(scim: Server) -> None:
    """No published attribute is writeOnly: password is accepted, kept and shown never."""
    for schema in schemas(scim):
        for one in schema["attributes"]:
            assert one["mutability"] != "writeOnly"
            assert one["name"] != "password"


@requirement(
    "RFC7643-7-13", "MUST", "What is returned always is in every answer, asked or not."
)
@requirement("RFC7643-7-14", "MUST", "What is returned on request needs its name.")
def test_returned_is_obeyed(scim: Server) -> None:
    """Id is there whatever is asked for; our local is there when named."""
    user = asking.created(scim)

    assert asking.read(scim, user, attributes="title").keys() == {"schemas", "id"}
    assert "id" in asking.read(scim, user, excludedAttributes="id")
    assert attribute(scim, LOCAL, "local")["returned"] == "request"
    assert LOCAL not in user
    asked = asking.read(scim, user, attributes=f"{LOCAL}:local")
    assert asked[LOCAL]["local"]["email"] == user["emails"][0]["value"]


@requirement(
    "RFC7643-7-15",
    "SHOULD",
    "A value whose uniqueness is server belongs to one resource.",
)
@requirement("RFC7643-7-16", "SHOULD NOT", "No two resources have the same such value.")
def test_unique_values_are_unique(scim: Server) -> None:
    """UserName says server, and a second one is 409, by POST, PUT and PATCH alike."""
    first, second = asking.created(scim), asking.created(scim)
    name = first["userName"]

    assert attribute(scim, CORE, "userName")["uniqueness"] == "server"
    answers = [
        scim.send("POST", "/Users", asking.person(userName=name)),
        scim.send("PUT", asking.at(second), second | {"userName": name}),
        asking.patched(scim, second, operation("replace", "userName", name)),
    ]
    assert all(asking.refused(one, 409, "uniqueness") for one in answers)


@requirement("RFC7643-7-17", "MUST", "A reference says what it may refer to.")
def test_references_say_to_what(scim: Server) -> None:
    """Every published reference has referenceTypes, and nothing else has them."""
    for schema in schemas(scim):
        for one in schema["attributes"]:
            for each in (one, *one.get("subAttributes", [])):
                has = bool(each.get("referenceTypes"))
                assert has is (each["type"] == "reference")


# ------------------------------------------------------------------------------ 9.3


@requirement(
    "RFC7643-9.3-1",
    "SHOULD",
    "Identifiers are bound to tenants, so that no two of them can compare notes.",
)
def test_each_connection_has_ids_of_its_own(scim: Server, other: Server) -> None:
    """Another connection cannot read, change or delete a user by the first one's id."""
    user = asking.created(scim)
    methods = (("GET", None), ("PUT", user), ("DELETE", None))

    for method, body in methods:
        assert asking.refused(other.send(method, asking.at(user), body), 404)
    assert asking.read(scim, user) == user
