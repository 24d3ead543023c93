"""RFC 7643 section 4.2: groups, and what users show of them."""

from __future__ import annotations

import pytest

from tests.rfc import asking
from tests.rfc.asking import GROUP, operation
from tests.rfc.requirements import requirement
from tests.server import Server


@requirement("RFC7643-4.2-1", "MUST", "A group has a displayName.")
@pytest.mark.parametrize("missing", [{}, {"displayName": ""}, {"displayName": None}])
def test_a_group_has_a_name(scim: Server, missing: asking.Json) -> None:
    """Without one nothing is created, and no PATCH takes it away."""
    reply = scim.send("POST", "/Groups", {"schemas": [GROUP], **missing})
    assert asking.refused(reply, 400, "invalidValue")

    group = asking.new_group(scim)
    removal = asking.group_patched(scim, group, operation("remove", "displayName"))
    assert asking.refused(removal, 400, "mutability")


@requirement(
    "RFC7643-4.2-2", "MUST", "Members come and go; the parts of a member do not change."
)
def test_members_come_and_go(scim: Server) -> None:
    """One is added and another removed; who a member is cannot be rewritten."""
    one, two = asking.created(scim), asking.created(scim)
    group = asking.new_group(scim, one)
    reply = asking.group_patched(
        scim,
        group,
        operation("add", "members", [{"value": two["id"]}]),
        operation("remove", f'members[value eq "{one["id"]}"]'),
    )
    rewriting = asking.group_patched(
        scim,
        group,
        operation("replace", f'members[value eq "{two["id"]}"].value', one["id"]),
    )

    assert reply.status in {200, 204}
    assert asking.refused(rewriting, 400, "mutability")
    now = scim.send("GET", f"/Groups/{group['id']}").body
    assert asking.members(now) == {two["id"]}


@requirement(
    "RFC7643-4.2-3", "MUST", "A member's value is the id of a user, $ref its address."
)
def test_members_are_users(scim: Server) -> None:
    """The reference of a member answers with the user."""
    user = asking.created(scim)
    member = asking.new_group(scim, user)["members"][0]

    assert member["value"] == user["id"]
    assert member["$ref"] == user["meta"]["location"]
    assert member["type"] == "User"


@requirement(
    "RFC7643-4.1.2-11", "MUST", "groups of a user have the ids of the groups as values."
)
@requirement("RFC7643-4.1.2-12", "MUST", "$ref of a user's group is its address.")
@requirement(
    "RFC7643-4.1.2-13",
    "SHOULD",
    "direct means that the group's members can be changed.",
)
def test_users_show_their_groups(scim: Server) -> None:
    """Id, address and direct; after leaving the group it is gone."""
    user = asking.created(scim)
    group = asking.new_group(scim, user)
    [shown] = asking.read(scim, user)["groups"]

    assert shown["value"] == group["id"]
    assert shown["$ref"] == group["meta"]["location"]
    assert shown["type"] == "direct"
    leaving = operation("remove", f'members[value eq "{user["id"]}"]')
    asking.group_patched(scim, group, leaving)
    assert "groups" not in asking.read(scim, user)
