"""The attribute tables and how they are looked up (RFC 7643)."""

from __future__ import annotations

import pytest

from scim_connector.scim.schemas import (
    GROUP,
    USER,
    Attribute,
    DeclaredAttribute,
    among,
    user_resource_type,
)
from scim_connector.scim.types import CORE, ENTERPRISE, LOCAL

BADGE = "urn:example:badge:2.0:User"


def every_attribute() -> list[Attribute]:
    top = [attribute for schema in USER.schemas for attribute in schema.attributes]
    return top + [sub for attribute in top for sub in attribute.sub_attributes]


@pytest.mark.parametrize(
    ("urn", "name", "canonical"),
    [
        (None, "USERNAME", "userName"),
        (CORE, "emails", "emails"),
        (CORE.upper(), "externalid", "externalId"),
        (None, "meta", "meta"),
        (ENTERPRISE.lower(), "Department", "department"),
        (LOCAL, "apiuser", "apiUser"),
    ],
)
def test_names_and_urns_are_found_without_case(urn, name, canonical):
    """Attribute names and URNs are case-insensitive (RFC 7643 section 2.1)."""
    assert USER.find(urn, name).name == canonical


@pytest.mark.parametrize(
    ("urn", "name"), [(None, "nope"), (ENTERPRISE, "userName"), ("urn:x:y", "userName")]
)
def test_an_undeclared_name_is_not_found(urn, name):
    """Nothing is guessed: an undeclared name or URN gives None."""
    assert USER.find(urn, name) is None


def test_the_characteristics_that_matter_are_those_of_the_standard():
    """userName, id, externalId, emails and apiUser are as RFC 7643 and D16 say."""
    user_name, emails = USER.core("userName"), USER.core("emails")

    assert (user_name.required, user_name.case_exact) == (True, False)
    assert user_name.uniqueness == "server"
    assert emails.required
    assert emails.sub("value").required
    assert USER.core("id").returned == "always"
    assert USER.core("externalId").case_exact
    assert USER.core("groups").mutability == "readOnly"
    assert USER.find(LOCAL, "apiUser").mutability == "immutable"
    assert USER.find(LOCAL, "local").mutability == "readOnly"


def test_a_password_is_not_published():
    """The schema has no password, because none is ever stored (D25)."""
    assert USER.core("password") is None


def test_no_sub_attribute_is_complex():
    """Erratum 8415: the type of a sub-attribute is simple."""
    subs = [sub for attribute in every_attribute() for sub in attribute.sub_attributes]

    assert all(sub.type != "complex" for sub in subs)


def test_every_attribute_is_described():
    """Each attribute says what it is for."""
    assert all(attribute.description for attribute in every_attribute())


@pytest.mark.parametrize(
    ("text", "schema", "rest"),
    [
        (f"{ENTERPRISE}:manager.value", ENTERPRISE, ":manager.value"),
        (f"{ENTERPRISE}.manager", ENTERPRISE, ".manager"),
        (ENTERPRISE.upper(), ENTERPRISE, ""),
        (f"{CORE}:userName", CORE, ":userName"),
    ],
)
def test_a_known_urn_is_cut_off_whole(text, schema, rest):
    """A URN contains dots and colons; the known one is cut off first (quirk 11)."""
    found = USER.split_urn(text)

    assert (found[0].id, found[1]) == (schema, rest)


@pytest.mark.parametrize("text", ["userName", f"{ENTERPRISE}X:a", "urn:x:2.0:User:a"])
def test_other_text_has_no_known_urn(text):
    """A URN that only begins like a known one is another one."""
    assert USER.split_urn(text) is None


def test_the_longest_known_urn_wins():
    """Where one known URN begins another, the longer one is meant."""
    declared = (
        DeclaredAttribute("urn:a:User", "x"),
        DeclaredAttribute("urn:a:User:more", "y"),
    )

    schema, rest = user_resource_type(declared).split_urn("urn:a:User:more:y")

    assert (schema.id, rest) == ("urn:a:User:more", ":y")


def test_declared_attributes_extend_the_schemas():
    """An operator adds to the core, to an extension, or makes an extension (D17)."""
    kind = user_resource_type(
        (
            DeclaredAttribute(CORE, "shoeSize", "integer"),
            DeclaredAttribute(ENTERPRISE.upper(), "floor"),
            DeclaredAttribute(BADGE, "tags", multi_valued=True),
        )
    )

    assert kind.core("shoesize").type == "integer"
    assert kind.find(ENTERPRISE, "floor").name == "floor"
    assert kind.find(BADGE, "tags").multi_valued
    assert kind.extension(BADGE).name == "badge"
    assert USER.core("shoeSize") is None


def test_the_same_declarations_give_the_same_resource_type():
    """The resource type is built once per set of declarations."""
    declared = (DeclaredAttribute(BADGE, "tag"),)

    assert user_resource_type(declared) is user_resource_type(tuple(declared))
    assert user_resource_type() is USER


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        (DeclaredAttribute(CORE, "username"), "already has"),
        (DeclaredAttribute(CORE, "ID"), "already has"),
        (DeclaredAttribute(BADGE, "box", "complex"), "simple type"),
    ],
)
def test_a_wrong_declaration_is_refused(declared, reason):
    """A name that is taken, or a complex type, cannot be declared."""
    with pytest.raises(ValueError, match=reason):
        user_resource_type((declared,))


def test_among_others_a_type_knows_their_attributes_too():
    """RFC 7644 §3.4.2.1: a filter may name what other types declare; own names win."""
    group = among(GROUP, USER)

    assert group.core("userName") is USER.core("userName")
    assert group.core("displayName") is GROUP.core("displayName")
    assert group.find(CORE, "userName") is USER.core("userName")
    assert group.find(GROUP.schema.id, "members") is GROUP.core("members")
    assert group.extension(ENTERPRISE) is USER.extension(ENTERPRISE)
    assert group.core("nope") is None
    assert (group.id, among(GROUP, USER)) == ("Group", group)
