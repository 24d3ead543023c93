"""RFC 7644 sections 3.1 to 3.3: messages, methods, and creating."""

from __future__ import annotations

import pytest

from tests.rfc import asking
from tests.rfc.asking import CORE, ERROR, LIST, operation
from tests.rfc.requirements import requirement
from tests.server import Server

API = "urn:ietf:params:scim:api:"


@requirement(
    "RFC7644-3.1-1", "MUST", "The schema of a message begins with the URN of the API."
)
def test_messages_are_of_the_api(scim: Server) -> None:
    """A list and an error are messages, and say so."""
    listed = scim.send("GET", "/Users?count=0").body
    error = scim.send("GET", "/Users/none").body

    assert (listed["schemas"], error["schemas"]) == ([LIST], [ERROR])
    assert all(one.startswith(API) for one in (LIST, ERROR))


@requirement("RFC7644-3.1-2", "MUST NOT", "/Schemas lists no messages.")
def test_messages_are_not_listed(scim: Server) -> None:
    """No URN of a message is in /Schemas, nor is it read there."""
    listed = scim.send("GET", "/Schemas").body["Resources"]

    assert not [schema["id"] for schema in listed if schema["id"].startswith(API)]
    assert asking.refused(scim.send("GET", f"/Schemas/{LIST}"), 404)


@requirement(
    "RFC7644-3.1-3", "MUST", "An answer shows the resource as the server has it."
)
def test_answers_show_what_is_kept(scim: Server) -> None:
    """The answers to POST, PUT and PATCH are what GET answers next."""
    user = asking.created(scim, unknown="x", password="y")
    assert asking.read(scim, user) == user

    put = scim.send("PUT", asking.at(user), user | {"title": "Clerk"}).body
    assert asking.read(scim, user) == put

    patch = asking.patched(scim, user, operation("add", "nickName", "K")).body
    assert asking.read(scim, user) == patch


# ------------------------------------------------------------------------------ 3.2


@requirement("RFC7644-3.2-1", "MUST NOT", "PUT creates nothing.")
def test_put_creates_nothing(scim: Server) -> None:
    """PUT to an id that nobody has is 404, and the name is still free."""
    body = asking.person()
    reply = scim.send("PUT", "/Users/2819c223-7f76-453a-919d-413861904646", body)

    assert asking.refused(reply, 404)
    assert asking.created(scim, body)["userName"] == body["userName"]


@requirement("RFC7644-3.2-2", "SHOULD", "The endpoint of a type is its name with an s.")
def test_endpoints_are_plurals(scim: Server) -> None:
    """/Users is where resources of the type User are."""
    for listed in scim.send("GET", "/ResourceTypes").body["Resources"]:
        assert listed["endpoint"] == f"/{listed['name']}s"


@requirement("RFC7644-3.2-3", "SHOULD", "An error is told by the HTTP status.")
@requirement("RFC7644-3.2-4", "SHOULD", "The body of an error tells the status too.")
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/Users/none", 404),
        ("GET", "/Nothing", 404),
        ("PUT", "/Users", 405),
        ("POST", "/Users", 400),
        ("GET", "/Users?filter=nonsense", 400),
    ],
)
def test_errors_tell_their_status_twice(
    scim: Server, method: str, path: str, status: int
) -> None:
    """The status line and the status in the body are one and the same."""
    reply = scim.send(method, path, {} if method in {"POST", "PUT"} else None)

    assert (reply.status, reply.body["status"]) == (status, str(status))


# ------------------------------------------------------------------------------ 3.3


@requirement("RFC7644-3.3-1", "MUST", "What is readOnly is ignored in a POST.")
def test_read_only_in_a_post_is_ignored(scim: Server) -> None:
    """id, meta and groups of the body change nothing."""
    extra = {"id": "7", "meta": {"version": "7"}, "groups": [{"value": "7"}]}
    user = asking.created(scim, **extra)

    assert user["id"] != "7"
    assert user["meta"]["version"] != "7"
    assert "groups" not in user


@requirement("RFC7644-3.3-2", "MUST", "Creating is answered with 201.")
@requirement("RFC7644-3.3-3", "SHOULD", "The answer holds the new resource.")
@requirement("RFC7644-3.3-4", "MUST", "Its address stands in the header Location.")
@requirement("RFC7644-3.3-5", "MUST", "Its address stands in meta.location.")
def test_creating_is_answered_with_the_resource(scim: Server) -> None:
    """201 with the user, and twice the address under which it is read."""
    body = asking.person(title="Clerk")
    reply = scim.send("POST", "/Users", body)
    address = f"{scim.base_url}/Users/{reply.body['id']}"

    assert reply.status == 201
    assert reply.body["title"] == "Clerk"
    assert reply.headers["location"] == reply.body["meta"]["location"] == address


@requirement(
    "RFC7644-3.3-6",
    "MUST",
    "What collides with another resource is 409 with the scimType uniqueness.",
)
def test_a_collision_is_409(scim: Server) -> None:
    """The second POST of one user is refused, and there is one."""
    body = asking.person()
    asking.created(scim, body)

    assert asking.refused(scim.send("POST", "/Users", body), 409, "uniqueness")
    assert len(asking.found(scim, f'userName eq "{body["userName"]}"')) == 1


@requirement(
    "RFC7644-3.3.1-1", "MUST", "meta.resourceType is that of the endpoint posted to."
)
def test_the_endpoint_says_the_type(scim: Server) -> None:
    """Posted to /Users it is a User, whatever the body claims."""
    user = asking.created(scim, meta={"resourceType": "Group"})

    assert user["meta"]["resourceType"] == "User"
    assert user["schemas"] == [CORE]
