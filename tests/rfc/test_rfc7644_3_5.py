"""RFC 7644 sections 3.5 and 3.6: changing and deleting."""

from __future__ import annotations

import pytest

from tests.rfc import asking
from tests.rfc.asking import CORE, ENTERPRISE, LOCAL, PATCH, Json, operation, patched
from tests.rfc.requirements import requirement
from tests.server import Reply, Server

HOME = {"value": "1", "type": "home"}
WORK = {"value": "2", "type": "work", "primary": True}


def phones(reply: Reply) -> list[Json]:
    """The telephone numbers in a successful answer."""
    assert reply.status == 200, reply.content[:500]
    found: list[Json] = reply.body.get("phoneNumbers", [])
    return found


def sent(scim: Server, user: Json, body: Json) -> Reply:
    """Send the whole body of a PATCH."""
    return scim.send("PATCH", asking.at(user), body)


# ------------------------------------------------------------------- 3.5 and 3.5.1


@requirement("RFC7644-3.5-1", "MUST", "PUT is there.")
@requirement("RFC7644-3.5-2", "SHOULD", "PATCH is there.")
def test_put_and_patch_are_there(scim: Server) -> None:
    """Both change a user, and ServiceProviderConfig says so of PATCH."""
    user = asking.created(scim)
    put = scim.send("PUT", asking.at(user), user | {"title": "a"})
    patch = patched(scim, user, operation("replace", "title", "b"))

    assert (put.body["title"], patch.body["title"]) == ("a", "b")
    assert scim.send("GET", "/ServiceProviderConfig").body["patch"]["supported"] is True


@requirement("RFC7644-3.5.1-1", "MUST NOT", "PUT creates no resource.")
def test_put_does_not_bring_back(scim: Server) -> None:
    """PUT to a deleted user is 404."""
    user = asking.created(scim)
    scim.send("DELETE", asking.at(user))

    assert asking.refused(scim.send("PUT", asking.at(user), user), 404)


@requirement("RFC7644-3.5.1-2", "MUST", "PUT replaces the values that it gives.")
def test_put_replaces(scim: Server) -> None:
    """What is given replaces, what is left out is gone."""
    user = asking.created(scim, title="a", nickName="b", phoneNumbers=[HOME, WORK])
    body = asking.person(userName=user["userName"], emails=user["emails"], title="c")
    after = scim.send("PUT", asking.at(user), body | {"phoneNumbers": [HOME]}).body

    assert (after["title"], after["phoneNumbers"]) == ("c", [HOME])
    assert "nickName" not in after


@requirement("RFC7644-3.5.1-3", "MUST", "An immutable value that is set must match.")
@requirement("RFC7644-3.5.1-4", "SHOULD", "Otherwise it is 400 with mutability.")
def test_put_of_an_immutable_value_must_match(scim: Server) -> None:
    """ApiUser false is false already; true is another value."""
    user = asking.created(scim)

    def put(value: bool) -> Reply:
        return scim.send("PUT", asking.at(user), user | {LOCAL: {"apiUser": value}})

    assert put(value=False).status == 200
    assert asking.refused(put(value=True), 400, "mutability")


@requirement(
    "RFC7644-3.5.1-5",
    "MUST",
    "An immutable attribute without a value takes the one that PUT gives.",
    deviates="Our one immutable attribute, apiUser, always has a value: a user is "
    "programmatic from creation or never (R11).",
)
def test_an_immutable_attribute_has_a_value_from_creation(scim: Server) -> None:
    """A user who was created without it is none, and cannot become one."""
    user = asking.created(scim)
    reply = scim.send("PUT", asking.at(user), user | {LOCAL: {"apiUser": True}})

    assert asking.refused(reply, 400, "mutability")


@requirement("RFC7644-3.5.1-6", "MUST", "PUT ignores what is readOnly.")
def test_put_ignores_read_only(scim: Server) -> None:
    """Another id, another meta and groups change nothing."""
    user = asking.created(scim)
    extra = {"id": "7", "meta": {"created": "1999"}, "groups": [{"value": "7"}]}

    reply = scim.send("PUT", asking.at(user), user | extra)
    assert (reply.status, reply.body) == (200, user)


@requirement("RFC7644-3.5.1-7", "MUST", "PUT without a required attribute is refused.")
@pytest.mark.parametrize("name", ["userName", "emails"])
def test_put_needs_what_is_required(scim: Server, name: str) -> None:
    """Without a userName, or without an address (R4), nothing is replaced."""
    user = asking.created(scim)
    body = {key: value for key, value in user.items() if key != name}

    reply = scim.send("PUT", asking.at(user), body)
    assert asking.refused(reply, 400, "invalidValue")
    assert asking.read(scim, user) == user


@requirement(
    "RFC7644-3.5.1-8",
    "MUST",
    "PUT without active, which is published as required, is refused.",
    deviates="It keeps the state: Okta leaves active out, and nobody's access may "
    "change unsaid.",
)
def test_put_without_active_keeps_the_state(scim: Server) -> None:
    """An inactive user stays inactive."""
    user = asking.created(scim, active=False)
    body = {key: value for key, value in user.items() if key != "active"}

    reply = scim.send("PUT", asking.at(user), body)
    assert (reply.status, reply.body["active"]) == (200, False)


@requirement("RFC7644-3.5.1-9", "MUST", "PUT is answered 200 with the whole resource.")
def test_put_answers_the_resource(scim: Server) -> None:
    """The answer is what GET answers."""
    user = asking.created(scim)
    reply = scim.send("PUT", asking.at(user), user | {"title": "a"})

    assert (reply.status, reply.body) == (200, asking.read(scim, user))


# ---------------------------------------------------------------------------- 3.5.2


@requirement("RFC7644-3.5.2-1", "MUST", "A PATCH is marked as a PatchOp.")
def test_a_patch_is_marked(scim: Server, by_the_book: Server) -> None:
    """Marked so it is read; without schemas a connection by the book refuses it."""
    listed = [operation("add", "title", "a")]
    user, other = asking.created(scim), asking.created(by_the_book)

    marked = sent(scim, user, {"schemas": [PATCH], "Operations": listed})
    assert marked.body["title"] == "a"
    bare = sent(by_the_book, other, {"Operations": listed})
    assert asking.refused(bare, 400, "invalidSyntax")


@requirement("RFC7644-3.5.2-2", "MUST", "A PATCH has a list of one operation or more.")
@pytest.mark.parametrize("wrong", [{}, {"Operations": []}, {"Operations": {}}], ids=str)
def test_a_patch_needs_operations(scim: Server, wrong: Json) -> None:
    """None, an empty list and no list are 400."""
    user = asking.created(scim)

    reply = sent(scim, user, {"schemas": [PATCH], **wrong})
    assert asking.refused(reply, 400, "invalidSyntax")


@requirement(
    "RFC7644-3.5.2-3", "MUST", "Each operation has one op: add, remove or replace."
)
@pytest.mark.parametrize("wrong", [{}, {"op": "move"}, {"op": ["add"]}], ids=str)
def test_an_operation_has_one_op(scim: Server, wrong: Json) -> None:
    """No op, another word and a list are 400."""
    user = asking.created(scim)

    reply = patched(scim, user, {"path": "title", "value": "a", **wrong})
    assert asking.refused(reply, 400, "invalidSyntax")


@requirement(
    "RFC7644-3.5.2-4", "MUST NOT", "PATCH changes nothing that is readOnly or set once."
)
@requirement(
    "RFC7644-3.5.2-5",
    "MUST",
    "What does not suit mutability or schema is refused with an error that says so.",
)
@pytest.mark.parametrize(
    ("path", "value", "scim_type"),
    [
        ("id", "7", "mutability"),
        ("meta.version", "7", "mutability"),
        ("groups", [{"value": "7"}], "mutability"),
        (f"{LOCAL}:apiUser", True, "mutability"),
        ("active", "perhaps", "invalidValue"),
        ("title", {"value": "a"}, "invalidValue"),
        ("name", "Kim", "invalidValue"),
    ],
)
def test_patch_obeys_the_schema(
    scim: Server, path: str, value: object, scim_type: str
) -> None:
    """The error has the word for it, and nothing has changed."""
    user = asking.created(scim)

    reply = patched(scim, user, operation("replace", path, value))
    assert asking.refused(reply, 400, scim_type)
    assert asking.read(scim, user) == user


@requirement(
    "RFC7644-3.5.2-6",
    "MUST",
    "A path without URN is read by the schemas the resource has.",
)
@requirement(
    "RFC7644-3.5.2-7",
    "MUST",
    "After an operation that changes schemas, the next ones see it changed.",
)
def test_schemas_follow_the_attributes(scim: Server) -> None:
    """The URN comes with the first attribute of an extension and goes with the last."""
    user = asking.created(scim)
    path = f"{ENTERPRISE}:employeeNumber"
    core = operation("add", "title", "a")

    with_it = patched(scim, user, core, operation("add", path, "7")).body
    assert with_it["schemas"] == [CORE, ENTERPRISE]
    without = patched(scim, user, operation("remove", path)).body
    assert (without["schemas"], without["title"]) == ([CORE], "a")


@requirement("RFC7644-3.5.2-8", "MUST", "Operations are applied in their order.")
def test_operations_are_applied_in_order(scim: Server) -> None:
    """Each one sees what the one before it left."""
    user = asking.created(scim)
    reply = patched(
        scim,
        user,
        operation("add", "phoneNumbers", [HOME]),
        operation("replace", 'phoneNumbers[type eq "home"].value', "3"),
        operation("add", "phoneNumbers", [WORK]),
        operation("remove", 'phoneNumbers[value eq "3"]'),
    )

    assert phones(reply) == [WORK]


@requirement(
    "RFC7644-3.5.2-9", "MUST", "A value that becomes primary makes the others not so."
)
def test_a_new_primary_demotes_the_old_one(scim: Server) -> None:
    """Added, and named by a path, it is the only one."""
    user = asking.created(scim, phoneNumbers=[HOME, WORK])
    third = {"value": "3", "primary": True}
    one = operation("add", "phoneNumbers", [third])
    other = operation("replace", 'phoneNumbers[type eq "home"].primary', True)

    for change, primary in ((one, "3"), (other, "1")):
        after = phones(patched(scim, user, change))
        assert [p["value"] for p in after if p.get("primary")] == [primary]


@requirement("RFC7644-3.5.2-10", "MUST", "A PATCH is done whole or not at all.")
@requirement("RFC7644-3.5.2-11", "MUST", "After an error the resource is as before.")
@requirement("RFC7644-3.5.2-12", "MUST", "A failure is told by status and SCIM error.")
def test_a_patch_is_atomic(scim: Server) -> None:
    """The last of three operations fails: the first two have not happened."""
    user = asking.created(scim)
    reply = patched(
        scim,
        user,
        operation("add", "title", "a"),
        operation("remove", "name.givenName"),
        operation("replace", "id", "7"),
    )

    assert asking.refused(reply, 400, "mutability")
    assert asking.read(scim, user) == user


@requirement("RFC7644-3.5.2-13", "MUST", "Success is 200 with the resource, or 204.")
@requirement("RFC7644-3.5.2-14", "MUST", "Asked for attributes, it is 200.")
def test_success_is_answered_with_the_resource(scim: Server) -> None:
    """200 with the whole user; with attributes, 200 with those."""
    user = asking.created(scim)
    whole = patched(scim, user, operation("add", "title", "a"))
    part = patched(scim, user, operation("add", "title", "b"), attributes="title")

    assert (whole.status, whole.body["userName"]) == (200, user["userName"])
    assert part.status == 200
    assert part.body == {"schemas": [CORE], "id": user["id"], "title": "b"}


# -------------------------------------------------------------------------- 3.5.2.1


@requirement("RFC7644-3.5.2.1-1", "MUST", "add has a value.")
def test_add_needs_a_value(scim: Server) -> None:
    """Without one it is 400."""
    user = asking.created(scim)

    reply = patched(scim, user, operation("add", "title"))
    assert asking.refused(reply, 400, "invalidValue")


@requirement(
    "RFC7644-3.5.2.1-2", "MUST", "add to a complex attribute gives parts of it."
)
@requirement(
    "RFC7644-3.5.2.1-3",
    "MUST",
    "add without a path adds the attributes in its value to the resource.",
)
@requirement(
    "RFC7644-3.5.2.1-4",
    "MUST",
    "add appends to many values, and sets or replaces a single one.",
)
def test_add_adds(scim: Server) -> None:
    """Four targets: a complex one, none, many values, and one."""
    user = asking.created(scim, phoneNumbers=[HOME], title="a")
    reply = patched(
        scim,
        user,
        operation("add", "name", {"middleName": "J"}),
        operation("add", None, {"nickName": "K", "phoneNumbers": [WORK]}),
        operation("add", "title", "b"),
    )

    assert reply.body["name"] == user["name"] | {"middleName": "J"}
    assert phones(reply) == [HOME, WORK]
    assert (reply.body["nickName"], reply.body["title"]) == ("K", "b")


@requirement(
    "RFC7644-3.5.2.1-5", "SHOULD", "Adding what is there changes nothing and succeeds."
)
@requirement(
    "RFC7644-3.5.2.1-6", "MUST NOT", "Adding what is there leaves lastModified alone."
)
def test_adding_what_is_there_changes_nothing(scim: Server) -> None:
    """200, and not even the version moves."""
    user = asking.created(scim, phoneNumbers=[HOME], title="a")
    reply = patched(
        scim,
        user,
        operation("add", "title", "a"),
        operation("add", "phoneNumbers", [HOME]),
    )

    assert (reply.status, reply.body) == (200, user)


# -------------------------------------------------------------------------- 3.5.2.2


@requirement("RFC7644-3.5.2.2-1", "MUST", "remove without a path is 400 noTarget.")
def test_remove_needs_a_path(scim: Server) -> None:
    """Nothing is removed by saying nothing."""
    user = asking.created(scim)

    assert asking.refused(patched(scim, user, operation("remove")), 400, "noTarget")


@requirement("RFC7644-3.5.2.2-2", "MUST", "What is removed has no value any more.")
@requirement(
    "RFC7644-3.5.2.2-3", "MUST", "Removing many values without a filter removes all."
)
def test_remove_removes(scim: Server) -> None:
    """A single value, a part, and all of many are gone."""
    user = asking.created(scim, title="a", phoneNumbers=[HOME, WORK])
    paths = ("title", "name.givenName", "phoneNumbers")
    reply = patched(scim, user, *(operation("remove", path) for path in paths))

    assert not reply.body.keys() & {"title", "phoneNumbers"}
    assert reply.body["name"] == {"familyName": "Doe"}


@requirement("RFC7644-3.5.2.2-4", "MUST", "With a filter what it finds is removed.")
@requirement("RFC7644-3.5.2.2-5", "MUST", "With the last value the attribute has none.")
@requirement("RFC7644-3.5.2.2-6", "MUST", "A removed part of a value has no value.")
def test_remove_with_a_filter(scim: Server) -> None:
    """One part, then one value, then the last one."""
    user = asking.created(scim, phoneNumbers=[HOME, WORK])

    part = operation("remove", 'phoneNumbers[type eq "work"].primary')
    assert phones(patched(scim, user, part)) == [HOME, {"value": "2", "type": "work"}]
    first = operation("remove", 'phoneNumbers[type eq "work" and value sw "2"]')
    assert phones(patched(scim, user, first)) == [HOME]
    last = patched(scim, user, operation("remove", 'phoneNumbers[value eq "1"]'))
    assert "phoneNumbers" not in last.body


@requirement(
    "RFC7644-3.5.2.2-7",
    "MUST",
    "Removing what is required or readOnly is 400 mutability.",
)
@pytest.mark.parametrize("path", ["userName", "active", "id", "meta", "groups"])
@pytest.mark.parametrize("op", ["remove", "replace"])
def test_what_is_required_stays(scim: Server, op: str, path: str) -> None:
    """Removed, or replaced by null, it is refused and stays."""
    user = asking.created(scim)
    value = ... if op == "remove" else None

    reply = patched(scim, user, operation(op, path, value))
    assert asking.refused(reply, 400, "mutability")
    assert asking.read(scim, user) == user


@requirement(
    "RFC7644-3.5.2.2-8",
    "MUST",
    "Removing the last e-mail address, which is required, is 400 mutability.",
    deviates="It is 400 invalidValue, by the rule that wants one valid address (R4): "
    "all broken rules are told at once. Of an inactive user it may be removed.",
)
def test_the_last_address_stays(scim: Server) -> None:
    """An active user keeps an address, an inactive one need not."""
    user, gone = asking.created(scim), asking.created(scim, active=False)
    removal = operation("remove", "emails")

    assert asking.refused(patched(scim, user, removal), 400, "invalidValue")
    assert "emails" not in patched(scim, gone, removal).body


# -------------------------------------------------------------------------- 3.5.2.3


@requirement(
    "RFC7644-3.5.2.3-1",
    "MUST",
    "replace without a path has the attributes to replace as its value.",
)
@requirement("RFC7644-3.5.2.3-2", "MUST", "replace of what is not there adds it.")
@requirement(
    "RFC7644-3.5.2.3-3",
    "MUST",
    "replace of a complex attribute leaves the parts alone that it does not name.",
)
def test_replace_replaces(scim: Server) -> None:
    """Many values as a whole, single ones, new ones, and parts of one."""
    user = asking.created(scim, title="a", phoneNumbers=[HOME, WORK])
    third = {"value": "3"}
    reply = patched(
        scim,
        user,
        operation("replace", None, {"title": "b", "phoneNumbers": [third]}),
        operation("replace", "nickName", "K"),
        operation("replace", "name", {"familyName": "Roe"}),
    )

    assert (reply.body["title"], reply.body["nickName"]) == ("b", "K")
    assert phones(reply) == [third]
    assert reply.body["name"] == {"givenName": "Kim", "familyName": "Roe"}


@requirement(
    "RFC7644-3.5.2.3-4", "MUST", "With a filter all values that it finds are replaced."
)
@requirement(
    "RFC7644-3.5.2.3-5",
    "MUST",
    "With a filter and a part, that part of all values found is replaced.",
)
def test_replace_with_a_filter(scim: Server) -> None:
    """Two values of one type are replaced both; a third one is left alone."""
    numbers = [{"value": "1", "type": "home"}, {"value": "2", "type": "home"}, WORK]
    user = asking.created(scim, phoneNumbers=numbers)
    home = 'phoneNumbers[type eq "home"]'

    part = patched(scim, user, operation("replace", f"{home}.display", "h"))
    assert [p.get("display") for p in phones(part)] == ["h", "h", None]
    new = {"value": "3", "type": "mobile"}
    whole = patched(
        scim, user, operation("replace", f'{home[:-1]} and value eq "1"]', new)
    )
    assert phones(whole)[0] == new
    assert phones(whole)[2] == WORK


@requirement(
    "RFC7644-3.5.2.3-6",
    "MUST",
    "replace with a filter that finds nothing is 400 noTarget.",
    deviates="The value that the filter describes is made, because Entra ID sets a new "
    "e-mail or telephone number so; a connection with --quirk-off "
    "filtered-path-creates answers by the book.",
)
def test_replace_with_a_filter_that_finds_nothing(
    scim: Server, by_the_book: Server
) -> None:
    """Made by default; by the book it is noTarget."""
    change = operation("replace", 'phoneNumbers[type eq "fax"].value', "4")

    made = patched(scim, asking.created(scim), change)
    assert phones(made) == [{"type": "fax", "value": "4"}]
    reply = patched(by_the_book, asking.created(by_the_book), change)
    assert asking.refused(reply, 400, "noTarget")


# ------------------------------------------------------------------------------ 3.6


@requirement("RFC7644-3.6-1", "MUST", "What is deleted is 404 for every operation.")
@requirement("RFC7644-3.6-2", "MUST", "What is deleted is in no list.")
@requirement("RFC7644-3.6-3", "MUST", "A successful DELETE is answered 204.")
def test_what_is_deleted_is_gone(scim: Server) -> None:
    """204 once, then 404 for GET, PUT, PATCH and DELETE, and found by nothing."""
    user = asking.created(scim)
    reply = scim.send("DELETE", asking.at(user))
    assert (reply.status, reply.content) == (204, b"")

    answers = [
        scim.send("GET", asking.at(user)),
        scim.send("PUT", asking.at(user), user),
        patched(scim, user, operation("add", "title", "a")),
        scim.send("DELETE", asking.at(user)),
    ]
    assert all(asking.refused(one, 404) for one in answers)
    assert asking.found(scim, f'userName eq "{user["userName"]}"') == []


@requirement(
    "RFC7644-3.6-4", "SHOULD NOT", "What is deleted collides with nothing any more."
)
def test_a_deleted_user_can_be_created_again(scim: Server) -> None:
    """The same person comes back: 201, a new id, no 409."""
    body = asking.person(externalId=asking.name())
    user = asking.created(scim, body)
    scim.send("DELETE", asking.at(user))

    assert asking.created(scim, body)["id"] != user["id"]


@requirement(
    "RFC7644-3.6-5",
    "SHOULD NOT",
    "Nor does a namesake of who was deleted collide.",
    deviates="Users are never deleted here, only hidden, and an address belongs to one "
    "person for good (R5). Another person with the address of somebody who left is a "
    "409 for an administrator to judge; a free address is created at once.",
)
def test_a_namesake_with_the_same_address_is_judged(scim: Server) -> None:
    """The name is free, the address is not."""
    name = {"givenName": "Ann", "familyName": "Roe"}
    user = asking.created(scim, externalId=asking.name())
    scim.send("DELETE", asking.at(user))
    again = asking.person(
        userName=user["userName"], externalId=asking.name(), name=name
    )

    taken = scim.send("POST", "/Users", again | {"emails": user["emails"]})
    assert asking.refused(taken, 409, "uniqueness")
    assert asking.created(scim, again)["userName"] == user["userName"]
