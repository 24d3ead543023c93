"""Search documents: the form in which a resource is filtered and sorted."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scim_connector.scim import search_documents
from scim_connector.scim.attributes import Attribute
from scim_connector.scim.folding import instant_key, text_key
from scim_connector.scim.schemas import (
    USER,
    DeclaredAttribute,
    user_resource_type,
)
from scim_connector.scim.types import CORE, ENTERPRISE, LOCAL

OWN = "urn:example:Own:1.0:User"
TYPE = user_resource_type(
    (
        DeclaredAttribute(OWN, "Level", "integer"),
        DeclaredAttribute(OWN, "Ratio", "decimal"),
        DeclaredAttribute(OWN, "Seen", "dateTime"),
        DeclaredAttribute(OWN, "Tags", multi_valued=True),
        DeclaredAttribute(OWN, "Page", "reference"),
    )
)


def test_a_whole_resource() -> None:
    """Names lower, text folded, dateTimes in microseconds, lists of objects (D40)."""
    resource = {
        "schemas": [CORE, ENTERPRISE],
        "id": "2819c223-7f76-453a-919d-413861904646",
        "externalId": "AbC",
        "userName": "Kim.DOE@Example.com",
        "name": {"familyName": "Straße"},
        "active": False,
        "emails": [{"value": "K@X.org", "type": "Work", "primary": True}],
        "meta": {
            "resourceType": "User",
            "created": "1970-01-01T01:00:00.000001+01:00",
            "version": 'W/"3"',
        },
        ENTERPRISE: {"manager": {"value": "M1"}, "employeeNumber": "A7"},
        LOCAL: {"local": {"initials": "KD"}},
        OWN: {"Level": 3, "Ratio": 1.5, "Tags": ["Red", "BLUE"], "Page": "HTTP://x"},
    }

    assert search_documents.build(TYPE, resource) == {
        "schemas": [{"value": CORE}, {"value": ENTERPRISE}],
        "id": "2819c223-7f76-453a-919d-413861904646",
        "externalid": "AbC",
        "username": "kim.doe@example.com",
        "name": {"familyname": "strasse"},
        "active": False,
        "emails": [{"value": "k@x.org", "type": "work", "primary": True}],
        "meta": {"resourcetype": "User", "created": 1, "version": 'W/"3"'},
        ENTERPRISE.lower(): {"manager": {"value": "m1"}, "employeenumber": "a7"},
        LOCAL.lower(): {"local": {"initials": "kd"}},
        OWN.lower(): {
            "level": 3,
            "ratio": 1.5,
            "tags": [{"value": "red"}, {"value": "blue"}],
            "page": "HTTP://x",
        },
    }


@pytest.mark.parametrize(
    "members",
    [
        {"title": None, "nickName": "", "emails": [], "name": {}},
        {"emails": [{}, {"value": None}], "name": {"familyName": ""}},
        {"nope": "x", "urn:unknown:1.0:User": {"a": 1}},
        {OWN: {"Seen": "yesterday"}},
        {OWN: {"Seen": "2026-13-01T00:00:00Z"}},
        {OWN: {"Level": True, "Ratio": float("inf")}},
        {OWN: {"Level": 2**63}},
        {"active": "True", "title": 7, "name": "Kim", "emails": "x"},
        {"emails": ["x"], ENTERPRISE: [], "schemas": "x"},
        {"groups": [{"value": "1"}]},
        {"meta": {"location": "https://x/Users/1"}},
    ],
)
def test_what_has_no_searchable_value_is_left_out(members: dict[str, Any]) -> None:
    """Absent, unknown, unreadable or made at answering: nothing of it is kept."""
    document = search_documents.build(TYPE, {"userName": "kim", **members})

    assert {name: value for name, value in document.items() if value != {}} == {
        "username": "kim"
    }


def test_one_element_of_a_complex_attribute() -> None:
    """An element is built like those of a whole resource."""
    emails = USER.core("emails")
    assert emails is not None

    element = search_documents.build_element(emails, {"value": "A@B.c", "type": "Work"})

    assert element == {"value": "a@b.c", "type": "work"}
    assert search_documents.build_element(emails, "A@B.c") == {}


@pytest.mark.parametrize("element", ["Red", {"value": "Red"}])
def test_one_element_of_a_simple_attribute_has_a_value(element: Any) -> None:
    """A bare value and an object with "value" are the same element."""
    tags = Attribute("tags", multi_valued=True)

    assert search_documents.build_element(tags, element) == {"value": "red"}
    assert search_documents.build_element(tags, None) == {}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Kim", "kim"),
        ("É", "é"),
        ("E\u0301", "é"),
        ("Straße", "strasse"),
        ("\u03a3\u0391\u03a3", "\u03c3\u03b1\u03c3"),
        ("", ""),
        ("\uff21", "\uff41"),
    ],
)
def test_text_is_folded(text: str, key: str) -> None:
    """caseExact=false text is compared as the casefold of NFC (D9)."""
    assert text_key(text) == key


@given(st.text())
@settings(deadline=None, max_examples=200)
def test_folding_hides_composition(text: str) -> None:
    """Composed and decomposed text have one key."""
    from unicodedata import normalize  # noqa: PLC0415

    assert text_key(normalize("NFD", text)) == text_key(text)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.5Z", 500_000),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("1970-01-01T02:00:00+02:00", 0),
        ("1970-01-01T00:00:00.1234567Z", 123_456),
        ("0001-01-01T00:00:00+14:00", -62_135_596_800_000_000 - 50_400_000_000),
        ("1970-01-01T00:00:00", None),
        ("1970-01-01", None),
        ("1970-01-01 00:00:00Z", None),
        ("1970-02-30T00:00:00Z", None),
        ("1970-01-01T25:00:00Z", None),
        ("1970-01-01T00:00:00Z\n", None),
        ("\uff11970-01-01T00:00:00Z", None),
        ("now", None),
    ],
)
def test_instants_are_microseconds(text: str, key: int | None) -> None:
    """A dateTime needs a zone; finer than a microsecond is cut off."""
    assert instant_key(text) == key
