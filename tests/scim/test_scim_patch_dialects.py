"""PATCH as Entra, Okta and others write it: T15 to T24, T46 to T49."""

from __future__ import annotations

import json

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
from scim_connector.scim.schemas import USER
from scim_connector.scim.types import CORE, ENTERPRISE, LOCAL, PATCH_OP

FOREIGN = "urn:ietf:params:scim:schemas:extension:Foo:2.0:User"


def kim():
    return {
        "userName": "kim.doe@contoso.com",
        "active": True,
        "name": {"givenName": "Kim", "familyName": "Doe"},
        "emails": [{"primary": True, "type": "work", "value": "kim.doe@contoso.com"}],
    }


def run(*operations, before=None, off=(), strict=False):
    """Apply operations in the entra dialect, some rows switched off."""
    return patch.apply(
        USER,
        before or kim(),
        {"schemas": [PATCH_OP], "Operations": list(operations)},
        dialect=Dialect("entra", frozenset(off)) if off else DIALECTS["entra"],
        strict=strict,
    )


def at(name, path, *value):
    return {"op": name, "path": path} | ({"value": value[0]} if value else {})


def whole(value, name="replace"):
    return {"op": name, "value": value}


@pytest.mark.parametrize(
    ("operation", "quirks"),
    [
        (at("Replace", "active", "False"), {"capitalised-op", "string-boolean"}),
        (at("replace", "active", "false"), {"string-boolean"}),
        (at("replace", "active", False), set()),
        (at("Add", "active", "False"), {"capitalised-op", "string-boolean"}),
        (whole({"active": False}), set()),
        (whole({"Active": "False"}), {"string-boolean"}),
        (whole({"active": False, "id": "7"}), {"read-only-in-value"}),
        (at("replace", f"{CORE}:active", False), set()),
        (whole({f"{CORE}:active": False}), {"urn-key"}),
        (whole({CORE: {"active": False}}), set()),
    ],
)
def test_every_form_of_a_deactivation_deactivates(operation, quirks):
    """T15, T16, T46: whatever form a deactivation has, the user is inactive."""
    result = run(operation)

    assert result.document == kim() | {"active": False}
    assert set(result.notes.quirks) == quirks


def test_a_restore_sets_active_again():
    """T17, T48: the same shapes with true."""
    inactive = kim() | {"active": False}

    assert run(at("Replace", "active", "True"), before=inactive).document["active"]
    assert run(whole({"active": True}), before=inactive).document["active"]


def test_the_update_bundle_of_entra():
    """T18: several attributes, one operation each."""
    result = run(
        at("Replace", "displayName", "Kim D"),
        at("Replace", 'emails[type eq "work"].value', "kim.d@contoso.com"),
        at("Replace", "name.givenName", "Kimberly"),
        at("Replace", "externalId", "abc"),
        at("Replace", f"{ENTERPRISE}:employeeNumber", "77"),
    )

    assert result.document == {
        "userName": "kim.doe@contoso.com",
        "active": True,
        "name": {"givenName": "Kimberly", "familyName": "Doe"},
        "emails": [{"primary": True, "type": "work", "value": "kim.d@contoso.com"}],
        "displayName": "Kim D",
        "externalId": "abc",
        ENTERPRISE: {"employeeNumber": "77"},
    }


@pytest.mark.parametrize("name", ["replace", "add"])
def test_dotted_and_urn_keys_without_a_path(name):
    """T19: with Microsoft's flag each key of the value is a path."""
    value = {
        "displayName": "Kim D",
        "name.givenName": "K",
        "name.familyName": "D",
        f"{ENTERPRISE}:employeeNumber": "77",
        f"{ENTERPRISE}:manager.displayName": "Lee",
        'emails[type eq "work"].display': "Work",
    }

    result = run(whole(value, name))

    assert result.document["name"] == {"givenName": "K", "familyName": "D"}
    assert result.document["displayName"] == "Kim D"
    assert result.document["emails"][0]["display"] == "Work"
    assert result.document[ENTERPRISE] == {
        "employeeNumber": "77",
        "manager": {"displayName": "Lee"},
    }
    assert result.notes.quirks == {"dotted-key": 3, "urn-key": 2}


@pytest.mark.parametrize("name", ["Add", "Replace"])
def test_a_filtered_path_without_a_target_makes_the_element(name):
    """T20, quirk 5: the element is made, with its type and never as the primary."""
    result = run(at(name, 'phoneNumbers[type eq "work"].value', "+1 555 0100"))

    assert result.document["phoneNumbers"] == [{"type": "work", "value": "+1 555 0100"}]
    assert result.notes.quirks["filtered-path-creates"] == 1


def test_several_adds_with_one_filter_build_one_element():
    """T20: the parts of one address arrive one by one."""
    result = run(
        at("Add", 'addresses[type eq "work"].streetAddress', "Main Street 1"),
        at("Add", 'addresses[type eq "work"].locality', "Springfield"),
        at("Add", 'addresses[type eq "work"].country', "US"),
    )

    assert result.document["addresses"] == [
        {
            "type": "work",
            "streetAddress": "Main Street 1",
            "locality": "Springfield",
            "country": "US",
        }
    ]


def test_a_filtered_path_may_make_a_whole_element():
    """A value path without a sub-attribute makes the element as given and stamped."""
    result = run(at("add", 'emails[type eq "home"]', {"value": "k@home.example"}))

    assert result.document["emails"][1] == {"type": "home", "value": "k@home.example"}


@pytest.mark.parametrize(
    "path",
    [
        'emails[type eq "home" or type eq "other"].value',
        'emails[type ne "work"].value',
        'emails[not (type eq "work")].value',
    ],
)
def test_a_filter_that_describes_no_element_has_no_target(path):
    """Nothing can be made from a choice; RFC 7644 section 3.5.2.3 says noTarget."""
    with pytest.raises(NoTarget):
        run(at("replace", path, "x"))


def test_the_primary_role_of_entra():
    """T24, quirk 6: primary is compared with the text "True", and asked for."""
    result = run(at("Add", 'roles[primary eq "True"].value', "Admin"))

    assert result.document["roles"] == [{"primary": True, "value": "Admin"}]
    assert result.notes.quirks["string-boolean-in-filter"] == 1


def test_the_primary_role_is_replaced_in_place():
    """T24: with a primary role present its value is replaced, no second one made."""
    before = kim() | {"roles": [{"value": "Reader", "primary": True}, {"value": "X"}]}

    result = run(at("Replace", 'roles[primary eq "True"].value', "A"), before=before)

    assert result.document["roles"] == [{"value": "A", "primary": True}, {"value": "X"}]


def test_roles_as_json_text():
    """T24: JSON inside the value of a role is read, adding it twice is once."""
    value = [{"value": '{"id":"1","value":"Admin","displayName":"The Admin"}'}]

    result = run(at("Add", "roles", value), at("Add", "roles", value))

    assert result.document["roles"] == [{"value": "Admin", "display": "The Admin"}]
    removed = run(at("Remove", "roles", value), before=result.document)
    assert "roles" not in removed.document


def test_roles_assertive():
    """T24: the assertive form replaces all roles, with display for displayName."""
    roles = [{"primary": False, "type": "T", "displayName": "A", "value": "a"}]

    result = run(
        at("replace", "roles", roles), before=kim() | {"roles": [{"value": "b"}]}
    )

    assert result.document["roles"] == [
        {"primary": False, "type": "T", "display": "A", "value": "a"}
    ]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (f"{ENTERPRISE}:manager", "7"),
        (f"{ENTERPRISE}:manager", {"value": "7"}),
        (f"{ENTERPRISE}:manager", [{"value": "7"}]),
        (f"{ENTERPRISE}:manager.value", "7"),
        (f"{ENTERPRISE}.manager", "7"),
        ("manager", [{"$ref": None, "value": "7"}]),
        (ENTERPRISE, {"manager": "7"}),
    ],
)
def test_every_form_of_a_manager_becomes_an_object(path, value):
    """T23, quirks 8 and 11: text, object, list, dotted URN, and without its URN."""
    result = run(at("Add", path, value))

    assert result.document[ENTERPRISE] == {"manager": {"value": "7"}}


@pytest.mark.parametrize("path", [f"{ENTERPRISE}:manager", "manager"])
def test_the_manager_is_removed(path):
    """T23: the removal takes the empty extension along."""
    before = kim() | {ENTERPRISE: {"manager": {"value": "7"}}}

    assert run(at("Remove", path), before=before).document == kim()


def test_a_removal_with_values_removes_only_these():
    """T31, quirk 10: read by the letter it would empty the attribute."""
    before = kim() | {"roles": [{"value": "A"}, {"value": "B"}, {"value": "C"}]}
    listed = [{"$ref": None, "value": "a"}, {"value": "C"}, {"value": "D"}]

    result = run(at("Remove", "roles", listed), before=before)

    assert result.document["roles"] == [{"value": "B"}]
    assert result.notes.quirks["remove-with-value"] == 1
    assert not result.notes.unknown


@pytest.mark.parametrize("value", ["A", {"value": "A"}, ["A"]])
def test_a_removal_with_a_bare_value(value):
    """Microsoft's collection sends one plain text as the value of a removal."""
    before = kim() | {"roles": [{"value": "A"}, {"value": "B"}]}

    result = run(at("Remove", "roles", value), before=before)

    assert result.document["roles"] == [{"value": "B"}]


def test_a_removal_with_an_empty_list_removes_nothing():
    """An empty list lists nothing; only a missing or null value means all."""
    assert run(at("Remove", "emails", [])).document == kim()
    assert "emails" not in run(at("Remove", "emails", None)).document


def test_a_removal_by_what_an_address_says():
    """Elements without a value are compared by all that is listed."""
    before = kim() | {
        "addresses": [{"locality": "A", "type": "work"}, {"locality": "B"}]
    }

    result = run(at("Remove", "addresses", [{"locality": "a"}]), before=before)

    assert result.document["addresses"] == [{"locality": "B"}]


@pytest.mark.parametrize("value", ["", None])
def test_an_empty_value_clears(value):
    """Quirk 12: null and an empty text clear, also behind a filter."""
    phone = 'phoneNumbers[type eq "work"].value'
    with_phone = run(at("Add", phone, "1"), at("Add", "title", "Boss")).document

    result = run(
        at("Replace", phone, value), at("Replace", "title", value), before=with_phone
    )

    assert result.document == kim()


def test_what_the_server_sets_is_ignored_inside_a_value():
    """Quirk 4: Okta sends id, meta and groups along."""
    value = {"id": "7", "meta": {}, "groups": [], "displayName": "Kim"}
    local = {LOCAL: {"local": {"initials": "XX"}, "initials": "KD"}}

    result = run(whole(value | local))

    assert result.document == kim() | {"displayName": "Kim", LOCAL: {"initials": "KD"}}
    assert [name for name, _ in result.notes.ignored] == [
        "id",
        "meta",
        "groups",
        f"{LOCAL}:local",
    ]


@pytest.mark.parametrize(
    "operation",
    [
        whole({"password": "secret"}),
        at("replace", "password", "secret"),
        at("replace", f"{CORE}:password", "secret"),
        whole({"schemas": [CORE]}),
        at("add", "schemas", [ENTERPRISE]),
    ],
)
def test_passwords_and_schemas_are_accepted_and_dropped(operation):
    """T49, D25: password sync succeeds and stores nothing; schemas are worked out."""
    result = run(operation, strict=True)

    assert result.document == kim()
    assert len(result.notes.ignored) == 1


@pytest.mark.parametrize(
    ("operation", "names"),
    [
        (at("Add", f"{FOREIGN}:tag", "x"), [f"{FOREIGN}:tag"]),
        (at("Add", "members", [{"value": "7"}]), ["members"]),
        (at("Replace", 'phones[type eq "work"].value', "7"), ["phones.value"]),
        (at("Remove", "emails.nope"), ["emails.nope"]),
        (whole({"favourite": "tea", FOREIGN: {"a": 1, "b": 2}}), None),
        (whole({ENTERPRISE: {"nope": 1}}), [f"{ENTERPRISE}:nope"]),
        (whole({"name": {"nope": 1}}), ["name.nope"]),
        (whole({"not a path": 1}), ["not a path"]),
    ],
)
def test_what_nothing_declares_is_ignored_and_counted(operation, names):
    """D24, quirk 14: one unknown attribute must not lose the whole bundle."""
    result = run(operation, at("Replace", "active", "False"))

    assert result.document == kim() | {"active": False}
    expected = names or ["favourite", f"{FOREIGN}:a", f"{FOREIGN}:b"]
    assert list(result.notes.unknown) == expected


def test_strict_refuses_what_nothing_declares():
    """D24: strict names the unknown attribute, in a path with a suggestion."""
    with pytest.raises(InvalidPath, match="Did you mean displayName"):
        run(at("replace", "displayNam", "x"), strict=True)
    with pytest.raises(InvalidSyntax, match="favourite"):
        run(whole({"favourite": 1}), strict=True)


@pytest.mark.parametrize(
    ("quirk", "operation", "answer"),
    [
        ("capitalised-op", at("Replace", "title", "x"), InvalidSyntax),
        ("string-boolean", at("replace", "active", "False"), InvalidValue),
        ("read-only-in-value", whole({"id": "7"}), Mutability),
        (
            "filtered-path-creates",
            at("add", 'ims[type eq "x"].value', "1"),
            NoTarget,
        ),
        (
            "string-boolean-in-filter",
            at("add", 'roles[primary eq "True"].value', "1"),
            InvalidFilter,
        ),
        ("manager-string", at("add", f"{ENTERPRISE}:manager", "7"), InvalidValue),
        ("manager-list", at("add", f"{ENTERPRISE}:manager", [{}]), InvalidValue),
        ("remove-with-value", at("remove", "emails", ["x"]), InvalidSyntax),
        ("dotted-urn", at("add", f"{ENTERPRISE}.department", "x"), InvalidPath),
        ("unknown-attribute", at("add", "nope", "x"), InvalidPath),
        ("unknown-attribute", whole({"nope": "x"}), InvalidSyntax),
        ("remove-absent", at("remove", 'ims[type eq "x"]'), NoTarget),
    ],
)
def test_a_row_that_is_switched_off_gives_the_strict_answer(quirk, operation, answer):
    """Each tolerance has a switch, and then the answer of its row."""
    run(operation)

    with pytest.raises(answer):
        run(operation, off={quirk})


@pytest.mark.parametrize(
    ("quirk", "value", "unknown"),
    [
        ("dotted-key", {"name.givenName": "X"}, "name.givenName"),
        ("urn-key", {f"{ENTERPRISE}:division": "X"}, f"{ENTERPRISE}:division"),
    ],
)
def test_keys_are_unknown_when_their_row_is_off(quirk, value, unknown):
    """Without the tolerance such a key is an attribute nothing declares."""
    result = run(whole(value), off={quirk})

    assert result.document == kim()
    assert result.notes.unknown == (unknown,)


def test_the_manager_without_its_urn_is_unknown_when_that_row_is_off():
    """Without the tolerance the core schema has no manager."""
    result = run(at("add", "manager", "7"), off={"manager-in-core"})

    assert result.document == kim()
    assert result.notes.unknown == ("manager",)


def test_a_message_with_other_names_is_read():
    """Quirk 37: operations in lower case, schemas missing."""
    body = json.loads('{"operations": [{"OP": "add", "Path": "title", "Value": "x"}]}')

    result = patch.apply(USER, kim(), body, dialect=DIALECTS["generic"], strict=False)

    assert result.document["title"] == "x"
    assert result.notes.quirks == {"missing-schemas": 1}
    strict = Dialect("generic", frozenset({"missing-schemas"}))
    with pytest.raises(InvalidSyntax, match="schemas"):
        patch.apply(USER, kim(), body, dialect=strict, strict=False)
