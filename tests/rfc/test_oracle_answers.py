"""Every answer is one that scim2-models reads and would have written itself.

The models are made from what ``/Schemas`` publishes, so an answer with an attribute
that nothing declares, or without one that is returned always, is refused.
"""

from __future__ import annotations

from typing import Any, Union

import pytest
from scim2_models import (
    Context,
    Error,
    Extension,
    Group,
    ListResponse,
    Resource,
    ResourceType,
    Schema,
    ServiceProviderConfig,
)

from tests.rfc import asking
from tests.rfc.asking import CORE, ENTERPRISE, LOCAL, Json, operation
from tests.server import Server

FULL: Json = {
    "externalId": "A-7",
    "displayName": "Kim Doe",
    "title": "Clerk",
    "active": True,
    "locale": "da-DK",
    "profileUrl": "https://example.com/kim",
    "phoneNumbers": [{"value": "1", "type": "work", "primary": True}],
    "addresses": [{"country": "DK", "type": "work"}],
    "ims": [{"value": "kim", "type": "xmpp"}],
    "photos": [{"value": "https://example.com/kim.png", "type": "photo"}],
    "roles": [{"value": "Reader"}],
    "entitlements": [{"value": "Key"}],
    "x509Certificates": [{"value": "TWFuIQ=="}],
    ENTERPRISE: {"employeeNumber": "7", "manager": {"value": "8"}},
    LOCAL: {"profile": "Nobody", "apiUser": False},
}
Model = type[Resource[Any]]


@pytest.fixture(scope="module")
def user_model(scim: Server) -> Model:
    """Users as /Schemas publishes them, with every extension."""
    listed = scim.send("GET", "/Schemas").body["Resources"]
    known = {one["id"]: Schema.model_validate(one) for one in listed}
    core = Resource.from_schema(known.pop(CORE))
    user_type = scim.send("GET", "/ResourceTypes/User").body
    urns = [one["schema"] for one in user_type["schemaExtensions"]]
    extensions = tuple(Extension.from_schema(known[urn]) for urn in urns)
    return core[Union[extensions]]  # type: ignore[index, no-any-return]  # noqa: UP007


def read_back(model: Any, answer: Json, context: Context) -> Json:
    """What the models write after reading an answer."""
    read = model.model_validate(answer, scim_ctx=context)
    written: Json = read.model_dump(scim_ctx=context)
    return written


def test_every_answer_about_a_user_is_read_and_written_alike(
    scim: Server, user_model: Model
) -> None:
    """POST, GET, PUT and PATCH of a user with everything, each in its own context."""
    body = asking.person(schemas=[CORE, ENTERPRISE, LOCAL], **FULL)
    user = asking.created(scim, body)
    change = operation("replace", "title", "Head")
    answers = [
        (Context.RESOURCE_CREATION_RESPONSE, user),
        (Context.RESOURCE_QUERY_RESPONSE, asking.read(scim, user)),
        (
            Context.RESOURCE_REPLACEMENT_RESPONSE,
            scim.send("PUT", asking.at(user), user | {"nickName": "K"}).body,
        ),
        (
            Context.RESOURCE_PATCH_RESPONSE,
            asking.patched(scim, user, change).body,
        ),
    ]

    assert FULL.keys() <= user.keys()
    for context, answer in answers:
        assert read_back(user_model, answer, context) == answer


def test_what_is_returned_on_request_is_read_too(
    scim: Server, user_model: Model
) -> None:
    """GET with attributes of each kind, our readOnly local among them."""
    user = asking.created(scim, **FULL)
    wanted = f"userName,name.givenName,{LOCAL}:local,{ENTERPRISE}:manager"
    answer = asking.read(scim, user, attributes=wanted)

    read = user_model.model_validate(answer, scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    assert read.id == user["id"]
    assert answer[LOCAL]["local"]["email"] == user["emails"][0]["value"]


def test_lists_are_read(scim: Server, user_model: Model) -> None:
    """A page found by GET and by POST is a ListResponse of users."""
    user = asking.created(scim, **FULL)
    expression = f'userName eq "{user["userName"]}"'
    search = {"schemas": [asking.SEARCH], "filter": expression}
    answers = [
        (
            Context.RESOURCE_QUERY_RESPONSE,
            scim.send("GET", f"/Users{asking.asked(filter=expression)}").body,
        ),
        (
            Context.SEARCH_RESPONSE,
            scim.send("POST", "/Users/.search", search).body,
        ),
    ]

    for context, answer in answers:
        read = ListResponse[user_model].model_validate(answer, scim_ctx=context)  # type: ignore[valid-type]
        assert [one.id for one in read.resources or []] == [user["id"]]


def test_every_answer_about_a_group_is_read_and_written_alike(scim: Server) -> None:
    """POST, GET and PATCH of a group, and the list that holds it."""
    group = asking.new_group(scim, asking.created(scim), externalId="G-7")
    path = f"/Groups/{group['id']}"
    change = operation("replace", "displayName", asking.name())
    answers = [
        (Context.RESOURCE_CREATION_RESPONSE, group),
        (Context.RESOURCE_QUERY_RESPONSE, scim.send("GET", path).body),
        (
            Context.RESOURCE_PATCH_RESPONSE,
            asking.group_patched(scim, group, change, attributes="members").body,
        ),
    ]

    for context, answer in answers:
        assert read_back(Group, answer, context) == answer
    wanted = asking.asked(filter=f'id eq "{group["id"]}"')
    listed = scim.send("GET", f"/Groups{wanted}")
    context = Context.RESOURCE_QUERY_RESPONSE
    read = ListResponse[Group].model_validate(listed.body, scim_ctx=context)
    assert [one.id for one in read.resources or []] == [group["id"]]


def test_discovery_is_read_and_written_alike(scim: Server) -> None:
    """ServiceProviderConfig, every resource type and every schema."""
    context = Context.RESOURCE_QUERY_RESPONSE
    config = scim.send("GET", "/ServiceProviderConfig").body
    ServiceProviderConfig.model_validate(config, scim_ctx=context)

    for answer in scim.send("GET", "/ResourceTypes").body["Resources"]:
        assert read_back(ResourceType, answer, context) == answer
    for answer in scim.send("GET", "/Schemas").body["Resources"]:
        whole = answer | {"attributes": [_whole(one) for one in answer["attributes"]]}
        assert read_back(Schema, answer, context) == whole


def _whole(attribute: Json) -> Json:
    """An attribute with two characteristics that we leave out and the oracle writes.

    They say nothing about a boolean or a complex attribute.
    """
    whole = {"caseExact": False, "uniqueness": "none"} | attribute
    if parts := attribute.get("subAttributes"):
        whole["subAttributes"] = [_whole(part) for part in parts]
    return whole


def test_errors_are_read_and_written_alike(scim: Server) -> None:
    """An error with a scimType and one without."""
    for path in ("/Users?filter=nonsense", "/Users/none", "/Nothing"):
        answer = scim.send("GET", path).body
        assert read_back(Error, answer, Context.DEFAULT) == answer
