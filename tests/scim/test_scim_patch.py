"""PATCH as RFC 7644 section 3.5.2 describes it, clause by clause."""

from __future__ import annotations

import copy

import pytest

from scim_connector.scim import patch
from scim_connector.scim.dialects import DIALECTS, Dialect
from scim_connector.scim.errors import (
    InvalidFilter,
    InvalidPath,
    InvalidSyntax,
    InvalidValue,
    Mutability,
    NoTarget,
)
from scim_connector.scim.schemas import USER, DeclaredAttribute, user_resource_type
from scim_connector.scim.types import ENTERPRISE, LOCAL, PATCH_OP

BADGE = "urn:example:badge:2.0:User"
WORK = {"value": "kim@example.com", "type": "work", "primary": True}
HOME = {"value": "kim@home.example", "type": "home"}


def kim():
    return {
        "userName": "kim.doe@example.com",
        "active": True,
        "name": {"givenName": "Kim", "familyName": "Doe"},
        "emails": [dict(WORK), dict(HOME)],
        ENTERPRISE: {"department": "Sales", "manager": {"value": "7", "$ref": "../7"}},
    }


def run(*operations, before=None, off=(), strict=False, kind=USER):
    """Apply operations and give the whole result back."""
    return patch.apply(
        kind,
        kim() if before is None else before,
        {"schemas": [PATCH_OP], "Operations": list(operations)},
        dialect=Dialect("generic", frozenset(off)) if off else DIALECTS["generic"],
        strict=strict,
    )


def after(*operations, **how):
    """Apply operations and give the document back."""
    return run(*operations, **how).document


def op(name, path=None, *value):
    """Write one operation; the value is left out when there is none."""
    operation = {"op": name}
    if path is not None:
        operation["path"] = path
    if value:
        operation["value"] = value[0]
    return operation


# add, section 3.5.2.1


def test_add_sets_an_attribute_that_was_absent():
    """An attribute that does not exist is added with its value."""
    assert after(op("add", "title", "Boss"))["title"] == "Boss"


def test_add_replaces_a_single_value():
    """A single-valued attribute that exists is replaced (quirk 7)."""
    assert after(op("add", "userName", "kim2"))["userName"] == "kim2"


def test_add_appends_to_a_multi_valued_attribute():
    """A new value is added to the present ones, in order."""
    other = {"value": "k@x.example", "type": "other"}

    assert after(op("add", "emails", [other]))["emails"] == [WORK, HOME, other]


def test_add_takes_one_value_without_its_list():
    """The value of an add may be the one new value itself."""
    other = {"value": "k@x.example"}

    assert after(op("add", "emails", other))["emails"][-1] == other


def test_add_of_a_present_value_changes_nothing():
    """A value that is there already is not added again, whatever its case."""
    same = {"value": "KIM@example.com", "type": "WORK"}

    assert after(op("add", "emails", [dict(WORK)])) == kim()
    assert len(after(op("add", "emails", [same]))["emails"]) == 2


def test_add_without_a_path_merges_its_members():
    """Without a path each member is added where it belongs."""
    value = {
        "title": "Boss",
        "name": {"middleName": "J"},
        ENTERPRISE: {"division": "A"},
    }

    result = after(op("add", None, value))

    assert result["title"] == "Boss"
    assert result["name"] == {
        "givenName": "Kim",
        "familyName": "Doe",
        "middleName": "J",
    }
    assert result[ENTERPRISE] == kim()[ENTERPRISE] | {"division": "A"}


def test_a_new_primary_value_demotes_the_old_one():
    """Section 3.5.2: the server sets the old primary to false."""
    result = after(op("add", "emails", [{"value": "n@x.example", "primary": True}]))

    assert [email.get("primary") for email in result["emails"]] == [False, None, True]


def test_two_new_primary_values_are_refused():
    """Nobody can guess which of two is meant."""
    with pytest.raises(InvalidValue, match="primary"):
        run(op("replace", "emails.primary", True))


# replace, section 3.5.2.3


def test_replace_of_a_list_replaces_all_of_it():
    """Without a filter the whole attribute is replaced."""
    assert after(op("replace", "emails", [HOME]))["emails"] == [HOME]


def test_replace_of_a_complex_value_leaves_the_rest_of_it():
    """Sub-attributes that are not specified are left unchanged."""
    result = after(op("replace", "name", {"givenName": "Kimberly"}))

    assert result["name"] == {"givenName": "Kimberly", "familyName": "Doe"}


def test_replace_of_a_sub_attribute_touches_nothing_else():
    """Only what is addressed changes."""
    result = after(op("replace", "name.familyName", "Roe"))

    assert result == kim() | {"name": {"givenName": "Kim", "familyName": "Roe"}}


def test_replace_with_a_filter_replaces_the_matching_elements():
    """Section 3.5.2.3: a value path selects the records that are replaced."""
    result = after(op("replace", 'emails[type eq "home"]', {"value": "new@x.example"}))

    assert result["emails"] == [WORK, {"type": "home", "value": "new@x.example"}]


def test_replace_with_a_filter_and_a_sub_attribute():
    """Only the named sub-attribute of the matching elements is replaced."""
    result = after(op("replace", 'emails[type eq "WORK"].value', "new@x.example"))

    assert result["emails"] == [WORK | {"value": "new@x.example"}, HOME]


def test_replace_of_a_missing_attribute_adds_it():
    """A target that does not exist is treated as an add."""
    result = after(
        op("replace", "nickName", "K"), op("replace", "name.middleName", "J")
    )

    assert result["nickName"] == "K"
    assert result["name"] == kim()["name"] | {"middleName": "J"}


def test_replace_with_null_clears():
    """RFC 7643 section 2.5: null is the absence of a value."""
    result = after(op("replace", "name.givenName", None), op("replace", "emails", None))

    assert result["name"] == {"familyName": "Doe"}
    assert "emails" not in result


def test_a_null_inside_a_complex_value_clears_that_part():
    """A sub-attribute that is mentioned as null or empty goes."""
    result = after(op("replace", None, {"name": {"givenName": "", "middleName": None}}))

    assert result["name"] == {"familyName": "Doe"}


def test_a_sub_attribute_without_a_filter_means_every_element():
    """emails.display is set on each element, and makes one where there is none."""
    result = after(op("add", "emails.display", "Kim"), op("add", "ims.value", "kim"))

    assert [email["display"] for email in result["emails"]] == ["Kim", "Kim"]
    assert result["ims"] == [{"value": "kim"}]


# remove, section 3.5.2.2


def test_remove_takes_the_attribute_away():
    """Single, complex and multi-valued attributes are removed by their path."""
    result = after(
        op("remove", "emails"),
        op("remove", "name"),
        op("remove", f"{ENTERPRISE}:department"),
        op("remove", f"{ENTERPRISE}:manager"),
    )

    assert result == {"userName": "kim.doe@example.com", "active": True}


def test_remove_of_a_sub_attribute():
    """The last sub-attribute takes its complex attribute along."""
    once = after(op("remove", "name.givenName"))
    twice = after(op("remove", "name.familyName"), before=once)

    assert once["name"] == {"familyName": "Doe"}
    assert "name" not in twice


def test_remove_with_a_filter_takes_the_matching_elements():
    """Section 3.5.2.2: with a value selection filter the matches are removed."""
    assert after(op("remove", 'emails[type eq "work"]'))["emails"] == [HOME]
    assert "emails" not in after(op("remove", "emails[value pr]"))


def test_remove_of_a_value_leaves_no_empty_shell():
    """An element of which only type and primary are left says nothing and goes."""
    assert after(op("remove", 'emails[type eq "work"].value'))["emails"] == [HOME]
    assert after(op("remove", 'emails[type eq "work"].type'))["emails"][0] == {
        "value": "kim@example.com",
        "primary": True,
    }


def test_remove_of_an_extension_takes_all_of_it():
    """The URN of an extension alone is a path to all its attributes."""
    assert ENTERPRISE not in after(op("remove", ENTERPRISE))


def test_remove_without_a_path_is_no_target():
    """Section 3.5.2.2: without a path the operation fails with noTarget."""
    with pytest.raises(NoTarget, match="needs a path"):
        run(op("remove"))


@pytest.mark.parametrize(
    "path", ["title", "name.middleName", "phoneNumbers", 'emails[type eq "fax"]', LOCAL]
)
def test_remove_of_what_is_absent_changes_nothing(path):
    """Quirk 36: a removal of something absent succeeds."""
    assert after(op("remove", path)) == kim()


def test_remove_of_what_is_absent_can_be_strict():
    """With remove-absent off a filter without a match is noTarget."""
    with pytest.raises(NoTarget):
        run(op("remove", 'emails[type eq "fax"]'), off={"remove-absent"})


# what must not go


@pytest.mark.parametrize(
    "operation",
    [
        op("remove", "active"),
        op("replace", "active", None),
        op("replace", "active", ""),
        op("add", "active", []),
        op("replace", None, {"active": None}),
    ],
)
def test_active_is_never_left_open(operation):
    """T28 of the threats: removing active, or null, is 400 and toggles nothing."""
    with pytest.raises(Mutability, match="active is required"):
        run(operation)


@pytest.mark.parametrize(
    "operation",
    [
        op("remove", "userName"),
        op("replace", "userName", None),
        op("replace", None, {"userName": ""}),
    ],
)
def test_the_user_name_cannot_go(operation):
    """A removal of a required attribute is 400 mutability (RFC 7644, 3.5.2.2)."""
    with pytest.raises(Mutability, match="userName is required"):
        run(operation)


def test_the_user_name_is_never_blank():
    """Blanks are no name: 400 invalidValue."""
    with pytest.raises(InvalidValue, match="userName is missing"):
        run(op("replace", "userName", " "))


@pytest.mark.parametrize(
    "path",
    [
        "id",
        "meta",
        "meta.version",
        "groups",
        'groups[value eq "x"]',
        f"{LOCAL}:local",
        f"{LOCAL}:local.initials",
    ],
)
def test_a_path_to_what_the_server_sets_is_refused(path):
    """Section 3.5.2: a readOnly target is 400 mutability."""
    for name, value in (("add", ["x"]), ("replace", ["x"]), ("remove", [])):
        with pytest.raises(Mutability, match="set by the server"):
            run(op(name, path, *value))


def test_the_api_user_flag_is_left_to_the_caller():
    """D16: apiUser is immutable; the same value must pass, so the caller compares."""
    result = after(op("replace", f"{LOCAL}:apiUser", "True"))

    assert result[LOCAL] == {"apiUser": True}


# messages


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"Operations": None},
        {"Operations": []},
        {"Operations": {}},
        {"Operations": ["x"]},
        {"Operations": [{"path": "title", "value": "x"}]},
        {"Operations": [{"op": 5}]},
        {"Operations": [{"op": "move", "path": "title"}]},
        {"Operations": [{"op": "remove", "path": ["title"]}]},
        {"Operations": [{"op": "remove", "path": 5}]},
    ],
)
def test_a_message_that_is_no_patch_is_refused(body):
    """A body that is no list of operations is 400 invalidSyntax."""
    with pytest.raises(InvalidSyntax):
        patch.apply(USER, kim(), body, dialect=DIALECTS["generic"], strict=False)


@pytest.mark.parametrize("name", ["add", "replace"])
def test_a_value_is_needed(name):
    """Add and replace MUST contain a value (section 3.5.2.1)."""
    with pytest.raises(InvalidValue, match="needs a value"):
        run(op(name, "title"))


@pytest.mark.parametrize("value", [None, "x", 5, ["active"], [{"active": False}]])
def test_a_value_without_a_path_is_an_object(value):
    """Without a path only an object says what to set."""
    with pytest.raises(InvalidValue, match="needs an object"):
        run(op("replace", None, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("title", 5),
        ("title", ["x"]),
        ("active", "maybe"),
        ("active", {"active": False}),
        ("name", "Kim"),
        ("name.givenName", {}),
        ("emails", "a@b.c"),
        ("emails", [5]),
        ('emails[type eq "work"].value', 5),
        ('emails[type eq "work"]', "a@b.c"),
        ('emails[type eq "work"]', [{"value": "a"}, {"value": "b"}]),
        (ENTERPRISE, "Sales"),
        (f"{ENTERPRISE}:manager", 7),
        ("displayName", "x" * 1025),
        ("emails", [{"value": str(n)} for n in range(999)]),
    ],
)
def test_a_wrong_value_is_refused(path, value):
    """A value of a wrong type or size is 400 invalidValue naming its path."""
    with pytest.raises(InvalidValue, match=path.partition("[")[0].replace("$", ".")):
        run(op("add", path, value))


def test_at_most_a_thousand_operations():
    """A longer list of operations is refused, one of a thousand is served."""
    assert after(*[op("add", "title", "x")] * 1000)["title"] == "x"
    with pytest.raises(InvalidValue, match="1000 operations"):
        run(*[op("add", "title", "x")] * 1001)


def test_a_malformed_path_is_refused():
    """A path that cannot be read is invalidPath, a filter in it invalidFilter."""
    with pytest.raises(InvalidPath):
        run(op("replace", "", "x"))
    with pytest.raises(InvalidFilter):
        run(op("replace", "emails[type eq].value", "x"))


def test_all_or_nothing():
    """Section 3.5.2: one failing operation leaves the document as it was."""
    before = kim()
    untouched = copy.deepcopy(before)

    with pytest.raises(InvalidValue):
        run(
            op("replace", "emails", [HOME]),
            op("remove", "name"),
            op("replace", "active", "nonsense"),
            before=before,
        )

    assert before == untouched


def test_the_given_document_is_never_changed():
    """The result shares nothing with the document it started from."""
    before = kim()
    untouched = copy.deepcopy(before)

    result = after(
        op("add", "emails", [{"value": "x", "primary": True}]),
        op("replace", "name.givenName", "X"),
        op("remove", f"{ENTERPRISE}:manager.$ref"),
        before=before,
    )

    assert before == untouched
    assert result != untouched


def test_operations_are_applied_in_order_and_the_last_one_wins():
    """Quirk 35: the same attribute twice in one request."""
    result = after(op("replace", "title", "A"), op("replace", "title", "B"))

    assert result["title"] == "B"
    assert "title" not in after(op("add", "title", "A"), op("remove", "title"))


@pytest.mark.parametrize(
    "operation",
    [
        op("replace", "active", True),
        op("add", "emails", [WORK]),
        op("replace", "emails", [WORK, HOME]),
        op("replace", 'emails[type eq "work"].value', "kim@example.com"),
        op("replace", None, {"name": {"givenName": "Kim"}}),
        op("add", f"{ENTERPRISE}:manager", {"value": "7"}),
        op("add", "name", {}),
        op("add", ENTERPRISE, {}),
    ],
)
def test_a_request_that_changes_nothing_gives_an_equal_document(operation):
    """D29, D30: an identical PATCH is recognised by the equal result."""
    assert after(operation) == kim()


def test_another_manager_leaves_nothing_of_the_old_one():
    """The reference of the old manager does not stay beside the new id."""
    result = after(op("replace", f"{ENTERPRISE}:manager", {"value": "8"}))

    assert result[ENTERPRISE]["manager"] == {"value": "8"}


def test_the_name_of_the_manager_alone_leaves_the_manager():
    """Okta maps manager.displayName by itself; the id stays."""
    result = after(op("add", f"{ENTERPRISE}:manager", {"displayName": "Lee"}))

    assert result[ENTERPRISE]["manager"] == {
        "value": "7",
        "$ref": "../7",
        "displayName": "Lee",
    }


def test_simple_multi_valued_attributes_can_be_patched():
    """A list of plain values is added to, filtered and removed from like others."""
    kind = user_resource_type((DeclaredAttribute(BADGE, "tags", multi_valued=True),))
    path = f"{BADGE}:tags"

    added = after(op("add", path, ["a", "b"]), op("add", path, "A"), kind=kind)
    left = after(op("remove", f'{path}[value eq "a"]'), before=added, kind=kind)
    none = after(op("remove", path, ["B"]), before=left, kind=kind)

    assert added[BADGE] == {"tags": ["a", "b"]}
    assert left[BADGE] == {"tags": ["b"]}
    assert BADGE not in none
