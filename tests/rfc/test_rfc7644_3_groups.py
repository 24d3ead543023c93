"""RFC 7644 section 3, where it speaks of groups."""

from __future__ import annotations

from tests.rfc import asking
from tests.rfc.asking import LIST, SEARCH, Json, operation
from tests.rfc.requirements import requirement
from tests.server import Reply, Server


def read(scim: Server, group: Json) -> Json:
    """The group as it is now."""
    now: Json = scim.send("GET", f"/Groups/{group['id']}").body
    return now


def succeeded(reply: Reply) -> bool:
    """200 with the group, or 204."""
    return reply.status in {200, 204}


@requirement(
    "RFC7644-3.2-5", "MUST", "/Groups serves GET, POST, PUT, PATCH and DELETE."
)
@requirement("RFC7644-3.3.1-2", "MUST", "Posted to /Groups it is a Group.")
def test_groups_are_served(scim: Server) -> None:
    """A group is created, read, replaced, changed and deleted."""
    user = asking.created(scim)
    group = asking.new_group(scim, user)
    path = f"/Groups/{group['id']}"
    assert group["meta"]["resourceType"] == "Group"
    assert group["meta"]["location"] == f"{scim.base_url}{path}"
    assert read(scim, group) == group

    put = scim.send("PUT", path, group | {"displayName": asking.name(), "members": []})
    assert (put.status, asking.members(put.body)) == (200, set())
    change = operation("replace", "displayName", group["displayName"])
    assert succeeded(asking.group_patched(scim, group, change))
    assert read(scim, group)["displayName"] == group["displayName"]
    assert scim.send("DELETE", path).status == 204


@requirement("RFC7644-3.5-3", "SHOULD", "Groups can be changed in part.")
@requirement(
    "RFC7644-3.5.2-15",
    "MUST",
    "A PATCH of a group that fails leaves its members as they were.",
)
def test_a_patch_of_a_group_is_atomic(scim: Server) -> None:
    """Members added before the operation that fails do not stay."""
    one, two = asking.created(scim), asking.created(scim)
    group = asking.new_group(scim, one)
    adding = operation("add", "members", [{"value": two["id"]}])

    reply = asking.group_patched(scim, group, adding, operation("replace", "id", "7"))
    assert asking.refused(reply, 400, "mutability")
    assert read(scim, group) == group
    assert succeeded(asking.group_patched(scim, group, adding))
    assert asking.members(read(scim, group)) == {one["id"], two["id"]}


@requirement(
    "RFC7644-3.5.2.1-7",
    "SHOULD",
    "Adding who is a member already changes nothing and succeeds.",
)
def test_adding_a_member_twice(scim: Server) -> None:
    """One member, the same version."""
    user = asking.created(scim)
    group = asking.new_group(scim, user)
    adding = operation("add", "members", [{"value": user["id"]}])

    assert succeeded(asking.group_patched(scim, group, adding))
    assert read(scim, group) == group


@requirement(
    "RFC7644-3.5.2.2-9",
    "SHOULD",
    "Removing who is no member changes nothing and succeeds.",
)
def test_removing_who_is_no_member(scim: Server) -> None:
    """Nobody leaves, the same version."""
    one, two = asking.created(scim), asking.created(scim)
    group = asking.new_group(scim, one)
    removal = operation("remove", f'members[value eq "{two["id"]}"]')

    assert succeeded(asking.group_patched(scim, group, removal))
    assert read(scim, group) == group


@requirement("RFC7644-3.5.2.2-10", "MUST", "remove of members removes all of them.")
def test_removing_all_members(scim: Server) -> None:
    """No member is left, and the attribute has no value."""
    group = asking.new_group(scim, asking.created(scim), asking.created(scim))

    assert succeeded(asking.group_patched(scim, group, operation("remove", "members")))
    assert not read(scim, group).get("members")


@requirement("RFC7644-3.5.2.3-7", "MUST", "replace of members replaces all of them.")
def test_replacing_all_members(scim: Server) -> None:
    """In one operation, and as a remove with an add behind it."""
    one, two, three = (asking.created(scim) for _ in range(3))
    group = asking.new_group(scim, one)

    values = [{"value": two["id"]}, {"value": three["id"]}]
    asking.group_patched(scim, group, operation("replace", "members", values))
    assert asking.members(read(scim, group)) == {two["id"], three["id"]}
    both = (operation("remove", "members"), operation("add", "members", values[:1]))
    asking.group_patched(scim, group, *both)
    assert asking.members(read(scim, group)) == {two["id"]}


@requirement(
    "RFC7644-3.5.2-16", "MUST", "Asked for attributes, a PATCH of a group is 200."
)
def test_a_patch_of_a_group_shows_what_is_asked(scim: Server) -> None:
    """The name alone, and what is returned always."""
    group = asking.new_group(scim, asking.created(scim))
    change = operation("replace", "displayName", asking.name())

    reply = asking.group_patched(scim, group, change, attributes="displayName")
    assert reply.status == 200
    assert reply.body.keys() == {"schemas", "id", "displayName"}


@requirement("RFC7644-3.6-6", "MUST", "A deleted group is 404 and in no list.")
def test_a_deleted_group_is_gone(scim: Server) -> None:
    """Every method is 404, the list is empty, and its members show it no more."""
    user = asking.created(scim)
    group = asking.new_group(scim, user)
    path = f"/Groups/{group['id']}"
    assert scim.send("DELETE", path).status == 204

    rename = operation("replace", "displayName", "x")
    answers = [
        scim.send("GET", path),
        scim.send("PUT", path, group),
        asking.group_patched(scim, group, rename),
        scim.send("DELETE", path),
    ]
    assert all(asking.refused(one, 404) for one in answers)
    query = asking.asked(filter=f'displayName eq "{group["displayName"]}"')
    assert scim.send("GET", f"/Groups{query}").body["totalResults"] == 0
    assert "groups" not in asking.read(scim, user)


@requirement("RFC7644-3.6-7", "MUST", "A deleted user belongs to no group any more.")
def test_a_deleted_user_leaves_its_groups(scim: Server) -> None:
    """No member is left that could only be answered 404."""
    user, other = asking.created(scim), asking.created(scim)
    group = asking.new_group(scim, user, other)
    scim.send("DELETE", asking.at(user))

    assert asking.members(read(scim, group)) == {other["id"]}


@requirement("RFC7644-3.4.2.2-17", "MUST", "Groups are found by name and by member.")
@requirement("RFC7644-3.4.3-6", "MUST", "/Groups/.search searches groups.")
def test_groups_are_found(scim: Server) -> None:
    """By GET and by POST; without members where those are excluded."""
    user = asking.created(scim)
    group = asking.new_group(scim, user)
    name, member = group["displayName"], user["id"]

    for expression in (
        f'displayName eq "{name.upper()}"',
        f'members.value eq "{member}"',
        f'members[value eq "{member}"]',
        f'displayName sw "{name}" and members pr',
    ):
        query = {"filter": expression, "excludedAttributes": "members"}
        by_get = scim.send("GET", f"/Groups{asking.asked(**query)}").body
        by_post = scim.send("POST", "/Groups/.search", {"schemas": [SEARCH], **query})
        assert by_get == by_post.body
        assert by_get["schemas"] == [LIST]
        assert asking.ids(by_get["Resources"]) == [group["id"]]
        assert "members" not in by_get["Resources"][0]


@requirement(
    "RFC7644-3.14-5", "MUST", "A group has a version, and obeys If-Match and the like."
)
def test_groups_have_versions(scim: Server) -> None:
    """304 while it is unchanged; a change by an old version is 412."""
    user = asking.created(scim)
    group = asking.new_group(scim)
    path, version = f"/Groups/{group['id']}", group["meta"]["version"]
    reply = scim.send("GET", path, headers={"If-None-Match": version})
    assert reply.status == 304

    adding = operation("add", "members", [{"value": user["id"]}])
    assert succeeded(asking.group_patched(scim, group, adding))
    old = scim.send("PUT", path, group, headers={"If-Match": version})
    assert asking.refused(old, 412)
    assert asking.members(read(scim, group)) == {user["id"]}
