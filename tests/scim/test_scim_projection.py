"""attributes and excludedAttributes (RFC 7644 section 3.9)."""

from __future__ import annotations

import copy

import pytest

from scim_connector.scim import projection
from scim_connector.scim.schemas import USER
from scim_connector.scim.types import CORE, ENTERPRISE

KIM = {
    "schemas": [CORE, ENTERPRISE],
    "id": "7",
    "userName": "kim",
    "name": {"givenName": "Kim", "familyName": "Doe"},
    "emails": [{"value": "a@b.c", "type": "work"}, {"value": "d@e.f"}],
    ENTERPRISE: {"department": "Sales", "manager": {"value": "9", "$ref": "../9"}},
    "meta": {"resourceType": "User", "version": 'W/"1"'},
    "groups": [{"value": "g"}],
}
ALWAYS = {"schemas": KIM["schemas"], "id": "7"}


def shown(attributes=None, excluded=None):
    """Project Kim; the given resource must stay as it is."""
    before = copy.deepcopy(KIM)
    result = projection.parse(attributes, excluded, USER).apply(KIM)
    assert before == KIM
    return result


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ("userName", {"userName": "kim"}),
        ("USERNAME, name", {"userName": "kim", "name": KIM["name"]}),
        ("id", {}),
        ("name.givenName", {"name": {"givenName": "Kim"}}),
        ("name.givenName,name", {"name": KIM["name"]}),
        ("name,name.givenName", {"name": KIM["name"]}),
        ("emails.type", {"emails": [{"type": "work"}]}),
        ('emails[type eq "work"]', {"emails": KIM["emails"]}),
        (
            'emails[type eq "a,b"].value,title',
            {"emails": [{"value": "a@b.c"}, {"value": "d@e.f"}]},
        ),
        (f"{CORE}:userName", {"userName": "kim"}),
        (ENTERPRISE.lower(), {ENTERPRISE: KIM[ENTERPRISE]}),
        (f"{ENTERPRISE}:department", {ENTERPRISE: {"department": "Sales"}}),
        (
            f"{ENTERPRISE}:manager.value",
            {ENTERPRISE: {"manager": {"value": "9"}}},
        ),
        ("meta.version", {"meta": {"version": 'W/"1"'}}),
        ("groups", {"groups": KIM["groups"]}),
        ("nope", {}),
        (["userName", "title"], {"userName": "kim"}),
        ("title,,", {}),
    ],
)
def test_attributes_name_what_is_shown(attributes, expected):
    """Only what is asked for, and always id and schemas."""
    assert shown(attributes) == ALWAYS | expected


@pytest.mark.parametrize(
    ("excluded", "gone"),
    [
        ("groups,meta", ["groups", "meta"]),
        ("NAME", ["name"]),
        ("id,schemas", []),
        ("nope, ", []),
        (ENTERPRISE, [ENTERPRISE]),
        (["emails"], ["emails"]),
    ],
)
def test_excluded_attributes_name_what_is_not(excluded, gone):
    """Id and schemas are returned always, so excluding them has no effect."""
    assert shown(None, excluded) == {n: v for n, v in KIM.items() if n not in gone}


def test_a_sub_attribute_can_be_excluded():
    """What nothing is left of disappears whole."""
    result = shown(None, "emails.value,name.givenName,meta.version,meta.resourceType")

    assert result["emails"] == [{"type": "work"}]
    assert result["name"] == {"familyName": "Doe"}
    assert "meta" not in result


def test_attributes_win_over_excluded_attributes():
    """Both at once: attributes alone decides."""
    assert shown("userName", "userName") == ALWAYS | {"userName": "kim"}


@pytest.mark.parametrize(
    ("attributes", "excluded", "is_default"),
    [
        (None, None, True),
        ("", "", True),
        (" , ", (), True),
        (None, "nope", True),
        (None, "id", True),
        ("nope", None, False),
        (None, "meta", False),
    ],
)
def test_the_default_is_recognised(attributes, excluded, is_default):
    """A default projection lets the stored text be answered as it is."""
    assert projection.parse(attributes, excluded, USER).is_default is is_default


@pytest.mark.parametrize(
    ("attributes", "excluded", "shows"),
    [
        (None, None, True),
        ("groups.value", None, True),
        ("userName", None, False),
        (None, "groups", False),
        (None, "groups.display", True),
    ],
)
def test_it_can_be_asked_before_groups_are_fetched(attributes, excluded, shows):
    """What is not shown need not be read from the database."""
    assert projection.parse(attributes, excluded, USER).shows("groups") is shows
