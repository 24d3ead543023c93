"""Attribute paths (RFC 7644 section 3.10 and figure 7)."""

from __future__ import annotations

import pytest

from scim_connector.scim import paths
from scim_connector.scim.errors import InvalidFilter, InvalidPath
from scim_connector.scim.schemas import USER
from scim_connector.scim.types import CORE, ENTERPRISE, LOCAL


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("userName", "userName"),
        ("USERNAME", "userName"),
        ("name.givenname", "name.givenName"),
        (f"{CORE}:name.familyName", "name.familyName"),
        (f"{ENTERPRISE}:department", f"{ENTERPRISE}:department"),
        (f"{ENTERPRISE.lower()}:Manager.Value", f"{ENTERPRISE}:manager.value"),
        (f"{ENTERPRISE}:manager.$ref", f"{ENTERPRISE}:manager.$ref"),
        (LOCAL, LOCAL),
        ("emails", "emails"),
        ("emails.value", "emails.value"),
        ('emails[type eq "work"]', "emails"),
        ('emails[type eq "work"].value', "emails.value"),
        ('emails[value eq "a]b.c"].type', "emails.type"),
        (f'{CORE}:emails[type eq "work"].value', "emails.value"),
    ],
)
def test_a_path_is_bound_to_the_schema(text, name):
    """Names and URNs are found without case and answered in canonical spelling."""
    path = paths.parse(text, USER)

    assert path.name == name
    assert (path.filter is not None) == ("[" in text)


def test_a_dotted_urn_is_recognised():
    """T23, quirk 11: the dots inside a URN do not split it."""
    path = paths.parse(f"{ENTERPRISE}.manager.value", USER)

    assert path.name == f"{ENTERPRISE}:manager.value"
    assert path.dotted_urn


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("userNmae", "Did you mean userName?"),
        ("name.givenNam", "Did you mean name.givenName?"),
        (f"{ENTERPRISE}:departmnt", f"Did you mean {ENTERPRISE}:department?"),
        ("urn:example:badge:2.0:User:colour", "No schema declares"),
        ("members", "No schema declares"),
        ("displayName.value", "No schema declares"),
        ('phoneNumber[type eq "work"].value', "Did you mean phoneNumbers"),
    ],
)
def test_an_undeclared_path_is_told_apart_with_a_suggestion(text, hint):
    """A well formed path to nothing is invalidPath and names the nearest one."""
    with pytest.raises(paths.UnknownPath) as refused:
        paths.parse(text, USER)

    assert hint in refused.value.detail
    assert "[" not in refused.value.name
    assert refused.value.scim_type == "invalidPath"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ".",
        "userName ",
        "name..givenName",
        "name.",
        "name.given.name",
        "5name",
        "emails[",
        "emails]",
        'emails[type eq "work"]value',
        'emails[type eq "work"].',
        'name[givenName eq "x"]',
        'userName[type eq "x"]',
        CORE,
        f"{CORE}:",
        "x" * 5000,
        "\x00",
    ],
)
def test_a_malformed_path_is_refused(text):
    """What is no path at all is 400 invalidPath."""
    with pytest.raises(InvalidPath):
        paths.parse(text, USER)


@pytest.mark.parametrize(
    "text",
    ["emails[]", "emails[type eq]", 'emails[nope eq "x"]', "emails[primary gt 1]"],
)
def test_a_wrong_filter_inside_is_an_invalid_filter(text):
    """A broken filter inside a path is 400 invalidFilter (RFC 7644 table 9)."""
    with pytest.raises(InvalidFilter):
        paths.parse(text, USER)


@pytest.mark.parametrize(
    ("inner", "terms"),
    [
        ('type eq "Work"', [("type", "Work")]),
        ("type EQ work", [("type", "work")]),
        (
            'type eq "a \\"b\\" and c" AND primary eq true',
            [("type", 'a "b" and c'), ("primary", True)],
        ),
        ('primary eq "True"', [("primary", "True")]),
        ('type eq "a" or type eq "b"', None),
        ('type ne "a"', None),
        ('not (type eq "a")', None),
        ('type eq "a" and value pr', None),
        ('(type eq "a")', None),
    ],
)
def test_the_terms_an_element_must_equal_are_as_sent(inner, terms):
    """An element can be made from eq terms joined by and, in the sent spelling."""
    found = paths.parse(f"emails[{inner}].value", USER).terms()

    assert (None if found is None else [(sub.name, raw) for sub, raw in found]) == terms
