"""What holds for every document and every hostile request."""

from __future__ import annotations

import contextlib
import copy

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scim_connector.scim import patch, projection, rendering, resources
from scim_connector.scim.dialects import DIALECTS
from scim_connector.scim.errors import (
    InvalidFilter,
    InvalidPath,
    InvalidSyntax,
    InvalidValue,
    Mutability,
    NoTarget,
)
from scim_connector.scim.rendering import Facts, Local
from scim_connector.scim.schemas import (
    USER,
    Attribute,
    DeclaredAttribute,
    user_resource_type,
)
from scim_connector.scim.types import CORE, ENTERPRISE, LOCAL

BADGE = "urn:example:badge:2.0:User"
KIND = user_resource_type(
    (
        DeclaredAttribute(BADGE, "tags", multi_valued=True),
        DeclaredAttribute(BADGE, "size", "integer"),
        DeclaredAttribute(BADGE, "since", "dateTime"),
    )
)
BASE = "https://scim.example/scim/v2"
KIM = {
    "userName": "kim",
    "active": True,
    "emails": [{"value": "a@b.c", "type": "work", "primary": True}],
    "roles": [{"value": "A"}, {"value": "B"}],
    ENTERPRISE: {"manager": {"value": "7"}},
    BADGE: {"tags": ["a"], "size": 1},
}
REFUSALS = (
    InvalidSyntax,
    InvalidFilter,
    InvalidPath,
    InvalidValue,
    NoTarget,
    Mutability,
)
PROPERTY = settings(
    deadline=None,
    max_examples=80,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

text = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn")),
    min_size=1,
    max_size=8,
)
SIMPLE = {
    "string": text,
    "reference": text,
    "boolean": st.booleans(),
    "integer": st.integers(-(2**63), 2**63 - 1),
    "decimal": st.floats(allow_nan=False, allow_infinity=False),
    "dateTime": st.just("2026-05-13T04:42:34Z"),
    "binary": st.just("TWFu"),
}


def value_of(attribute: Attribute):
    """Make lawful values of an attribute, as a reader leaves them."""
    if attribute.type == "complex":
        subs = [sub for sub in attribute.sub_attributes if not sub.read_only]
        fields = {sub.name: value_of(sub) for sub in subs if sub.name != "primary"}
        one = st.dictionaries(st.sampled_from(sorted(fields)), st.none(), min_size=1)
        one = one.flatmap(
            lambda chosen: st.fixed_dictionaries({n: fields[n] for n in chosen})
        )
    else:
        one = SIMPLE[attribute.type]
    return st.lists(one, min_size=1, max_size=3) if attribute.multi_valued else one


writable = [
    attribute
    for attribute in (*KIND.schema.attributes, KIND.core("externalId"))
    if not attribute.read_only and attribute.name not in {"userName", "active"}
]
blocks = [KIND.block(schema.id) for schema in KIND.extensions]
documents = st.fixed_dictionaries(
    {"userName": text.filter(str.strip), "active": st.booleans()},
    optional={
        attribute.name: value_of(attribute) for attribute in [*writable, *blocks]
    },
)

names = st.sampled_from(
    [
        "active",
        "userName",
        "name",
        "name.givenName",
        "emails",
        "emails.value",
        'emails[type eq "work"].value',
        'emails[type eq "home"]',
        'roles[primary eq "True"].value',
        "roles",
        "manager",
        f"{ENTERPRISE}:manager",
        f"{ENTERPRISE}.manager.value",
        ENTERPRISE,
        CORE,
        LOCAL,
        f"{LOCAL}:apiUser",
        f"{LOCAL}:local",
        f"{BADGE}:tags",
        f'{BADGE}:tags[value eq "a"]',
        f"{BADGE}:size",
        f"{BADGE}:since",
        BADGE,
        "id",
        "meta.version",
        "groups",
        "schemas",
        "password",
        "x509Certificates",
        "nope",
        "value",
        "type",
        "primary",
        "display",
        "displayName",
        "$ref",
    ]
)
hostile = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text
    | st.sampled_from(["", "True", "false", "work", "{", '{"value":"A"}', "7", CORE]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(names | text, inner, max_size=3)
    ),
    max_leaves=8,
)
operations = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "Replace", "remove", "REMOVE"]) | hostile},
    optional={"path": names | text | hostile, "value": hostile},
)
plausible = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "replace", "remove"])},
    optional={"path": names, "value": hostile},
)


def read(body, *, strict=False):
    return resources.read(KIND, body, dialect=DIALECTS["entra"], strict=strict).document


def patched(before, body, *, strict=False):
    return patch.apply(
        KIND, before, body, dialect=DIALECTS["entra"], strict=strict
    ).document


def served(document):
    """Serve a document and parse the answer, with everything the server adds."""
    local = Local("KD", "kim.doe", "kim@example.com", "administrative", "Sales")
    facts = Facts("7", 3, 10**15, 10**15, document["active"], local)
    reference = f'{{"value":"g","$ref":"{rendering.BASE_URL_MARK}/Groups/g"}}'
    stored = rendering.with_groups(rendering.served(KIND, document, facts), reference)
    return orjson.loads(rendering.expand(stored, BASE))


@PROPERTY
@given(documents)
def test_a_document_survives_the_round_trip(document):
    """Served, parsed and stripped again it is the same document, in the same order."""
    back = rendering.document_of(served(document))

    assert orjson.dumps(back) == orjson.dumps(document)


@PROPERTY
@given(documents)
def test_reading_our_own_answer_gives_the_document(document):
    """Quirk 18: PUT accepts what GET answered, and nothing drifts; strict too."""
    assert read(served(document), strict=False) == document


@PROPERTY
@given(documents)
def test_a_patch_with_what_is_there_changes_nothing(document):
    """D29: replacing everything by itself gives an equal document."""
    body = {"Operations": [{"op": "replace", "value": copy.deepcopy(document)}]}

    assert patched(document, body) == document


@PROPERTY
@given(documents)
def test_a_patch_of_each_attribute_by_its_path_changes_nothing(document):
    """The same with one operation and one path for each attribute."""
    listed = [
        {"op": "replace", "path": name, "value": value}
        for name, value in document.items()
    ]

    assert patched(document, {"Operations": listed}) == document


@PROPERTY
@given(documents)
def test_everything_can_be_added_and_removed_again(document):
    """Adding to a bare user and removing each attribute leaves the bare user."""
    bare = {"userName": "kim", "active": True}
    extra = {name: document[name] for name in document if name not in bare}
    full = patched(bare, {"Operations": [{"op": "add", "value": extra}]})
    nothing = {"op": "replace", "path": "active", "value": True}
    listed = [nothing, *({"op": "remove", "path": name} for name in extra)]

    assert patched(full, {"Operations": listed}) == bare


@PROPERTY
@given(hostile, st.booleans())
def test_reading_raises_nothing_but_scim_errors(body, strict):
    """Wrong JSON types anywhere are 400, never a failure of ours."""
    given_body = body if isinstance(body, dict) else {"userName": "kim", "name": body}
    with contextlib.suppress(*REFUSALS):
        document = read(given_body, strict=strict)
        assert read(served({"active": True} | document)) == {"active": True} | document


@PROPERTY
@given(st.lists(operations, max_size=4), st.booleans())
def test_patching_raises_nothing_but_scim_errors(listed, strict):
    """Arbitrary operations are carried out or refused, and all or nothing."""
    before = copy.deepcopy(KIM)
    with contextlib.suppress(*REFUSALS):
        patched(before, {"Operations": listed}, strict=strict)
    assert before == KIM


@PROPERTY
@given(st.lists(plausible, max_size=4))
def test_a_patched_document_is_one_that_can_be_read(listed):
    """What PATCH leaves is a lawful document: reading its answer gives it again."""
    try:
        document = patched(KIM, {"Operations": listed})
    except REFUSALS:
        return
    assert isinstance(document["active"], bool)
    assert read(served(document)) == document


@PROPERTY
@given(st.lists(names | text, max_size=4), st.lists(names | text, max_size=4))
def test_a_projection_only_takes_away(wanted, unwanted):
    """Whatever is asked for, id and schemas are there and nothing is made up."""
    resource = served(KIM)
    shown = projection.parse(wanted, unwanted, KIND).apply(resource)

    assert shown.keys() <= resource.keys()
    assert {"id", "schemas"} <= shown.keys()


@pytest.mark.parametrize("name", sorted({"userName", "emails", "roles", ENTERPRISE}))
def test_the_sample_is_a_lawful_document(name):
    """The document the properties start from is one the reader makes."""
    assert read(KIM)[name] == KIM[name]
    assert USER.core("userName") is KIND.core("userName")
